"""Images to bits and back exactly: each pixel told from those before it, by networks of whole numbers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from ..errors import CorruptFileError
from ..progress import Progress
from ..resources import usable_cores
from .lossless_coding import costs, read, write
from .lossless_context import rows_at_once
from .lossless_model import Odds, odds_from
from .lossless_tables import count
from .protocol import Coder, Items, Shapes, State
from .varints import read_varints, write_varints

_TRAINABLE = 2**18  # pixels of a kind, from which networks are tried
_HELD_OUT = 64  # images at most that say whether networks are better than tables
_PIXELS = 2**22  # of images that are coded side by side
_SIDE_BY_SIDE = 2048
_IN_A_LANE = 2**13  # pixels of small images that follow one another, in a block
_TREES = {1: "values", 3: "differences"}


class LosslessCoder(Coder):
    """Codes 8-bit images, grey and colour, of any size, without loss.

    Images of one size are coded side by side: at each step one pixel of each. A pixel is first asked whether it is
    equal to its left neighbour (a colour one also to those above), then for its value by yes-or-no questions. The odds
    of each answer come from a small network of whole numbers that reads 26 neighbours (12 in colour) and, where all
    images have one size, the pixel's place; or, where there were few images, from counts. Every image is a string of
    its own.

    An image of a kind that was never seen costs more bits, and is decoded as exactly. docs/decisions/0023-lossless.md
    has what was tried.

    Parameters
    ----------
    odds : dict
        By number of channels (1, 3), what tells odds.
    """

    name: ClassVar[str] = "lossless"
    reads = "pixels"
    lossless: ClassVar[bool] = True

    def __init__(self, odds: Mapping[int, Odds]):
        self.odds = dict(odds)

    @classmethod
    def fit(
        cls, items: Items, *, model: Any = None, seed: int = 0,
        network: bool | Literal["auto"] = "auto", steps: int = 1500, **options: Any,
    ) -> "LosslessCoder":  # fmt: skip
        """Learns from images, uint8 (h, w) or (h, w, 3).

        Parameters
        ----------
        items : images
        model : ignored
            This coder reads pixels alone.
        seed : int, default=0
            Draws the pixels that are trained on.
        network : bool or "auto", default="auto"
            Whether to train networks: "auto" does with torch and 262,144 pixels, and keeps them where they code images
            that were held out in fewer bits than counts do. True says that it must.
        steps : int, default=1500
            Of training, each on 4,096 pixels: one to five minutes of one thread.

        Raises
        ------
        ValueError
            If an option is unknown, or an item is no such image.
        MissingExtraError
            If `network` is True and torch is not installed.
        """
        del model
        if options:
            raise ValueError(f"the lossless coder has no option {sorted(options)[0]!r}: it has network and steps.")
        images = [_as_image(item, number) for number, item in enumerate(items)]
        odds = {}
        for channels in (1, 3):
            of_kind = [image for image in images if image.shape[2] == channels and image.size]
            odds[channels] = _learned(of_kind, channels, network, steps, seed)
        return cls(odds)

    def get_state(self) -> State:
        facts: dict[str, Any] = {}
        arrays: dict[str, np.ndarray] = {}
        for channels, odds in self.odds.items():
            facts[str(channels)], own = odds.state()
            arrays |= {f"{channels}/{name}": array for name, array in own.items()}
        return facts, arrays

    @classmethod
    def from_state(
        cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, model: Any = None
    ) -> "LosslessCoder":
        del model
        odds: dict[int, Odds] = {}
        for channels in (1, 3):
            prefix = f"{channels}/"
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            odds[channels] = odds_from(facts[str(channels)], own)
            if len(odds[channels].fill) != channels:
                raise ValueError(f"odds of {len(odds[channels].fill)} channels stand where {channels} should.")
        return cls(odds)

    # ------------------------------------------------------------------ coding
    def encode(self, items: Items, step: float = 1.0) -> list[bytes]:
        """One string an image; images of one size are coded together, and have the bytes that they would have alone."""
        del step
        images = [_as_image(item, number) for number, item in enumerate(items)]
        coded: list[bytes] = [b""] * len(images)

        def work(where: list[int]) -> None:
            together = np.stack([images[number] for number in where])
            strings = write(self.odds[together.shape[3]], together)
            for at, number in enumerate(where):
                parts = strings[at :: len(where)]
                whole = write_varints([len(part) for part in parts[:-1]]) + b"".join(parts)
                # Noise takes more bits by any model than it has. A string as long as the image is the image.
                coded[number] = whole if len(whole) < images[number].size else images[number].tobytes()

        _each([image.shape for image in images], work, "coding images")
        return coded

    def decode(self, parts: Sequence[bytes], shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        """The images of these strings, uint8 of these shapes.

        Raises
        ------
        CorruptFileError
            If a string does not end where its image does.
        """
        del step
        wholes = [_whole_shape(shape) for shape in shapes]
        images: list[np.ndarray] = [np.zeros(shape, np.uint8) for shape in shapes]

        def work(where: list[int]) -> None:
            h, w, channels = wholes[where[0]]
            for number in where:
                if len(parts[number]) == h * w * channels:
                    images[number] = np.frombuffer(parts[number], np.uint8).reshape(shapes[number]).copy()
            where = [number for number in where if len(parts[number]) != h * w * channels]
            if not where:
                return
            apart = [_apart(parts[number], rows_at_once(h, w)) for number in where]
            strings = [string for row in zip(*apart, strict=True) for string in row]
            for number, image in zip(where, read(self.odds[channels], strings, len(where), h, w), strict=True):
                images[number] = image.reshape(shapes[number])

        _each(wholes, work, "decoding images")
        return images

    def encode_block(self, items: Items, step: float = 1.0) -> bytes:
        """One string: several images of one size share a lane, so that real bytes are within 1% of `bits`."""
        del step
        images = [_as_image(item, number) for number, item in enumerate(items)]
        groups: dict[tuple[int, ...], bytes] = {}

        def work(where: list[int]) -> None:
            together = np.stack([images[number] for number in where])
            strings = write(self.odds[together.shape[3]], together, _lanes(*together.shape[:3]))
            groups[together.shape[1:]] = write_varints([len(string) for string in strings]) + b"".join(strings)

        shapes = [image.shape for image in images]
        _each(shapes, work, "coding images", whole=True)
        return b"".join(groups[shape] for shape in dict.fromkeys(shapes) if shape in groups)

    def decode_block(self, data: bytes, shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        """What `encode_block` gave, back; CorruptFileError where it is not whole."""
        del step
        wholes = [_whole_shape(shape) for shape in shapes]
        images: list[np.ndarray] = [np.zeros(shape, np.uint8) for shape in shapes]
        groups: dict[tuple[int, ...], list[bytes]] = {}
        at = 0
        for shape, n in Counter(shape for shape in wholes if all(shape)).items():
            lengths, at = read_varints(data, _lanes(n, *shape[:2]) * rows_at_once(*shape[:2]), at)
            ends = np.cumsum([at, *lengths]).tolist()
            groups[shape] = [data[a:b] for a, b in pairwise(ends)]
            at = ends[-1]
        if at != len(data):
            raise CorruptFileError(f"a block of {len(data):,} bytes says that its images take {at:,}.")

        def work(where: list[int]) -> None:
            h, w, channels = wholes[where[0]]
            found = read(self.odds[channels], groups[wholes[where[0]]], len(where), h, w)
            for number, image in zip(where, found, strict=True):
                images[number] = image.reshape(shapes[number])

        _each(wholes, work, "decoding images", whole=True)
        return images

    def bits(self, items: Items, step: float = 1.0) -> np.ndarray:
        """What images cost by the model's odds, in bits, float64 (n,)."""
        del step
        images = [_as_image(item, number) for number, item in enumerate(items)]
        told = np.zeros(len(images))

        def work(where: list[int]) -> None:
            together = np.stack([images[number] for number in where])
            told[where] = costs(self.odds[together.shape[3]], together)

        _each([image.shape for image in images], work, "costing images")
        return told

    def approximate(self, items: Items, step: float = 1.0) -> list[np.ndarray]:
        """The items: nothing is lost."""
        del step
        return list(items)


def _learned(images: list[np.ndarray], channels: int, network: bool | str, steps: int, seed: int) -> Odds:
    """What is learned of images (h, w, channels)."""
    pixels = sum(image.shape[0] * image.shape[1] for image in images)
    if network is False or not images or (network == "auto" and (pixels < _TRAINABLE or not _has_torch())):
        return count(images, channels)
    from ..optional import require

    require("torch", "neural", "training the lossless coder")
    from .lossless_training import train

    tree = _TREES[channels]
    if network is True:
        return train(images, channels, steps=steps, seed=seed, tree=tree)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    kept = min(_HELD_OUT, len(images) // 10)
    held, rest = [images[i] for i in order[:kept]], [images[i] for i in order[kept:]]
    networks, tables = train(rest, channels, steps=steps, seed=seed, tree=tree), count(rest, channels)
    totals = [sum(float(costs(odds, image[None]).sum()) for image in held) for odds in (networks, tables)]
    return networks if not held or totals[0] < totals[1] else tables


def _has_torch() -> bool:
    from importlib.util import find_spec

    return find_spec("torch") is not None


def _lanes(n: int, h: int, w: int) -> int:
    """How many lanes a block's images of one size have: small images follow one another in a lane."""
    return -(-n // max(1, min(64, _IN_A_LANE // (h * w))))


def _each(
    shapes: Sequence[tuple[int, ...]], work: Callable[[list[int]], None], label: str, whole: bool = False
) -> None:
    """Works on images of one size together, some thousand at a time (all, where `whole`), on all cores."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for number, shape in enumerate(shapes):
        if all(shape):
            by_shape.setdefault(shape, []).append(number)
    cores, jobs = usable_cores(), []
    for (h, w, _), where in by_shape.items():
        most = max(1, min(_SIDE_BY_SIDE, _PIXELS // (h * w)))
        pieces = 1 if whole else max(-(-len(where) // most), min(cores, len(where) // 256), 1)
        jobs += [[int(number) for number in piece] for piece in np.array_split(where, pieces)]
    total = sum(len(job) for job in jobs)
    # The matrices are small: threads of their own would wait for one another.
    with threadpool_limits(1), Progress(label, total) as progress, ThreadPoolExecutor(cores) as pool:
        for job, _ in zip(jobs, pool.map(work, jobs), strict=True):
            progress.advance(len(job))


def _apart(data: bytes, rows: int) -> list[bytes]:
    """The strings of an image's rows that were coded at once."""
    lengths, at = read_varints(data, rows - 1)
    if at + sum(lengths) > len(data):
        raise CorruptFileError(f"an image of {len(data):,} bytes says that its rows take {sum(lengths):,}.")
    strings = []
    for length in lengths:
        strings.append(data[at : at + length])
        at += length
    return [*strings, data[at:]]


def _whole_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Height, width, channels."""
    whole = (*shape, 1) if len(shape) == 2 else tuple(shape)
    if len(whole) != 3 or whole[2] not in (1, 3) or (len(shape) == 3 and whole[2] == 1):
        raise ValueError(f"an image of shape {tuple(shape)} is neither grey (h, w) nor colour (h, w, 3).")
    return whole


def _as_image(item: np.ndarray, number: int) -> np.ndarray:
    item = np.asarray(item)
    if item.dtype != np.uint8 or item.ndim not in (2, 3) or (item.ndim == 3 and item.shape[2] != 3):
        raise ValueError(
            f"item {number} is {item.dtype} of shape {item.shape}; the lossless coder takes images of 8 bits: uint8 "
            "(h, w) or (h, w, 3)."
        )
    return item if item.ndim == 3 else item[:, :, None]
