// What keys do while a map has the focus. Single letters act nowhere else, so that no field and no reader is disturbed.

import { own as ownRow, type Pane } from "./panes";
import type { Scatter } from "./scatter";
import { change, chosen, disliked, helping, liked, marked, mode, selected, space } from "./state";

export interface Keyed {
  own: Scatter;
  pane: Pane;
}

export const KEYS: [keys: string, does: string][] = [
  ["← →", "the item before, the next one"],
  ["n", "the nearest neighbour of the chosen item"],
  ["Enter", "decode the middle of the view"],
  ["+ −", "closer, farther"],
  ["Shift + ← → ↑ ↓", "move the map"],
  ["0", "the whole map"],
  ["c", "bring the chosen item to the middle"],
  ["x", "add the chosen item to the selection, or take it out"],
  ["l d", "more like the chosen item, less like it"],
  ["v s p", "move, select with a lasso, draw a path"],
  ["Esc", "close what is open: help, item, selection"],
  ["?", "this list"],
];

const toggled = (list: number[], row: number): number[] =>
  list.includes(row) ? list.filter((one) => one !== row) : [...list, row];

/** Acts on a key; false where it means nothing here. */
export function isKeyOfMap(event: KeyboardEvent, { own, pane }: Keyed): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.shiftKey && event.key.startsWith("Arrow")) return isPanned(event.key, own);
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step) return isStepped(step);
  const row = chosen.value;
  const camera = own.camera();
  const zoom = (factor: number) => camera && own.look([camera[0], camera[1], camera[2] * factor]);
  const does: Record<string, () => unknown> = {
    "?": () => {
      helping.value = !helping.value;
    },
    Escape: close,
    "+": () => zoom(1 / 1.5),
    "=": () => zoom(1 / 1.5),
    "-": () => zoom(1.5),
    "0": () => own.reset(true),
    v: () => {
      mode.value = "move";
    },
    s: () => {
      mode.value = "lasso";
    },
    p: () => {
      mode.value = "path";
    },
    n: () => marked.value[1] !== undefined && change({ item: marked.value[1] }),
    Enter: () => camera && pane.name === "first" && change({ spots: [[camera[0], camera[1]]] }),
  };
  const withItem: Record<string, (row: number) => unknown> = {
    c: (one) => camera && centre(one, own, pane, camera[2]),
    x: (one) => {
      selected.value = toggled(selected.value, one);
    },
    l: (one) => change({ liked: toggled(liked.value, one), disliked: disliked.value.filter((other) => other !== one) }),
    d: (one) => change({ disliked: toggled(disliked.value, one), liked: liked.value.filter((other) => other !== one) }),
  };
  if (does[event.key]) does[event.key]?.();
  else if (row !== null && withItem[event.key]) withItem[event.key]?.(row);
  else return false;
  return true;
}

function isStepped(by: number): boolean {
  const n = space.value?.items ?? 0;
  if (n) change({ item: chosen.value === null ? 0 : (chosen.value + by + n) % n });
  return n > 0;
}

function isPanned(key: string, own: Scatter): boolean {
  const camera = own.camera();
  const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
  if (!camera || !by) return false;
  const [x, y, half] = camera;
  own.look([x + (by[0] as number) * half * 0.25, y + (by[1] as number) * half * 0.25, half]);
  return true;
}

function centre(row: number, own: Scatter, pane: Pane, half: number): void {
  const there = ownRow(pane, row);
  const places = pane.drawn.value?.places;
  if (there !== null && places) own.look([places[2 * there] as number, places[2 * there + 1] as number, half]);
}

/** Help first, then the item, then what was selected: one thing a press. */
function close(): void {
  if (helping.value) helping.value = false;
  else if (chosen.value !== null) change({ item: null });
  else selected.value = [];
}
