import { change, changeSpace, map, space, spaces, view } from "../state";
import { isStill } from "../still";

export function Head() {
  const the = space.value;
  const methods = isStill() ? the?.maps : the?.methods;
  return (
    <header>
      <h1>{the?.name ?? "latentspace"}</h1>
      {the && <p>{`${the.items.toLocaleString("en")} ${the.kind}, ${the.model}, ${the.dims} dimensions`}</p>}
      {spaces.value.length > 1 && (
        <label>
          Space{" "}
          <select value={view.value.space} onChange={(event) => changeSpace(Number(event.currentTarget.value))}>
            {spaces.value.map(({ number, name }) => (
              <option key={number} value={number}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {the && (
        <label>
          Map{" "}
          <select
            value={map.value}
            onChange={(event) => change({ map: event.currentTarget.value, camera: null, spots: [] })}
          >
            {methods?.map((method) => (
              <option key={method} value={method}>
                {the.maps.includes(method) ? method : `${method} (to be made)`}
              </option>
            ))}
          </select>
        </label>
      )}
      <BesideChoice />
      <label>
        Theme{" "}
        <select
          value={view.value.theme}
          onChange={(event) => change({ theme: event.currentTarget.value as "auto" | "light" | "dark" })}
        >
          <option value="auto">as the system's</option>
          <option>light</option>
          <option>dark</option>
        </select>
      </label>
    </header>
  );
}

/** Any other map of any space, to be shown beside the first. */
function BesideChoice() {
  const { beside, space: number, map: shown } = view.value;
  const choices = spaces.value.flatMap((one) =>
    (isStill() ? one.maps : one.methods).map((method) => ({ one, method, words: `${one.number}:${method}` })),
  );
  const others = choices.filter(({ one, method }) => one.number !== number || method !== shown);
  if (!others.length) return null;
  const several = spaces.value.length > 1;
  return (
    <label>
      Beside{" "}
      <select
        value={beside ? `${beside.space}:${beside.map}` : ""}
        onChange={(event) => {
          const found = choices.find(({ words }) => words === event.currentTarget.value);
          change({ beside: found ? { space: found.one.number, map: found.method } : null });
        }}
      >
        <option value="">nothing</option>
        {others.map(({ one, method, words }) => (
          <option key={words} value={words}>
            {`${several ? `${one.name}: ` : ""}${method}${one.maps.includes(method) ? "" : " (to be made)"}`}
          </option>
        ))}
      </select>
    </label>
  );
}
