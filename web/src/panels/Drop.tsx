import { useEffect, useState } from "preact/hooks";
import { Refused, versioned } from "../api";
import { placed, space, trying, view } from "../state";
import { Plain } from "./Shown";
import { Thumb } from "./Thumb";

interface Encoded {
  z: number[];
  xy: [number, number] | null;
  rows: number[];
  ids: string[];
  covered: boolean;
  farness: number | null;
  picture?: string;
  item?: unknown;
}

/** A file that is dropped on the page, or a text that is typed: where it belongs and what it is like. */
export function Drop({ onFound }: { onFound: () => void }) {
  const the = space.value;
  const [found, setFound] = useState<{ name: string; told: Encoded } | null>(null);
  const [text, setText] = useState("");
  const [over, setOver] = useState(false);

  const look = (form: FormData, name: string) =>
    trying(async () => {
      if (!the) return;
      form.set("map", view.value.map);
      const answer = await fetch(`./api/spaces/${the.number}/encode`, {
        method: "POST",
        body: form,
        headers: versioned(`/spaces/${the.number}/encode`),
      });
      const told = (await answer.json()) as Encoded & { error?: string };
      if (!answer.ok) throw new Refused(told.error ?? `the server answered ${answer.status}`, answer.status);
      setFound({ name, told });
      placed.value = told.xy;
      onFound();
    });

  useEffect(() => {
    const hold = (event: DragEvent) => {
      event.preventDefault();
      setOver(event.type === "dragover");
      const file = event.type === "drop" ? event.dataTransfer?.files[0] : undefined;
      if (!file) return;
      const form = new FormData();
      form.set("file", file);
      void look(form, file.name);
    };
    for (const name of ["dragover", "dragleave", "drop"] as const) addEventListener(name, hold);
    return () => {
      for (const name of ["dragover", "dragleave", "drop"] as const) removeEventListener(name, hold);
    };
  }, [the]);

  if (!the) return null;
  return (
    <section class={over ? "drop over" : "drop"} aria-label="Look something up">
      <label class="file">
        {`Drop a file of your own anywhere, or choose one: `}
        <input
          type="file"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (!file) return;
            const form = new FormData();
            form.set("file", file);
            void look(form, file.name);
          }}
        />
      </label>
      {(the.can.encode?.text ?? the.can.pictures === "text") && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const form = new FormData();
            form.set("text", text);
            void look(form, text);
          }}
        >
          <label>
            Or type a text <textarea rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} />
          </label>
          <button type="submit" disabled={!text.trim()}>
            look up
          </button>
        </form>
      )}
      {found && (
        <div id="dropped">
          <h3>{found.name.slice(0, 80)}</h3>
          {!found.told.covered && (
            <p class="warning">
              {`This space does not cover it: it lies ${found.told.farness === null ? "infinitely" : `${found.told.farness.toFixed(1)} times as`} far as the items do from one another.`}
            </p>
          )}
          {found.told.picture && <img class="shown" src={found.told.picture} alt="what the model makes of it" />}
          <Plain item={found.told.item} />
          <h4>Nearest</h4>
          <div class="strip">
            {found.told.rows.map((row, place) => (
              <Thumb key={row} row={row} label={found.told.ids[place] ?? ""} />
            ))}
          </div>
        </div>
      )}
    </section>
  );
}
