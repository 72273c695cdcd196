import { describe, expect, it } from "vitest";
import { FIRST, read, written } from "../src/link";

describe("the view in the address", () => {
  it("comes back", () => {
    const view = { ...FIRST, map: "pca", colour: "Größe & co", item: 0, theme: "dark" as const };
    expect(read(`#${written(view)}`)).toEqual(view);
  });

  it("is the first view for an empty or foolish fragment", () => {
    expect(read("")).toEqual(FIRST);
    expect(read("#item=-3&theme=pink&space=x")).toEqual(FIRST);
  });
});
