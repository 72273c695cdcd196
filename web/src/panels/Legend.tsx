import type { Honesty } from "../api";
import { type Colouring, SCALE } from "../colours";
import { first, lent, shades } from "../panes";
import { change, hidden, space, view } from "../state";

const SHADES: Record<string, string> = { error: "reconstruction error", density: "density (log)" };
const HONESTY: Record<string, string> = {
  trustworthiness: "true neighbours (trustworthiness)",
  continuity: "neighbours that stayed (continuity)",
  neighbours_kept: "share of neighbours kept",
  stability: "share that stays by other seeds (stability)",
};

/** What the colours mean, which groups are shown, and how far the map can be trusted. */
export function Legend() {
  const the = space.value;
  const tint = first.colouring.value;
  const figures = first.drawn.value?.honesty;
  if (!the || !tint) return null;
  return (
    <section class="legend" aria-label="Legend">
      <ColourBy />
      {lent.value && (
        <p class="quiet">
          {`Coloured by ${lent.value.name}. `}
          <button
            type="button"
            class="link"
            onClick={() => {
              lent.value = null;
            }}
          >
            back
          </button>
        </p>
      )}
      {tint.kind === "groups" && <Groups tint={tint} />}
      {tint.kind === "scale" && (
        <div class="scale">
          <i class="bar" style={{ background: `linear-gradient(to right, ${SCALE.join(", ")})` }} />
          <span>{short(tint.low)}</span> <span>{short(tint.high)}</span>
          {tint.groups.map(({ label, colour, count }) => (
            <p class="quiet" key={label}>
              <i class="dot" style={{ background: colour }} /> {label} <small>{count.toLocaleString("en")}</small>
            </p>
          ))}
        </div>
      )}
      {figures && figures.trustworthiness !== null && (
        <p class="honesty">
          {`Trustworthiness ${figures.trustworthiness.toFixed(3)}: ${Math.round(100 * (figures.neighbours_kept ?? 0))}% of each item's ${figures.k} nearest are near it here.${overSeeds(figures)}`}
        </p>
      )}
    </section>
  );
}

const overSeeds = ({ stability, seeds }: Honesty): string =>
  stability === undefined
    ? ""
    : ` With ${seeds === 1 ? "another seed" : `${seeds} other seeds`} ${Math.round(100 * stability)}% of what is near here stays near.`;

const short = (value: number): string => String(Number(value.toPrecision(3)));

function ColourBy() {
  const the = space.value;
  if (!the) return null;
  const honest = Object.keys(first.drawn.value?.shades ?? {});
  return (
    <label>
      Colour by{" "}
      <select value={view.value.colour} onChange={(event) => change({ colour: event.currentTarget.value, hidden: [] })}>
        <option value="">nothing</option>
        {the.columns.length > 0 && (
          <optgroup label="columns">
            {the.columns.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </optgroup>
        )}
        {shades.value.length > 0 && (
          <optgroup label="the model">
            {shades.value.map((name) => (
              <option key={name} value={`shade ${name}`}>
                {SHADES[name] ?? name}
              </option>
            ))}
          </optgroup>
        )}
        {honest.length > 0 && (
          <optgroup label="this map's honesty">
            {honest.map((name) => (
              <option key={name} value={`map ${name}`}>
                {HONESTY[name] ?? name}
              </option>
            ))}
          </optgroup>
        )}
        <optgroup label="latent dimensions">
          {Array.from({ length: Math.min(the.dimensions ?? the.dims, 64) }, (_, d) => (
            <option key={`dim ${d}`} value={`dim ${d}`}>{`dimension ${d}`}</option>
          ))}
        </optgroup>
      </select>
    </label>
  );
}

/** The groups: a press hides one or brings it back. */
function Groups({ tint }: { tint: Colouring }) {
  const labels = tint.groups.map(({ label }) => label);
  const off = hidden.value.filter((label) => labels.includes(label));
  const toggle = (label: string) =>
    change({ hidden: off.includes(label) ? off.filter((one) => one !== label) : [...off, label] });
  return (
    <>
      <ul>
        {tint.groups.map(({ label, colour, count }) => (
          <li key={label} class={off.includes(label) ? "off" : ""}>
            <button type="button" class="group" aria-pressed={!off.includes(label)} onClick={() => toggle(label)}>
              <i class="dot" style={{ background: colour }} /> {label} <small>{count.toLocaleString("en")}</small>
            </button>
            <button
              type="button"
              class="link only"
              aria-label={`only ${label}`}
              onClick={() => change({ hidden: labels.filter((one) => one !== label) })}
            >
              only
            </button>
          </li>
        ))}
      </ul>
      {off.length > 0 && (
        <button type="button" onClick={() => change({ hidden: [] })}>
          show all groups
        </button>
      )}
    </>
  );
}
