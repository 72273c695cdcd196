// The view in the address: a link that restores it. Only what was chosen is in it, never the token. Items are in it by
// their ids: a row is another item once the space has changed.

import type { Condition } from "./api";

export const TABS = ["look", "dimensions", "look up", "make"] as const;
export type Tab = (typeof TABS)[number];

/** A map of a space, shown beside the first. */
export interface Beside {
  space: number;
  map: string;
}

/** What of a map is on the screen: its middle, and half of the shorter side, in the map's own unit. */
export type Camera = [x: number, y: number, half: number];

/** What lies under a map's points. */
export const GROUNDS = ["regions", "contours"] as const;
export type Ground = (typeof GROUNDS)[number];

export interface View {
  space: number;
  map: string;
  colour: string;
  item: number | null;
  theme: "auto" | "light" | "dark";
  beside: Beside | null;
  tab: Tab;
  metric: string;
  where: Condition[];
  hidden: string[]; // groups of the legend that are not shown
  liked: number[];
  disliked: number[];
  spots: [number, number][];
  camera: Camera | null;
  ground: Ground[];
}

export const FIRST: View = {
  space: 0,
  map: "tsne",
  colour: "",
  item: null,
  theme: "auto",
  beside: null,
  tab: "look",
  metric: "cosine",
  where: [],
  hidden: [],
  liked: [],
  disliked: [],
  spots: [],
  camera: null,
  ground: [],
};

/** The items of a view by their ids. */
export interface Named {
  item: string | null;
  liked: string[];
  disliked: string[];
}

export const NOBODY: Named = { item: null, liked: [], disliked: [] };

const MOST = 1000; // of anything that there may be several of: an address has its length

export function written(view: View, named: Named): string {
  const words = new URLSearchParams();
  for (const name of ["space", "map", "colour", "theme", "tab", "metric"] as const) {
    const value = view[name];
    if (value !== FIRST[name]) words.set(name, String(value));
  }
  if (named.item !== null) words.set("item", named.item);
  if (view.beside) words.set("beside", `${view.beside.space}:${view.beside.map}`);
  if (view.where.length) words.set("where", JSON.stringify(view.where));
  for (const label of view.hidden.slice(0, MOST)) words.append("hidden", label);
  for (const name of ["liked", "disliked"] as const) {
    for (const id of named[name].slice(0, MOST)) words.append(name, id);
  }
  if (view.spots.length) words.set("spots", view.spots.flat().map(short).join(","));
  if (view.ground.length) words.set("ground", view.ground.join(","));
  if (view.camera) words.set("camera", view.camera.map(short).join(","));
  return words.toString();
}

/** The items that an address names. */
export function names(fragment: string): Named {
  const words = new URLSearchParams(fragment.replace(/^#/, ""));
  const listed = (name: string): string[] => words.getAll(name).slice(0, MOST);
  return { item: words.get("item"), liked: listed("liked"), disliked: listed("disliked") };
}

/** What an address asks for but for its items, whose rows only the space knows. */
export function read(fragment: string): View {
  const words = new URLSearchParams(fragment.replace(/^#/, ""));
  const theme = words.get("theme");
  const tab = words.get("tab") as Tab | null;
  const [besideSpace, ...besideMap] = (words.get("beside") ?? "").split(":");
  const camera = numbers(words.get("camera"));
  const spots = numbers(words.get("spots"));
  return {
    space: whole(words.get("space")) ?? FIRST.space,
    map: words.get("map") ?? FIRST.map,
    colour: words.get("colour") ?? FIRST.colour,
    item: null,
    theme: theme === "light" || theme === "dark" ? theme : "auto",
    beside: besideMap.length ? { space: whole(besideSpace ?? null) ?? 0, map: besideMap.join(":") } : null,
    tab: tab && TABS.includes(tab) ? tab : FIRST.tab,
    metric: words.get("metric") ?? FIRST.metric,
    where: conditions(words.get("where")),
    hidden: words.getAll("hidden").slice(0, MOST),
    liked: [],
    disliked: [],
    spots: spots.length % 2 ? [] : Array.from({ length: spots.length / 2 }, (_, i) => pair(spots, i)),
    camera: camera.length === 3 && (camera[2] as number) > 0 ? (camera as Camera) : null,
    ground: GROUNDS.filter((name) => (words.get("ground") ?? "").split(",").includes(name)),
  };
}

/** Six digits are less than a pixel of any screen. */
const short = (value: number): string => String(Number(value.toPrecision(6)));

const pair = (flat: number[], i: number): [number, number] => [flat[2 * i] as number, flat[2 * i + 1] as number];

const whole = (words: string | null): number | null =>
  words !== null && /^\d{1,15}$/.test(words) ? Number(words) : null;

function numbers(words: string | null): number[] {
  const found = (words ?? "")
    .split(",")
    .slice(0, 2 * MOST)
    .map(Number);
  return words && found.every(Number.isFinite) ? found : [];
}

/** Conditions as they were written; an address that somebody mended by hand has none rather than half of them. */
function conditions(words: string | null): Condition[] {
  try {
    const found: unknown = JSON.parse(words ?? "[]");
    const good = (one: unknown): one is Condition =>
      typeof one === "object" && one !== null && typeof (one as Condition).column === "string";
    return Array.isArray(found) && found.every(good) ? found : [];
  } catch {
    return [];
  }
}
