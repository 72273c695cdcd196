import { change, colouring, honesty, space, view } from "../state";

/** What the colours mean, and how far the map can be trusted. */
export function Legend() {
  const the = space.value;
  const tint = colouring.value;
  const figures = honesty.value;
  if (!the || !tint) return null;
  return (
    <section class="legend" aria-label="Legend">
      <label>
        Colour by{" "}
        <select value={view.value.colour} onChange={(event) => change({ colour: event.currentTarget.value })}>
          <option value="">nothing</option>
          {the.columns.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
          {Array.from({ length: Math.min(the.dimensions ?? the.dims, 64) }, (_, d) => (
            <option key={`dim ${d}`} value={`dim ${d}`}>{`dimension ${d}`}</option>
          ))}
        </select>
      </label>
      {tint.kind === "groups" && (
        <ul>
          {tint.groups.map(({ label, colour, count }) => (
            <li key={label}>
              <i style={{ background: colour }} /> {label} <small>{count.toLocaleString("en")}</small>
            </li>
          ))}
        </ul>
      )}
      {tint.kind === "scale" && (
        <div class="scale">
          <i style={{ background: `linear-gradient(to right, ${tint.palette.join(", ")})` }} />
          <span>{tint.low.toPrecision(3)}</span> <span>{tint.high.toPrecision(3)}</span>
        </div>
      )}
      {figures && figures.trustworthiness !== null && (
        <p class="honesty">
          {`Trustworthiness ${figures.trustworthiness.toFixed(3)}: ${Math.round(100 * (figures.neighbours_kept ?? 0))}% of each item's ${figures.k} nearest are near it here.`}
        </p>
      )}
    </section>
  );
}
