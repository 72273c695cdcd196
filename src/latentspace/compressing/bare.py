"""A source without a fitted space: what coders that learn from the very items need of one."""

from typing import Any

import numpy as np

from .. import items as items_room
from ..items.protocol import Gathered


def bare_space(source: Any, kind: str | None = None) -> tuple[Any, Gathered]:
    """A space of no items whose modality has learned from a source, and the source's items.

    Only what does not need a model can be done with it: pictures, sounds and texts by coders of their own.
    """
    from ..space import LatentSpace

    modality_class, gathered = items_room.gather(source, kind=kind)
    modality = modality_class()
    modality.suit(counts=False, sparse=True)
    if modality_class.kind == "table":
        rows = gathered  # tables are coded by their own columns; the modality only lists them
    else:
        modality.learn(gathered)
        rows = gathered if modality_class.kind in ("texts", "strings") else modality.pieces(gathered)
    space = LatentSpace(
        modality, None, ids=[], metadata={}, latents=np.empty((0, 1), np.float32), features=None, facts={}
    )
    return space, rows
