import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { type Item as Facts, json } from "../api";
import { learn } from "../ids";
import { first } from "../panes";
import { along } from "../path";
import { change, chosen, disliked, liked, marked, metric, space, trying, where } from "../state";
import { isStill } from "../still";
import { Shown, short } from "./Shown";
import { Thumb } from "./Thumb";

interface Found {
  rows: number[];
  ids: string[];
  scores: (number | null)[];
}

/** The chosen item: itself, what the model makes of it, its metadata, and its neighbours. */
export function Item() {
  const row = chosen.value;
  const the = space.value;
  const [facts, setFacts] = useState<Facts | null>(null);
  const [found, setFound] = useState<Found | null>(null);
  useEffect(() => {
    setFacts(null);
    setFound(null);
    if (row === null || !the) {
      marked.value = [];
      return;
    }
    const stop = new AbortController();
    void trying(async () => {
      const facts = await json<Facts>(`/spaces/${the.number}/items/${row}`, undefined, stop.signal);
      learn(the, row, facts.id);
      setFacts(facts);
      const asked = { row, k: 12, metric: metric.value, where: where.value };
      const near = await json<Found>(`/spaces/${the.number}/search`, asked, stop.signal);
      setFound(near);
      marked.value = [row, ...near.rows];
    });
    return () => stop.abort();
  }, [row, the, metric.value, where.value]);
  if (row === null || !the || !facts) return null;
  return (
    <section class="item" aria-label={`Item ${facts.id}`}>
      <h2>{facts.id}</h2>
      <p class="unseen" role="status">
        {found ? `${facts.id} is open. Nearest: ${found.ids.slice(0, 3).join(", ")}.` : ""}
      </p>
      <div class="pair">
        <figure>
          <Shown row={row} />
          <figcaption>the item</figcaption>
        </figure>
        {the.can.decode && (
          <figure>
            <Shown row={row} made />
            <figcaption>from its {the.dims} numbers</figcaption>
          </figure>
        )}
      </div>
      <dl>
        {Object.entries(facts.metadata)
          .filter(([name]) => name !== "text" && the.kind !== "table") // a table's row is its columns
          .slice(0, 12)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{short(value)}</dd>
            </div>
          ))}
      </dl>
      <p class="buttons">
        {!isStill() && the.can.recommend !== false && <Taste row={row} />}
        <Path row={row} />
        <button type="button" onClick={() => change({ item: null })}>
          close
        </button>
      </p>
      <h3>
        Nearest by{" "}
        <select
          aria-label="metric"
          value={metric.value}
          onChange={(event) => change({ metric: event.currentTarget.value })}
        >
          {(isStill() ? ["cosine"] : the.metrics).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </h3>
      <div class="strip" id="neighbours">
        {found?.rows.map((near, place) => (
          <Thumb key={near} row={near} label={`${found.ids[place]}: ${short(found.scores[place] ?? null)}`} />
        ))}
        {found && !found.rows.length && <p>No item fulfils the filter.</p>}
      </div>
    </section>
  );
}

function Taste({ row }: { row: number }) {
  return (
    <>
      <button type="button" aria-pressed={liked.value.includes(row)} onClick={() => toggle("liked", "disliked", row)}>
        more like this
      </button>
      <button
        type="button"
        aria-pressed={disliked.value.includes(row)}
        onClick={() => toggle("disliked", "liked", row)}
      >
        less like this
      </button>
    </>
  );
}

type List = "liked" | "disliked";
const lists = { liked, disliked };

function toggle(list: List, other: List, row: number): void {
  const [here, there] = [lists[list].value, lists[other].value];
  change({
    [list]: here.includes(row) ? here.filter((one) => one !== row) : [...here, row],
    [other]: there.filter((one) => one !== row),
  });
}

const STEPS = 9;
const begun = signal<number | null>(null);

/** A path from one item to another, for whoever does not draw it by hand. */
function Path({ row }: { row: number }) {
  const from = begun.value;
  const places = first.drawn.value?.places;
  if (!places) return null;
  const at = (one: number): [number, number] => [places[2 * one] as number, places[2 * one + 1] as number];
  if (from === null || from === row || 2 * from >= places.length) {
    return (
      <button
        type="button"
        aria-pressed={from === row}
        onClick={() => {
          begun.value = from === row ? null : row;
        }}
      >
        path from here
      </button>
    );
  }
  return (
    <button
      type="button"
      onClick={() => {
        change({ spots: along([at(from), at(row)], STEPS) });
        begun.value = null;
      }}
    >
      {`path here from item ${from}`}
    </button>
  );
}
