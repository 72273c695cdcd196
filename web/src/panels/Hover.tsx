import { useEffect } from "preact/hooks";
import { address } from "../api";
import { first } from "../panes";
import { hovered, sounding, space, trying } from "../state";
import { isStill } from "../still";
import { come, title, wantTitles } from "../titles";
import { Shown } from "./Shown";
import { Thumb } from "./Thumb";

const CARD = [200, 190] as const; // pixels that it needs, so that it never hangs over an edge

/** What is under the pointer, beside it. */
export function Hover({ at }: { at: (row: number) => [number, number] | null }) {
  const row = hovered.value;
  const the = space.value;
  const isPictured = the?.can.pictures === "picture" || the?.can.pictures === "sound";
  useEffect(() => {
    if (the && row !== null && isPictured) wantTitles(the, [row]);
  }, [the, row, isPictured]);
  const place = row === null ? null : at(row);
  if (row === null || !the || !place) return null;
  return (
    <div class="hover" style={beside(place)}>
      {isPictured &&
        (isStill() ? <Thumb row={row} /> : <img src={address(`/spaces/${the.number}/items/${row}/picture`)} alt="" />)}
      {isPictured ? <span>{(come.value >= 0 && title(the, row)) || row}</span> : <Shown row={row} />}
      <Group row={row} />
    </div>
  );
}

/** Right of and under a place, or on its other side where there is no room. */
function beside([x, y]: [number, number]): Record<string, string> {
  const box = document.querySelector(".map")?.getBoundingClientRect();
  const isLeft = box && x + CARD[0] > box.width && x > CARD[0];
  const isAbove = box && y + CARD[1] > box.height && y > CARD[1];
  return {
    ...(isLeft ? { right: `${box.width - x + 12}px` } : { left: `${x + 12}px` }),
    ...(isAbove ? { bottom: `${box.height - y + 12}px` } : { top: `${y + 12}px` }),
  };
}

function Group({ row }: { row: number }) {
  const tint = first.colouring.value;
  const group = tint?.kind === "groups" ? tint.groups[tint.values[row] ?? -1] : undefined;
  if (!group) return null;
  return (
    <small>
      <i class="dot" style={{ background: group.colour }} /> {group.label}
    </small>
  );
}

const WAIT = 120; // ms: a pointer that only passes plays nothing

/** Plays the sound that the pointer is on, from the map or from any list. */
export function Sounding() {
  const the = space.value;
  const row = hovered.value;
  const isOn = sounding.value && the?.can.pictures === "sound" && !isStill();
  useEffect(() => {
    if (!the || row === null || !isOn) return;
    const sound = new Audio(address(`/spaces/${the.number}/items/${row}/sound`));
    const soon = setTimeout(() => {
      // A browser plays nothing before the page was clicked once: silence then, and no word.
      void trying(() => sound.play().catch(() => {}));
    }, WAIT);
    return () => {
      clearTimeout(soon);
      sound.pause();
    };
  }, [the, row, isOn]);
  return null;
}
