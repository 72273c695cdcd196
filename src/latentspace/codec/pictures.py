"""The lossy coder of pictures: block coefficients under a learned context, by lanes of rANS, smoothed when decoded."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from ..errors import CorruptFileError
from ..models.compressive import blocks as b
from ..models.compressive.smoothing import smoothed
from ..progress import Progress
from ..resources import usable_cores
from .pictures_coding import Reader, Writer, coding
from .pictures_network import Blocks, whole_coefficients
from .pictures_walk import Canvas, Walk, owners
from .protocol import Coder, Items, Shapes, State
from .varints import read_varints, write_varints

_AT_ONCE = 2**22  # coefficients: 100 MB while they are coded
_APART = 32  # pictures from which another core helps

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """Pictures of one size that are coded together: which they are, and the way through them."""

    rows: np.ndarray
    shape: tuple[int, ...]
    walk: Walk


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

        def work(job: Job) -> None:
            strings = self._write(items, job, step).strings()
            for at, row in enumerate(job.rows):
                out[row] = _joined(strings[at * job.walk.each : (at + 1) * job.walk.each])

        _each(self._jobs(_shapes(items), shared=False), work, "coding pictures")
        return out

    def decode(self, parts: Sequence[bytes], shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        """The pictures of these strings."""
        out: list[Any] = [None] * len(parts)

        def work(job: Job) -> None:
            strings = [string for row in job.rows for string in _parted(parts[row], job.walk.each)]
            self._read(strings, job, step, out)

        _each(self._jobs(shapes, shared=False), work, "decoding pictures")
        return out

    def encode_block(self, items: Items, step: float = 1.0) -> bytes:
        """One string for all: pictures of one size share lanes."""
        jobs = self._jobs(_shapes(items), shared=True)
        strings = _each(jobs, lambda job: self._write(items, job, step).strings(), "coding pictures")
        return _joined([string for some in strings for string in some])

    def decode_block(self, data: bytes, shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        """What `encode_block` gave, back."""
        out: list[Any] = [None] * len(shapes)
        jobs = self._jobs(shapes, shared=True)
        strings = _parted(data, sum(job.walk.lanes for job in jobs))
        firsts = dict(zip(map(id, jobs), np.cumsum([0, *(job.walk.lanes for job in jobs)]).tolist(), strict=False))

        def work(job: Job) -> None:
            first = firsts[id(job)]
            self._read(strings[first : first + job.walk.lanes], job, step, out)

        _each(jobs, work, "decoding pictures")
        return out

    def bits(self, items: Items, step: float = 1.0) -> np.ndarray:
        """Bits of each picture by the mixtures that code it."""
        out = np.zeros(len(items))

        def work(job: Job) -> None:
            out[job.rows] = self._write(items, job, step, keeps=False).bits

        _each(self._jobs(_shapes(items), shared=False), work, "costing pictures")
        return out

    def approximate(self, items: Items, step: float = 1.0) -> list[np.ndarray]:
        """What decoding would give."""
        out: list[Any] = [None] * len(items)

        def work(job: Job) -> None:
            writer = self._write(items, job, step, keeps=False)
            for row, picture in zip(job.rows, self._pictures(writer.k, job.shape, _eighths(step)), strict=True):
                out[row] = picture

        _each(self._jobs(_shapes(items), shared=False), work, "approximating pictures")
        return out

    # ------------------------------------------------------------------ the parts of it
    def _jobs(self, shapes: Shapes, shared: bool) -> list[Job]:
        """Pictures of one size, not too many at once, parted among cores where they share no lanes."""
        where: dict[tuple[int, ...], list[int]] = {}
        for row, shape in enumerate(shapes):
            where.setdefault(tuple(shape), []).append(row)
        jobs, cores = [], usable_cores()
        for shape, rows in where.items():
            down, across = b.grid(*shape[:2])
            some = max(1, _AT_ONCE // (down * across * self._blocks.p))
            for start in range(0, len(rows), some):
                together = np.array(rows[start : start + some])
                owner = owners(len(together)) if shared else np.arange(len(together))
                lanes = int(owner.max()) + 1
                pieces = max(1, min(cores, lanes, len(together) // _APART))
                for ends in np.array_split(np.arange(lanes), pieces):
                    mine = (owner >= ends[0]) & (owner <= ends[-1])
                    jobs.append(Job(together[mine], shape, Walk(owner[mine] - ends[0], down, across)))
        return jobs

    def _write(self, items: Items, job: Job, step: float, keeps: bool = True) -> Writer:
        """What has chosen every coefficient's value, and kept them, their bits and, where asked, what codes them."""
        c, eighths = self._blocks.channels, _eighths(step)
        if len(job.shape) == 3 and job.shape[2] > c:
            raise ValueError(
                f"item {job.rows[0]} is a colour picture of shape {job.shape}, but this coder was fitted on grey ones. "
                "Make it grey, or fit on colour pictures."
            )
        x = np.stack([_with_channels(items[row]) for row in job.rows])
        x = np.repeat(x, c, axis=3) if x.shape[3] < c else x
        wanted = b.to_blocks(x, self._blocks.ground) @ self._blocks.float_axes.T * np.float32(8 / eighths)
        writer = coding(wanted.size)[0](self._blocks, eighths, job.walk, wanted, keeps)
        writer.k = self._follow(job.walk, eighths, writer)
        return writer

    def _read(self, strings: Sequence[bytes], job: Job, step: float, out: list[Any]) -> None:
        """Fills in a job's pictures."""
        eighths = _eighths(step)
        size = job.walk.n * job.walk.rows * job.walk.columns * self._blocks.p
        reader = coding(size)[1](self._blocks, eighths, strings)
        k = self._follow(job.walk, eighths, reader)
        reader.finish()
        for row, picture in zip(job.rows, self._pictures(k, job.shape, eighths), strict=True):
            out[row] = picture

    def _follow(self, walk: Walk, eighths: int, coding_: Writer | Reader) -> np.ndarray:
        """Goes through all blocks; gives each coefficient's values, int32 (n, rows, columns, p)."""
        coder = self._blocks
        canvas = Canvas(walk.n, walk.rows, walk.columns, coder.channels)
        all_k = np.zeros((walk.n, walk.rows, walk.columns, coder.p), np.int32)
        for front in walk:
            hidden = coder.hidden(canvas.rings(front), *walk.places(front), eighths)
            k = coding_.front(hidden, front)
            canvas.paint(front, coder.pixels(whole_coefficients(k, eighths)))
            all_k[:, front.rows, front.columns] = k.reshape(walk.n, len(front.rows), -1)
        return all_k

    def _pictures(self, k: np.ndarray, shape: tuple[int, ...], eighths: int) -> np.ndarray:
        """Pictures uint8 (n, *shape) of quantised coefficients."""
        decoded = (k * np.float32(eighths / 8)) @ self._blocks.float_axes
        pixels = b.to_pixels(smoothed(decoded, eighths, self._arrays))
        pictures = b.from_ground(pixels, self._blocks.ground, *shape[:2])
        if len(shape) == 3:
            return pictures
        return pictures[..., 0] if pictures.shape[3] == 1 else np.rint(pictures.mean(axis=3)).astype(np.uint8)


def _each(jobs: Sequence[Job], work: Callable[[Job], T], label: str) -> list[T]:
    """What `work` gives for each job, on all cores."""
    done = []
    # The matrices are small: threads of their own would wait for one another.
    with threadpool_limits(1), Progress(label, len(jobs)) as progress, ThreadPoolExecutor(usable_cores()) as pool:
        for result in pool.map(work, jobs):
            done.append(result)
            progress.advance()
    return done


def _shapes(items: Items) -> Shapes:
    """Shapes of pictures; ValueError where one is none."""
    for item in items:
        _with_channels(item)
    return [np.shape(item) for item in items]


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
