import { useEffect, useState } from "preact/hooks";
import { json } from "../api";
import { disliked, liked, space, trying, where } from "../state";
import { Thumb } from "./Thumb";

interface Recommended {
  rows: number[];
  ids: string[];
  scores: (number | null)[];
  reasons: string[];
}

/** What fits the items that were liked and not, with a reason each. */
export function Recommendations() {
  const the = space.value;
  const [found, setFound] = useState<Recommended | null>(null);
  useEffect(() => {
    setFound(null);
    if (!the || !liked.value.length) return;
    const stop = new AbortController();
    const asked = { liked: liked.value, disliked: disliked.value, k: 12, where: where.value };
    void trying(async () => setFound(await json<Recommended>(`/spaces/${the.number}/recommend`, asked, stop.signal)));
    return () => stop.abort();
  }, [the, liked.value, disliked.value, where.value]);
  if (!the || (!liked.value.length && !disliked.value.length)) return null;
  return (
    <section class="recommended" aria-label="Recommendations">
      <h2>For you</h2>
      <p class="quiet">{`From ${liked.value.length} liked and ${disliked.value.length} disliked.`}</p>
      <div class="strip" id="recommended">
        {found?.rows.map((row, place) => (
          <Thumb key={row} row={row} label={`${found.ids[place]}: ${found.reasons[place] ?? ""}`} />
        ))}
      </div>
      {!liked.value.length && <p class="quiet">Like an item first.</p>}
    </section>
  );
}
