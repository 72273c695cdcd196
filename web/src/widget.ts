// The live map for notebooks (anywidget): the page's own points, with what hangs at them sent by the kernel.

import type { Colouring } from "./colours";
import { scatterOn } from "./scatter";

/** What of anywidget's model is used. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, does: (content: unknown, buffers: DataView[]) => void): void;
  off(event: string): void;
}

const STYLE = `
.latentspace-map { position: relative; height: 480px; border: 1px solid #d9dce2; background: #fff; color: #1b1e24; }
.latentspace-map canvas { width: 100%; height: 100%; display: block; }
.latentspace-map div { position: absolute; pointer-events: none; background: #fff; border: 1px solid #d9dce2; padding: 4px;
  border-radius: 4px; font: 12px system-ui, sans-serif; max-width: 240px; }
.latentspace-map img { display: block; max-width: 128px; min-width: 64px; }`;

const floats = (bytes: unknown): Float32Array => {
  const view = bytes as DataView;
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
};

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const style = document.createElement("style");
  style.textContent = STYLE;
  const box = document.createElement("section");
  box.className = "latentspace-map";
  box.setAttribute("aria-label", String(model.get("label")));
  const canvas = document.createElement("canvas");
  const hover = document.createElement("div");
  hover.hidden = true;
  box.append(canvas, hover);
  el.append(style, box);

  let over: number | null = null;
  const places = floats(model.get("places"));
  const scatter = scatterOn(canvas, {
    hover: (row) => {
      over = row;
      hover.hidden = row === null;
      if (row === null) return;
      const at = scatter.screen([places[2 * row] ?? 0, places[2 * row + 1] ?? 0]);
      if (at) Object.assign(hover.style, { left: `${at[0] + 10}px`, top: `${at[1] + 10}px` });
      hover.textContent = "…";
      model.send({ row });
    },
    pick: (rows) => {
      model.set("selected", rows);
      model.save_changes();
    },
    spot: () => {},
    view: () => {},
  });
  model.on("msg:custom", (content, buffers) => {
    const told = content as { row: number; words: string };
    if (told.row !== over) return;
    hover.textContent = told.words;
    const bytes = buffers[0];
    if (!bytes) return;
    const picture = document.createElement("img");
    picture.alt = "";
    picture.src = URL.createObjectURL(new Blob([bytes as DataView<ArrayBuffer>], { type: "image/png" }));
    picture.onload = () => URL.revokeObjectURL(picture.src);
    hover.prepend(picture);
  });
  const colouring: Colouring = {
    name: "",
    kind: "groups",
    values: floats(model.get("values")),
    palette: model.get("palette") as string[],
    groups: [],
    low: 0,
    high: 0,
  };
  void scatter.draw(places, colouring).then(() => box.setAttribute("data-drawn", String(places.length / 2)));
  return () => {
    model.off("msg:custom");
    scatter.destroy();
  };
}

export default { render };
