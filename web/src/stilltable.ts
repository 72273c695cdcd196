// The table of a page without a server: which rows fulfil conditions, and rows as a file.

import type { Condition } from "./api";
import type { Frame } from "./frames";

/** An item as the files have it. */
export interface Told {
  id: string;
  metadata: Record<string, string | number | boolean | null>;
}

type Value = Told["metadata"][string];

/** Whether a value fulfils a condition, as the server has it (search/filters.py): what is missing fulfils none. */
export function fulfils(value: Value | undefined, { among, low, high, contains }: Condition): boolean {
  if (value === null || value === undefined) return false;
  if (contains !== undefined) return String(value).toLowerCase().includes(contains.toLowerCase());
  if (among) return among.some((one) => one === value || (typeof one === "string" && one === written(value)));
  if (typeof value !== "number") return false;
  return (low == null || value >= low) && (high == null || value <= high);
}

/** As Python writes it: labels come from there. */
const written = (value: Value): string =>
  typeof value === "boolean" ? (value ? "True" : "False") : value === null ? "" : String(value);

export function rowsThat(items: Told[], where: Condition[]): Uint32Array {
  const rows = items.flatMap((item, row) =>
    where.every((one) => fulfils(item.metadata[one.column], one)) ? [row] : [],
  );
  return Uint32Array.from(rows);
}

/** Rows as CSV: ids, metadata, and latents where they are given, a list for each dimension. */
export function table(items: Told[], rows: number[], latents: Frame<unknown>[]): string {
  const columns = Object.keys(items[rows[0] ?? 0]?.metadata ?? {}).filter((name) => name !== "id");
  const head = ["id", ...columns, ...latents.map((_, d) => `z${d}`)];
  const lines = rows.map((row) => [
    items[row]?.id ?? "",
    ...columns.map((name) => written(items[row]?.metadata[name] ?? null)),
    ...latents.map((one) => String(one.arrays.values?.data[row] ?? "")),
  ]);
  return `${[head, ...lines].map((cells) => cells.map(cell).join(",")).join("\n")}\n`;
}

const cell = (words: string): string => (/[",\n\r]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words);

/** One array of row numbers as the server would send it. */
export function framed(rows: Uint32Array): ArrayBuffer {
  const words = JSON.stringify({ arrays: [{ name: "rows", dtype: "u4", shape: [rows.length] }] });
  const head = new TextEncoder().encode(words);
  const start = (4 + head.length + 7) & ~7;
  const bytes = new ArrayBuffer(start + 4 * rows.length);
  new DataView(bytes).setUint32(0, head.length, true);
  new Uint8Array(bytes).set(head, 4);
  new Uint32Array(bytes, start).set(rows);
  return bytes;
}
