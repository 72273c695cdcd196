"""Latents by product quantisation: a few dimensions at a time as the nearest of up to 256 learned centres."""

# ruff: noqa: ARG003 - a coder takes what the protocol gives it
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from .entropy import LaneDecoder, LaneEncoder, decode_stream, encode_stream
from .frequencies import Tables, whole_frequencies
from .latents import sensitivity
from .protocol import Coder, Items, Shapes, State

_WIDTHS = (1, 2, 4, 8, 16, 32)  # dimensions of a part, at its settings: 8 bits each at most
_CENTRES = 256
_A_CENTRE = 4  # latents that each centre should have to learn from: more centres serve better even so
_LEARNS = 65_536
_ROUNDS = 12


class ProductCoder(Coder):
    """z in parts of 1, 2, 4, 8, 16 or 32 dimensions, each as the number of its nearest centre (Jegou, Douze and Schmid,
    "Product quantization for nearest neighbor search", 2011), told by how often each centre is.

    Dimensions are dealt out so that the parts' variances, in what the decoder feels, have like products (Ge, He, Ke and
    Sun, "Optimized product quantization", 2013, section 4.2). A `step` is the dimensions of a part: fewer are finer.
    At a bit a dimension and below it keeps a little more than "latents" does, above it less (docs/benchmarks.md).

    Attributes
    ----------
    gain_ : float32 array of shape (dims,)
        As of `LatentCoder`.
    order_ : dict of int to int32 array of shape (parts, width)
        The dimensions of each part, -1 where there is none, at each width.
    centres_ : dict of int to float16 array of shape (parts, centres, width)
    tables_ : dict of int to Tables
    """

    name = "pq"
    reads = "latents"

    def __init__(self, gain: np.ndarray, order: dict[int, np.ndarray], centres: dict[int, np.ndarray], tables: dict):
        self.gain_, self.order_, self.centres_, self.tables_ = gain, order, centres, tables
        self.span = (float(min(order)), float(max(order)))

    # ------------------------------------------------------------------ learning
    @classmethod
    def fit(cls, items: Items, *, model: Any = None, seed: int = 0, **options: Any) -> "ProductCoder":
        """Learns from latents (n, dims) of a fitted model with a decoder; up to 65,536 of them."""
        z = np.asarray(items, np.float32)
        if z.ndim != 2:
            z = z.reshape(len(z), getattr(model, "dims_", 1))
        gain = sensitivity(model, z, seed).astype(np.float32)
        rows = np.sort(np.random.default_rng(seed).permutation(len(z))[:_LEARNS])
        v = z[rows] * gain
        dims = z.shape[1]
        widths = [width for width in _WIDTHS if width < 2 * dims] or [1]
        order, centres, tables = {}, {}, {}
        for width in widths:
            order[width] = _dealt(v, width)
            learned = [_centres(_part(v, dims_of), seed) for dims_of in order[width]]
            centres[width] = np.stack([one for one, _ in learned])
            tables[width] = Tables([whole_frequencies(counts + 1) for _, counts in learned])
        return cls(gain, order, centres, tables)

    def get_state(self) -> State:
        arrays: dict[str, np.ndarray] = {"gain": self.gain_}
        for width in self.order_:
            arrays[f"{width}/order"], arrays[f"{width}/centres"] = self.order_[width], self.centres_[width]
            arrays |= {f"{width}/{name}": array for name, array in self.tables_[width].state().items()}
        return {"widths": list(self.order_)}, arrays

    @classmethod
    def from_state(
        cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, model: Any = None
    ) -> "ProductCoder":
        gain, widths = arrays["gain"], facts["widths"]
        if gain.dtype != np.float32 or gain.ndim != 1 or not np.isfinite(gain).all() or (gain <= 0).any():
            raise ValueError(f"a gain of type {gain.dtype} and shape {gain.shape}")
        if not widths or not set(widths) <= set(_WIDTHS):
            raise ValueError(f"widths {widths!r}")
        order, centres, tables = {}, {}, {}
        for width in widths:
            own = {"sizes": arrays[f"{width}/sizes"], "slots": arrays[f"{width}/slots"]}
            order[width], centres[width] = arrays[f"{width}/order"], arrays[f"{width}/centres"]
            tables[width] = Tables.from_state(own)
            _check(width, len(gain), order[width], centres[width], tables[width])
        return cls(gain, order, centres, tables)

    # ------------------------------------------------------------------ numbers
    def snapped(self, step: float) -> float:
        """The nearest width, on a logarithmic scale."""
        return float(min(self.order_, key=lambda width: abs(np.log2(width) - np.log2(step))))

    def _codes(self, items: Items, width: int) -> np.ndarray:
        """The nearest centre of each part, (n, parts)."""
        v = np.asarray(items, np.float32).reshape(len(items), len(self.gain_)) * self.gain_
        codes = np.empty((len(v), len(self.order_[width])), np.int64)
        for part, dims_of in enumerate(self.order_[width]):
            own, centres = _part(v, dims_of), self.centres_[width][part].astype(np.float32)
            half = (centres**2).sum(axis=1) / 2
            for start in range(0, len(v), 4096):
                codes[start : start + 4096, part] = np.argmin(half - own[start : start + 4096] @ centres.T, axis=1)
        return codes

    def _restored(self, codes: np.ndarray, width: int) -> list[np.ndarray]:
        v = np.zeros((len(codes), len(self.gain_)), np.float32)
        for part, dims_of in enumerate(self.order_[width]):
            there = dims_of >= 0
            v[:, dims_of[there]] = self.centres_[width][part].astype(np.float32)[codes[:, part]][:, there]
        return list(v / self.gain_)

    # ------------------------------------------------------------------ coding
    def encode(self, items: Items, step: float = 1.0) -> list[bytes]:
        width = int(self.snapped(step))
        codes = self._codes(items, width)
        encoder = LaneEncoder(len(codes))
        for part in range(codes.shape[1]):
            encoder.put_symbols(self.tables_[width], np.full(len(codes), part), codes[:, part])
        return encoder.finish()

    def decode(self, parts: Sequence[bytes], shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        self._check(shapes)
        width = int(self.snapped(step))
        decoder, count = LaneDecoder(parts), len(self.order_[width])
        columns = [decoder.get_symbols(self.tables_[width], np.full(len(parts), part)) for part in range(count)]
        decoder.finish()
        return self._restored(np.stack(columns, axis=1) if len(parts) else np.empty((0, count), np.int64), width)

    def encode_block(self, items: Items, step: float = 1.0) -> bytes:
        width = int(self.snapped(step))
        codes = self._codes(items, width)
        return encode_stream(self.tables_[width], _index(codes.shape), codes)

    def decode_block(self, data: bytes, shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        self._check(shapes)
        width = int(self.snapped(step))
        index = _index((len(shapes), len(self.order_[width])))
        return self._restored(decode_stream(data, self.tables_[width], index), width)

    def bits(self, items: Items, step: float = 1.0) -> np.ndarray:
        width = int(self.snapped(step))
        codes = self._codes(items, width)
        return self.tables_[width].bits(_index(codes.shape), codes).sum(axis=1)

    def approximate(self, items: Items, step: float = 1.0) -> list[np.ndarray]:
        width = int(self.snapped(step))
        return self._restored(self._codes(items, width), width)

    def _check(self, shapes: Shapes) -> None:
        wrong = next((shape for shape in shapes if shape != self.gain_.shape), None)
        if wrong is not None:
            raise CorruptFileError(f"a latent has the shape {wrong}; the coder's have {self.gain_.shape}.")


def _index(shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.arange(shape[1]), shape)


def _check(width: int, dims: int, order: np.ndarray, centres: np.ndarray, tables: Tables) -> None:
    parts = -(-dims // width)
    if order.dtype != np.int32 or order.shape != (parts, width) or sorted(order[order >= 0]) != list(range(dims)):
        raise ValueError(f"an order of type {order.dtype} and shape {order.shape} for {dims} dimensions")
    if centres.dtype != np.float16 or centres.ndim != 3 or centres.shape[::2] != (parts, width):
        raise ValueError(f"centres of type {centres.dtype} and shape {centres.shape}")
    if len(tables) != parts or (tables.sizes != centres.shape[1]).any() or not np.isfinite(centres).all():
        raise ValueError("tables that are not of these centres")


def _dealt(v: np.ndarray, width: int) -> np.ndarray:
    """Dimensions of each part (parts, width): the next largest to the part whose product is least, -1 where none is."""
    dims = v.shape[1]
    parts = -(-dims // width)
    spread = np.log(v.var(axis=0, dtype=np.float64) + 1e-30) if len(v) else np.zeros(dims)
    spread -= spread.min(initial=0.0) - 1.0
    order = np.full((parts, width), -1, np.int32)
    held, product = np.zeros(parts, int), np.zeros(parts)
    for dim in np.argsort(-spread, kind="stable"):
        room = np.flatnonzero(held < width)
        part = room[np.argmin(product[room])]
        order[part, held[part]] = dim
        held[part] += 1
        product[part] += spread[dim]
    return order


def _part(v: np.ndarray, dims_of: np.ndarray) -> np.ndarray:
    """The columns of a part, 0 where there is none."""
    own = np.zeros((len(v), len(dims_of)), np.float32)
    own[:, dims_of >= 0] = v[:, dims_of[dims_of >= 0]]
    return own


def _centres(own: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres float16 (k, width) of a part by k-means, and how many latents each has."""
    import faiss

    k = int(np.clip(len(own) // _A_CENTRE, 1, _CENTRES))
    if k == 1:
        mean = own.mean(axis=0) if len(own) else np.zeros(own.shape[1])
        return mean.astype(np.float16)[None], np.array([len(own)], np.float64)
    means = faiss.Kmeans(own.shape[1], k, niter=_ROUNDS, seed=seed + 1, min_points_per_centroid=1)
    means.train(np.ascontiguousarray(own))
    centres = np.clip(np.asarray(means.centroids), -6e4, 6e4).astype(np.float16)
    wide = centres.astype(np.float32)
    nearest = np.argmin((wide**2).sum(axis=1) / 2 - own @ wide.T, axis=1)
    return centres, np.bincount(nearest, minlength=k).astype(np.float64)
