// Colours of points. Categories: Okabe and Ito's eight, which colour-blind readers tell apart, then lighter ones of them.

export const CATEGORIES = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#8f7a00",
  "#6a51a3",
  "#7fb8d8",
  "#f2cf80",
  "#80cfb9",
  "#e5bcd3",
  "#aad9f4",
  "#eaae80",
  "#c7bd80",
  "#b4a8d1",
];
export const OTHER = "#8a8f98";
/** Viridis, which keeps its order in grey print too. */
export const SCALE = [
  "#440154",
  "#482878",
  "#3e4a89",
  "#31688e",
  "#26828e",
  "#1f9e89",
  "#35b779",
  "#6ece58",
  "#b5de2b",
  "#fde725",
];

export interface Group {
  label: string;
  colour: string;
  count: number;
}

/** What the scatter draws: a number for each point, and the colours that numbers stand for. */
export interface Colouring {
  name: string;
  kind: "plain" | "groups" | "scale";
  values: Float32Array;
  palette: string[];
  groups: Group[];
  low: number;
  high: number;
}

export function plain(n: number): Colouring {
  return {
    name: "",
    kind: "plain",
    values: new Float32Array(n),
    palette: [CATEGORIES[0] as string],
    groups: [],
    low: 0,
    high: 0,
  };
}

/** The commonest categories have a colour each; the rest and what is missing share a grey. */
export function byGroups(name: string, codes: Uint16Array, labels: string[], counts: number[]): Colouring {
  const shown = Math.min(labels.length, CATEGORIES.length);
  const values = Float32Array.from(codes, (code) => Math.min(code, shown));
  const palette = [...CATEGORIES.slice(0, shown), OTHER];
  const groups = labels
    .slice(0, shown)
    .map((label, place) => ({ label, colour: palette[place] as string, count: counts[place] ?? 0 }));
  const rest = codes.length - groups.reduce((sum, group) => sum + group.count, 0);
  if (rest > 0) groups.push({ label: labels.length > shown ? "others" : "missing", colour: OTHER, count: rest });
  return { name, kind: "groups", values, palette, groups, low: 0, high: 0 };
}

const STEPS = 64; // of a scale: more than an eye tells apart

/** A scale cut into steps, and the grey of what has no number. */
export const STEPPED = [...Array.from({ length: STEPS }, (_, step) => onScale(step / (STEPS - 1))), OTHER];

/** The colour of a share between 0 and 1, mixed from the two that it lies between. */
export function onScale(share: number): string {
  const at = share * (SCALE.length - 1);
  const below = Math.min(Math.floor(at), SCALE.length - 2);
  const parts = (colour: string): number[] =>
    [1, 3, 5].map((from) => Number.parseInt(colour.slice(from, from + 2), 16));
  const [from, to] = [parts(SCALE[below] as string), parts(SCALE[below + 1] as string)];
  const mixed = from.map((part, place) => Math.round(part + (at - below) * ((to[place] as number) - part)));
  return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** Numbers from the 1st to the 99th percentile: a few extremes must not make all the others one colour. */
export function byNumbers(name: string, numbers: Float32Array): Colouring {
  const finite = numbers.filter((value) => Number.isFinite(value)).sort();
  const at = (share: number): number => finite[Math.round(share * (finite.length - 1))] ?? 0;
  const low = at(0.01);
  const high = at(0.99);
  const span = high - low || 1;
  const step = (value: number): number => Math.round(Math.min(Math.max((value - low) / span, 0), 1) * (STEPS - 1));
  const values = numbers.map((value) => (Number.isFinite(value) ? step(value) : STEPS));
  const missing = numbers.length - finite.length;
  const groups = missing ? [{ label: "not known", colour: OTHER, count: missing }] : [];
  return { name, kind: "scale", values, palette: STEPPED, groups, low, high };
}

/** The colour that a row is drawn in. */
export const colourOf = (tint: Colouring | null, row: number): string => tint?.palette[tint.values[row] ?? 0] ?? OTHER;

/** Any colour that CSS knows as #rrggbb, which is what WebGL's side reads. */
export function hex(css: string): string {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!context) return "#ffffff";
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map((part) => (part ?? 255).toString(16).padStart(2, "0")).join("")}`;
}
