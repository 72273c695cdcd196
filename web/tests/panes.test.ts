// @vitest-environment happy-dom

import { describe, expect, it } from "vitest";
import { byGroups, OTHER } from "../src/colours";
import { clear, seats } from "../src/declutter";
import { largest } from "../src/panels/Compare";
import { carried, carriedRows, linked, shown } from "../src/panes";
import { shortened } from "../src/titles";
import { dragged } from "../src/touch";

const tint = byGroups("kind", Uint16Array.from([0, 1, 0, 65535, 1]), ["a", "b"], [2, 2]);

describe("the legend", () => {
  it("hides groups, the missing too, within what a filter keeps", () => {
    expect(shown(tint, [], null)).toBeNull();
    expect(shown(tint, ["a"], null)).toEqual([1, 3, 4]);
    expect(shown(tint, ["missing"], [0, 3, 4])).toEqual([0, 4]);
    expect(shown(tint, ["no such group"], [0, 3])).toEqual([0, 3]);
    expect(shown(tint, ["a", "b", "missing"], null)).toEqual([]);
  });
});

describe("two spaces", () => {
  const links = linked(Int32Array.from([4, -1, 0]), 5); // three items beside, of which two are the first's 4 and 0

  it("are linked both ways", () => {
    expect([...links.fromFirst]).toEqual([2, -1, -1, -1, 0]);
    expect(links.common).toBe(2);
  });

  it("share colours, and only what both have is drawn beside", () => {
    const beside = carried(tint, links);
    expect([...(beside?.values ?? [])]).toEqual([1, 2, 0]);
    expect(beside?.palette[2]).toBe(OTHER);
    expect(carriedRows(null, links)).toEqual([2, 0]);
    expect(carriedRows([0, 1], links)).toEqual([2]);
    expect(carriedRows(null, linked(Int32Array.from([1, 0]), 2))).toBeNull();
    expect(carriedRows([3], null)).toEqual([3]);
  });

  it("tell what changed most, and nothing of what is not in both", () => {
    expect(largest(Float32Array.from([0.5, Number.NaN, 0, 1, 0.75]), 2)).toEqual({ rows: [3, 4], shares: [1, 0.75] });
  });
});

describe("what lies over the points", () => {
  it("covers nothing that was placed before", () => {
    const list = Array.from({ length: 300 }, (_, i) => ({ row: i, x: (i * 37) % 211, y: (i * 91) % 173 }));
    const kept = clear(list, 30, 20);
    expect(kept[0]).toBe(list[0]);
    for (const [place, one] of kept.entries()) {
      for (const other of kept.slice(0, place)) {
        expect(Math.abs(one.x - other.x) >= 30 || Math.abs(one.y - other.y) >= 20).toBe(true);
      }
    }
    const free = (one: (typeof list)[number]) =>
      kept.every((other) => Math.abs(one.x - other.x) >= 30 || Math.abs(one.y - other.y) >= 20);
    expect(list.filter((one) => !kept.includes(one)).some(free)).toBe(false);
    expect(clear(list, 30, 20, 3)).toHaveLength(3);
  });

  it("names a group where most of it lies, not between its parts", () => {
    const places = Float32Array.from([0, 0, 0.1, 0, 0, 0.1, 10, 10, 10, 0]);
    const [first, second, none] = seats(places, Float32Array.from([0, 0, 0, 0, 1]), 3);
    expect(first?.[0]).toBeCloseTo(0.033, 2);
    expect(first?.[1]).toBeCloseTo(0.033, 2);
    expect(second).toEqual([10, 0]);
    expect(none).toBeNull();
  });

  it("is cut where a word ends", () => {
    expect(shortened("  one\n two ")).toBe("one two");
    expect(shortened(`${"word ".repeat(20)}`)).toBe(`${"word ".repeat(8).trim()} …`);
    expect(shortened("x".repeat(100))).toBe(`${"x".repeat(42)} …`);
  });
});

describe("fingers", () => {
  it("keep what lies under them", () => {
    expect(dragged([0, 0, 1], [[50, 50]], [[60, 40]], [100, 100])).toEqual([-0.2, -0.2, 1]);
    const pinched = dragged(
      [5, 5, 2],
      [
        [40, 50],
        [60, 50],
      ],
      [
        [30, 50],
        [70, 50],
      ],
      [100, 100],
    );
    expect(pinched).toEqual([5, 5, 1]);
  });
});
