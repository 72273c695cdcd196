import { frame } from "../api";
import { byNumbers } from "../colours";
import { floats } from "../frames";
import { colouring, space, spaces, trying, view } from "../state";

/** Which items have other neighbours in another space, or on the map than in the space itself. */
export function Compare() {
  const the = space.value;
  if (!the) return null;
  const others = spaces.value.filter(({ number }) => number !== the.number);
  const show = (name: string, b: { space: number; map?: string }) =>
    trying(async () => {
      const told = await frame("/compare", { a: { space: the.number }, b, k: 15 });
      colouring.value = byNumbers(name, floats(told, "changed"));
    });
  return (
    <section class="compare" aria-label="Compare">
      <p class="buttons">
        <button
          type="button"
          onClick={() => void show("neighbours lost on this map", { space: the.number, map: view.value.map })}
        >
          what this map hides
        </button>
        {others.map(({ number, name }) => (
          <button
            key={number}
            type="button"
            onClick={() => void show(`neighbours other than in ${name}`, { space: number })}
          >
            {`what differs in ${name}`}
          </button>
        ))}
      </p>
    </section>
  );
}
