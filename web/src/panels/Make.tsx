import { useState } from "preact/hooks";
import { blob, json } from "../api";
import { space, trying } from "../state";
import { Plain } from "./Shown";
import { Thumb } from "./Thumb";

/** New items, and the items that come back worst. */
export function Make() {
  const the = space.value;
  const [seed, setSeed] = useState(0);
  const [address, setAddress] = useState<string | null>(null);
  const [items, setItems] = useState<unknown[]>([]);
  const [worst, setWorst] = useState<{ rows: number[]; errors: number[]; mean: number } | null>(null);
  if (!the) return null;
  const draw = () =>
    trying(async () => {
      const path = `/spaces/${the.number}/sample`;
      if (the.can.pictures === "picture" || the.can.pictures === "sound") {
        const made = URL.createObjectURL((await blob(path, { n: 12, seed })).blob);
        if (address) URL.revokeObjectURL(address);
        setAddress(made);
      } else {
        setItems((await json<{ items: unknown[] }>(path, { n: 6, seed })).items);
      }
      setSeed(seed + 1);
    });
  return (
    <section aria-label="Samples and reconstructions">
      {the.can.sample && (
        <button type="button" onClick={() => void draw()}>
          draw new items
        </button>
      )}
      {address && <img class="strip-picture" id="samples" src={address} alt="new items" />}
      {items.map((item, place) => (
        <Plain key={place} item={item} />
      ))}
      {the.can.decode && (
        <button
          type="button"
          onClick={() => void trying(async () => setWorst(await json(`/spaces/${the.number}/worst`)))}
        >
          which come back worst?
        </button>
      )}
      {worst && (
        <>
          <p class="quiet">{`The mean squared error is ${worst.mean.toPrecision(3)}; the worst have ${worst.errors[0]?.toPrecision(3)}.`}</p>
          <div class="strip" id="worst">
            {worst.rows.map((row, place) => (
              <Thumb key={row} row={row} label={`item ${row}: error ${worst.errors[place]?.toPrecision(3)}`} />
            ))}
          </div>
        </>
      )}
    </section>
  );
}
