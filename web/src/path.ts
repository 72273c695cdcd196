// A hand-drawn line cut into steps of equal length.

export type Point = [number, number];

/** `steps` points along a line, its ends included; the one point of a line without length, once. */
export function along(line: Point[], steps: number): Point[] {
  const first = line[0];
  if (!first) return [];
  const lengths = [0];
  for (let i = 1; i < line.length; i++) {
    const [a, b] = [line[i - 1] as Point, line[i] as Point];
    lengths.push((lengths[i - 1] as number) + Math.hypot(b[0] - a[0], b[1] - a[1]));
  }
  const whole = lengths.at(-1) as number;
  if (whole === 0 || steps < 2) return [first];
  const out: Point[] = [];
  let i = 1;
  for (let step = 0; step < steps; step++) {
    const wanted = (whole * step) / (steps - 1);
    while (i < line.length - 1 && (lengths[i] as number) < wanted) i++;
    const [a, b] = [line[i - 1] as Point, line[i] as Point];
    const [from, to] = [lengths[i - 1] as number, lengths[i] as number];
    const share = to > from ? Math.min(Math.max((wanted - from) / (to - from), 0), 1) : 0;
    out.push([a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])]);
  }
  return out;
}
