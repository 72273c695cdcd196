import { render } from "preact";
import { Legend } from "./panels/Legend";
import { Points } from "./panels/Points";
import { change, message, space, start, view } from "./state";
import "./page.css";

function Page() {
  const the = space.value;
  return (
    <>
      <header>
        <h1>{the?.name ?? "latentspace"}</h1>
        {the && <p>{`${the.items.toLocaleString("en")} ${the.kind}, ${the.model}, ${the.dims} dimensions`}</p>}
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
      </header>
      <main>
        <Points />
        <aside>
          <Legend />
        </aside>
      </main>
      {message.value && (
        <p class={message.value.bad ? "message bad" : "message"} role="alert">
          {message.value.words}
        </p>
      )}
    </>
  );
}

const root = document.getElementById("page");
if (root) render(<Page />, root);
void start();
