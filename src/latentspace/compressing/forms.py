"""What coders read of each kind of item, and the items again from it: one form for each `Coder.reads`."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..errors import UnsupportedError
from ..items.protocol import Gathered, OnError, Skipped


@dataclass
class Coded:
    """Some items as a coder reads them.

    Attributes
    ----------
    ids : list of str
    arrays : sequence of arrays, one an item
    metadata : dict of column name to list
        What is kept beside them.
    skipped : list of Skipped
        Items that could not be read.
    raw_bytes : int
        What the items take uncompressed, in their own form.
    x : array or None
        What distortion is measured on, where that is not `arrays`.
    """

    ids: list[str]
    arrays: Any
    metadata: dict[str, list]
    skipped: list[Skipped] = field(default_factory=list)
    raw_bytes: int = 0
    x: Any = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [np.shape(array) for array in self.arrays]


@dataclass(frozen=True)
class Distortion:
    """Squared error, summed, over how many values, and the largest value there could be."""

    squares: float
    values: int
    peak: float

    @property
    def psnr(self) -> float:
        """Peak signal-to-noise ratio in dB, of all values together; infinite where nothing was lost."""
        if not self.squares or not self.values:
            return float("inf")
        return float(10 * np.log10(self.peak**2 * self.values / self.squares))


class Form(ABC):
    """Items of a kind as one sort of arrays.

    Parameters
    ----------
    space : LatentSpace
        What the items are of.
    facts : mapping, optional
        What `facts` gave when they were compressed.
    """

    unit: ClassVar[str] = "value"  # what `bpp` counts bits of

    def __init__(self, space: Any, facts: Mapping[str, Any] | None = None):
        self.space = space

    def look(self, gathered: Gathered, kept: Mapping[str, Any] | None = None) -> None:  # noqa: B027 - most need none
        """What must be known of all items before the first block; `kept` is what `facts` gave when a coder learned."""

    def bound(self, max_error: Any) -> None:
        """Is told the largest error that is allowed, None for none; UnsupportedError where it cannot be kept."""
        if max_error is not None:
            raise UnsupportedError(
                "max_error is for tables and arrays of numbers, coder 'table'. Ask for a psnr or a quality instead."
            )

    def options(self) -> dict[str, Any]:
        """What a coder's `fit` is told of the form."""
        return {}

    @abstractmethod
    def blocks(self, gathered: Gathered, on_error: OnError, size: int) -> Iterator[Coded]:
        """The items as arrays, at most `size` at a time, in order."""

    @abstractmethod
    def back(self, arrays: Sequence[np.ndarray], metadata: Mapping[str, list]) -> Any:
        """Items in their own form from what was decoded."""

    def units(self, shapes: Sequence[tuple[int, ...]]) -> int:
        """How many units these items have: pixels, samples, values."""
        return sum(int(np.prod(shape)) for shape in shapes)

    def distortion(self, coded: Coded, decoded: Sequence[np.ndarray]) -> Distortion:
        """How far what was decoded is from what was coded."""
        squares, values, peak = 0.0, 0, 0.0
        for one, other in zip(coded.arrays, decoded, strict=True):
            apart = np.asarray(one, np.float64) - np.asarray(other, np.float64)
            squares += float((apart**2).sum())
            values += apart.size
            peak = max(peak, float(np.abs(one).max(initial=0)))
        return Distortion(squares, values, self.peak(peak))

    def peak(self, largest: float) -> float:
        """What PSNR counts from, where `largest` is the largest value that came."""
        return largest or 1.0

    def facts(self) -> dict[str, Any]:
        """What is needed to give the items back: JSON, in the container's header."""
        return {}


_WHERE = {
    "pixels": "latentspace.compressing.pixels:Pixels",
    "latents": "latentspace.compressing.latents:Latents",
    "text": "latentspace.compressing.words:Words",
    "table": "latentspace.compressing.frames:Frames",
    "sound": "latentspace.compressing.sounds:Sounds",
}


def form_of(reads: str) -> type[Form]:
    """The form that a coder reads."""
    module, name = _WHERE[reads].split(":")
    return getattr(importlib.import_module(module), name)
