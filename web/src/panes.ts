// What a map on the screen shows: one always, a second beside it when asked. Rows of the second are told as the first's.

import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { ended, frame, type Honesty, type Job, json, type Space } from "./api";
import { byGroups, byNumbers, type Colouring, plain } from "./colours";
import { floats } from "./frames";
import { beside, colour, hidden, map, space, spaces, trying, view, visible, working } from "./state";

export interface Pane {
  name: "first" | "beside";
  space: ReadonlySignal<Space | null>;
  map: ReadonlySignal<string>;
  drawn: Signal<Drawn | null>;
  colouring: ReadonlySignal<Colouring | null>;
  kept: ReadonlySignal<number[] | null>; // rows that are drawn; null: all
  mask: ReadonlySignal<Uint8Array | null>; // 1 for rows that are drawn; null: all
  links: ReadonlySignal<Links | null>; // null: the rows are the first map's own
}

/** A map as it came: places, and how far each item's can be trusted. */
export interface Drawn {
  of: Space;
  map: string;
  places: Float32Array;
  shades: Record<string, Float32Array>;
  honesty: Honesty;
}

/** Which rows of two spaces are the same item; -1 where the other has none. */
export interface Links {
  toFirst: Int32Array;
  fromFirst: Int32Array;
  common: number;
}

const tint = signal<Colouring | null>(null); // in rows of the first map's space
/** A colouring that a comparison asked for, until another is chosen. */
export const lent = signal<Colouring | null>(null);
const matched = signal<Links | null>(null);

export const first: Pane = {
  name: "first",
  space,
  map,
  drawn: signal(null),
  colouring: computed(() => lent.value ?? tint.value),
  kept: computed(() => shown(lent.value ?? tint.value, hidden.value, visible.value)),
  mask: computed(() => masked(first.kept.value, first.colouring.value)),
  links: signal(null),
};

export const second: Pane = {
  name: "beside",
  space: computed(() => spaces.value[beside.value?.space ?? -1] ?? null),
  map: computed(() => beside.value?.map ?? ""),
  drawn: signal(null),
  colouring: computed(() => carried(first.colouring.value, matched.value)),
  kept: computed(() => carriedRows(first.kept.value, matched.value)),
  mask: computed(() => masked(second.kept.value, second.colouring.value)),
  links: matched,
};

export const isSecondShown = computed(() => second.space.value !== null);

/** The row of a pane's own space for one of the first map's; null where it has no such item. */
export function own(pane: Pane, row: number): number | null {
  const links = pane.links.value;
  const there = links ? (links.fromFirst[row] ?? -1) : row;
  return there < 0 ? null : there;
}

/** And the way back. */
export function told(pane: Pane, row: number): number | null {
  const links = pane.links.value;
  const there = links ? (links.toFirst[row] ?? -1) : row;
  return there < 0 ? null : there;
}

/** The rows that neither a filter nor the legend hides; null where that is all of them. */
export function shown(tinted: Colouring | null, off: string[], filtered: number[] | null): number[] | null {
  const groups = tinted?.kind === "groups" ? tinted.groups : [];
  const dark = new Set(groups.flatMap(({ label }, place) => (off.includes(label) ? [place] : [])));
  if (!tinted || !dark.size) return filtered;
  const isLit = (row: number): boolean => !dark.has(tinted.values[row] as number);
  if (filtered) return filtered.filter(isLit);
  const rows: number[] = [];
  for (let row = 0; row < tinted.values.length; row++) if (isLit(row)) rows.push(row);
  return rows;
}

/** The first map's colours for the rows of another space. */
export function carried(tinted: Colouring | null, links: Links | null): Colouring | null {
  if (!tinted || !links) return tinted;
  const rest = tinted.kind === "groups" ? tinted.palette.length - 1 : 0;
  const values = Float32Array.from(links.toFirst, (row) => (row < 0 ? rest : (tinted.values[row] ?? rest)));
  return { ...tinted, values };
}

/** Only items that both have are drawn beside: a colour for what the first lacks would be made up. */
export function carriedRows(rows: number[] | null, links: Links | null): number[] | null {
  if (!links) return rows;
  if (!rows && links.common === links.toFirst.length) return null;
  const from = rows ?? links.fromFirst.keys();
  const there: number[] = [];
  for (const row of from) {
    const one = links.fromFirst[row] ?? -1;
    if (one >= 0) there.push(one);
  }
  return there;
}

function masked(rows: number[] | null, tinted: Colouring | null): Uint8Array | null {
  if (!rows || !tinted) return null;
  const mask = new Uint8Array(tinted.values.length);
  for (const row of rows) mask[row] = 1;
  return mask;
}

export function linked(toFirst: Int32Array, n: number): Links {
  const fromFirst = new Int32Array(n).fill(-1);
  let common = 0;
  toFirst.forEach((row, here) => {
    if (row < 0 || row >= n) return;
    fromFirst[row] = here;
    common++;
  });
  return { toFirst, fromFirst, common };
}

/** Keeps both maps, their colours and their links as the view asks. */
export function follow(): void {
  for (const pane of [first, second]) {
    effect(() => void showMap(pane, pane.space.value, pane.map.value));
  }
  effect(() => void listShades(space.value));
  effect(() => void link(space.value, second.space.value));
  const honest = computed(() => (colour.value.startsWith("map ") ? first.drawn.value : null));
  effect(() => {
    lent.value = null;
    void showColour(space.value, colour.value, honest.value);
  });
}

async function showMap(pane: Pane, the: Space | null, method: string): Promise<void> {
  if (!the) {
    pane.drawn.value = null;
    return;
  }
  if (pane.drawn.peek()?.of !== the) pane.drawn.value = null; // rows of another space mean nothing here
  const path = `/spaces/${the.number}/maps/${method}`;
  const isWanted = (): boolean => pane.space.peek() === the && pane.map.peek() === method;
  await trying(async () => {
    if (!the.maps.includes(method)) {
      await ended(await json<Job>(path, {}), (job) => {
        if (isWanted()) working.value = job;
      });
      spaces.value = spaces
        .peek()
        .map((one) => (one === the ? Object.assign(one, { maps: [...one.maps, method] }) : one));
    }
    const made = await frame<{ honesty: Honesty }>(path);
    if (!isWanted()) return; // another was asked for meanwhile
    const { xy: _, ...shades } = made.arrays;
    pane.drawn.value = {
      of: the,
      map: method,
      places: floats(made, "xy"),
      shades: Object.fromEntries(Object.keys(shades).map((name) => [name, floats(made, name)])),
      honesty: made.header.honesty,
    };
  });
  if (isWanted()) working.value = null;
}

/** Which numbers of items the space itself knows, beyond its columns. */
export const shades = signal<string[]>([]);

async function listShades(the: Space | null): Promise<void> {
  shades.value = [];
  if (the) shades.value = (await trying(() => json<string[]>(`/spaces/${the.number}/shades`))) ?? [];
}

async function link(a: Space | null, b: Space | null): Promise<void> {
  if (!a || !b || a === b) {
    matched.value = null;
    return;
  }
  await trying(async () => {
    const found = await frame(`/spaces/${b.number}/match/${a.number}`);
    const rows = found.arrays.rows?.data;
    if (rows instanceof Int32Array && space.peek() === a && second.space.peek() === b) {
      matched.value = linked(rows, a.items);
    }
  });
}

async function showColour(the: Space | null, name: string, drawn: Drawn | null): Promise<void> {
  if (!the) return;
  const made = await trying(() => coloured(the, name, drawn));
  batch(() => {
    if (made && view.peek().colour === name && space.peek() === the) tint.value = made;
    else if (!made && tint.peek()?.values.length !== the.items) tint.value = plain(the.items);
  });
}

async function coloured(the: Space, name: string, drawn: Drawn | null): Promise<Colouring | null> {
  if (!name) return plain(the.items);
  if (name.startsWith("map ")) {
    const shade = drawn?.of === the ? drawn.shades[name.slice(4)] : undefined;
    return shade ? byNumbers(name, shade) : null;
  }
  const column = await frame<{ labels?: string[]; counts?: number[] }>(colourPath(the, name));
  const codes = column.arrays.codes?.data;
  return codes instanceof Uint16Array
    ? byGroups(name, codes, column.header.labels ?? [], column.header.counts ?? [])
    : byNumbers(name, floats(column, "values"));
}

function colourPath(the: Space, name: string): string {
  const dimension = /^dim (\d+)$/.exec(name);
  if (dimension) return `/spaces/${the.number}/dimensions/${dimension[1]}`;
  if (name.startsWith("shade ")) return `/spaces/${the.number}/shades/${encodeURIComponent(name.slice(6))}`;
  return `/spaces/${the.number}/columns/${encodeURIComponent(name)}`;
}
