import { useEffect, useState } from "preact/hooks";
import { blob, type Condition, frame } from "../api";
import { first } from "../panes";
import { selected, setWhere, space, trying, visible, where } from "../state";
import { isStill } from "../still";

/** Conditions on metadata: what fulfils them stays on the map, and only that is searched. */
export function Filter() {
  const the = space.value;
  const [column, setColumn] = useState("");
  const [labels, setLabels] = useState<string[]>([]);
  const kind = the?.columns.find(({ name }) => name === column)?.kind;
  useEffect(() => {
    setLabels([]);
    if (!the || (kind !== "category" && kind !== "boolean")) return;
    void trying(async () => {
      const found = await frame<{ labels: string[] }>(`/spaces/${the.number}/columns/${encodeURIComponent(column)}`);
      setLabels(found.header.labels.slice(0, 500));
    });
  }, [the, column, kind]);
  useEffect(() => {
    if (!the) return;
    if (!where.value.length) {
      visible.value = null;
      return;
    }
    void trying(async () => {
      const found = await frame(`/spaces/${the.number}/filter`, where.value);
      visible.value = [...(found.arrays.rows?.data ?? [])];
    });
  }, [the, where.value]);
  if (!the?.columns.length) return null;
  const set = (condition: Omit<Condition, "column"> | null) => {
    setWhere([...where.value.filter((one) => one.column !== column), ...(condition ? [{ column, ...condition }] : [])]);
  };
  return (
    <section class="filter" aria-label="Filter">
      <label>
        Filter by{" "}
        <select value={column} onChange={(event) => setColumn(event.currentTarget.value)}>
          <option value="">choose a column</option>
          {the.columns.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {(kind === "category" || kind === "boolean") && (
        <label>
          is{" "}
          <select
            aria-label="value"
            onChange={(event) => set(event.currentTarget.value ? { among: [event.currentTarget.value] } : null)}
          >
            <option value="">anything</option>
            {labels.map((label) => (
              <option key={label}>{label}</option>
            ))}
          </select>
        </label>
      )}
      {kind === "number" && <Range onRange={set} />}
      {kind === "text" && (
        <label>
          contains{" "}
          <input
            onChange={(event) => set(event.currentTarget.value ? { contains: event.currentTarget.value } : null)}
          />
        </label>
      )}
      {where.value.length > 0 && (
        <p>
          {`${visible.value?.length.toLocaleString("en") ?? "…"} of ${the.items.toLocaleString("en")} items: ${where.value.map(told).join(", ")}`}{" "}
          <button type="button" onClick={() => setWhere([])}>
            show all
          </button>
        </p>
      )}
    </section>
  );
}

function Range({ onRange }: { onRange: (range: { low: number | null; high: number | null } | null) => void }) {
  const [low, setLow] = useState<number | null>(null);
  const [high, setHigh] = useState<number | null>(null);
  const number = (words: string): number | null => (words === "" ? null : Number(words));
  const tell = (from: number | null, to: number | null) =>
    onRange(from === null && to === null ? null : { low: from, high: to });
  return (
    <span>
      <input
        type="number"
        aria-label="from"
        placeholder="from"
        onChange={(event) => {
          setLow(number(event.currentTarget.value));
          tell(number(event.currentTarget.value), high);
        }}
      />{" "}
      <input
        type="number"
        aria-label="to"
        placeholder="to"
        onChange={(event) => {
          setHigh(number(event.currentTarget.value));
          tell(low, number(event.currentTarget.value));
        }}
      />
    </span>
  );
}

const told = ({ column, among, low, high, contains }: Condition): string =>
  contains !== undefined
    ? `${column} contains ${contains}`
    : among
      ? `${column} is ${among.join(" or ")}`
      : `${column} from ${low ?? "…"} to ${high ?? "…"}`;

/** What the lasso holds, to be taken away as a file. */
export function Selection() {
  const the = space.value;
  const rows = selected.value.length ? selected.value : (first.kept.value ?? []);
  if (!the || !rows.length || !first.drawn.value) return null;
  const take = (form: "csv" | "parquet") =>
    trying(async () => {
      const file = await blob(`/spaces/${the.number}/export`, { rows, latents: true, form });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file.blob);
      link.download = `selection.${form}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  return (
    <section class="selection" aria-label="Selection">
      <p>
        <span id="selected">{`${rows.length.toLocaleString("en")} items selected`}</span>{" "}
        <button type="button" onClick={() => void take("csv")}>
          export CSV
        </button>{" "}
        {!isStill() && (
          <button type="button" onClick={() => void take("parquet")}>
            export Parquet
          </button>
        )}{" "}
        {selected.value.length > 0 && (
          <button
            type="button"
            onClick={() => {
              selected.value = [];
            }}
          >
            select nothing
          </button>
        )}
      </p>
    </section>
  );
}
