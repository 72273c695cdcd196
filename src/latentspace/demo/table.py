"""A table: rows that could be, beside real ones, and the rows that are like one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .data import first_of

NEEDS = (("torch", "neural"), ("pandas", "tables"))
FILES = {"space": "rows.latent", "drawn": "drawn.csv", "real": "real.csv", "map_page": "map.html"}


def run(paths: dict[str, Path], seed: int, say: Callable[[str], None]) -> tuple[dict[str, Any], list[str]]:
    """Fits a VAE with a likelihood for every column, and draws as many rows as there are; see `demo.run`."""
    import latentspace as ls

    rows = first_of("penguins", "wine")
    assert rows.labels is not None
    label = "species" if rows.name == "penguins" else "cultivar"
    frame = rows.x.assign(**{label: [str(value) for value in rows.labels]})
    say(f"{rows.name}: {len(frame)} rows of {frame.shape[1]} columns ({rows.licence})")
    space = ls.fit(frame, model="vae", dims=4, seed=seed)
    kept = frame.iloc[[int(id_) for id_ in space.ids]]
    drawn = space.sample(len(kept), seed=seed)
    kept.to_csv(paths["real"], index=False)
    drawn.to_csv(paths["drawn"], index=False)
    numbers = [name for name in drawn if kept[name].dtype.kind in "if"]
    figures = {
        "distance": float(np.mean([_distance(kept[name], drawn[name]) for name in numbers])),
        "neighbours_same_label": _same_label(space, kept[label].to_numpy()),
        "seconds_to_fit": space.facts["seconds"],
    }
    say(
        f"fitted {space.dims} dims in {figures['seconds_to_fit']:.0f} s\n"
        f"drawn and real numbers differ by {figures['distance']:.3f} in distribution (Kolmogorov-Smirnov; 0 is none)\n"
        f"of the 10 rows nearest to one, {figures['neighbours_same_label']:.0%} share its {label}"
    )
    for name, part in (("real", kept), ("drawn", drawn)):
        say(f"\n{name} rows, and their means by {label}:\n{part.head(4).to_string(index=False)}")
        say(part.groupby(label).mean(numeric_only=True).round(1).to_string())
    near = [int(id_) for id_ in space.search(id=space.ids[0], k=3).ids]
    say(f"\nthe first row, and the rows nearest to it:\n{frame.loc[[int(space.ids[0]), *near]].to_string()}")
    space.map("tsne", seed=seed).save(paths["map_page"], colour=label, overwrite=True)
    space.save(paths["space"], overwrite=True)
    folder = paths["space"].parent
    return figures, [
        f"sample {paths['space']} -n 20 -o {folder / 'more.csv'}",
        f"search {paths['space']} --id {space.ids[0]} -k 5",
        f"info {paths['space']}",
    ]


def _distance(real: Any, drawn: Any) -> float:
    """Kolmogorov-Smirnov distance of two columns of numbers, where they are there: 0 to 1, 0 for the same."""
    from scipy.stats import ks_2samp

    return float(ks_2samp(real.dropna(), drawn.dropna()).statistic)


def _same_label(space: Any, labels: np.ndarray) -> float:
    """Share of the 10 rows nearest to each row that have its label."""
    hits = [space.search(id=id_, k=10) for id_ in space.ids]
    return float(
        np.mean([labels[[space.position(i) for i in h.ids]] == own for h, own in zip(hits, labels, strict=True)])
    )
