import { render } from "preact";
import { TABS, type Tab } from "./link";
import { Compare } from "./panels/Compare";
import { Dimensions } from "./panels/Dimensions";
import { Drop } from "./panels/Drop";
import { Filter, Selection } from "./panels/Filter";
import { Regions } from "./panels/Ground";
import { Head } from "./panels/Head";
import { Help } from "./panels/Help";
import { Sounding } from "./panels/Hover";
import { Item } from "./panels/Item";
import { Legend } from "./panels/Legend";
import { Make } from "./panels/Make";
import { Points } from "./panels/Points";
import { Recommendations } from "./panels/Recommended";
import { Spot } from "./panels/Spot";
import { Working } from "./panels/Tools";
import { first, follow, isSecondShown, second } from "./panes";
import { change, message, start, tab } from "./state";
import { isStill } from "./still";
import "./map.css"; // before what it shares with the panels
import "./page.css";

const NAMES: Record<Tab, string> = { look: "Look", dimensions: "Dimensions", "look up": "Look up", make: "Make" };

function Tabs() {
  return (
    <nav class="tabs" aria-label="Panels">
      {(isStill() ? (["look"] as const) : TABS).map((name) => (
        <button key={name} type="button" aria-pressed={tab.value === name} onClick={() => change({ tab: name })}>
          {NAMES[name]}
        </button>
      ))}
    </nav>
  );
}

function Look() {
  return (
    <>
      <Legend />
      <Regions />
      <Filter />
      <Selection />
      {!isStill() && <Compare />}
      <Spot />
      <Item />
      <Recommendations />
    </>
  );
}

function Page() {
  return (
    <>
      <Head />
      <main>
        <div class={isSecondShown.value ? "maps two" : "maps"}>
          <Points pane={first} />
          {isSecondShown.value && <Points pane={second} />}
          <Working />
        </div>
        <aside>
          <Tabs />
          {(tab.value === "look" || isStill()) && <Look />}
          {tab.value === "dimensions" && !isStill() && <Dimensions />}
          {!isStill() && (
            <div hidden={tab.value !== "look up"}>
              <Drop onFound={() => change({ tab: "look up" })} />
            </div>
          )}
          {tab.value === "make" && !isStill() && <Make />}
        </aside>
      </main>
      <Help />
      <Sounding />
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
void start().then(follow);
