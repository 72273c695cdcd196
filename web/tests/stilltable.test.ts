import { describe, expect, it } from "vitest";
import { floats, unpack } from "../src/frames";
import { framed, fulfils, rowsThat, type Told, table } from "../src/stilltable";

const ITEMS: Told[] = [
  { id: "a", metadata: { label: "cat", digit: 3, right: true, words: 'Rain, "sun"' } },
  { id: "b", metadata: { label: null, digit: 10, right: false, words: "wind" } },
  { id: "c,d", metadata: { label: "dog", digit: null, right: true, words: "RAIN" } },
];

describe("the table of a page as files", () => {
  it("keeps the rows that fulfil every condition, and none where the value is missing", () => {
    const rows = (...where: Parameters<typeof rowsThat>[1]) => [...rowsThat(ITEMS, where)];
    expect(rows({ column: "label", among: ["cat", "dog"] })).toEqual([0, 2]);
    expect(rows({ column: "digit", among: ["10"] })).toEqual([1]);
    expect(rows({ column: "right", among: ["True"] }, { column: "words", contains: "rain" })).toEqual([0, 2]);
    expect(rows({ column: "digit", low: null, high: 5 })).toEqual([0]);
    expect(rows()).toEqual([0, 1, 2]);
    expect(fulfils(undefined, { column: "none", contains: "" })).toBe(false);
  });

  it("writes CSV that quotes what must be", () => {
    const z = unpack(framed(new Uint32Array([0])));
    z.arrays.values = { data: Float32Array.of(0.5, 1, -2), shape: [3] };
    expect(table(ITEMS, [0, 2], [z])).toBe(
      'id,label,digit,right,words,z0\na,cat,3,True,"Rain, ""sun""",0.5\n"c,d",dog,,True,RAIN,-2\n',
    );
  });

  it("frames rows as the server does", () => {
    const made = unpack(framed(Uint32Array.of(1, 7, 9)));
    expect([...(made.arrays.rows?.data ?? [])]).toEqual([1, 7, 9]);
    expect(() => floats(made, "rows")).toThrow();
  });
});
