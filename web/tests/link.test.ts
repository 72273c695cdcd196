import { describe, expect, it } from "vitest";
import { FIRST, read, type View, written } from "../src/link";

describe("the view in the address", () => {
  it("comes back, whatever of it was chosen", () => {
    const view: View = {
      space: 1,
      map: "pca",
      colour: "Größe & co",
      item: 0,
      theme: "dark",
      beside: { space: 0, map: "tsne" },
      tab: "look up",
      metric: "dot",
      where: [
        { column: "label", among: ["a,b", "#"] },
        { column: "price", low: null, high: 2.5 },
      ],
      hidden: ["3", "others, and more"],
      liked: [4, 1],
      disliked: [7],
      spots: [
        [-1.5, 2],
        [3, 0.25],
      ],
      camera: [0.125, -2, 0.5],
      ground: ["regions", "contours"],
    };
    expect(read(`#${written(view)}`)).toEqual(view);
    for (const name of Object.keys(view)) {
      const one = { ...FIRST, [name]: view[name as keyof View] };
      expect(read(written(one))).toEqual(one);
    }
  });

  it("is empty for the first view", () => {
    expect(written(FIRST)).toBe("");
  });

  it("is the first view for an empty or foolish fragment", () => {
    expect(read("")).toEqual(FIRST);
    expect(
      read(
        "#item=-3&theme=pink&space=x&tab=cellar&where={&camera=1,2,-3&spots=1,2,3&liked=1.5,-2&beside=tsne&disliked=a&ground=mud",
      ),
    ).toEqual(FIRST);
    expect(read('#where=[{"among":["x"]}]').where).toEqual([]);
    expect(read("#where=null").where).toEqual([]);
  });
});
