import { address } from "../api";
import { hovered, space } from "../state";
import { isStill } from "../still";
import { Shown } from "./Shown";
import { Thumb } from "./Thumb";

/** What is under the pointer, beside it. */
export function Hover({ at }: { at: (row: number) => [number, number] | null }) {
  const row = hovered.value;
  const the = space.value;
  const place = row === null ? null : at(row);
  if (row === null || !the || !place) return null;
  return (
    <div class="hover" style={{ left: `${place[0] + 12}px`, top: `${place[1] + 12}px` }}>
      {(the.can.pictures === "picture" || the.can.pictures === "sound") &&
        (isStill() ? <Thumb row={row} /> : <img src={address(`/spaces/${the.number}/items/${row}/picture`)} alt="" />)}
      {the.can.pictures === "text" || the.can.pictures === "row" ? <Shown row={row} /> : <span>{row}</span>}
    </div>
  );
}
