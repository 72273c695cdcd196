// What the page knows, as signals: panels read them, and a change redraws only who reads it.

import { computed, effect, signal } from "@preact/signals";
import { type Condition, ended, frame, type Honesty, type Job, json, Refused, type Space } from "./api";
import { byGroups, byNumbers, type Colouring, plain } from "./colours";
import { floats } from "./frames";
import * as link from "./link";

export const view = signal<link.View>(link.read(location.hash));
export const spaces = signal<Space[]>([]);
export const space = computed<Space | null>(() => spaces.value[view.value.space] ?? null);
export const places = signal<Float32Array | null>(null); // x and y of every item, one after the other
export const honesty = signal<Honesty | null>(null);
export const colouring = signal<Colouring | null>(null);
export const hovered = signal<number | null>(null);
export const chosen = computed(() => view.value.item);
export const selected = signal<number[]>([]); // rows of the lasso
export const marked = signal<number[]>([]); // rows drawn larger: an item's neighbours
export const liked = signal<number[]>([]);
export const disliked = signal<number[]>([]);
export const metric = signal("cosine");
export const where = signal<Condition[]>([]);
export const visible = signal<number[] | null>(null); // rows that the filter keeps; null: all
export const spots = signal<[number, number][]>([]); // a spot that was clicked, or a path that was drawn
export const placed = signal<[number, number] | null>(null); // where what was dropped belongs
export const mode = signal<"move" | "lasso" | "path">("move");
export const message = signal<{ words: string; bad: boolean } | null>(null);
export const working = signal<string>("");

export function change(part: Partial<link.View>): void {
  view.value = { ...view.value, ...part };
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

export async function start(): Promise<void> {
  spaces.value = (await trying(() => json<Space[]>("/spaces"))) ?? [];
  const first = space.value;
  if (!first) return;
  if (!first.maps.includes(view.value.map)) change({ map: first.maps[0] ?? "pca" });
  if (!view.value.colour && first.columns.some((column) => column.name === "label")) change({ colour: "label" });
  effect(() => history.replaceState(null, "", `#${link.written(view.value)}`));
  effect(() => void showMap(space.value, view.value.map));
  effect(() => void showColour(space.value, view.value.colour));
}

async function showMap(the: Space | null, method: string): Promise<void> {
  if (!the) return;
  const path = `/spaces/${the.number}/maps/${method}`;
  await trying(async () => {
    const made = await frame<{ honesty: Honesty }>(path).catch(async (error) => {
      if (!(error instanceof Refused && error.facts.make)) throw error;
      working.value = `Drawing the ${method} map …`;
      await ended(await json<Job>(path, {}));
      return frame<{ honesty: Honesty }>(path);
    });
    places.value = floats(made, "xy");
    honesty.value = made.header.honesty;
  });
  working.value = "";
}

async function showColour(the: Space | null, name: string): Promise<void> {
  if (!the) return;
  if (!name) {
    colouring.value = plain(the.items);
    return;
  }
  await trying(async () => {
    const column = await frame<{ labels?: string[]; counts?: number[] }>(colourPath(the, name));
    const codes = column.arrays.codes?.data;
    colouring.value =
      codes instanceof Uint16Array
        ? byGroups(name, codes, column.header.labels ?? [], column.header.counts ?? [])
        : byNumbers(name, floats(column, "values"));
  });
}

function colourPath(the: Space, name: string): string {
  const dimension = /^dim (\d+)$/.exec(name);
  if (dimension) return `/spaces/${the.number}/dimensions/${dimension[1]}`;
  if (name.startsWith("shade ")) return `/spaces/${the.number}/shades/${encodeURIComponent(name.slice(6))}`;
  return `/spaces/${the.number}/columns/${encodeURIComponent(name)}`;
}
