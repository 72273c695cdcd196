import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { address } from "../api";
import { hex } from "../colours";
import { along } from "../path";
import { type Scatter, scatterOn } from "../scatter";
import {
  change,
  chosen,
  colouring,
  hovered,
  marked,
  mode,
  placed,
  places,
  selected,
  space,
  spots,
  view,
  visible,
  working,
} from "../state";
import { Hover } from "./Hover";
import { tile } from "./Thumb";

const MOST_THUMBNAILS = 150;
const STEPS = 9;

/** The map: points, pictures when few are in view, and what hangs at the one under the pointer. */
export function Points() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scatter = useRef<Scatter | null>(null);
  const [moved, setMoved] = useState(0); // counts views, so that what lies over the canvas follows
  useEffect(() => {
    if (!canvas.current) return;
    const own = scatterOn(canvas.current, {
      hover: (row) => {
        hovered.value = row;
      },
      pick: (rows) => {
        if (mode.value === "lasso") selected.value = rows;
        else if (rows.length === 1) change({ item: rows[0] ?? null });
      },
      spot: (xy) => {
        spots.value = [xy];
      },
      view: () => setMoved((count) => count + 1),
    });
    scatter.current = own;
    window.latentspace = { pixelOf: (row) => own.screen(placeOf(row)) };
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const paint = () => own.paint(hex(getComputedStyle(document.body).backgroundColor));
    dark.addEventListener("change", paint);
    const ends = [
      effect(() => {
        if (places.value && colouring.value?.values.length === places.value.length / 2) {
          const n = colouring.value.values.length;
          void own.draw(places.value, colouring.value).then(() => {
            own.keep(visible.peek());
            canvas.current?.setAttribute("data-drawn", String(n));
          });
        }
      }),
      effect(() => own.mark(marked.value)),
      effect(() => own.keep(visible.value)),
      effect(() => own.mode(mode.value)),
      effect(() => {
        document.documentElement.dataset.theme = view.value.theme;
        requestAnimationFrame(paint);
      }),
      () => dark.removeEventListener("change", paint),
    ];
    return () => {
      for (const end of ends) end();
      own.destroy();
    };
  }, []);
  const the = space.value;
  const own = scatter.current;
  return (
    <section class="map" aria-label={`Map of ${the?.items ?? 0} items`} data-views={moved}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label="Points of the map: arrow keys step through items"
        onKeyDown={step}
      />
      {own && <Pictures own={own} moved={moved} />}
      {own && mode.value === "path" && <Pen own={own} />}
      {own && <Marks own={own} moved={moved} />}
      <Tools onReset={() => own?.reset()} />
      {working.value && (
        <p class="working" role="status">
          {working.value}
        </p>
      )}
      <Hover at={(row) => own?.screen(placeOf(row)) ?? null} />
    </section>
  );
}

declare global {
  interface Window {
    /** For whoever drives the page from outside: where an item lies on the canvas. */
    latentspace: { pixelOf(row: number): [number, number] | null };
  }
}

const placeOf = (row: number): [number, number] => [places.value?.[2 * row] ?? 0, places.value?.[2 * row + 1] ?? 0];

/** Arrow keys go to the next of the marked neighbours, or of all items; Escape closes. */
function step(event: KeyboardEvent): void {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const n = space.value?.items ?? 0;
  if (event.key === "Escape") change({ item: null });
  if (!by || !n) return;
  event.preventDefault();
  change({ item: chosen.value === null ? 0 : (chosen.value + by + n) % n });
}

function Tools({ onReset }: { onReset: () => void }) {
  const words = { move: "move", lasso: "select", path: "draw a path" } as const;
  return (
    <div class="tools" role="toolbar" aria-label="Map tools">
      {(Object.keys(words) as (keyof typeof words)[]).map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={mode.value === name}
          onClick={() => {
            mode.value = name;
          }}
        >
          {words[name]}
        </button>
      ))}
      <button type="button" onClick={onReset}>
        whole map
      </button>
    </div>
  );
}

// `moved` changes with the view: without it a component whose own signals are still is not drawn again.
function Pictures({ own }: { own: Scatter; moved: number }) {
  const the = space.value;
  if (!the || !places.value || (the.can.pictures !== "picture" && the.can.pictures !== "sound")) return null;
  const there = own.inView(MOST_THUMBNAILS);
  if (!there) return null;
  const kept = visible.value && new Set(visible.value);
  return (
    <div class="pictures" aria-hidden="true">
      {there
        .filter(({ row }) => !kept || kept.has(row))
        .map(({ row, x, y }) => {
          const at = tile(row);
          const image = `url(${address(`/spaces/${the.number}/sheets/${at.sheet}`)})`;
          const style = {
            left: `${x}px`,
            top: `${y}px`,
            backgroundImage: image,
            backgroundPosition: `-${at.x}px -${at.y}px`,
          };
          return <i key={row} style={style} />;
        })}
    </div>
  );
}

/** Rings: the chosen item, what was dropped, the spot that was clicked. */
function Marks({ own }: { own: Scatter; moved: number }) {
  const rings: { name: string; at: [number, number] }[] = [];
  if (chosen.value !== null && places.value) rings.push({ name: "chosen", at: placeOf(chosen.value) });
  if (placed.value) rings.push({ name: "placed", at: placed.value });
  if (spots.value.length === 1 && spots.value[0]) rings.push({ name: "spot", at: spots.value[0] });
  const line = spots.value.length > 1 ? spots.value.map((xy) => own.screen(xy)?.join(",")).join(" ") : "";
  return (
    <svg class="marks" aria-hidden="true">
      {line && <polyline points={line} />}
      {rings.map(({ name, at }) => {
        const pixel = own.screen(at);
        return pixel && <circle key={name} class={name} cx={pixel[0]} cy={pixel[1]} r={9} />;
      })}
    </svg>
  );
}

/** A path is drawn by hand over the map and cut into steps of equal length. */
function Pen({ own }: { own: Scatter }) {
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
        spots.value = path.filter((one): one is [number, number] => one !== null);
      }}
    >
      {drawn.length > 1 && <polyline points={drawn.map((point) => point.join(",")).join(" ")} />}
    </svg>
  );
}
