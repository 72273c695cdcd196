"""Items as they are, checked for an encoder that reads such: texts, or sounds at its rate."""

from typing import Any

import numpy as np

from . import Reads


def raw_items(items: Any, reads: Reads, encoder: str) -> list[Any]:
    """Returns items as an encoder takes them: a list of str, or of float32 samples (t,).

    Parameters
    ----------
    items : list, array or Series
        Texts; or sounds as samples at `reads.rate`, an array (n, t) of such, or (samples, rate) pairs.

    Raises
    ------
    TypeError
        If an item is of another kind; the message says which, and what is expected.
    ValueError
        If a sound holds NaN or infinity or is of another rate, or there are no items.
    """
    if isinstance(items, str) or not hasattr(items, "__len__"):
        raise TypeError(
            f"encoder={encoder!r} reads a list of {_what(reads)}, not one {type(items).__name__}. Pass [item]."
        )
    given = items.tolist() if getattr(items, "dtype", None) is not None and reads.kind == "texts" else list(items)
    if not given:
        raise ValueError(f"encoder={encoder!r} got no items. Pass at least one.")
    check = _text if reads.kind == "texts" else _samples
    return [check(item, place, reads, encoder) for place, item in enumerate(given)]


def all_told(h: np.ndarray, items: Any, encoder: str) -> np.ndarray:
    """Rows as they are; raises ValueError where one is NaN, for the encoder has nothing to say of its item."""
    if len(lost := np.flatnonzero(~np.isfinite(h).all(axis=1))):
        raise ValueError(
            f"encoder={encoder!r} has nothing to say of item {lost[0]} of {len(h):,}: "
            f"{str(items[lost[0]])[:60]!r}. Leave it out."
        )
    return h


def _what(reads: Reads) -> str:
    return "texts" if reads.kind == "texts" else f"sounds, as samples at {reads.rate:,} a second"


def _text(item: Any, place: int, reads: Reads, encoder: str) -> str:
    if not isinstance(item, str):
        raise TypeError(
            f"encoder={encoder!r} reads {_what(reads)}, but item {place} is {type(item).__name__} {str(item)[:40]!r}."
        )
    return item


def _samples(item: Any, place: int, reads: Reads, encoder: str) -> np.ndarray:
    if isinstance(item, tuple) and len(item) == 2 and np.ndim(item[1]) == 0:
        item, rate = item
        if rate != reads.rate:
            raise ValueError(
                f"item {place} has {rate:,} samples a second, and encoder={encoder!r} reads {reads.rate:,}. Resample "
                "it; a space does that by itself: latentspace.fit(sounds, model=...)."
            )
    samples = np.asarray(item) if not isinstance(item, str) else np.empty((0, 0))
    if samples.ndim != 1 or samples.dtype.kind != "f" or not len(samples):
        raise TypeError(
            f"encoder={encoder!r} reads {_what(reads)}, float of shape (t,) with a full scale of 1; item {place} is "
            f"{type(item).__name__} of shape {np.shape(item)}."
        )
    if not np.isfinite(samples).all():
        raise ValueError(f"item {place} holds NaN or infinite samples. Leave it out.")
    return samples.astype(np.float32)
