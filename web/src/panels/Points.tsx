import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Scatter, scatterOn } from "../scatter";
import { change, colouring, hovered, marked, places, selected, space, working } from "../state";
import { Hover } from "./Hover";

/** The map: points, and what hangs at the one under the pointer. */
export function Points() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawn = useRef<Scatter | null>(null);
  useEffect(() => {
    if (!canvas.current) return;
    const scatter = scatterOn(canvas.current, {
      hover: (row) => {
        hovered.value = row;
      },
      pick: (rows) => {
        if (rows.length === 1) change({ item: rows[0] ?? null });
        else selected.value = rows;
      },
      spot: () => {},
    });
    drawn.current = scatter;
    const ends = [
      effect(() => {
        if (places.value && colouring.value?.values.length === places.value.length / 2) {
          void scatter.draw(places.value, colouring.value);
        }
      }),
      effect(() => scatter.mark(marked.value)),
    ];
    return () => {
      for (const end of ends) end();
      scatter.destroy();
    };
  }, []);
  return (
    <section class="map" aria-label={`Map of ${space.value?.items ?? 0} items`}>
      <canvas ref={canvas} tabIndex={0} aria-label="Points of the map. Arrow keys step through neighbours." />
      {working.value && (
        <p class="working" role="status">
          {working.value}
        </p>
      )}
      <Hover at={(row) => drawn.current?.screen(row) ?? null} />
    </section>
  );
}
