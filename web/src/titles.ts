// Short names of items, asked for once each, a few at a time.

import { signal } from "@preact/signals";
import { json, type Space } from "./api";

const LONGEST = 42;
const AT_ONCE = 6; // as many as a browser opens to one server
const MOST_KEPT = 5000;

/** Grows when names have come, so that who shows them is drawn again. */
export const come = signal(0);
const names = new Map<string, string>();
const asked = new Set<string>();
let waiting: { the: Space; row: number }[] = [];
let busy = 0;

const key = (the: Space, row: number): string => `${the.number}/${row}`;

/** A name of at most 42 characters; null until it has come. */
export function title(the: Space, row: number): string | null {
  return names.get(key(the, row)) ?? null;
}

/** Asks for names; those of an earlier view that were not begun are given up. */
export function wantTitles(the: Space, rows: number[]): void {
  if (names.size > MOST_KEPT) names.clear();
  waiting = rows.filter((row) => !names.has(key(the, row)) && !asked.has(key(the, row))).map((row) => ({ the, row }));
  while (busy < AT_ONCE && waiting.length) void next();
}

async function next(): Promise<void> {
  const one = waiting.shift();
  if (!one) return;
  const name = key(one.the, one.row);
  asked.add(name);
  busy++;
  try {
    const path = `/spaces/${one.the.number}/items/${one.row}`;
    const words =
      one.the.can.pictures === "text"
        ? (await json<{ item: unknown }>(`${path}/text`)).item
        : (await json<{ id: string }>(path)).id;
    names.set(name, shortened(String(words)));
    come.value++;
  } catch {
    // A label that does not come is not shown; whoever opens the item is told why.
  } finally {
    asked.delete(name);
    busy--;
    void next();
  }
}

/** The first words, cut where a word ends. */
export function shortened(words: string): string {
  const line = words.replace(/\s+/g, " ").trim();
  if (line.length <= LONGEST) return line;
  const cut = line.slice(0, LONGEST);
  const end = cut.lastIndexOf(" ");
  return `${cut.slice(0, end > LONGEST / 2 ? end : LONGEST)} …`;
}
