// The page without a server: what it asks is answered from files that were written beforehand (web/still.py).

import type { Condition } from "./api";
import { type Frame, unpack } from "./frames";
import { framed, rowsThat, type Told, table } from "./stilltable";

const CHUNK = 1000;

/** Whether this page was written out as files. */
export const isStill = (): boolean => document.querySelector('meta[name="latentspace"][content="still"]') !== null;

interface Listed {
  items: number;
  dims: number;
  dimensions: number; // of which the numbers are there
  columns: { name: string }[];
}

interface Spots {
  low: [number, number];
  high: [number, number];
  off: number[];
  side: number;
}

const kept = new Map<string, Promise<unknown>>();

/** A file, read once. */
function once<T>(path: string, read: (answer: Response) => Promise<T>): Promise<T> {
  if (!kept.has(path)) {
    kept.set(
      path,
      fetch(`./data/${path}`).then((answer) => {
        if (!answer.ok) throw new Error("this page was written without that; open the space itself: latentspace serve");
        return read(answer);
      }),
    );
  }
  return kept.get(path) as Promise<T>;
}

const words = <T>(path: string): Promise<T> => once(path, (answer) => answer.json() as Promise<T>);
const arrays = (path: string): Promise<Frame<unknown>> =>
  once(path, async (answer) => unpack(await answer.arrayBuffer()));

/** Where the file of a picture or a sheet is, for an address that the server would answer. */
export function file(path: string): string {
  const sheet = /^\/spaces\/(\d+)\/sheets\/(\d+)$/.exec(path);
  return sheet ? `./data/${sheet[1]}/sheets/${sheet[2]}.webp` : `./data${path}`;
}

/** The answer to a request, as the server would give it. */
export async function answered(path: string, body: unknown): Promise<Response> {
  if (path === "/spaces") return Response.json(await words("spaces.json"));
  const [, number, what, ...rest] = /^\/spaces\/(\d+)\/([a-z]+)(?:\/(.*))?$/.exec(path) ?? [];
  const name = decodeURIComponent(rest[0] ?? "");
  if (what === "shades" && !name) return Response.json(await words(`${number}/shades.json`));
  if (what === "shades") return fetch(`./data/${number}/shades/${name}.frame`);
  if (what === "maps" || what === "regions" || what === "dimensions")
    return fetch(`./data/${number}/${what}/${name}.frame`);
  if (what === "columns") {
    const place = (await listed(Number(number)))?.columns.findIndex((column) => column.name === name);
    return fetch(`./data/${number}/columns/${place}.frame`);
  }
  if (what === "tell") return Response.json(await words(`${number}/tell.json`));
  if (what === "filter") return new Response(framed(rowsThat(await everyItem(Number(number)), body as Condition[])));
  if (what === "export") return taken(Number(number), (body as { rows: number[] }).rows);
  if (what === "rows") return rows(Number(number), (body as { ids: string[] }).ids);
  if (what === "items") return item(Number(number), name);
  if (what === "search") return near(Number(number), body as { row?: number; k?: number });
  if (what === "decode") return spot(Number(number), body as { map?: string; xy?: [number, number][] });
  return Response.json({ error: "this needs the space itself: latentspace serve" }, { status: 400 });
}

/** The rows of ids. */
async function rows(number: number, ids: string[]): Promise<Response> {
  const places = new Map((await everyItem(number)).map(({ id }, row) => [id, row]));
  return Response.json({ rows: ids.map((id) => places.get(id) ?? null) });
}

const listed = async (number: number): Promise<Listed | undefined> => (await words<Listed[]>("spaces.json"))[number];

async function everyItem(number: number): Promise<Told[]> {
  const chunks = Math.ceil(((await listed(number))?.items ?? 0) / CHUNK);
  const told = Array.from({ length: chunks }, (_, chunk) => words<Told[]>(`${number}/items/${chunk}.json`));
  return (await Promise.all(told)).flat();
}

/** Rows as CSV; with their latents where all dimensions were written out. */
async function taken(number: number, chosen: number[]): Promise<Response> {
  const { dims = 0, dimensions = 0 } = (await listed(number)) ?? {};
  const numbers = Array.from({ length: dims <= dimensions ? dims : 0 }, (_, d) =>
    arrays(`${number}/dimensions/${d}.frame`),
  );
  return new Response(table(await everyItem(number), chosen, await Promise.all(numbers)));
}

async function item(number: number, path: string): Promise<Response> {
  const [row, part] = path.split("/");
  const chunk = await words<{ item?: unknown }[]>(`${number}/items/${Math.floor(Number(row) / CHUNK)}.json`);
  const told = chunk[Number(row) % CHUNK];
  return Response.json(part ? { item: told?.item } : { latent: [], ...told });
}

async function near(number: number, { row, k = 12 }: { row?: number; k?: number }): Promise<Response> {
  const found = await arrays(`${number}/neighbours.frame`);
  const width = found.arrays.rows?.shape[1] ?? 0;
  const from = (row ?? 0) * width;
  const rows = [...(found.arrays.rows?.data.slice(from, from + Math.min(k, width)) ?? [])];
  const scores = [...(found.arrays.scores?.data.slice(from, from + rows.length) ?? [])];
  const ids = await Promise.all(
    rows.map(async (one) => {
      const chunk = await words<{ id: string }[]>(`${number}/items/${Math.floor(one / CHUNK)}.json`);
      return chunk[one % CHUNK]?.id ?? "";
    }),
  );
  return Response.json({ rows, ids, scores, metric: "cosine" });
}

/** The decoded spots nearest to those asked for, cut out of the grid and put side by side. */
async function spot(
  number: number,
  { map = "", xy = [] }: { map?: string; xy?: [number, number][] },
): Promise<Response> {
  const { low, high, off, side } = await words<Spots>(`${number}/spots/${map}.json`);
  const grid = await once(`${number}/spots/${map}.webp`, async (answer) => createImageBitmap(await answer.blob()));
  const [width, height] = [grid.width / side, grid.height / side];
  const canvas = new OffscreenCanvas(xy.length * 128, 128);
  const context = canvas.getContext("2d");
  const far: number[] = [];
  for (const [place, point] of xy.entries()) {
    const share = (axis: 0 | 1) => (point[axis] - low[axis]) / (high[axis] - low[axis] || 1);
    const at = (axis: 0 | 1) => Math.min(Math.max(Math.round(share(axis) * (side - 1)), 0), side - 1);
    const outside = [share(0), share(1)].some((one) => one < -0.02 || one > 1.02);
    far.push(outside ? 1 : (off[at(1) * side + at(0)] ?? 1));
    context?.drawImage(grid, at(0) * width, at(1) * height, width, height, place * 128, 0, 124, 124);
  }
  return new Response(await canvas.convertToBlob(), { headers: { "x-off-data": far.join(",") } });
}
