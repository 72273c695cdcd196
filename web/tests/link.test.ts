import { describe, expect, it } from "vitest";
import { FIRST, NOBODY, names, read, type View, written } from "../src/link";

describe("the view in the address", () => {
  it("comes back, whatever of it was chosen", () => {
    const view: View = {
      space: 1,
      map: "pca",
      colour: "Größe & co",
      item: null,
      theme: "dark",
      beside: { space: 0, map: "tsne" },
      tab: "look up",
      metric: "dot",
      where: [
        { column: "label", among: ["a,b", "#"] },
        { column: "price", low: null, high: 2.5 },
      ],
      hidden: ["3", "others, and more"],
      liked: [],
      disliked: [],
      spots: [
        [-1.5, 2],
        [3, 0.25],
      ],
      camera: [0.125, -2, 0.5],
      ground: ["regions", "contours"],
    };
    const named = { item: "birds/é,1 & 2.png", liked: ["7", "a,b"], disliked: ["#"] };
    expect(read(`#${written(view, named)}`)).toEqual(view);
    expect(names(`#${written(view, named)}`)).toEqual(named);
    for (const name of Object.keys(view)) {
      const one = { ...FIRST, [name]: view[name as keyof View] };
      expect(read(written(one, NOBODY))).toEqual(one);
    }
  });

  it("is empty for the first view", () => {
    expect(written(FIRST, NOBODY)).toBe("");
    expect(names("")).toEqual(NOBODY);
  });

  it("is the first view for an empty or foolish fragment", () => {
    expect(read("")).toEqual(FIRST);
    expect(read("#theme=pink&space=x&tab=cellar&where={&camera=1,2,-3&spots=1,2,3&beside=tsne&ground=mud")).toEqual(
      FIRST,
    );
    expect(read('#where=[{"among":["x"]}]').where).toEqual([]);
    expect(read("#where=null").where).toEqual([]);
  });
});
