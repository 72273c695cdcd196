"""Items as they are, to what a frozen encoder says of them, batch by batch: for models that read texts or sounds."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import BadItemError
from .items.protocol import Batch, OnError, Skipped


def heard(
    model: Any, batch: Batch, on_error: OnError, advance: Callable[[int], Any] | None = None
) -> tuple[Batch, np.ndarray]:
    """What the encoder gives for a batch's raw items, and the batch without those of which it says nothing.

    Parameters
    ----------
    model : Pretrained
    batch : Batch
        With `raw`.
    on_error : "skip" or "raise"
    advance : callable, optional
        Told how many items are done.

    Returns
    -------
    (Batch, float32 array of shape (n, width))

    Raises
    ------
    BadItemError
        With `on_error="raise"`, for the first item of which the encoder says nothing.
    """
    h = model.some_rows(batch.raw or [], advance)
    whole = np.isfinite(h).all(axis=1)
    if whole.all():
        return batch, h
    lost = [Skipped(batch.ids[row], _why(model)) for row in np.flatnonzero(~whole)]
    if on_error == "raise":
        raise BadItemError(f"item {lost[0].id!r}: {lost[0].reason}")
    good = np.flatnonzero(whole).tolist()
    metadata = {name: [column[row] for row in good] for name, column in batch.metadata.items()}
    raw = [(batch.raw or [])[row] for row in good]
    kept = Batch(batch.x[good], [batch.ids[row] for row in good], metadata, [*batch.skipped, *lost], raw)
    return kept, h[good]


def _why(model: Any) -> str:
    return f"the encoder {model.encoder!r} has nothing to say of it: it knows none of what is in it"
