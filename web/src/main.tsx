import { render } from "preact";
import { useState } from "preact/hooks";
import { Compare } from "./panels/Compare";
import { Dimensions } from "./panels/Dimensions";
import { Drop } from "./panels/Drop";
import { Filter, Selection } from "./panels/Filter";
import { Item } from "./panels/Item";
import { Legend } from "./panels/Legend";
import { Make } from "./panels/Make";
import { Points } from "./panels/Points";
import { Recommendations } from "./panels/Recommended";
import { Spot } from "./panels/Spot";
import { change, message, space, spaces, start, view } from "./state";
import { isStill } from "./still";
import "./page.css";

const ALL = { look: "Look", dimensions: "Dimensions", "look up": "Look up", make: "Make" } as const;
const TABS: Partial<typeof ALL> = isStill() ? { look: ALL.look } : ALL;

function Head() {
  const the = space.value;
  return (
    <header>
      <h1>{the?.name ?? "latentspace"}</h1>
      {the && <p>{`${the.items.toLocaleString("en")} ${the.kind}, ${the.model}, ${the.dims} dimensions`}</p>}
      {spaces.value.length > 1 && (
        <label>
          Space{" "}
          <select
            value={view.value.space}
            onChange={(event) => change({ space: Number(event.currentTarget.value), item: null })}
          >
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
          <select value={view.value.map} onChange={(event) => change({ map: event.currentTarget.value })}>
            {the.methods.map((method) => (
              <option key={method} value={method}>
                {method}
              </option>
            ))}
          </select>
        </label>
      )}
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

function Page() {
  const [tab, setTab] = useState<keyof typeof ALL>("look");
  return (
    <>
      <Head />
      <main>
        <Points />
        <aside>
          <nav class="tabs" aria-label="Panels">
            {(Object.keys(TABS) as (keyof typeof ALL)[]).map((name) => (
              <button key={name} type="button" aria-pressed={tab === name} onClick={() => setTab(name)}>
                {TABS[name]}
              </button>
            ))}
          </nav>
          {tab === "look" && (
            <>
              <Legend />
              {!isStill() && (
                <>
                  <Filter />
                  <Selection />
                  <Compare />
                </>
              )}
              <Spot />
              <Item />
              <Recommendations />
            </>
          )}
          {tab === "dimensions" && <Dimensions />}
          {!isStill() && (
            <div hidden={tab !== "look up"}>
              <Drop onFound={() => setTab("look up")} />
            </div>
          )}
          {tab === "make" && <Make />}
        </aside>
      </main>
      {message.value && (
        <p class={message.value.bad ? "message bad" : "message"} role="alert">
          {message.value.words}{" "}
          <button
            type="button"
            onClick={() => {
              message.value = null;
            }}
          >
            close
          </button>
        </p>
      )}
    </>
  );
}

const root = document.getElementById("page");
if (root) render(<Page />, root);
void start();
