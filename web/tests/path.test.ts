import { describe, expect, it } from "vitest";
import { linear } from "../src/linear";
import { along } from "../src/path";

describe("a drawn path", () => {
  it("is cut into steps of equal length, its ends included", () => {
    const cut = along(
      [
        [0, 0],
        [3, 0],
        [3, 0],
        [3, 1],
      ],
      5,
    );
    expect(cut).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
      [3, 1],
    ]);
  });

  it("without length is one spot, and nothing without points", () => {
    expect(along([[2, 2]], 9)).toEqual([[2, 2]]);
    expect(along([], 9)).toEqual([]);
  });
});

describe("a scale", () => {
  it("goes to pixels and back", () => {
    const scale = linear().domain([-2, 2]).range([0, 800]);
    expect(scale(1)).toBe(600);
    expect(scale.invert(600)).toBe(1);
    expect(scale.domain()).toEqual([-2, 2]);
  });
});
