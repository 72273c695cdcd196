"""Items of any kind encoded to a folder, a file for each segment: killed and called again, it goes on."""

import hashlib
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from . import fitting
from .items import gather_for
from .items.protocol import Gathered
from .progress import say

if TYPE_CHECKING:
    from .verbs.state import State


def encode_to(
    space: "State", source: Any, out: str | Path, form: Literal["parquet", "npy"], engine: Any, on_error: Any
) -> Path:
    """Encodes a source into a folder; see `LatentSpace.encode_to`."""
    from .scale import encoding, segments
    from .scale.engines import engine_of
    from .scale.scaled import digest
    from .scale.work import Work

    if form not in ("npy", "parquet"):
        raise ValueError(f"form={form!r} is not known; choose 'parquet' or 'npy'.")
    chosen = engine_of(engine)
    gathered = gather_for(space.modality, source)
    folder = Path(out)
    Work(folder, {
        "job": "encode items", "source": _known_by(gathered), "model": digest(space.model), "form": form,
        "on_error": on_error,
    })  # fmt: skip
    bounds = segments.bounds(len(gathered), math.prod(space.modality.shape))
    say(
        lambda: (
            f"{gathered.origin}: {len(gathered):,} items in {len(bounds):,} segments, at most 128 MB of features each"
        )
    )
    work = partial(_encoded, space.modality, space.model, on_error)
    job = encoding.OfItems(work, partial(_piece, gathered), folder, form)
    encoding.run(job, bounds, folder, form, chosen)
    return folder


def _known_by(gathered: Gathered) -> str:
    names = "\0".join(gathered.ids)
    return hashlib.blake2b(f"{gathered.origin}\0{names}".encode(), digest_size=16).hexdigest()


def _piece(gathered: Gathered, start: int, stop: int) -> Gathered:
    return gathered.select(range(start, stop))


def _encoded(modality: Any, model: Any, on_error: Any, piece: Gathered) -> Any:
    from .scale.segments import Encoded

    ids, z, skipped = fitting.encode_items(modality, model, piece, on_error)
    return Encoded(ids, z, [(item.id, item.reason) for item in skipped])
