// Ids of rows and rows of ids, of the spaces that are open.

import { signal } from "@preact/signals";
import { json, type Space } from "./api";
import type { Named, View } from "./link";

const known = new Map<string, string>();
/** Grows when an id has come to be known. */
const learned = signal(0);

const key = (the: Space, row: number): string => `${the.number}/${row}`;

export function learn(the: Space, row: number, id: string): void {
  if (known.get(key(the, row)) === id) return;
  known.set(key(the, row), id);
  learned.value++;
}

/** The ids of a view's items, as far as they are known: what was opened is. */
export function named(the: Space | null, view: View): Named {
  const of = (row: number): string[] => {
    const id = the && learned.value >= 0 ? known.get(key(the, row)) : undefined;
    return id === undefined ? [] : [id];
  };
  const [item = null] = view.item === null ? [] : of(view.item);
  return { item, liked: view.liked.flatMap(of), disliked: view.disliked.flatMap(of) };
}

/** The rows of named items; those that the space has no more are left out. */
export async function found(the: Space, { item, liked, disliked }: Named): Promise<Partial<View>> {
  const ids = [...(item === null ? [] : [item]), ...liked, ...disliked];
  if (!ids.length) return {};
  const { rows } = await json<{ rows: (number | null)[] }>(`/spaces/${the.number}/rows`, { ids });
  const row = new Map(ids.map((id, place) => [id, rows[place] ?? null]));
  for (const [id, one] of row) if (one !== null) learn(the, one, id);
  const there = (list: string[]): number[] => list.flatMap((id) => row.get(id) ?? []);
  return { item: item === null ? null : (row.get(item) ?? null), liked: there(liked), disliked: there(disliked) };
}
