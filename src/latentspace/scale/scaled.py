"""What a fit on more than memory gives: the model, and latents that stay on disk."""

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..items.blocks import blocks
from ..models import adapter
from . import encoding, keeping, segments
from .engines import engine_of
from .segments import Form, Latents, skipped_in
from .work import Work

if TYPE_CHECKING:
    from ..space import LatentSpace


class Scaled:
    """A fitted model and the latents of its rows, which lie in a folder.

    Attributes
    ----------
    model : estimator
    folder : Path
    latents : Latents
        Float32 (n, dims), read where it is asked for: `latents[start:stop]`, `latents.segments()`, `np.asarray`.
    skipped : list of (row, reason)
        Rows that were left out; they have no latent.
    """

    def __init__(self, model: Any, folder: Path, count: int, rows: Any = None):
        self.model, self.folder, self._rows = model, folder, rows
        self.latents = Latents(folder, count)
        self.skipped = skipped_in(folder)

    def __repr__(self) -> str:
        n, dims = self.latents.shape
        return f"<Scaled of {n:,} rows: {self.model.family}, {dims} dims, in {self.folder}>"

    def __len__(self) -> int:
        return len(self.latents)

    @property
    def dims(self) -> int:
        """Latent dimensions."""
        return adapter.dims_of(self.model)

    @classmethod
    def open(cls, folder: str | Path) -> "Scaled":
        """Opens a finished job's folder.

        Raises
        ------
        FileNotFoundError
            If there is none, or it is not finished; the message says what to do.
        """
        folder = Path(folder)
        found = sorted(folder.glob("z-*.npy"))
        if not (folder / "model.safetensors").exists() or not found:
            raise FileNotFoundError(
                f"{folder} holds no finished job. Call fit_blocks() with it again: it goes on from there."
            )
        return cls(keeping.load(folder / "model.safetensors"), folder, len(found))

    def space(self, source: Any = None) -> "LatentSpace":
        """A latent space of these rows and latents: to search, map, judge, and save as one `.latent` file.

        Latents and names come into memory (4 dims bytes a row, and some 60 for a name); features stay on disk and are
        read where a verb asks for them. Up to 512 MB of them go into the file that `save` writes.

        Parameters
        ----------
        source : what `latentspace.blocks` takes, optional
            The rows, where this was opened from its folder.

        Raises
        ------
        ValueError
            If there are no rows to read, or they are others than were fitted on.
        UnsupportedError
            If rows are not vectors.
        MemoryError
            If the latents do not fit in memory.
        """
        from ..of_blocks import space_of

        rows = self._rows if source is None else blocks(source)
        if rows is None:
            raise ValueError("the rows are not known here: pass what was fitted on, space(source).")
        return space_of(self.model, self.latents, rows, [int(row) for row, _ in self.skipped], self.folder)

    def encode(
        self, source: Any, out: str | Path, *, form: Form = "parquet", engine: Any = None, on_error: str = "skip"
    ) -> Path:
        """Encodes other vectors to a folder of Parquet files (`id`, `z`) or of .npy; see `encode_blocks`."""
        return encode_blocks(self.model, source, out, form=form, engine=engine, on_error=on_error)


def encode_blocks(
    model: Any, source: Any, out: str | Path, *, form: Form = "parquet", engine: Any = None, on_error: str = "skip"
) -> Path:
    """Encodes vectors on disk by a fitted model to a folder, a file for each segment of 128 MB of features.

    Killed and called again, it makes the segments that are not there yet.

    Parameters
    ----------
    model : fitted estimator of one of the families
    source : what `latentspace.blocks` takes, but for a stream
    out : path
        A folder, which is made. On a cluster, the same on every machine.
    form : "parquet" or "npy", default="parquet"
        Files of columns `id` (the row's number) and `z` (a list of dims float32), or of latents alone.
    engine : "local" or "ray", optional
    on_error : "skip" or "raise", default="skip"

    Returns
    -------
    Path
        The folder.
    """
    if form not in ("npy", "parquet"):
        raise ValueError(f"form={form!r} is not known; choose 'parquet' or 'npy'.")
    chosen = engine_of(engine)
    rows = blocks(source)
    folder = Path(out)
    described = {"job": "encode", "source": rows.fingerprint(), "model": digest(model), "form": form}
    Work(folder, described | {"on_error": on_error})
    bounds = segments.bounds(len(rows), math.prod(rows.shape[1:]))
    encoding.run(encoding.OfRows(model, rows, folder, form, on_error == "skip"), bounds, folder, form, chosen)
    return folder


def digest(model: Any) -> str:
    params, facts, arrays = model.get_state()
    digest = hashlib.blake2b(json.dumps([params, facts], sort_keys=True).encode(), digest_size=16)
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
