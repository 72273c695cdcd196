"""The lossy coder of pictures: block coefficients under a learned context, by lanes of rANS, smoothed when decoded."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..errors import CorruptFileError
from ..models.compressive import blocks as b
from ..models.compressive.smoothing import smoothed
from .entropy import LaneDecoder, LaneEncoder
from .frequencies import TOTAL
from .pictures_mixture import Mixtures, bits_of
from .pictures_network import Blocks, whole_coefficients
from .pictures_walk import Canvas, Front, Walk
from .protocol import Coder, Items, Shapes, State
from .varints import read_varints, write_varints

_AT_ONCE = 2**22  # coefficients: 100 MB while they are coded
_SLOPE = 0.1  # squared steps that a bit may cost

# Of mixtures, a coefficient's place, and the front whose blocks they are: the values.
Choice = Callable[[Mixtures, int, Front], np.ndarray]


class PictureCoder(Coder):
    """Codes pictures of any size by 4 x 4 blocks, with what it learned of pictures like them.

    A block's coefficients along learned axes are quantised with one step, in grey levels (`span`: 6 to 160). A network
    in whole
    numbers gives each one's distribution from decoded pixels around the block and the coefficients before it. The
    encoder takes the value that costs least in bits and error. What is decoded is smoothed by a second network, in
    floats. One model
    serves every step. `latentspace.models.compressive` trains both networks.

    References
    ----------
    Balle, Johnston and Minnen, "Integer networks for data compression with latent-variable models", 2019; Minnen,
    Balle and
    Toderici, "Joint autoregressive and hierarchical priors for learned image compression", 2018.
    """

    name: ClassVar[str] = "pictures"
    reads: ClassVar = "pixels"
    span = (b.FINEST, b.COARSEST)

    def __init__(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self._facts, self._arrays = dict(facts), dict(arrays)
        self._blocks = Blocks(facts, arrays)
        self._check_smoothing()

    def _check_smoothing(self) -> None:
        p, width = self._blocks.p, int(self._facts["widths"][2])
        for at, (inputs, outputs) in enumerate(((p + 2, width), (width, width), (width, p))):
            expected = {"": (9 * inputs, outputs), "_scale": (outputs,), "_bias": (outputs,)}
            for end, shape in expected.items():
                array = self._arrays[f"smooth{at}{end}"]
                if array.shape != shape or not np.isfinite(array).all():
                    raise ValueError(f"smooth{at}{end} is {array.shape} instead of {shape}, or is not finite.")

    # ------------------------------------------------------------------ learning
    @classmethod
    def fit(cls, items: Items, *, model: Any = None, seed: int = 0, **options: Any) -> "PictureCoder":  # noqa: ARG003
        """Trains both networks on the pictures; a space's model is not looked at."""
        from ..models.compressive.learning import learn

        return cls(*learn([_with_channels(item) for item in items], seed=seed, **options))

    def get_state(self) -> State:
        """Whole weights, int8 ones of the smoothing, and their scales."""
        return self._facts, self._arrays

    @classmethod
    def from_state(
        cls,
        facts: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
        *,
        model: Any = None,  # noqa: ARG003
    ) -> "PictureCoder":
        """Rebuilds it; layers of other shapes, or with sums that could be inexact, are a ValueError."""
        return cls(facts, arrays)

    # ------------------------------------------------------------------ coding
    def encode(self, items: Items, step: float = 1.0) -> list[bytes]:
        """One string a picture."""
        out: list[bytes] = [b""] * len(items)
        for rows, x in self._alike(items):
            walk = self._walk(x, shared=False)
            encoder = LaneEncoder(walk.lanes)
            self._quantise(x, _eighths(step), walk, encoder)
            strings = encoder.finish()
            for at, row in enumerate(rows):
                out[row] = _joined(strings[at * walk.each : (at + 1) * walk.each])
        return out

    def decode(self, parts: Sequence[bytes], shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        """The pictures of these strings."""
        out: list[Any] = [None] * len(parts)
        for shape, rows in self._by_shape(shapes):
            walk = Walk(len(rows), *b.grid(*shape[:2]), shared=False)
            strings = [string for row in rows for string in _parted(parts[row], walk.each)]
            for row, picture in zip(rows, self._read(strings, walk, shape, _eighths(step)), strict=True):
                out[row] = picture
        return out

    def encode_block(self, items: Items, step: float = 1.0) -> bytes:
        """One string for all: pictures of one size share lanes."""
        out = []
        for _, x in self._alike(items):
            walk = self._walk(x, shared=True)
            encoder = LaneEncoder(walk.lanes)
            self._quantise(x, _eighths(step), walk, encoder)
            out += encoder.finish()
        return _joined(out)

    def decode_block(self, data: bytes, shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        """What `encode_block` gave, back."""
        out: list[Any] = [None] * len(shapes)
        each = [
            (shape, rows, Walk(len(rows), *b.grid(*shape[:2]), shared=True)) for shape, rows in self._by_shape(shapes)
        ]
        strings, at = _parted(data, sum(walk.lanes for _, _, walk in each)), 0
        for shape, rows, walk in each:
            pictures = self._read(strings[at : at + walk.lanes], walk, shape, _eighths(step))
            at += walk.lanes
            for row, picture in zip(rows, pictures, strict=True):
                out[row] = picture
        return out

    def bits(self, items: Items, step: float = 1.0) -> np.ndarray:
        """Bits of each picture by the mixtures that code it."""
        out = np.zeros(len(items))
        for rows, x in self._alike(items):
            out[rows] = self._quantise(x, _eighths(step), self._walk(x, shared=False))[1]
        return out

    def approximate(self, items: Items, step: float = 1.0) -> list[np.ndarray]:
        """What decoding would give."""
        out: list[Any] = [None] * len(items)
        for rows, x in self._alike(items):
            k, _ = self._quantise(x, _eighths(step), self._walk(x, shared=False))
            for row, picture in zip(rows, self._pictures(k, np.shape(items[rows[0]]), _eighths(step)), strict=True):
                out[row] = picture
        return out

    # ------------------------------------------------------------------ the parts of it
    def _by_shape(self, shapes: Shapes) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        """Shapes in the order in which they come, and which items have each, not too many at once."""
        where: dict[tuple[int, ...], list[int]] = {}
        for row, shape in enumerate(shapes):
            where.setdefault(tuple(shape), []).append(row)
        for shape, rows in where.items():
            down, across = b.grid(*shape[:2])
            some = max(1, _AT_ONCE // (down * across * self._blocks.p))
            for start in range(0, len(rows), some):
                yield shape, np.array(rows[start : start + some])

    def _alike(self, items: Items) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pictures of one size together: which they are, and uint8 (n, h, w, c)."""
        c = self._blocks.channels
        for shape, rows in self._by_shape([np.shape(item) for item in items]):
            if len(shape) == 3 and c == 1:
                raise ValueError(
                    f"item {rows[0]} is a colour picture of shape {shape}, but this coder was fitted on grey ones. "
                    "Make it grey, or fit on colour pictures."
                )
            x = np.stack([_with_channels(items[row]) for row in rows])
            yield rows, np.repeat(x, c, axis=3) if x.shape[3] < c else x

    def _walk(self, x: np.ndarray, shared: bool) -> Walk:
        return Walk(len(x), *b.grid(*x.shape[1:3]), shared=shared)

    def _follow(self, walk: Walk, eighths: int, choose: Choice) -> np.ndarray:
        """Goes through all blocks; `choose` gives each coefficient's values, int32 (n, rows, columns, p)."""
        coder = self._blocks
        canvas = Canvas(walk.n, walk.rows, walk.columns, coder.channels)
        all_k = np.zeros((walk.n, walk.rows, walk.columns, coder.p), np.int32)
        for front in walk:
            hidden = coder.hidden(canvas.rings(front), *walk.places(front), eighths)
            k = np.zeros((len(hidden), coder.p), np.int32)
            seen = np.zeros(k.shape, np.float32)
            for j in range(coder.p):
                k[:, j] = choose(coder.mixtures(hidden, seen, j, eighths), j, front)
                seen[:, j] = whole_coefficients(k[:, j], eighths)
            canvas.paint(front, coder.pixels(seen))
            all_k[:, front.rows, front.columns] = k.reshape(walk.n, len(front.rows), -1)
        return all_k

    def _quantise(
        self, x: np.ndarray, eighths: int, walk: Walk, encoder: LaneEncoder | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Chooses every coefficient's value, and writes it; returns the values, and the bits of each picture."""
        wanted = b.to_blocks(x, self._blocks.ground) @ self._blocks.float_axes.T * np.float32(8 / eighths)
        spent = np.zeros(len(x))

        def choose(mixtures: Mixtures, j: int, front: Front) -> np.ndarray:
            least, most = self._blocks.range(j, eighths)
            at = wanted[:, front.rows, front.columns, j].ravel()
            near = np.clip(np.rint(at), least, most).astype(np.int64)
            # The nearest value, or the next one nearer to zero, whichever costs less in all.
            first = near - (near > 0)
            places = [mixtures.low(first + more) for more in range(3)]
            widths = [places[1] - places[0], np.maximum(places[2] - places[1], 1)]
            costs = [(at - first - more) ** 2 + _SLOPE * bits_of(widths[more]) for more in range(2)]
            # Of 0 the next one is 1, which is no candidate, nor is what lies beyond the last.
            second = (costs[1] < costs[0]) & (near != 0) & (first < most)
            k, low = first + second, np.where(second, places[1], places[0])
            width = np.where(second, widths[1], widths[0])
            spent[:] += bits_of(width).reshape(len(x), -1).sum(axis=1)
            if encoder is not None:
                low = (low - mixtures.guess()[1]) % TOTAL  # see `_read`
                for rank in front.ranks:
                    encoder.put(low[rank], width[rank], front.lanes[rank])
            return k

        return self._follow(walk, eighths, choose), spent

    def _read(self, strings: Sequence[bytes], walk: Walk, shape: tuple[int, ...], eighths: int) -> np.ndarray:
        decoder = LaneDecoder(strings)

        def choose(mixtures: Mixtures, _: int, front: Front) -> np.ndarray:
            guess = mixtures.guess()
            k = np.empty(len(front.lanes), np.int64)
            for rank in front.ranks:
                # Places count from the likeliest value's: where a lane is still empty, what was expected takes no bits.
                lanes, first = front.lanes[rank], guess[1][rank]
                k[rank], low, end = mixtures.find((decoder.slots(lanes).astype(np.int64) + first) % TOTAL, rank, guess)
                decoder.drop(((low - first) % TOTAL).astype(np.uint64), (end - low).astype(np.uint64), lanes)
            return k

        k = self._follow(walk, eighths, choose)
        decoder.finish()
        return self._pictures(k, shape, eighths)

    def _pictures(self, k: np.ndarray, shape: tuple[int, ...], eighths: int) -> np.ndarray:
        """Pictures uint8 (n, *shape) of quantised coefficients."""
        decoded = (k * np.float32(eighths / 8)) @ self._blocks.float_axes
        pixels = b.to_pixels(smoothed(decoded, eighths, self._arrays))
        pictures = b.from_ground(pixels, self._blocks.ground, *shape[:2])
        if len(shape) == 3:
            return pictures
        return pictures[..., 0] if pictures.shape[3] == 1 else np.rint(pictures.mean(axis=3)).astype(np.uint8)


def _with_channels(item: np.ndarray) -> np.ndarray:
    item = np.asarray(item)
    if (
        item.dtype != np.uint8
        or item.ndim not in (2, 3)
        or (item.ndim == 3 and item.shape[2] not in (1, 3))
        or not item.size
    ):
        raise ValueError(f"a picture must be uint8 (h, w) or (h, w, 3), not {item.dtype} {item.shape}.")
    return item[..., None] if item.ndim == 2 else item


def _eighths(step: float) -> int:
    """A step in whole eighths of a grey level, within the span: exact, so that encoder and decoder agree."""
    return int(np.clip(np.rint(float(step) * 8), 8 * b.FINEST, 8 * b.COARSEST))


def _joined(strings: Sequence[bytes]) -> bytes:
    """Strings as one; the length of the last follows from the whole."""
    return write_varints([len(string) for string in strings[: len(strings) - 1]]) + b"".join(strings)


def _parted(data: bytes, count: int) -> list[bytes]:
    if count == 0:
        if data:
            raise CorruptFileError(f"{len(data):,} bytes stand where no picture is.")
        return []
    lengths, at = read_varints(data, count - 1)
    strings = []
    for length in lengths:
        strings.append(data[at : at + length])
        at += length
    if at > len(data):
        raise CorruptFileError(f"a coded picture ends after {len(data):,} bytes of {at:,}.")
    return [*strings, data[at:]]
