import { address } from "../api";
import { change, hovered, space } from "../state";

const TILES = 32;
const SIDE = 64;

/** Where a row's thumbnail lies: in which sheet, and at which tile. */
export function tile(row: number): { sheet: number; x: number; y: number } {
  const place = row % (TILES * TILES);
  return { sheet: Math.floor(row / (TILES * TILES)), x: (place % TILES) * SIDE, y: Math.floor(place / TILES) * SIDE };
}

/** An item as a small button: its picture where it has one, else its number. Choosing it opens it. */
export function Thumb({ row, label, onChoose }: { row: number; label?: string; onChoose?: () => void }) {
  const the = space.value;
  if (!the) return null;
  const pictured = the.can.pictures === "picture" || the.can.pictures === "sound";
  const { sheet, x, y } = tile(row);
  const style = pictured
    ? {
        backgroundImage: `url(${address(`/spaces/${the.number}/sheets/${sheet}`)})`,
        backgroundPosition: `-${x}px -${y}px`,
      }
    : {};
  return (
    <button
      type="button"
      class={pictured ? "thumb pictured" : "thumb"}
      style={style}
      title={label ?? `item ${row}`}
      aria-label={label ?? `item ${row}`}
      onClick={onChoose ?? (() => change({ item: row }))}
      onMouseEnter={() => {
        hovered.value = row;
      }}
      onMouseLeave={() => {
        hovered.value = null;
      }}
    >
      {!pictured && (label ?? row)}
    </button>
  );
}
