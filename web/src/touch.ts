// Fingers: one moves the map, two pinch it. regl-scatterplot's own camera knows only a mouse.

import type { Camera } from "./link";

interface Moved {
  camera(): Camera | null;
  look(camera: Camera): void;
  isMoving(): boolean;
}

type Finger = [x: number, y: number];

/** The camera after fingers went from some places to others on a canvas; `unit` is what a pixel is on the map. */
export function dragged(camera: Camera, from: Finger[], to: Finger[], size: Finger): Camera {
  const [x, y, half] = camera;
  const unit = (2 * half) / Math.min(size[0], size[1]);
  const middle = (fingers: Finger[]): Finger => [
    fingers.reduce((sum, finger) => sum + finger[0], 0) / fingers.length,
    fingers.reduce((sum, finger) => sum + finger[1], 0) / fingers.length,
  ];
  const apart = ([a, b]: Finger[]): number => (a && b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 1);
  const factor = apart(from) / Math.max(apart(to), 1);
  const [before, after] = [middle(from), middle(to)];
  // What lay under the fingers' middle stays under it.
  const held: Finger = [x + (before[0] - size[0] / 2) * unit, y - (before[1] - size[1] / 2) * unit];
  return [
    held[0] - (after[0] - size[0] / 2) * unit * factor,
    held[1] + (after[1] - size[1] / 2) * unit * factor,
    half * factor,
  ];
}

/** Follows fingers on a canvas; returns what ends that. */
export function followTouch(canvas: HTMLCanvasElement, moved: Moved): () => void {
  const fingers = new Map<number, Finger>();
  // Where everything was when a finger came or went: the map is drawn later than fingers move, so that steps from its
  // last drawing would be lost.
  let begun: { camera: Camera; fingers: Finger[] } | null = null;
  let now: Camera | null = null;
  const place = (event: PointerEvent): Finger => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const begin = () => {
    const camera = now ?? moved.camera();
    begun = camera && fingers.size ? { camera, fingers: [...fingers.values()] } : null;
    if (!fingers.size) now = null;
  };
  const down = (event: PointerEvent) => {
    if (event.pointerType !== "touch" || !moved.isMoving()) return;
    fingers.set(event.pointerId, place(event));
    begin();
  };
  const move = (event: PointerEvent) => {
    if (!fingers.has(event.pointerId) || !begun) return;
    fingers.set(event.pointerId, place(event));
    now = dragged(begun.camera, begun.fingers, [...fingers.values()], [canvas.clientWidth, canvas.clientHeight]);
    moved.look(now);
  };
  const up = (event: PointerEvent) => {
    if (fingers.delete(event.pointerId)) begin();
  };
  canvas.addEventListener("pointerdown", down);
  addEventListener("pointermove", move);
  for (const end of ["pointerup", "pointercancel"] as const) addEventListener(end, up);
  return () => {
    removeEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"] as const) removeEventListener(end, up);
  };
}
