// What lies over the points: which pictures and words fit without covering one another, and where groups' names go.

export interface Placed {
  row: number;
  x: number;
  y: number;
}

/** Those of a list that keep clear of all before them, each taking `width` by `height` pixels around its place. */
export function clear<One extends { x: number; y: number }>(
  list: One[],
  width: number,
  height: number,
  most = Number.POSITIVE_INFINITY,
): One[] {
  const cells = new Map<string, One[]>();
  const kept: One[] = [];
  for (const one of list) {
    if (kept.length >= most) break;
    const [column, line] = [Math.floor(one.x / width), Math.floor(one.y / height)];
    let isFree = true;
    for (let dx = -1; dx <= 1 && isFree; dx++) {
      for (let dy = -1; dy <= 1 && isFree; dy++) {
        isFree = !cells
          .get(`${column + dx},${line + dy}`)
          ?.some((other) => Math.abs(other.x - one.x) < width && Math.abs(other.y - one.y) < height);
      }
    }
    if (!isFree) continue;
    kept.push(one);
    const cell = `${column},${line}`;
    cells.set(cell, [...(cells.get(cell) ?? []), one]);
  }
  return kept;
}

const GRID = 24;

/** Where most of each group lies: the middle of its densest part. A median of two clusters would lie between them. */
export function seats(places: Float32Array, values: Float32Array, groups: number): ([number, number] | null)[] {
  const n = values.length;
  let [left, right, low, high] = [1, -1, 1, -1].map((sign) => sign * Number.POSITIVE_INFINITY) as [
    number,
    number,
    number,
    number,
  ];
  for (let row = 0; row < n; row++) {
    left = Math.min(left, places[2 * row] as number);
    right = Math.max(right, places[2 * row] as number);
    low = Math.min(low, places[2 * row + 1] as number);
    high = Math.max(high, places[2 * row + 1] as number);
  }
  const [wide, tall] = [right - left || 1, high - low || 1];
  const cellOf = (row: number): [number, number] => [
    Math.min(Math.floor((((places[2 * row] as number) - left) / wide) * GRID), GRID - 1),
    Math.min(Math.floor((((places[2 * row + 1] as number) - low) / tall) * GRID), GRID - 1),
  ];
  const counts = new Uint32Array(groups * GRID * GRID);
  for (let row = 0; row < n; row++) {
    const [x, y] = cellOf(row);
    const group = values[row] as number;
    if (group >= groups) continue;
    const cell = (group * GRID + y) * GRID + x;
    counts[cell] = (counts[cell] as number) + 1;
  }
  const best = Array.from({ length: groups }, (_, group) => densest(counts, group));
  const sums = new Float64Array(3 * groups);
  for (let row = 0; row < n; row++) {
    const group = values[row] as number;
    const seat = best[group];
    if (!seat) continue;
    const [x, y] = cellOf(row);
    if (Math.abs(x - seat[0]) > 1 || Math.abs(y - seat[1]) > 1) continue;
    sums[3 * group] = (sums[3 * group] as number) + (places[2 * row] as number);
    sums[3 * group + 1] = (sums[3 * group + 1] as number) + (places[2 * row + 1] as number);
    sums[3 * group + 2] = (sums[3 * group + 2] as number) + 1;
  }
  return best.map((seat, group) => {
    const count = sums[3 * group + 2] as number;
    return seat && count ? [(sums[3 * group] as number) / count, (sums[3 * group + 1] as number) / count] : null;
  });
}

function densest(counts: Uint32Array, group: number): [number, number] | null {
  let most = 0;
  let at: [number, number] | null = null;
  for (let cell = 0; cell < GRID * GRID; cell++) {
    const count = counts[group * GRID * GRID + cell] as number;
    if (count > most) {
      most = count;
      at = [cell % GRID, Math.floor(cell / GRID)];
    }
  }
  return at;
}
