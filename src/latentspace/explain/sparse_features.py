"""Features of a sparse autoencoder: how much each is used, its top items, and what its items have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..labels import are_labels, are_numbers
from .evidence import holm

_SURE = 0.01
_HALF = 0.5  # of a feature's items that share the value it is named for
_LIFT = 1.5  # times as common among them as among all


class SparseFeature(NamedTuple):
    """One feature.

    Attributes
    ----------
    number : int
    usage : float
        Share of the items that use it.
    strength : float
        Its mean over those.
    top : list of int
        Rows that use it most, the most first.
    name : str
        The metadata value that its items share far more than others do, or "no clear meaning".
    because : str
    """

    number: int
    usage: float
    strength: float
    top: list[int]
    name: str
    because: str


def sparse_features(
    z: np.ndarray, metadata: Mapping[str, Sequence[Any]], k: int = 6, most: int = 32
) -> list[SparseFeature]:
    """Tells the features that carry most, of codes (n, dims) that are mostly 0.

    A feature is named for a value of a metadata column where at least half of the items that use it have that value,
    1.5 times as often as all items do, and a hypergeometric test of that, corrected for all values and features told
    (Holm), is below 0.01.

    Parameters
    ----------
    z : float array of shape (n, dims)
    metadata : mapping of column name to n values
    k : int
        Top items.
    most : int
        Features to tell, by the sum of squares they carry.
    """
    used = z > 0
    carried = (z.astype(np.float64) ** 2).sum(axis=0)
    order = [int(d) for d in np.argsort(-carried, kind="stable")[:most] if used[:, d].any()]
    values = _values(metadata, len(z))
    raw, tried = [], []
    for d in order:
        rows = np.flatnonzero(used[:, d])
        for column, value, has in values:
            raw.append(_by_chance(rows, has))
            tried.append((d, column, value, has[rows].mean(), has.mean()))
    corrected = holm(np.array(raw)) if raw else np.zeros(0)
    best: dict[int, tuple[float, str, str]] = {}
    for (d, column, value, here, all_over), p in zip(tried, corrected, strict=True):
        if p < _SURE and here >= _HALF and here >= _LIFT * all_over and (d not in best or here / all_over > best[d][0]):
            because = f"{100 * here:.0f}% of its items have {column} {value}, {100 * all_over:.0f}% of all"
            best[d] = (here / all_over, f"{column} {value}", because)
    told = []
    for d in order:
        top = np.argsort(-z[:, d], kind="stable")[: min(k, int(used[:, d].sum()))].tolist()
        _, name, because = best.get(d, (0.0, "no clear meaning", ""))
        strength = float(z[used[:, d], d].mean())
        told.append(SparseFeature(d, float(used[:, d].mean()), strength, top, name, because))
    return told


def _values(metadata: Mapping[str, Sequence[Any]], n: int) -> list[tuple[str, Any, np.ndarray]]:
    found: list[tuple[str, Any, np.ndarray]] = []
    for column, cells in metadata.items():
        given = [cell for cell in cells if cell is not None]
        kinds = sorted(set(given), key=str)
        if (are_numbers(kinds) and not are_labels(kinds)) or not 2 <= len(kinds) <= min(100, n / 3):
            continue
        found.extend((column, kind, np.array([cell == kind for cell in cells])) for kind in kinds)
    return found


def _by_chance(rows: np.ndarray, has: np.ndarray) -> float:
    from scipy.stats import hypergeom

    return float(hypergeom.sf(int(has[rows].sum()) - 1, len(has), int(has.sum()), len(rows)))
