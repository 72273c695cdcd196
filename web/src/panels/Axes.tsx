// Named axes as sliders, and a way to learn one: from a column, or from what is liked and disliked.

import { useEffect, useState } from "preact/hooks";
import { deleted, json, type Space } from "../api";
import { disliked, liked, trying } from "../state";

interface Axis {
  name: string;
  words: string; // what it was learned from, and how well it holds
  step: number[]; // one unit along it
  direction: number[];
  unit: number;
  mean: number; // of the items along it, in units
  spread: number;
}

/** How far latents lie along an axis, in its units. */
const along = (axis: Axis, z: number[]): number =>
  axis.direction.reduce((sum, value, d) => sum + value * (z[d] ?? 0), 0) / (axis.unit || 1);

export function Axes({ the, z, onMove }: { the: Space; z: number[]; onMove: (z: number[]) => void }) {
  const [axes, setAxes] = useState<Axis[]>([]);
  const path = `/spaces/${the.number}/axes`;
  useEffect(() => void trying(async () => setAxes(await json<Axis[]>(path))), [the]);
  return (
    <section class="axes" aria-label="Named axes">
      {axes.map((axis) => (
        <Slider
          key={axis.name}
          axis={axis}
          at={along(axis, z)}
          onMove={(to) => onMove(z.map((value, d) => value + (to - along(axis, z)) * (axis.step[d] ?? 0)))}
          onDrop={() =>
            void trying(async () => setAxes(await deleted<Axis[]>(`${path}/${encodeURIComponent(axis.name)}`)))
          }
        />
      ))}
      <Learn the={the} onLearned={setAxes} />
    </section>
  );
}

function Slider(props: { axis: Axis; at: number; onMove: (to: number) => void; onDrop: () => void }) {
  const { axis, at, onMove, onDrop } = props;
  const reach = Math.max(3, 3 * axis.spread);
  return (
    <div class="dimension">
      <label>
        <span>
          {axis.name} <small>{`${(at - axis.mean).toFixed(1).replace("-0.0", "0.0")} units from the middle`}</small>
        </span>
        <input
          type="range"
          aria-label={`axis ${axis.name}`}
          min={axis.mean - reach}
          max={axis.mean + reach}
          step={reach / 100}
          value={at}
          onInput={(event) => onMove(Number(event.currentTarget.value))}
        />
      </label>
      <p class="quiet">
        {axis.words.replace(`${axis.name}: `, "")}{" "}
        <button type="button" class="link" aria-label={`forget ${axis.name}`} onClick={onDrop}>
          forget
        </button>
      </p>
    </div>
  );
}

/** A name says what is learned: a column, or a value of one; of what was liked, any name will do. */
function Learn({ the, onLearned }: { the: Space; onLearned: (axes: Axis[]) => void }) {
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const isExamples = liked.value.length > 0;
  const learn = async () => {
    setBusy(true);
    const examples = isExamples ? { positive: liked.value, negative: disliked.value } : {};
    const made = await trying(() => json<Axis[]>(`/spaces/${the.number}/axes`, { name, ...examples }));
    setBusy(false);
    if (!made) return;
    onLearned(made);
    setName("");
  };
  return (
    <form
      class="learn"
      onSubmit={(event) => {
        event.preventDefault();
        if (name && !busy) void learn();
      }}
    >
      <label>
        {isExamples ? `Axis of the ${liked.value.length} liked: ` : "Axis: "}
        <input
          value={name}
          list="axis-names"
          placeholder={isExamples ? "any name" : "column, or column=value"}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <datalist id="axis-names">
        {the.columns.map((column) => (
          <option key={column.name} value={column.kind === "category" ? `${column.name}=` : column.name} />
        ))}
      </datalist>{" "}
      <button type="submit" disabled={busy || !name}>
        {busy ? "learning …" : "learn"}
      </button>
    </form>
  );
}
