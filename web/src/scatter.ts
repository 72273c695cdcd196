// The points: regl-scatterplot (WebGL) with our places, colours and marks. It knows nothing of panels.

import createScatterplot from "regl-scatterplot";
import type { Colouring } from "./colours";

export interface Events {
  hover(row: number | null): void;
  pick(rows: number[]): void;
  spot(xy: [number, number]): void;
}

export interface Scatter {
  draw(places: Float32Array, colouring: Colouring): Promise<void>;
  mark(rows: number[]): void;
  paint(background: string): void;
  screen(row: number): [number, number] | null;
  mode(mode: "move" | "lasso"): void;
  reset(): void;
  destroy(): void;
}

/** Places scaled to [-1, 1] with one factor for both axes, so that distances keep their proportions. */
export function scaled(places: Float32Array): {
  x: Float32Array;
  y: Float32Array;
  back(x: number, y: number): [number, number];
} {
  const n = places.length / 2;
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let row = 0; row < n; row++) {
    const x = places[2 * row] as number;
    const y = places[2 * row + 1] as number;
    left = Math.min(left, x);
    right = Math.max(right, x);
    bottom = Math.min(bottom, y);
    top = Math.max(top, y);
  }
  const half = Math.max(right - left, top - bottom, 1e-12) / 2 / 0.95;
  const middle = [(left + right) / 2, (bottom + top) / 2] as const;
  const x = Float32Array.from({ length: n }, (_, row) => ((places[2 * row] as number) - middle[0]) / half);
  const y = Float32Array.from({ length: n }, (_, row) => ((places[2 * row + 1] as number) - middle[1]) / half);
  return { x, y, back: (u, v) => [u * half + middle[0], v * half + middle[1]] };
}

/** How large and how clear points are drawn, by their number: few are dots, a million are a haze that shows density. */
export function look(n: number): { size: number; opacity: number } {
  const size = Math.min(Math.max(9 - 1.5 * Math.log10(Math.max(n, 1)), 1), 8);
  return { size, opacity: n > 200_000 ? 0.25 : n > 20_000 ? 0.5 : 0.85 };
}

export function scatterOn(canvas: HTMLCanvasElement, events: Events): Scatter {
  const plot = createScatterplot({
    canvas,
    width: "auto",
    height: "auto",
    lassoOnLongPress: false,
    pointSizeSelected: 3,
  });
  let space: ReturnType<typeof scaled> | null = null;
  plot.subscribe("pointOver", (row) => events.hover(row));
  plot.subscribe("pointOut", () => events.hover(null));
  plot.subscribe("select", ({ points }) => events.pick(points));
  plot.subscribe("deselect", () => events.pick([]));

  canvas.addEventListener("click", (event) => {
    if (!space || event.shiftKey || plot.get("mouseMode") === "lasso") return;
    const box = canvas.getBoundingClientRect();
    const [xScale, yScale] = [plot.get("xScale"), plot.get("yScale")];
    if (!xScale || !yScale) return;
    events.spot(space.back(xScale.invert(event.clientX - box.left), yScale.invert(event.clientY - box.top)));
  });

  return {
    async draw(places, colouring) {
      space = scaled(places);
      const { size, opacity } = look(space.x.length);
      plot.set({ pointColor: colouring.palette, colorBy: "valueA", pointSize: size, opacity });
      await plot.draw(
        { x: space.x, y: space.y, valueA: colouring.values },
        { zDataType: colouring.kind === "scale" ? "continuous" : "categorical", preventFilterReset: true },
      );
    },
    mark: (rows) => plot.select(rows, { preventEvent: true }),
    paint: (background) => plot.set({ backgroundColor: background }),
    screen: (row) => plot.getScreenPosition(row) ?? null,
    mode: (mode) => plot.set({ mouseMode: mode === "lasso" ? "lasso" : "panZoom" }),
    reset: () => void plot.zoomToOrigin({ transition: true }),
    destroy: () => plot.destroy(),
  };
}
