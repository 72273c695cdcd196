import { useEffect, useState } from "preact/hooks";
import { blob, json, type Space } from "../api";
import { space, spots, trying, view } from "../state";
import { Plain } from "./Shown";

/** Whether spots of a map can be decoded: by the model, or from a grid that was written beforehand. */
const decodes = (the: Space, map: string): boolean => the.can.decode || (the.can.spots ?? []).includes(map);

interface Made {
  picture: string | null;
  sound: string | null;
  items: unknown[];
  off: boolean[];
}

/** What lies at a spot of the map where no item is, or along a path that was drawn over it. */
export function Spot() {
  const the = space.value;
  const xy = spots.value;
  const [made, setMade] = useState<Made | null>(null);
  useEffect(() => {
    setMade(null);
    if (!the || !decodes(the, view.value.map) || !xy.length) return;
    const stop = new AbortController();
    void trying(async () => setMade(await decoded(the.number, the.can.pictures, view.value.map, xy, stop.signal)));
    return () => stop.abort();
  }, [the, xy]);
  useEffect(() => () => release(made), [made]);
  if (!xy.length || !the) return null;
  if (!decodes(the, view.value.map)) return <p>This space has no way back from a spot to an item.</p>;
  const guesses = made?.off.filter(Boolean).length ?? 0;
  return (
    <section class="spot" aria-label={xy.length > 1 ? "Path" : "Spot"}>
      <h2>{xy.length > 1 ? `A path of ${xy.length} steps` : "What lies here"}</h2>
      {made?.picture && <img class="strip-picture" src={made.picture} alt={`${xy.length} decoded from the map`} />}
      {made?.sound && (
        // biome-ignore lint/a11y/useMediaCaption: synthesised sounds have no captions
        <audio controls src={made.sound} />
      )}
      {made?.items.map((item, place) => (
        <Plain key={place} item={item} />
      ))}
      {guesses > 0 && (
        <p class="warning">{xy.length > 1 ? `${guesses} steps are` : "This spot is"} far from any item: a guess.</p>
      )}
    </section>
  );
}

async function decoded(
  number: number,
  shown: string,
  map: string,
  xy: [number, number][],
  signal: AbortSignal,
): Promise<Made> {
  const path = `/spaces/${number}/decode`;
  const asked = { map, xy };
  const offOf = (headers: Headers): boolean[] => (headers.get("x-off-data") ?? "").split(",").map((one) => one === "1");
  if (shown === "picture" || shown === "sound") {
    const drawn = await blob(path, { ...asked, form: "picture" }, signal);
    const heard = shown === "sound" ? await blob(path, { ...asked, form: "sound" }, signal) : null;
    return {
      picture: URL.createObjectURL(drawn.blob),
      sound: heard && URL.createObjectURL(heard.blob),
      items: [],
      off: offOf(drawn.headers),
    };
  }
  const { items, off } = await json<{ items: unknown[]; off: boolean[] }>(path, { ...asked, form: "item" }, signal);
  return { picture: null, sound: null, items, off };
}

function release(made: Made | null): void {
  for (const url of [made?.picture, made?.sound]) if (url) URL.revokeObjectURL(url);
}
