import { useEffect, useRef } from "preact/hooks";
import { KEYS } from "../keys";
import { helping } from "../state";

const POINTER: [what: string, does: string][] = [
  ["over a point", "shows the item, plays a sound"],
  ["click on a point", "opens it: neighbours, reconstruction, likes"],
  ["click between points", "decodes what would lie there"],
  ["drag, wheel, pinch", "move and zoom"],
  ["a file dropped anywhere", "is placed among the items"],
  ["a group of the legend", "is hidden, or shown again"],
];

/** What the pointer and the keys do. */
export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = helping.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog
      ref={dialog}
      aria-label="Help"
      onClose={() => {
        helping.value = false;
      }}
    >
      <h2>Pointer</h2>
      <List rows={POINTER} />
      <h2>Keys, while the map has the focus</h2>
      <List rows={KEYS} />
      <p class="quiet">The address holds this whole view: send it, and the same server shows the same.</p>
      <form method="dialog">
        <button type="submit">close</button>
      </form>
    </dialog>
  );
}

function List({ rows }: { rows: [string, string][] }) {
  return (
    <dl>
      {rows.map(([what, does]) => (
        <div key={what}>
          <dt>{what}</dt>
          <dd>{does}</dd>
        </div>
      ))}
    </dl>
  );
}
