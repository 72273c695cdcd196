// The view in the address: a link that restores it. Only what was chosen is in it, never the token.

export interface View {
  space: number;
  map: string;
  colour: string;
  item: number | null;
  theme: "auto" | "light" | "dark";
}

export const FIRST: View = { space: 0, map: "tsne", colour: "", item: null, theme: "auto" };

export function written(view: View): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(view)) {
    if (value !== null && value !== FIRST[name as keyof View]) words.set(name, String(value));
  }
  return words.toString();
}

export function read(fragment: string): View {
  const words = new URLSearchParams(fragment.replace(/^#/, ""));
  const whole = (name: string): number | null => {
    const value = words.get(name);
    return value !== null && /^\d+$/.test(value) ? Number(value) : null;
  };
  const theme = words.get("theme");
  return {
    space: whole("space") ?? FIRST.space,
    map: words.get("map") ?? FIRST.map,
    colour: words.get("colour") ?? FIRST.colour,
    item: whole("item"),
    theme: theme === "light" || theme === "dark" ? theme : "auto",
  };
}
