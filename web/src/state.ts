// What the page knows, as signals: panels read them, and a change redraws only who reads it.

import { batch, computed, effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { type Condition, holdVersions, type Job, json, type Space, whenOutdated } from "./api";
import { found, named } from "./ids";
import * as link from "./link";

export const view = signal<link.View>(link.read(location.hash));
export const spaces = signal<Space[]>([]);
export const hovered = signal<number | null>(null); // rows are always those of the first map's space
export const pointed = signal<"first" | "beside" | null>(null); // the map that the pointer is on
export const selected = signal<number[]>([]); // rows of the lasso
export const marked = signal<number[]>([]); // rows drawn larger: an item and its neighbours
export const visible = signal<number[] | null>(null); // rows that the filter keeps; null: all
export const placed = signal<[number, number] | null>(null); // where what was dropped belongs
export const mode = signal<"move" | "lasso" | "path">("move");
export const message = signal<{ words: string; bad: boolean } | null>(null);
export const working = signal<Job | null>(null);
export const helping = signal(false);
export const sounding = signal(true); // whether a sound is played when the pointer is on it

// Parts of the view, each a signal of its own: a click on an item must not ask for the map and its colours again.
const part = <Name extends keyof link.View>(name: Name): ReadonlySignal<link.View[Name]> =>
  computed(() => view.value[name]);
export const space = computed<Space | null>(() => spaces.value[view.value.space] ?? null);
export const map = part("map");
export const colour = part("colour");
export const chosen = part("item");
export const tab = part("tab");
export const metric = part("metric");
export const where = part("where");
export const hidden = part("hidden");
export const liked = part("liked");
export const disliked = part("disliked");
export const spots = part("spots"); // a spot that was clicked, or a path that was drawn
export const beside = part("beside");
export const ground = part("ground");

export function change(some: Partial<link.View>): void {
  view.value = { ...view.peek(), ...some };
}

export const setWhere = (conditions: Condition[]): void => change({ where: conditions });

/** Another space in the first map's place: rows of the old one mean nothing there. */
export function changeSpace(number: number): void {
  const map = startingMap(spaces.peek()[number], view.peek().map);
  change({ ...link.FIRST, space: number, map, theme: view.peek().theme, colour: firstColour(spaces.peek()[number]) });
  selected.value = [];
  marked.value = [];
  visible.value = null;
  placed.value = null;
}

export function say(words: string, bad = false): void {
  message.value = { words, bad };
}

/** Runs what may be refused, and says why it was. */
export async function trying<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    say(error instanceof Error ? error.message : String(error), true);
    return null;
  }
}

const startingMap = (the: Space | undefined, wanted: string): string =>
  the?.maps.includes(wanted) ? wanted : (the?.maps[0] ?? "pca");

/** What a stranger would colour by: a column that is named for it, else the first of few values. */
function firstColour(the: Space | undefined): string {
  const groups = the?.columns.filter(({ kind }) => kind === "category").map(({ name }) => name) ?? [];
  const named = ["label", "class", "category", "species", "kind", "target"].find((name) => groups.includes(name));
  return named ?? groups[0] ?? "";
}

/** What an address asks for, as far as these spaces have it. */
function restored(wanted: link.View, isFirst: boolean): link.View {
  const number = spaces.peek()[wanted.space] ? wanted.space : 0;
  const the = spaces.peek()[number];
  const named = the?.methods.includes(wanted.map) && (!isFirst || the.maps.includes(wanted.map));
  return {
    ...wanted,
    space: number,
    map: named ? wanted.map : startingMap(the, wanted.map),
    colour: wanted.colour || (isFirst ? firstColour(the) : ""),
    where: wanted.where.filter(({ column }) => the?.columns.some(({ name }) => name === column)),
    beside: wanted.beside && spaces.peek()[wanted.beside.space] ? wanted.beside : null,
  };
}

const LATER = 250; // ms between two: browsers refuse addresses that change with every frame

export async function start(): Promise<void> {
  spaces.value = (await trying(() => json<Space[]>("/spaces"))) ?? [];
  holdVersions(spaces.value);
  const address = (): string => link.written(view.value, awaited.value ?? named(space.value, view.value));
  whenOutdated(() => {
    history.replaceState(null, "", `#${untracked(address)}`);
    location.reload();
  });
  if (!space.value) return;
  awaited.value = link.names(location.hash);
  view.value = restored(view.peek(), true);
  await meet();
  let written = location.hash;
  let last = 0;
  let later: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const words = `#${address()}`;
    clearTimeout(later);
    const write = () => {
      written = words;
      last = performance.now();
      history.replaceState(null, "", words);
    };
    if (performance.now() - last > LATER) write();
    else later = setTimeout(write, LATER);
  });
  addEventListener("hashchange", () => {
    if (location.hash !== written) untracked(() => restore(location.hash));
  });
}

function restore(fragment: string): void {
  batch(() => {
    awaited.value = link.names(fragment); // first: no address without them is ever written
    view.value = restored(link.read(fragment), false);
  });
  void meet();
}

/** What an address names, until its rows are known: the address keeps it meanwhile. */
const awaited = signal<link.Named | null>(null);

/** Opens and likes the items that an address names. */
async function meet(): Promise<void> {
  const the = space.peek();
  const wanted = awaited.peek();
  if (!the || !wanted) return;
  const rows = await trying(() => found(the, wanted));
  if (awaited.peek() !== wanted) return; // another address was given meanwhile
  batch(() => {
    awaited.value = null;
    if (rows && space.peek() === the) change(rows);
  });
}
