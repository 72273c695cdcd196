// What of d3's linear scale regl-scatterplot keeps up to date for us, without d3.

type Pair = [number, number];

export interface Linear {
  (value: number): number;
  invert(pixel: number): number;
  domain(): Pair;
  domain(pair: Pair): Linear;
  range(): Pair;
  range(pair: Pair): Linear;
}

export function linear(): Linear {
  let domain: Pair = [-1, 1];
  let range: Pair = [0, 1];
  const scale = ((value: number) =>
    range[0] + ((value - domain[0]) / (domain[1] - domain[0])) * (range[1] - range[0])) as Linear;
  scale.invert = (pixel) => domain[0] + ((pixel - range[0]) / (range[1] - range[0])) * (domain[1] - domain[0]);
  // biome-ignore lint/suspicious/noExplicitAny: getter and setter in one, as d3 has them
  scale.domain = ((pair?: Pair): any => {
    if (!pair) return domain;
    domain = [...pair];
    return scale;
  }) as Linear["domain"];
  // biome-ignore lint/suspicious/noExplicitAny: as above
  scale.range = ((pair?: Pair): any => {
    if (!pair) return range;
    range = [...pair];
    return scale;
  }) as Linear["range"];
  return scale;
}
