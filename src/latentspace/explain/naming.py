"""A name for each dimension where the evidence is strong, and "no clear meaning" where it is not."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .basis import Alignment
from .evidence import Evidence

NONE = "no clear meaning"
UNUSED = "unused"
_LEVEL = 0.05  # of the test of the whole basis
_SURE = 0.01  # of a pair's own test, corrected
_HALF = 0.5  # of a column's variance that the dimension alone tells; of a dimension's effect that is on one column
_ALONE = 0.25  # of that variance more than what the next dimension tells
_RARE = 0.05  # share of random directions that may tell as much


class Name(NamedTuple):
    """What a dimension means, and what that rests on in words; `clear` is whether it is a name at all."""

    words: str
    because: str
    clear: bool


def by_metadata(d: int, told: Sequence[Evidence], names: Sequence[str], aligned: Alignment) -> Name | None:
    """Names dimension d for the metadata column that lies along it and along no other, or gives None.

    All of these must hold: the dimensions part the columns, or part this one, better than random rotations do (the two
    tests share a level of 0.05, and that of each column is corrected for all); half of the column's rank variance lies
    along this dimension, a quarter more than along any other; at most one random direction in 20 tells as much; and the
    pair's own test is below 0.01, corrected for all pairs.

    Parameters
    ----------
    d : int
    told : sequence of Evidence
        Of this dimension.
    names : sequence of str
        The columns of `aligned`, in its order.
    aligned : Alignment
    """
    if not names:
        return None
    here = aligned.squares[d]
    place = int(here.argmax())
    # Two tests, of the whole basis and of each column, share the level.
    if min(aligned.p_value, aligned.column_p[place]) > _LEVEL / 2:
        return None
    others = np.delete(aligned.squares[:, place], d)
    rival = float(others.max(initial=0.0))
    one = next(each for each in told if each.column == names[place])
    alone = np.isnan(aligned.p_value)  # one dimension: there is nothing to turn, and no other to be told apart from
    if here[place] < _HALF or here[place] - rival < _ALONE or one.p_value > _SURE:
        return None
    if not alone and aligned.chance[d, place] > _RARE:
        return None
    because = f"{100 * here[place]:.0f}% of what {one.column} varies by lies along it"
    because += f", at most {100 * rival:.0f}% along another" if len(others) else ""
    if one.sign:
        return Name(one.column if one.sign > 0 else f"{one.column} (falling)", because, True)
    return Name(f"{one.column}: {one.low} to {one.high}", because, True)


def by_features(shares: np.ndarray, effect: np.ndarray, columns: Sequence[str], p_value: float) -> Name | None:
    """Names a dimension for the one or two columns of features that it moves, or gives None.

    Parameters
    ----------
    shares : float array of shape (columns,)
        Of the dimension's squared effect; see `basis.concentration`.
    effect : float array of shape (columns,)
        Its sum over each column's features, for the sign.
    columns : sequence of str
    p_value : float
        Of the whole basis.
    """
    if not len(columns) or not shares.any() or p_value > _LEVEL:
        return None
    order = np.argsort(-shares, kind="stable")
    first, second = shares[order[0]], shares[order[1]] if len(order) > 1 else 0.0
    if first < _HALF or first < 2 * second:
        return None
    name = columns[order[0]]
    because = f"{100 * first:.0f}% of its effect on the features is on {name}, {100 * second:.0f}% on the next"
    return Name(name if effect[order[0]] >= 0 else f"{name} (falling)", because, True)


def no_name(told: Sequence[Evidence], aligned_p: float, unused: bool = False) -> Name:
    """What is said of a dimension that nothing names."""
    if unused:
        return Name(UNUSED, "all items have the same value of it", False)
    sure = [one for one in told if one.p_value <= _SURE]
    if not sure:
        return Name(NONE, "no metadata column goes with it by more than chance" if told else "", False)
    one = sure[0]
    because = f"{one.column} goes with it most (strength {one.strength:.2f}), but not with it alone"
    if aligned_p > _LEVEL:
        because += f"; {100 * aligned_p:.0f}% of random rotations fit the metadata as well"
    return Name(NONE, because, False)
