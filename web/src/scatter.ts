// The points: regl-scatterplot (WebGL) with our places, colours and marks. It knows nothing of panels.

import createScatterplot from "regl-scatterplot";
import type { Colouring } from "./colours";
import { linear } from "./linear";
import type { Camera } from "./link";
import { followTouch } from "./touch";

export type Mode = "move" | "lasso" | "path";

const NEAR = 12; // CSS pixels between a pointer and the point that it is on

export interface Events {
  hover(row: number | null): void;
  pick(rows: number[]): void;
  spot(xy: [number, number]): void;
  view(): void;
}

export interface Scatter {
  /** Draws; places that are new are shown whole, or through `camera`. */
  draw(places: Float32Array, colouring: Colouring, camera?: Camera | null): Promise<void>;
  mark(rows: number[]): void;
  keep(rows: number[] | null): void;
  paint(background: string): void;
  mode(mode: Mode): void;
  /** Shows the whole map. */
  reset(smoothly?: boolean): void;
  /** What is in view: the middle and half of the shorter side. */
  camera(): Camera | null;
  /** The same, but null while the whole map is in view. */
  resting(): Camera | null;
  look(camera: Camera): void;
  /** Where on the canvas, in CSS pixels, a spot of the map is. */
  screen(xy: [number, number]): [number, number] | null;
  /** Which spot of the map lies under a point of the canvas. */
  spotAt(x: number, y: number): [number, number] | null;
  /** The rows in view with their pixels; null where there are more than `most`. */
  inView(most: number): { row: number; x: number; y: number }[] | null;
  destroy(): void;
}

export interface Scaled {
  x: Float32Array;
  y: Float32Array;
  back(x: number, y: number): [number, number];
  there(xy: [number, number]): [number, number];
  half: number; // what 1 is in the places' own unit
}

/** Places scaled to [-1, 1] with one factor for both axes, so that distances keep their proportions. */
export function scaled(places: Float32Array): Scaled {
  const n = places.length / 2;
  let [left, right, bottom, top] = [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  for (let row = 0; row < n; row++) {
    const x = places[2 * row] as number;
    const y = places[2 * row + 1] as number;
    left = Math.min(left, x);
    right = Math.max(right, x);
    bottom = Math.min(bottom, y);
    top = Math.max(top, y);
  }
  if (n === 0) [left, right, bottom, top] = [0, 0, 0, 0];
  const half = Math.max(right - left, top - bottom, 1e-12) / 2 / 0.95;
  const [middle, level] = [(left + right) / 2, (bottom + top) / 2];
  const x = new Float32Array(n);
  const y = new Float32Array(n);
  for (let row = 0; row < n; row++) {
    x[row] = ((places[2 * row] as number) - middle) / half;
    y[row] = ((places[2 * row + 1] as number) - level) / half;
  }
  return {
    x,
    y,
    back: (u, v) => [u * half + middle, v * half + level],
    there: ([u, v]) => [(u - middle) / half, (v - level) / half],
    half,
  };
}

/** How large and how clear points are drawn, by their number: few are dots, a million are a haze that shows density. */
export function lookOf(n: number): { size: number; opacity: number } {
  const size = Math.min(Math.max(9 - 1.5 * Math.log10(Math.max(n, 1)), 1), 8);
  return { size, opacity: n > 200_000 ? 0.25 : n > 20_000 ? 0.5 : 0.85 };
}

export function scatterOn(canvas: HTMLCanvasElement, events: Events): Scatter {
  const x = linear();
  const y = linear();
  const plot = createScatterplot({
    canvas,
    width: "auto",
    height: "auto",
    // biome-ignore lint/suspicious/noExplicitAny: d3's scale, of which two methods are used
    xScale: x as any,
    // biome-ignore lint/suspicious/noExplicitAny: as above
    yScale: y as any,
    lassoOnLongPress: false,
    pointSizeSelected: 3,
  });
  let space: Scaled | null = null;
  let now: Mode = "move";
  let over: number | null = null;
  plot.subscribe("pointOver", (row) => {
    over = row;
    events.hover(row);
  });
  plot.subscribe("pointOut", () => {
    over = null;
    events.hover(null);
  });
  plot.subscribe("select", ({ points }) => events.pick(points));
  plot.subscribe("deselect", () => events.pick([]));
  let rested = true; // whether the whole map was in view when it was last drawn
  plot.subscribe("view", () => {
    if (`${canvas.clientWidth} ${canvas.clientHeight}` === shape) rested = resting() === null;
    events.view();
  });
  plot.subscribe("draw", () => events.view());

  let pressed: [number, number] | null = null;
  canvas.addEventListener("pointerdown", (event) => {
    pressed = [event.clientX, event.clientY];
  });
  canvas.addEventListener("click", (event) => {
    const moved = pressed ? Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) : 0;
    const box = canvas.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    if (now !== "move" || moved > 4 || (over !== null && isNear(over, left, top))) return;
    const spot = spotAt(left, top);
    if (spot) events.spot(spot);
  });

  // A quick pointer has left a point before the library says so.
  function isNear(row: number, left: number, top: number): boolean {
    if (!space) return false;
    return Math.hypot(x(space.x[row] as number) - left, y(space.y[row] as number) - top) < NEAR;
  }

  // The library drops a drawing that is asked for while another is under way, so the last one waits its turn here.
  let wanted: { places: Float32Array; colouring: Colouring; camera: Camera | null } | null = null;
  let drawing: Promise<void> | null = null;

  let shown: Float32Array | null = null;

  // The library fits the height; on a narrow screen the sides would be cut off.
  const whole = (transition: boolean) => plot.zoomToArea({ x: -1, y: -1, width: 2, height: 2 }, { transition });

  // Where the view is on its way to: a key or a finger acts on that, not on what was drawn last.
  let going: Camera | null = null;

  async function look(camera: Camera): Promise<void> {
    if (!space) return;
    going = camera;
    const [u, v] = space.there([camera[0], camera[1]]);
    const half = camera[2] / space.half;
    await plot.zoomToArea({ x: u - half, y: v - half, width: 2 * half, height: 2 * half }, { transition: false });
    if (going === camera) going = null;
  }

  function camera(): Camera | null {
    if (going || !space) return going;
    const [[left, right], [bottom, top]] = [x.domain(), y.domain()];
    const middle = space.back((left + right) / 2, (bottom + top) / 2);
    return [...middle, (Math.min(right - left, top - bottom) / 2) * space.half];
  }

  function resting(): Camera | null {
    const now = camera();
    if (!now || !space) return null;
    const [u, v] = space.there([now[0], now[1]]);
    return Math.hypot(u, v, now[2] / space.half - 1) < 1e-3 ? null : now;
  }

  // A whole map stays whole when its canvas gets another shape, as when a second one appears beside it.
  let shape = "";
  const resized = new ResizeObserver(() => {
    const now = `${canvas.clientWidth} ${canvas.clientHeight}`;
    if (shape && now !== shape && rested) void whole(false);
    shape = now;
  });
  resized.observe(canvas);

  const untouched = followTouch(canvas, { camera, look: (to) => void look(to), isMoving: () => now === "move" });

  async function drawAll(): Promise<void> {
    while (wanted) {
      const { places, colouring, camera } = wanted;
      wanted = null;
      space = scaled(places);
      const { size, opacity } = lookOf(space.x.length);
      plot.set({ pointColor: colouring.palette, colorBy: "valueA", pointSize: size, opacity });
      await plot.draw({ x: space.x, y: space.y, valueA: colouring.values }, { zDataType: "categorical" });
      if (places !== shown) await (camera ? look(camera) : whole(false));
      shown = places;
    }
  }

  function spotAt(left: number, top: number): [number, number] | null {
    return space?.back(x.invert(left), y.invert(top)) ?? null;
  }

  return {
    spotAt,
    async draw(places, colouring, camera = null) {
      wanted = { places, colouring, camera };
      drawing ??= drawAll().finally(() => {
        drawing = null;
      });
      await drawing;
    },
    mark: (rows) => (rows.length ? plot.select(rows, { preventEvent: true }) : plot.deselect({ preventEvent: true })),
    keep: (rows) => void (rows ? plot.filter(rows) : plot.unfilter()),
    paint: (background) => plot.set({ backgroundColor: background }),
    mode: (mode) => {
      now = mode;
      plot.set({ mouseMode: mode === "lasso" ? "lasso" : "panZoom" });
    },
    reset: (smoothly = false) => {
      going = null;
      void whole(smoothly);
    },
    camera,
    resting,
    look: (to) => void look(to),
    screen: (xy) => {
      if (!space) return null;
      const [u, v] = space.there(xy);
      return [x(u), y(v)];
    },
    inView: (most) => {
      if (!space) return null;
      const [[left, right], [bottom, top]] = [x.domain(), y.domain()];
      const rows: number[] = [];
      for (let row = 0; row < space.x.length; row++) {
        const u = space.x[row] as number;
        const v = space.y[row] as number;
        if (u < left || u > right || v < bottom || v > top) continue;
        if (rows.length === most) return null;
        rows.push(row);
      }
      return rows.map((row) => ({ row, x: x(space?.x[row] as number), y: y(space?.y[row] as number) }));
    },
    destroy: () => {
      resized.disconnect();
      untouched();
      plot.destroy();
    },
  };
}
