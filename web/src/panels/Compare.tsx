import { useEffect, useState } from "preact/hooks";
import { frame, json } from "../api";
import { byNumbers } from "../colours";
import { floats } from "../frames";
import { first, isSecondShown, lent, own, second, told } from "../panes";
import { chosen, metric, space, trying } from "../state";
import { Thumb } from "./Thumb";

const K = 15;
const MOST = 18;

interface Side {
  space: number;
  map?: string;
}

interface Changed {
  rows: number[];
  shares: number[];
  name: string;
}

/** Which items have other neighbours on the map beside, in the space beside, or on the map than in the space itself. */
export function Compare() {
  const the = space.value;
  const other = second.space.value;
  const [most, setMost] = useState<Changed | null>(null);
  useEffect(() => setMost(null), [the, other, first.map.value, second.map.value]);
  if (!the) return null;
  const show = (name: string, a: Side, b: Side) =>
    trying(async () => {
      const changed = floats(await frame("/compare", { a, b, k: K }), "changed");
      lent.value = byNumbers(name, changed);
      setMost({ ...largest(changed, MOST), name });
    });
  const isSame = other?.number === the.number;
  return (
    <section class="compare" aria-label="Compare">
      <p class="buttons">
        <button
          type="button"
          onClick={() =>
            void show("neighbours lost on this map", { space: the.number }, { space: the.number, map: first.map.value })
          }
        >
          what this map hides
        </button>
        {other && (
          <button
            type="button"
            onClick={() =>
              void (isSame
                ? show(
                    `neighbours other than on ${second.map.value}`,
                    { space: the.number, map: first.map.value },
                    { space: the.number, map: second.map.value },
                  )
                : show(`neighbours other than in ${other.name}`, { space: the.number }, { space: other.number }))
            }
          >
            what changed most beside
          </button>
        )}
      </p>
      {most && lent.value?.name === most.name && (
        <>
          <p class="quiet">{`The largest shares of ${most.name}, of ${K}:`}</p>
          <div class="strip" id="changed">
            {most.rows.map((row, place) => (
              <Thumb
                key={row}
                row={row}
                label={`item ${row}: ${Math.round(100 * (most.shares[place] ?? 0))}% differ`}
              />
            ))}
          </div>
        </>
      )}
      {isSecondShown.value && !isSame && <NearBeside />}
    </section>
  );
}

/** The rows of the largest numbers, largest first; what is not known is none of them. */
export function largest(values: Float32Array, most: number): { rows: number[]; shares: number[] } {
  const rows = [...values.keys()].filter((row) => (values[row] as number) > 0);
  rows.sort((a, b) => (values[b] as number) - (values[a] as number));
  const kept = rows.slice(0, most);
  return { rows: kept, shares: kept.map((row) => values[row] as number) };
}

/** The chosen item's neighbours in the space beside, as far as the first has them. */
function NearBeside() {
  const other = second.space.value;
  const row = chosen.value === null ? null : own(second, chosen.value);
  const [near, setNear] = useState<{ row: number; id: string }[]>([]);
  useEffect(() => {
    setNear([]);
    if (!other || row === null) return;
    const stop = new AbortController();
    void trying(async () => {
      const asked = { row, k: 12, metric: metric.value };
      const found = await json<{ rows: number[]; ids: string[] }>(`/spaces/${other.number}/search`, asked, stop.signal);
      const both = found.rows.map((one, place) => ({ row: told(second, one), id: found.ids[place] ?? "" }));
      setNear(both.filter((one): one is { row: number; id: string } => one.row !== null));
    });
    return () => stop.abort();
  }, [other, row, metric.value]);
  if (!other || chosen.value === null) return null;
  if (row === null) return <p class="quiet">{`${other.name} does not have this item.`}</p>;
  return (
    <>
      <h3>{`Nearest in ${other.name}`}</h3>
      <div class="strip" id="near-beside">
        {near.map((one) => (
          <Thumb key={one.row} row={one.row} label={one.id} />
        ))}
      </div>
    </>
  );
}
