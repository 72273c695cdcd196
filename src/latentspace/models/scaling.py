"""Features to the unit that a network trains in, and back: learned at fit, kept with the model.

Five units. "unit": one shift and one scale for all features, so that the data's range becomes [0, 1]; right where
features share a meaning, as pixels do. "standard": each feature by its own mean and standard deviation; right where
columns have units of their own; in sequences (n, c, t) each channel, over all its steps. Sums run in float64, and the
shift is subtracted before anything is rounded to float32: columns at 1e6 + noise keep their noise. "counts": whole
numbers from 0, left as they are, for likelihoods of counts. "weights": any numbers from 0, left as they are too, for
likelihoods of directions. "mixed": as "standard", but features that hold nothing but
0 and 1 are left as they are, for likelihoods of yes and no among numbers.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.sparse import issparse

Unit = Literal["unit", "standard", "counts", "weights", "mixed"]

_MOST = 2**24  # the largest count up to which float32 holds every whole number
_BLOCK = 2**22  # values that are scaled at a time in float64: 32 MB


class Scaling(NamedTuple):
    """x = (features - shift) / scale, each broadcast over items.

    Attributes
    ----------
    unit : "unit", "standard", "counts", "weights" or "mixed"
        Which it is: x in [0, 1]; x with mean 0 and standard deviation 1 in every column, or in every channel of
        sequences; x the features themselves, of two kinds; standard or itself by column.
    shift, scale : float64 arrays of shape (1,) or (p,)
        In the features' own unit. A constant feature has scale 0: its x is 0, and its value comes back exactly.
    """

    unit: str
    shift: np.ndarray
    scale: np.ndarray

    def forward(self, features: np.ndarray) -> np.ndarray:
        """Features (n, ...) to float32 x of shape (n, ...), in blocks.

        Raises
        ------
        ValueError
            If the unit is counts or weights and a value is none; the message names the first.
        """
        self.refuse(features)
        flat = features.reshape(len(features), -1)
        x = np.empty(flat.shape, dtype=np.float32)
        inverse = np.divide(1.0, self.scale, out=np.zeros_like(self.scale), where=self.scale > 0)
        for rows in _blocks(flat):
            x[rows] = (flat[rows].astype(np.float64) - self.shift) * inverse
        return x.reshape(features.shape)

    def refuse(self, features: Any) -> None:
        """Raises ValueError for a value that the unit does not have, naming the first."""
        if self.unit == "counts":
            _refuse_other_than_counts(features)
        elif self.unit == "weights":
            _refuse_below_0(features)

    def backward(self, x: np.ndarray) -> np.ndarray:
        """x of shape (n, ...) back to float32 features of the same shape."""
        flat = x.reshape(len(x), -1)
        features = np.empty(flat.shape, dtype=np.float32)
        for rows in _blocks(flat):
            features[rows] = flat[rows] * self.scale + self.shift
        return features.reshape(x.shape)

    def log_volume(self, p: int) -> float:
        """Returns the sum over p features of log(scale), in nats: log p(features) = log p(x) - log_volume.

        Constant features add nothing: they have no density.
        """
        return float(np.log(np.where(self.scale > 0, self.scale, 1.0)).sum() * (p / len(self.scale)))


def learn(features: Any, unit: str) -> Scaling:
    """Learns a scaling from features of shape (n, ...), an array or, of shape (n, p), a CSR matrix."""
    if unit in ("counts", "weights"):
        return Scaling(unit, np.zeros(1), np.ones(1))
    if unit == "mixed":
        return _mixed(features)
    return _unit(features) if unit == "unit" else _standard(features)


def choose(features: Any) -> Literal["unit", "standard"]:
    """Chooses the unit from the data: "unit" for images and columns of shares or 8-bit levels, else "standard".

    Parameters
    ----------
    features : float array of shape (n, p), (n, c, t) or (n, c, h, w), or CSR matrix (n, p)
        Images have one unit whatever their range, sequences where all lie in [0, 1]. Columns are taken to share one
        when all lie in [0, 1], or are whole numbers in [0, 255] that pass 1 and number at least 16 (flattened pictures;
        fewer columns are a table's).
    """
    if features.ndim > 3:
        return "unit"
    low, high = features.min(), features.max()
    if features.ndim == 3:
        return "unit" if low >= 0 and high <= 1 else "standard"
    if low < 0 or high > 255:
        return "standard"
    if high <= 1:
        return "unit"
    stored = [features.data] if issparse(features) else [features[rows] for rows in _blocks(features)]
    whole = all(np.array_equal(values, np.rint(values)) for values in stored)
    return "unit" if whole and high > 100 and features.shape[1] >= 16 else "standard"


def _unit(features: Any) -> Scaling:
    low, high = float(features.min()), float(features.max())
    if low >= 0 and high <= 1:  # already shares: stretching them would move the meaning of 0 and 1
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255 and high > 1:
        low, high = 0.0, (255.0 if high > 100 else high)
    span = high - low
    return Scaling("unit", np.array([low]), np.array([span]))


def _mixed(features: Any) -> Scaling:
    standard = _standard(features)
    flat = _flat(features)
    yes_or_no = np.ones(flat.shape[1], bool)
    for rows in _blocks(flat):
        block = _dense(flat[rows])
        yes_or_no &= ((block == 0) | (block == 1)).all(axis=0)
    return Scaling("mixed", np.where(yes_or_no, 0.0, standard.shift), np.where(yes_or_no, 1.0, standard.scale))


def _standard(features: Any) -> Scaling:
    flat = _flat(features)
    n = flat.shape[0]
    # Sums of differences from one item lose nothing to a far origin.
    shift = _alike(_dense(flat[:1])[0].astype(np.float64), features.shape)
    total, squares = np.zeros_like(shift), np.zeros_like(shift)
    for rows in _blocks(flat):
        difference = _dense(flat[rows]) - shift
        total += difference.sum(axis=0)
        squares += np.square(difference, out=difference).sum(axis=0)
    total, squares = _alike(total, features.shape), _alike(squares, features.shape)
    mean = total / n
    deviation = np.sqrt(np.maximum(squares / n - mean**2, 0))
    # Below the rounding of its own values, a column is constant.
    floor = 4 * np.finfo(features.dtype).eps * np.abs(shift + mean)
    return Scaling("standard", shift + mean, np.where(deviation > floor, deviation, 0.0))


def _alike(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Gives all steps of a channel the mean of its (c * t,) values; other items' values stay."""
    return np.repeat(values.reshape(shape[1:]).mean(axis=1), shape[2]) if len(shape) == 3 else values


def _refuse_other_than_counts(features: Any) -> None:
    """Raises ValueError for a value that is no whole number from 0, naming the first."""
    flat = _flat(features)
    for rows in _blocks(flat):
        block = _dense(flat[rows])
        wrong = (block < 0) | (block > _MOST) | (block != np.rint(block))
        if wrong.any():
            row, column = (int(place[0]) for place in np.nonzero(wrong))
            raise ValueError(
                f"A likelihood of counts takes whole numbers from 0 to {_MOST:,}, but feature {column} of item "
                f"{rows.start + row} is {block[row, column]:g}. Pass counts, or take likelihood='gaussian' or 'auto'."
            )


def _refuse_below_0(features: Any) -> None:
    flat = _flat(features)
    stored = flat.data if issparse(flat) else flat
    if stored.size == 0 or stored.min() >= 0:
        return
    for rows in _blocks(flat):
        block = _dense(flat[rows])
        if (block < 0).any():
            row, column = (int(place[0]) for place in np.nonzero(block < 0))
            raise ValueError(
                f"A likelihood of weights takes numbers from 0, but feature {column} of item {rows.start + row} is "
                f"{block[row, column]:g}. Pass weights or counts, or take likelihood='gaussian' or 'auto'."
            )


def _flat(features: Any) -> Any:
    return features if issparse(features) else features.reshape(len(features), -1)


def _dense(rows: Any) -> np.ndarray:
    return rows.toarray() if issparse(rows) else rows


def _blocks(flat: Any) -> list[slice]:
    rows = max(1, _BLOCK // max(1, flat.shape[1]))
    return [slice(begin, begin + rows) for begin in range(0, flat.shape[0], rows)]
