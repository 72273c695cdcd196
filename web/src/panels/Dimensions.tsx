import { useEffect, useRef, useState } from "preact/hooks";
import { blob, type Item, json } from "../api";
import { change, chosen, space, trying } from "../state";
import { Axes } from "./Axes";
import { Plain } from "./Shown";
import { Thumb } from "./Thumb";

interface Dimension {
  dimension: number;
  share: number;
  mean: number;
  spread: number;
  low: number[];
  high: number[];
  goes_with: { column: string; strength: number; sign: number }[];
}

const FIRST = 8;

/** The dimensions, the one that holds most first: move one, and see what the decoder makes of it. */
export function Dimensions() {
  const the = space.value;
  const [dimensions, setDimensions] = useState<Dimension[]>([]);
  const [z, setZ] = useState<number[] | null>(null);
  const [all, setAll] = useState(false);
  useEffect(() => {
    if (!the) return;
    void trying(async () =>
      setDimensions((await json<{ dimensions: Dimension[] }>(`/spaces/${the.number}/tell`)).dimensions),
    );
  }, [the]);
  useEffect(() => {
    if (!the || !dimensions.length) return;
    const row = chosen.value;
    if (row === null) {
      const middle = new Array<number>(the.dims).fill(0);
      for (const { dimension, mean } of dimensions) middle[dimension] = mean;
      setZ(middle);
      return;
    }
    const stop = new AbortController();
    void trying(async () =>
      setZ((await json<Item>(`/spaces/${the.number}/items/${row}`, undefined, stop.signal)).latent),
    );
    return () => stop.abort();
  }, [the, dimensions, chosen.value]);
  if (!the || !z) return null;
  return (
    <section class="dimensions" aria-label="Dimensions">
      {the.can.decode && <Decoded z={z} />}
      <p class="quiet">{chosen.value === null ? "From the middle of the space." : `From item ${chosen.value}.`}</p>
      <Axes the={the} z={z} onMove={setZ} />
      {dimensions.slice(0, all ? dimensions.length : FIRST).map((one) => (
        <Slider
          key={one.dimension}
          one={one}
          value={z[one.dimension] ?? 0}
          onMove={(value) => setZ(z.map((old, d) => (d === one.dimension ? value : old)))}
        />
      ))}
      {dimensions.length > FIRST && (
        <button type="button" onClick={() => setAll(!all)}>
          {all ? "fewer" : `all ${dimensions.length}`}
        </button>
      )}
    </section>
  );
}

function Slider({ one, value, onMove }: { one: Dimension; value: number; onMove: (value: number) => void }) {
  const reach = 3.5 * one.spread || 1;
  const name = `Dimension ${one.dimension}`;
  return (
    <div class="dimension">
      <label>
        <span>
          {name} <small>{`${(100 * one.share).toFixed(1)}% of the variance`}</small>
        </span>
        <input
          type="range"
          min={one.mean - reach}
          max={one.mean + reach}
          step={reach / 100}
          value={value}
          onInput={(event) => onMove(Number(event.currentTarget.value))}
        />
      </label>
      <p class="quiet">
        {one.goes_with.length
          ? `goes with ${one.goes_with.map(({ column, strength, sign }) => `${sign < 0 ? "falling " : ""}${column} (${strength.toFixed(2)})`).join(", ")}`
          : "goes with no column"}{" "}
        <button type="button" class="link" onClick={() => change({ colour: `dim ${one.dimension}` })}>
          colour
        </button>
      </p>
      <div class="extremes">
        {one.low.slice(0, 3).map((row) => (
          <Thumb key={row} row={row} label={`low on dimension ${one.dimension}: item ${row}`} />
        ))}
        <span aria-hidden="true">…</span>
        {one.high
          .slice(0, 3)
          .reverse()
          .map((row) => (
            <Thumb key={row} row={row} label={`high on dimension ${one.dimension}: item ${row}`} />
          ))}
      </div>
    </div>
  );
}

/** The item that these numbers stand for; while a slider moves, the last picture stays until the next is there. */
function Decoded({ z }: { z: number[] }) {
  const the = space.value;
  const [address, setAddress] = useState<string | null>(null);
  const [item, setItem] = useState<unknown>(null);
  const busy = useRef(false);
  const next = useRef<number[] | null>(null);
  useEffect(() => {
    next.current = z;
    if (busy.current || !the) return;
    busy.current = true; // one request at a time: what was asked for meanwhile is skipped but for the last
    void (async () => {
      while (next.current) {
        const asked = { z: [next.current] };
        next.current = null;
        await trying(async () => {
          const path = `/spaces/${the.number}/decode`;
          if (the.can.pictures === "picture" || the.can.pictures === "sound") {
            const made = URL.createObjectURL((await blob(path, { ...asked, form: "picture" })).blob);
            setAddress((old) => {
              if (old) URL.revokeObjectURL(old);
              return made;
            });
          } else {
            setItem((await json<{ items: unknown[] }>(path, { ...asked, form: "item" })).items[0]);
          }
        });
      }
      busy.current = false;
    })();
  }, [z, the]);
  return address ? (
    <img class="shown" id="decoded" src={address} alt="decoded from the sliders" />
  ) : (
    <Plain item={item} />
  );
}
