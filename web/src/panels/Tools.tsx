import { stop } from "../api";
import { isSecondShown, type Pane } from "../panes";
import { helping, mode, sounding, trying, working } from "../state";

const WORDS = { move: "move", lasso: "select", path: "draw a path" } as const;

export function Tools({ pane, onReset }: { pane: Pane; onReset: () => void }) {
  const isFirst = pane.name === "first";
  return (
    <div class="tools" role="toolbar" aria-label={isFirst ? "Map tools" : "Tools of the map beside"}>
      {isFirst &&
        (Object.keys(WORDS) as (keyof typeof WORDS)[]).map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={mode.value === name}
            onClick={() => {
              mode.value = name;
            }}
          >
            {WORDS[name]}
          </button>
        ))}
      <button type="button" onClick={onReset}>
        whole map
      </button>
      {isFirst && pane.space.value?.can.pictures === "sound" && (
        <button
          type="button"
          aria-pressed={sounding.value}
          onClick={() => {
            sounding.value = !sounding.value;
          }}
        >
          play on hover
        </button>
      )}
      {isFirst && (
        <button
          type="button"
          aria-label="help: what keys and the pointer do"
          aria-expanded={helping.value}
          onClick={() => {
            helping.value = !helping.value;
          }}
        >
          ?
        </button>
      )}
      {isSecondShown.value && <span class="which">{`${pane.space.value?.name ?? ""}: ${pane.map.value}`}</span>}
    </div>
  );
}

/** A map that is being made: what is done, how far it is, and a way to stop it. */
export function Working() {
  const job = working.value;
  if (!job) return null;
  const share = job.share ?? null;
  const eta = job.eta ? `, about ${Math.ceil(job.eta)} s more` : "";
  return (
    <div class="working" role="status">
      <span>{`Drawing the ${job.what.replace(/ of .*/, "").replace("map ", "")} map${job.message ? `: ${job.message}` : " …"}${eta}`}</span>
      <progress max={1} {...(share === null ? {} : { value: share })} aria-label="how much is done" />
      <button type="button" onClick={() => void trying(() => stop(job))}>
        stop
      </button>
    </div>
  );
}
