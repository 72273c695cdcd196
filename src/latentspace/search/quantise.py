"""8-bit copies of vectors: a quarter of their memory, to put candidates in order where the vectors stay on disk."""

from collections.abc import Mapping

import numpy as np

from .metrics import norms_of

_ROWS = 16384
_NUMBERS = 2_000_000  # decoded at a time


class EightBit:
    """Vectors with each dim in 256 even steps between its least and its largest value.

    Parameters
    ----------
    codes : uint8 array of shape (n, dims)
    low, step : float32 arrays of shape (dims,)
        A code c stands for low + step * c.
    metric : "cosine", "euclidean" or "dot"
        For the cosine, what is coded has length 1.
    """

    def __init__(self, codes: np.ndarray, low: np.ndarray, step: np.ndarray, metric: str):
        self.codes, self.low, self.step = codes, low, step
        self.metric = metric

    @classmethod
    def encode(cls, z: np.ndarray, metric: str) -> "EightBit":
        """Codes latents (n, dims), read twice in blocks."""
        starts = range(0, len(z), _ROWS)
        blocks = (_unit(z[start : start + _ROWS], metric) for start in starts)
        ends = [(block.min(axis=0), block.max(axis=0)) for block in blocks]
        low = np.min([each[0] for each in ends], axis=0).astype(np.float32)
        high = np.max([each[1] for each in ends], axis=0)
        step = ((high.astype(np.float64) - low) / 255).astype(np.float32)
        copies = cls(np.empty(z.shape, np.uint8), low, step, metric)
        copies._fill(copies.codes, z)
        return copies

    def _fill(self, codes: np.ndarray, z: np.ndarray) -> None:
        per = np.divide(1.0, self.step, out=np.zeros(len(self.step)), where=self.step > 0)
        for start in range(0, len(z), _ROWS):
            steps = (_unit(z[start : start + _ROWS], self.metric) - self.low) * per
            codes[start : start + _ROWS] = np.clip(np.rint(steps), 0, 255)

    def followed(self, rows: np.ndarray, more: np.ndarray) -> "EightBit":
        """Returns the copies at these rows, and those of more vectors (m, dims) behind them, in the same steps.

        What lies beyond the least or largest value is copied as that; how much it costs, measuring recall tells.
        """
        codes = np.empty((len(rows) + len(more), self.codes.shape[1]), np.uint8)
        codes[: len(rows)] = self.codes[rows]
        self._fill(codes[len(rows) :], more)
        return EightBit(codes, self.low, self.step, self.metric)

    @property
    def bytes(self) -> int:
        """Memory of the copy."""
        return self.codes.nbytes + self.low.nbytes + self.step.nbytes

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """The vectors at these rows, float32 (len(rows), dims)."""
        return self.low + self.step * self.codes[rows]

    def keys(self, queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Keys of candidates (q, c), -1 where there is none: larger is nearer, -inf for none; float32."""
        queries = _unit(queries, self.metric)
        keys = np.empty(candidates.shape, np.float32)
        block = max(1, _NUMBERS // max(candidates.shape[1] * queries.shape[1], 1))
        for start in range(0, len(queries), block):
            rows = slice(start, start + block)
            steps = self.codes[candidates[rows]].astype(np.float32)  # (block, c, dims)
            if self.metric == "euclidean":
                steps *= self.step
                steps -= (queries[rows] - self.low)[:, None]
                keys[rows] = -np.einsum("ijk,ijk->ij", steps, steps)
            else:
                keys[rows] = (steps @ (queries[rows] * self.step)[:, :, None])[..., 0]
                keys[rows] += (queries[rows] @ self.low)[:, None]
        keys[candidates < 0] = -np.inf
        return keys

    def state(self) -> dict[str, np.ndarray]:
        """Plain arrays for the store."""
        return {"eight": self.codes, "eight_low": self.low, "eight_step": self.step}

    @classmethod
    def from_state(cls, arrays: Mapping[str, np.ndarray], shape: tuple[int, int], metric: str) -> "EightBit | None":
        """Rebuilds what `state` gave for latents of a shape; None where nothing was kept.

        Raises
        ------
        ValueError
            If the arrays do not fit: the file is damaged.
        """
        codes, low, step = (arrays.get(name) for name in ("eight", "eight_low", "eight_step"))
        if codes is None:
            return None
        sound = (
            low is not None
            and step is not None
            and codes.shape == shape
            and codes.dtype == np.uint8
            and all(each.shape == shape[1:] and each.dtype == np.float32 for each in (low, step))
            and bool(np.isfinite(low).all() and np.isfinite(step).all())
        )
        if not sound:
            raise ValueError("the stored search index is damaged: its 8-bit copies do not fit. Build it again.")
        return cls(codes, low, step, metric)  # type: ignore[arg-type]


def _unit(rows: np.ndarray, metric: str) -> np.ndarray:
    if metric != "cosine":
        return rows
    lengths = norms_of(rows)
    return rows * np.divide(1.0, lengths, out=np.zeros(len(rows)), where=lengths > 0).astype(np.float32)[:, None]
