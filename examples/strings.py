"""Place names as a latent space: spelled back, new ones, and the way from one to another.

Run it from the repository: python examples/strings.py [folder for the results]. The names are the cities of the time
zones that Python knows; they are few, so the new ones are rough.
"""

import sys
import zoneinfo
from pathlib import Path

import latentspace

out = Path(sys.argv[1] if len(sys.argv) > 1 else "strings-out")


def main():
    out.mkdir(parents=True, exist_ok=True)
    cities = {zone.rpartition("/")[2] for zone in zoneinfo.available_timezones() if "/" in zone and "Etc" not in zone}
    cities = sorted(city.replace("_", " ") for city in cities if len(city) <= 12 and city[1:].islower())
    space = latentspace.fit(
        cities, kind="strings", ids=cities, model="string-vae", dims=32, hidden=[256], epochs=40, batch_size=32,
        density="gaussian",
    )  # fmt: skip
    spelled = space.reconstruct(cities)
    print(f"{space}: {sum(a == b for a, b in zip(spelled, cities, strict=True))} of {len(cities)} spelled back exactly")
    print("new:", ", ".join(space.sample(12, seed=1)))
    a, b = "Amsterdam", "Casablanca"
    print(f"from {a} to {b}:", " > ".join(space.interpolate(a, b, steps=7)))
    print(f"alike to {a}:", ", ".join(space.search(a, k=5).ids))
    space.save(out / "cities.latent", overwrite=True)
    print(f"cities.latent is in {out}/")


if __name__ == "__main__":
    main()
