"""What maps are used for: items placed on them, what other seeds change, maps by landmarks.

    python -m benchmarks.maps_uses [--n 20000] [--draw]

On principal components of real digits, as in benchmarks.maps. Placing the fitted items has to give their own spots; how
true the place of a new item is, is told by items that were left out of the fit, beside those that were in it.
"""

import argparse
import json
import sys
import time
from typing import Any

import numpy as np

from .harness import machine, publish, run, table
from .maps import CACHE, THREADS, prepare

SET = "mnist"
METHODS = ("pca", "tsne", "umap", "pacmap")
HELD_OUT = 1_000
K = 15
SHARES = (4, 2, 1)  # of the items, one in so many is a landmark


def placing(method: str, z: str, n: int) -> dict[str, Any]:
    """Fits a map of n items, places them again, and others that it has not seen."""
    from latentspace.maps.fit import fit_map, place
    from latentspace.search.exact import ExactIndex

    rows = np.load(z)
    seen, new = rows[:n], rows[n : n + HELD_OUT]
    fitted = fit_map(seen, method)
    began = time.process_time()
    placed = place(fitted, seen, seen)
    seconds = time.process_time() - began
    spots = fitted.coordinates
    extent = np.ptp(spots, axis=0).max()
    near = fitted.tree.query(placed)[1]
    true = ExactIndex(seen).search(seen, K, "euclidean", exclude=np.arange(n)).positions
    own = (near == np.arange(n)) | (near[:, None] == true).any(axis=1)
    xy = place(fitted, seen, new)
    return {
        "method": method,
        "items": n,
        "own spot, median share of the extent": float(np.median(np.linalg.norm(placed - spots, axis=1)) / extent),
        "nearest is its own or a true neighbour's": float(own.mean()),
        "core ms an item": 1000 * seconds / n,
        "neighbours kept, fitted": _kept(seen, spots, seen[:HELD_OUT], spots[:HELD_OUT], np.arange(HELD_OUT)),
        "neighbours kept, new": _kept(seen, spots, new, xy, None),
    }


def _kept(z: np.ndarray, spots: np.ndarray, queries: np.ndarray, xy: np.ndarray, own: np.ndarray | None) -> float:
    from latentspace.search.exact import ExactIndex

    in_z = ExactIndex(z).search(queries, K, "euclidean", exclude=own).positions
    on_map = ExactIndex(spots).search(xy, K, "euclidean", exclude=own).positions
    return float((in_z[:, :, None] == on_map[:, None, :]).any(axis=2).mean())


def seeds(method: str, z: str, n: int) -> dict[str, Any]:
    """One map and two by other seeds."""
    from latentspace.maps.fit import fit_map
    from latentspace.maps.honesty import honesty

    rows = np.load(z)[:n]
    xy = fit_map(rows, method).coordinates
    others = [fit_map(rows, method, seed=seed).coordinates for seed in (1, 2)]
    told = honesty(rows, xy).with_stability(xy, others)
    return {
        "method": method, "items": n, "near stays near": told.stability, "moved": told.moved,
        "least stable tenth": float(np.nanquantile(told.per_item["stability"], 0.1)),
    }  # fmt: skip


def landmarks(method: str, z: str, n: int, one_in: int) -> dict[str, Any]:
    """A map of which one in so many items are laid out."""
    from latentspace.maps.fit import fit_map
    from latentspace.maps.honesty import honesty

    rows = np.load(z)[:n]
    fit_map(rows[:1000], method)
    began = time.process_time()
    drawn = fit_map(rows, method, landmarks=n // one_in)
    seconds = time.process_time() - began
    told = honesty(rows, drawn.coordinates)
    return {
        "method": method, "items": n, "laid out": n // one_in, "core seconds": seconds,
        "trustworthiness": told.trustworthiness, "continuity": told.continuity, "neighbours kept": told.neighbours_kept,
    }  # fmt: skip


def measured(name: str, **arguments: Any) -> dict[str, Any]:
    """What was measured before, or is now."""
    said = "-".join(str(value) for value in arguments.values())
    path = CACHE / f"uses-{name}-{said}.json"
    if not path.exists():
        found = run(f"benchmarks.maps_uses:{name}", threads=THREADS, z=prepare(SET), **arguments)
        path.write_text(json.dumps(found))
        print(f"  {name} {said}: {found}", file=sys.stderr, flush=True)
    return json.loads(path.read_text())


def main() -> None:
    """Measures what is not there yet; writes docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20_000)
    asked = parser.parse_args([] if sys.argv[0].endswith("benchmarks/__main__.py") else None)
    placed = [measured("placing", method=method, n=asked.n) for method in METHODS]
    over = [measured("seeds", method=method, n=asked.n) for method in METHODS]
    some = [
        measured("landmarks", method=method, n=asked.n, one_in=one_in) for method in METHODS[1:] for one_in in SHARES
    ]
    for row in (*placed, *over, *some):
        row |= {key: f"{value:.4f}" for key, value in row.items() if isinstance(value, float) and key != "core seconds"}
    publish(
        "Maps in use",
        f"{machine('numpy', 'numba')}. `{SET}`, 50 principal components, two threads.\n\n"
        f"Placing the fitted items, and {HELD_OUT:,} that the map was not made of; neighbours kept of the {K} nearest, "
        "the best that a place can do being what the fitted items have.\n\n" + table(placed, list(placed[0])) + "\n\n"
        f"Two maps more by other seeds: the share of an item's {K} nearest on the map that stay near, the same of the "
        "least stable tenth of the items at most, and how far the typical item moves, in shares of the map's "
        "spread.\n\n" + table(over, list(over[0])) + "\n\n"
        "Maps by landmarks: some items are laid out, the others placed among them; measured over all.\n\n"
        + table(some, list(some[0])),
    )


if __name__ == "__main__":
    main()
