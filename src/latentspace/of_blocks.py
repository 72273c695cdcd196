"""A space of rows on disk: what `fit` gives, put together from a finished job."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import fitting
from .errors import UnsupportedError
from .features import Features
from .items.arrays import Array
from .items.protocol import Gathered, Skipped
from .models.densities import fit_density
from .resources import refuse_if_too_large

if TYPE_CHECKING:
    from .space import LatentSpace

_SKIPPED = "NaN or infinite values"
_NAME = 80  # bytes that a name takes in memory


def space_of(model: Any, latents: Any, rows: Any, skipped: Sequence[int], folder: Path) -> "LatentSpace":
    """A space of all rows but those skipped; see `Scaled.space`."""
    from .space import LatentSpace

    if rows.ndim != 2:
        raise UnsupportedError(
            f"rows of shape {tuple(rows.shape[1:])} are no vectors, which a space of blocks holds. Encode by the "
            "model, or fit a space on a sample: latentspace.fit(rows[:10000])."
        )
    positions = np.setdiff1d(np.arange(len(rows)), np.array(skipped, np.int64))
    if len(positions) != len(latents):
        raise ValueError(
            f"{len(rows):,} rows without the {len(skipped):,} skipped are not the {len(latents):,} that have latents. "
            "Pass the source that was fitted on."
        )
    n, dims = latents.shape
    refuse_if_too_large(n * (4 * dims + _NAME), f"{n:,} latents of {dims} dimensions", "Use Scaled.latents by parts.")
    facts = json.loads((folder / "_job.json").read_text())
    kept = rows if not skipped else rows.select(positions.tolist())
    raw = Gathered(kept, [str(row) for row in positions.tolist()], {}, rows.origin)
    modality = Array().learn(raw)
    z = np.ascontiguousarray(latents[:], dtype=np.float32)
    some = np.linspace(0, n - 1, min(n, 8)).astype(np.int64)
    again = np.asarray(model.transform(np.asarray(kept[some])))
    if not np.allclose(again, z[some], rtol=1e-3, atol=1e-3 * float(np.abs(z[some]).max(initial=0))):
        raise ValueError("these rows give other latents than those that are kept. Pass the source that was fitted on.")

    def read(chosen: Sequence[int]) -> Iterator[np.ndarray]:
        yield np.asarray(kept[np.asarray(chosen, dtype=np.int64)], dtype=np.float32)

    features = Features(modality.shape, reread=read, n=n)
    seed = int(getattr(model, "random_state", None) or 0)
    return LatentSpace(
        modality, model, ids=raw.ids, metadata={}, latents=z, features=features,
        density=fit_density(z, "auto", seed=seed, model=model),
        skipped=[Skipped(str(row), _SKIPPED) for row in skipped], raw=raw,
        facts={
            "origin": rows.origin, "items": n, "skipped": len(skipped), "fingerprint": facts["source"], "seed": seed,
            "target": None, "reconstruction": fitting.reconstruction(model, features, seed, z), "vectors": None,
            "seconds": None,
        },
    )  # fmt: skip
