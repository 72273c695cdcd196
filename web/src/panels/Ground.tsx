// What lies under a map's points: lines of equal density, and what stands out where items lie thick.

import { effect, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { frame } from "../api";
import { clear } from "../declutter";
import { floats } from "../frames";
import { GROUNDS, type Ground } from "../link";
import { first, type Pane, second } from "../panes";
import { change, ground, trying, view } from "../state";
import type { Over } from "./Over";

interface Region {
  name: string | null;
  items: number;
  column: string | null;
  evidence: string | null;
  spot: [number, number];
}

interface Settled {
  regions: Region[];
  lines: { share: number; spots: Float32Array }[];
}

const found = { first: signal<Settled | null>(null), beside: signal<Settled | null>(null) };
const WORDS: Record<Ground, string> = { regions: "names of regions", contours: "contours" };
const CLOSE = 0.2; // of the whole map's half: what a region is looked at with

for (const pane of [first, second]) {
  effect(() => {
    const drawn = pane.drawn.value;
    found[pane.name].value = null;
    if (!drawn || !ground.value.length) return;
    void trying(async () => {
      const made = await frame<{ regions: Region[] }>(`/spaces/${drawn.of.number}/regions/${drawn.map}`);
      if (pane.drawn.peek() !== drawn) return; // another map was chosen meanwhile
      const [spots, shares, ends] = [floats(made, "spots"), floats(made, "shares"), made.arrays.ends?.data ?? []];
      const lines = [...shares].map((share, place) => ({
        share,
        spots: spots.subarray(2 * Number(ends[place - 1] ?? 0), 2 * Number(ends[place])),
      }));
      found[pane.name].value = { regions: made.header.regions, lines };
    });
  });
}

/** Lines that hold a share of the items each: the fewer it holds, the thicker. */
export function Contours({ own, pane }: Over) {
  const there = found[pane.name].value;
  if (!there || !ground.value.includes("contours")) return null;
  return (
    <svg class="contours" aria-hidden="true">
      {there.lines.map(({ share, spots }, place) => {
        let words = "";
        for (let at = 0; at < spots.length; at += 2) {
          const on = own.screen([spots[at] as number, spots[at + 1] as number]);
          if (on) words += `${words ? "L" : "M"}${on[0].toFixed(1)} ${on[1].toFixed(1)}`;
        }
        return <path key={place} d={words} stroke-width={share < 0.3 ? 2 : share < 0.6 ? 1.4 : 0.8} />;
      })}
    </svg>
  );
}

/** What stands out in each region, where its items lie thickest. */
export function RegionNames({ own, pane }: Over) {
  const there = found[pane.name].value;
  if (!there || !ground.value.includes("regions")) return null;
  const named = there.regions.flatMap(({ name, spot }) => {
    const at = name ? own.screen(spot) : null;
    return at ? [{ name, x: at[0], y: at[1] }] : [];
  });
  return (
    <div class="names" aria-hidden="true">
      {clear(named, 90, 20).map(({ name, x, y }) => (
        <b key={`${name} ${x}`} style={{ left: `${x}px`, top: `${y}px`, borderColor: "var(--ink)" }}>
          {name}
        </b>
      ))}
    </div>
  );
}

/** Switches for both, and the regions as a list: what each is called, why, and a way there. */
export function Regions() {
  const there = found.first.value;
  const isListed = ground.value.includes("regions");
  const half = useMemo(() => halfOf(first), [first.drawn.value]);
  const toggle = (name: Ground) =>
    change({
      ground: ground.value.includes(name) ? ground.value.filter((one) => one !== name) : [...ground.value, name],
    });
  return (
    <section class="ground" aria-label="Regions">
      {GROUNDS.map((name) => (
        <label key={name} class="switch">
          <input type="checkbox" checked={ground.value.includes(name)} onChange={() => toggle(name)} /> {WORDS[name]}
        </label>
      ))}
      {isListed && there && (
        <ol>
          {there.regions.map(({ name, items, evidence, spot }) => (
            <li key={String(spot)}>
              <button
                type="button"
                class="link"
                aria-label={`go to ${name ?? "a region without a clear name"}`}
                onClick={() => change({ camera: [spot[0], spot[1], half * CLOSE] })}
              >
                {name ?? "no clear name"}
              </button>{" "}
              <small>{items.toLocaleString("en")}</small>
              {evidence && <p class="quiet">{evidence}</p>}
            </li>
          ))}
        </ol>
      )}
      {isListed && there && view.value.camera && (
        <button type="button" onClick={() => change({ camera: null })}>
          whole map
        </button>
      )}
      {isListed && there?.regions.length === 0 && <p class="quiet">No region stands out on this map.</p>}
    </section>
  );
}

/** Half of a map's longer side, in its own unit. */
function halfOf(pane: Pane): number {
  const places = pane.drawn.peek()?.places ?? new Float32Array();
  let reach = 0;
  for (const axis of [0, 1]) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let at = axis; at < places.length; at += 2) {
      low = Math.min(low, places[at] as number);
      high = Math.max(high, places[at] as number);
    }
    reach = Math.max(reach, high - low);
  }
  return reach / 2 || 1;
}
