// What lies over a map's points. `moved` changes with the view: without it a component whose own signals rest is not
// drawn again.

import { useEffect, useMemo, useState } from "preact/hooks";
import { address } from "../api";
import { colourOf } from "../colours";
import { clear, type Placed, seats } from "../declutter";
import type { Pane } from "../panes";
import { along } from "../path";
import type { Scatter } from "../scatter";
import { change, chosen, ground, hidden, hovered, marked, placed, pointed, spots } from "../state";
import { come, title, wantTitles } from "../titles";
import { pixel } from "./Points";
import { tile } from "./Thumb";

const MOST_PICTURES = 400; // in view; of these as many are shown as fit
const PICTURE = 40;
const MOST_WORDS = 400;
const WORDS = [170, 20] as const;
const MOST_SHOWN = 40; // words: each is a request
const RESTS = 250; // ms
const STEPS = 9;

export interface Over {
  own: Scatter;
  pane: Pane;
  moved: number;
}

const isPictured = (pane: Pane): boolean => ["picture", "sound"].includes(pane.space.value?.can.pictures ?? "");

/** The rows in view that are drawn, in the pane's own numbers; null where there are too many. */
function inView({ own, pane }: Over, most: number): Placed[] | null {
  const there = own.inView(most);
  const kept = pane.mask.value;
  return there && kept ? there.filter(({ row }) => kept[row]) : there;
}

export function Pictures(props: Over) {
  const { pane } = props;
  const the = pane.space.value;
  const there = the && pane.drawn.value && isPictured(pane) ? inView(props, MOST_PICTURES) : null;
  if (!the || !there) return null;
  const tint = pane.colouring.value;
  return (
    <div class="pictures" aria-hidden="true">
      {clear(there, PICTURE, PICTURE).map(({ row, x, y }) => {
        const at = tile(row);
        const style = {
          left: `${x}px`,
          top: `${y}px`,
          backgroundImage: `url(${address(`/spaces/${the.number}/sheets/${at.sheet}`)})`,
          backgroundPosition: `-${at.x}px -${at.y}px`,
          borderColor: colourOf(tint, row),
        };
        return <i key={row} style={style} />;
      })}
    </div>
  );
}

/** The first words of texts, the ids of rows, where few are in view and they do not cover one another. */
export function Words(props: Over) {
  const { pane, moved } = props;
  const the = pane.space.value;
  const [shown, setShown] = useState<{ moved: number; rows: number[] }>({ moved: -1, rows: [] });
  const isWordy = the !== null && pane.drawn.value !== null && !isPictured(pane);
  const tint = pane.colouring.value;
  useEffect(() => {
    if (!the || !isWordy) return;
    const rest = setTimeout(() => {
      const there = inView(props, MOST_WORDS) ?? [];
      const rows = clear(there, ...WORDS, MOST_SHOWN).map(({ row }) => row);
      wantTitles(the, rows);
      setShown({ moved, rows });
    }, RESTS);
    return () => clearTimeout(rest);
  }, [moved, the, isWordy, pane.mask.value]);
  if (!the || !isWordy || come.value < 0) return null;
  const places = pane.drawn.value?.places;
  return (
    <div class="words" aria-hidden="true">
      {shown.rows.map((row) => {
        const words = title(the, row);
        const at = places && props.own.screen([places[2 * row] as number, places[2 * row + 1] as number]);
        if (!words || !at) return null;
        return (
          <span key={row} style={{ left: `${at[0] + 8}px`, top: `${at[1]}px`, borderColor: colourOf(tint, row) }}>
            {words}
          </span>
        );
      })}
    </div>
  );
}

/** The names of groups where most of each lies, while the map is seen from afar. */
export function Names(props: Over) {
  const { own, pane } = props;
  const tint = pane.colouring.value;
  const places = pane.drawn.value?.places;
  const isGrouped = tint?.kind === "groups" && places?.length === 2 * tint.values.length;
  const found = useMemo(
    () => (isGrouped && places && tint ? seats(places, tint.values, tint.groups.length) : []),
    [places, tint, isGrouped],
  );
  if (ground.value.includes("regions")) return null; // which have names of their own
  if (!isGrouped || !tint || (isPictured(pane) && own.inView(MOST_PICTURES))) return null;
  const named = tint.groups.flatMap(({ label, colour }, place) => {
    const seat = found[place];
    const at = seat && own.screen(seat);
    const isShown = colour !== tint.palette.at(-1) && !hidden.value.includes(label);
    return at && isShown ? [{ label, colour, x: at[0], y: at[1] }] : [];
  });
  return (
    <div class="names" aria-hidden="true">
      {clear(named, 60, 20).map(({ label, colour, x, y }) => (
        <b key={label} style={{ left: `${x}px`, top: `${y}px`, borderColor: colour }}>
          {label}
        </b>
      ))}
    </div>
  );
}

interface Ring {
  name: string;
  at: [number, number] | null;
}

/** Rings: the chosen item, what is hovered on the other map, what was dropped, the spot that was clicked. Lines: to its neighbours. */
export function Marks({ own, pane }: Over) {
  const isFirst = pane.name === "first";
  const rings: Ring[] = [];
  if (chosen.value !== null) rings.push({ name: "chosen", at: pixel(own, pane, chosen.value) });
  if (hovered.value !== null && pointed.value !== pane.name)
    rings.push({ name: "hovered", at: pixel(own, pane, hovered.value) });
  if (placed.value && isFirst) rings.push({ name: "placed", at: own.screen(placed.value) });
  const spot = isFirst ? spots.value : [];
  if (spot.length === 1 && spot[0]) rings.push({ name: "spot", at: own.screen(spot[0]) });
  const line = spot.length > 1 ? spot.map((xy) => own.screen(xy)?.join(",")).join(" ") : "";
  const middle = rings[0]?.name === "chosen" ? rings[0].at : null;
  const near = middle ? marked.value.slice(1).map((row) => pixel(own, pane, row)) : [];
  return (
    <svg class="marks" aria-hidden="true">
      {near.map(
        (at, place) =>
          at && middle && <line key={place} class="near" x1={middle[0]} y1={middle[1]} x2={at[0]} y2={at[1]} />,
      )}
      {line && <polyline points={line} />}
      {rings.map(({ name, at }) => at && <circle key={name} class={name} cx={at[0]} cy={at[1]} r={9} />)}
    </svg>
  );
}

/** A path is drawn by hand over the map and cut into steps of equal length. */
export function Pen({ own }: { own: Scatter }) {
  const [drawn, setDrawn] = useState<[number, number][]>([]);
  const here = (event: PointerEvent): [number, number] => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  return (
    <svg
      class="pen"
      role="img"
      aria-label="Drag to draw a path"
      onPointerDown={(event) => {
        (event.currentTarget as Element).setPointerCapture(event.pointerId);
        setDrawn([here(event)]);
      }}
      onPointerMove={(event) => drawn.length && setDrawn([...drawn, here(event)])}
      onPointerUp={(event) => {
        const ends = [...drawn, here(event)];
        setDrawn([]);
        const path = along(ends, STEPS).map(([x, y]) => own.spotAt(x, y));
        change({ spots: path.filter((one): one is [number, number] => one !== null) });
      }}
    >
      {drawn.length > 1 && <polyline points={drawn.map((point) => point.join(",")).join(" ")} />}
    </svg>
  );
}
