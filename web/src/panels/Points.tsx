import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { hex } from "../colours";
import { isKeyOfMap, type Keyed } from "../keys";
import type { Camera } from "../link";
import { own as ownRow, type Pane, told } from "../panes";
import { type Scatter, scatterOn } from "../scatter";
import { change, hovered, marked, mode, pointed, selected, view } from "../state";
import { Contours, RegionNames } from "./Ground";
import { Hover } from "./Hover";
import { Marks, Names, Pen, Pictures, Words } from "./Over";
import { Tools } from "./Tools";

const LATER = 200; // ms that a view rests before it is written into the address

/** A map: points, pictures when few are in view, and what hangs at the one under the pointer. */
export function Points({ pane }: { pane: Pane }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scatter = useRef<Scatter | null>(null);
  const [moved, setMoved] = useState(0); // counts views, so that what lies over the canvas follows
  useEffect(() => {
    if (!canvas.current) return;
    const camera = pane.name === "first" ? cameraInLink(() => scatter.current) : null;
    const own = scatterOn(canvas.current, {
      hover: (row) => {
        pointed.value = row === null ? null : pane.name;
        hovered.value = row === null ? null : told(pane, row);
      },
      pick: (rows) => {
        const found = rows.map((row) => told(pane, row)).filter((row) => row !== null);
        if (mode.value === "lasso") selected.value = found;
        else if (found.length === 1) change({ item: found[0] ?? null });
      },
      spot: (xy) => {
        if (pane.name === "first") change({ spots: [xy] });
      },
      view: () => {
        setMoved((count) => count + 1);
        camera?.moved();
      },
    });
    scatter.current = own;
    const placeOf = (row: number): [number, number] | null => pixel(own, pane, row);
    window.latentspace = { ...window.latentspace, [pane.name]: placeOf };
    if (pane.name === "first") window.latentspace.pixelOf = placeOf;
    const ends = wired(own, pane, canvas.current);
    return () => {
      camera?.end();
      for (const end of ends) end();
      own.destroy();
    };
  }, [pane]);
  const the = pane.space.value;
  const own = scatter.current;
  const drawn = pane.drawn.value;
  const isStale = drawn?.of !== the || drawn?.map !== pane.map.value;
  const keyed: Keyed | null = own && { own, pane };
  return (
    <section
      class={isStale ? "map stale" : "map"}
      aria-label={`${pane.map.value} map of ${the?.items.toLocaleString("en") ?? 0} items${pane.name === "beside" ? `, beside: ${the?.name}` : ""}`}
      data-views={moved}
    >
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label="Points of the map: arrow keys step through items, ? lists all keys"
        onKeyDown={(event) => keyed && isKeyOfMap(event, keyed) && event.preventDefault()}
      />
      {own && <Contours own={own} pane={pane} moved={moved} />}
      {own && <Pictures own={own} pane={pane} moved={moved} />}
      {own && <Names own={own} pane={pane} moved={moved} />}
      {own && <RegionNames own={own} pane={pane} moved={moved} />}
      {own && <Words own={own} pane={pane} moved={moved} />}
      {own && mode.value === "path" && pane.name === "first" && <Pen own={own} />}
      {own && <Marks own={own} pane={pane} moved={moved} />}
      <Tools pane={pane} onReset={() => own?.reset(true)} />
      {own && (pointed.value ?? "first") === pane.name && <Hover at={(row) => pixel(own, pane, row)} />}
    </section>
  );
}

declare global {
  interface Window {
    /** For whoever drives the page from outside: where an item lies on a canvas. */
    latentspace: Partial<Record<Pane["name"] | "pixelOf", (row: number) => [number, number] | null>>;
  }
}

/** Where a row of the first map's lies on a pane's canvas. */
export function pixel(own: Scatter, pane: Pane, row: number): [number, number] | null {
  const places = pane.drawn.value?.places;
  const there = ownRow(pane, row);
  if (!places || there === null || 2 * there >= places.length) return null;
  return own.screen([places[2 * there] as number, places[2 * there + 1] as number]);
}

/** What is drawn follows the signals; returns what ends that. */
function wired(own: Scatter, pane: Pane, canvas: HTMLCanvasElement): (() => void)[] {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => own.paint(hex(getComputedStyle(document.body).backgroundColor));
  dark.addEventListener("change", paint);
  return [
    effect(() => {
      const places = pane.drawn.value?.places;
      const tint = pane.colouring.value;
      if (!places || tint?.values.length !== places.length / 2) return;
      const camera = pane.name === "first" ? view.peek().camera : null;
      void own.draw(places, tint, camera).then(() => {
        own.keep(pane.kept.peek());
        own.mark(lit(pane));
        canvas.setAttribute("data-drawn", String(tint.values.length));
      });
    }),
    effect(() => own.mark(lit(pane))),
    effect(() => own.keep(pane.kept.value)),
    effect(() => own.mode(mode.value)),
    effect(() => {
      document.documentElement.dataset.theme = view.value.theme;
      requestAnimationFrame(paint);
    }),
    () => dark.removeEventListener("change", paint),
  ];
}

const lit = (pane: Pane): number[] =>
  [...new Set([...selected.value, ...marked.value])]
    .map((row) => ownRow(pane, row))
    .filter((row): row is number => row !== null);

/** Writes the camera into the link when it rests, and moves it where a link says. */
function cameraInLink(scatter: () => Scatter | null): { moved(): void; end(): void } {
  let later: ReturnType<typeof setTimeout> | undefined;
  let last: Camera | null = view.peek().camera;
  const write = () => {
    const now = scatter()?.resting();
    if (now === undefined || String(now) === String(last)) return;
    last = now;
    change({ camera: now });
  };
  const end = effect(() => {
    const wanted = view.value.camera;
    if (String(wanted) === String(last)) return;
    last = wanted;
    if (wanted) scatter()?.look(wanted);
    else scatter()?.reset();
  });
  return {
    moved: () => {
      clearTimeout(later);
      later = setTimeout(write, LATER);
    },
    end: () => {
      clearTimeout(later);
      end();
    },
  };
}
