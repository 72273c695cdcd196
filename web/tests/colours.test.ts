import { describe, expect, it } from "vitest";
import { byGroups, byNumbers, CATEGORIES, colourOf, OTHER, onScale, SCALE } from "../src/colours";
import { scaled } from "../src/scatter";

describe("colours", () => {
  it("give the commonest groups a colour each and the rest one grey", () => {
    const labels = Array.from({ length: 20 }, (_, place) => `kind ${place}`);
    const codes = Uint16Array.from([0, 5, 19, 65535]);
    const tint = byGroups(
      "kind",
      codes,
      labels,
      labels.map((_, place) => (place === 0 || place === 5 || place === 19 ? 1 : 0)),
    );
    expect([...tint.values]).toEqual([0, 5, CATEGORIES.length, CATEGORIES.length]);
    expect(tint.groups.at(-1)).toMatchObject({ label: "others", count: 2 });
  });

  it("scale numbers to their middle 98 percent, and leave what is missing grey", () => {
    const tint = byNumbers("price", Float32Array.from([...Array(101).keys(), Number.NaN, 1e9]));
    expect(tint.high).toBeLessThan(1e9);
    expect(colourOf(tint, 102)).toBe(SCALE.at(-1));
    expect(colourOf(tint, 0)).toBe(SCALE[0]);
    expect(colourOf(tint, 101)).toBe(OTHER);
    expect(tint.groups).toEqual([{ label: "not known", colour: OTHER, count: 1 }]);
  });

  it("of a scale pass through every one that it is made of", () => {
    SCALE.forEach((colour, place) => {
      expect(onScale(place / (SCALE.length - 1))).toBe(colour);
    });
  });
});

describe("places", () => {
  it("keep their proportions and come back", () => {
    const { x, y, back } = scaled(Float32Array.from([0, 0, 10, 2, 4, 1]));
    expect(Math.max(...x) - Math.min(...x)).toBeCloseTo(1.9);
    expect(Math.max(...y) - Math.min(...y)).toBeCloseTo(0.38);
    const [u, v] = back(x[2] as number, y[2] as number);
    expect(u).toBeCloseTo(4);
    expect(v).toBeCloseTo(1);
  });
});
