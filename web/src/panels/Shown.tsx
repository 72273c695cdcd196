import { useEffect, useState } from "preact/hooks";
import { address, json } from "../api";
import { space, trying } from "../state";
import { isStill } from "../still";
import { Thumb } from "./Thumb";

/** An item, or what the model makes of it, as a picture, a sound, or words. */
export function Shown({ row, made = false }: { row: number; made?: boolean }) {
  const the = space.value;
  if (!the) return null;
  const path = `/spaces/${the.number}/items/${row}`;
  const what = made ? "reconstruction" : "item";
  if (isStill() && the.can.pictures !== "text" && the.can.pictures !== "row") return <Thumb row={row} />;
  if (the.can.pictures === "picture") {
    return <img class="shown" src={address(`${path}/${made ? "reconstruction" : "picture"}`)} alt={`${what} ${row}`} />;
  }
  if (the.can.pictures === "sound") {
    return (
      <figure>
        <img
          class="shown"
          src={address(`${path}/${made ? "reconstruction" : "picture"}`)}
          alt={`spectrogram of ${what} ${row}`}
        />
        {!made && (
          // biome-ignore lint/a11y/useMediaCaption: recordings come without captions
          <audio controls src={address(`${path}/sound`)} />
        )}
      </figure>
    );
  }
  return <Words path={`${path}/${made ? "reconstruction" : "text"}`} />;
}

function Words({ path }: { path: string }) {
  const [item, setItem] = useState<unknown>(null);
  useEffect(() => {
    void trying(async () => setItem((await json<{ item: unknown }>(path)).item));
  }, [path]);
  return <Plain item={item} />;
}

/** Plain data for reading: a text as it is, words with weights in order, a row of a table as a list. */
export function Plain({ item }: { item: unknown }) {
  if (item === null || item === undefined) return null;
  if (typeof item === "string") return <blockquote>{item.slice(0, 2000)}</blockquote>;
  if (Array.isArray(item)) return <p class="numbers">{item.slice(0, 60).map(short).join("  ")}</p>;
  if (typeof item === "object") {
    return (
      <dl>
        {Object.entries(item)
          .slice(0, 40)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{short(value)}</dd>
            </div>
          ))}
      </dl>
    );
  }
  return <p>{short(item)}</p>;
}

export function short(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toPrecision(4);
  if (value === null || value === undefined) return "–";
  return Array.isArray(value) ? value.slice(0, 8).map(short).join(" ") : String(value).slice(0, 300);
}
