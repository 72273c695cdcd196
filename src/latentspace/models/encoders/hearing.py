"""What encoders of sounds share: one clip after the other, each on its own; and any network that takes samples."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from ..threads import in_threads
from . import Advance, Reads


def each(
    work: Callable[[np.ndarray], np.ndarray | None], sounds: Sequence[np.ndarray], width: int, threads: int,
    advance: Advance | None,
) -> np.ndarray:  # fmt: skip
    """Applies `work` to every sound, float32 (samples,); rows (n, width), NaN where it gave None."""

    def one(samples: np.ndarray) -> np.ndarray:
        h = work(np.ascontiguousarray(samples, dtype=np.float32))
        if advance is not None:
            advance(1)
        return np.full(width, np.nan, np.float32) if h is None else np.asarray(h, np.float32)

    rows = in_threads(one, list(sounds), threads)
    return np.stack(rows) if rows else np.empty((0, width), np.float32)


class Heard:
    """An ONNX file or a module that takes samples, of shape (t,), (1, t) or (1, 1, t), as an encoder of sounds.

    Where it takes one length only, a sound is cut into pieces of it, the last one padded with silence; what it gives
    for pieces and steps is averaged.

    Parameters
    ----------
    encoder : Encoder
    rate : int
        Samples a second that it expects.
    given : str or nn.Module
        For messages.
    """

    pictures = None

    def __init__(self, encoder: Any, rate: int, given: Any):
        if not isinstance(rate, int) or isinstance(rate, bool) or not 1000 <= rate <= 192_000:
            raise ValueError(f"input_rate={rate!r} must be a whole number of samples a second, 1,000 to 192,000.")
        if encoder.reads.kind != "features" or getattr(encoder, "pictures", None) is not None:
            raise ValueError(
                f"input_rate={rate!r} is for a network that takes samples of sounds; encoder={given!r} does not. "
                "Leave it out."
            )
        self._encoder, self._given = encoder, given
        shape = getattr(encoder, "shape", [None, None])
        self._rank = len(shape)
        self._length: int | None = shape[-1]
        self.digest, self.about = encoder.digest, encoder.about
        self._rate = rate
        self.reads = Reads("audio", rate)

    @property
    def width(self) -> int:
        """How many numbers a sound gets."""
        return len(self._row(np.zeros(self._length or self._rate, np.float32)))

    def rows(self, items: Sequence[np.ndarray], threads: int = 1, advance: Advance | None = None) -> np.ndarray:
        """Sounds, float32 samples (t,), to float32 (n, width)."""
        return each(self._row, items, self.width, threads, advance)

    def _row(self, samples: np.ndarray) -> np.ndarray:
        length = self._length or len(samples)
        padded = np.zeros(length * -(-len(samples) // length), np.float32)
        padded[: len(samples)] = samples
        return np.mean([self._piece(piece) for piece in padded.reshape(-1, length)], axis=0)

    def _piece(self, samples: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(samples)
        for _ in range(self._rank - 1):
            x = x[None]
        try:
            h = self._encoder.run(x)
        except Exception as error:  # whatever a foreign network raises for a sound that it was not made for
            raise ValueError(
                f"encoder={self._given!r} cannot take {len(samples):,} samples of sound as {tuple(x.shape)}: "
                f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            ) from error
        if not isinstance(h, torch.Tensor) or h.ndim == 0:
            raise ValueError(f"encoder={self._given!r} gave {type(h).__name__} for a sound; expected numbers.")
        return h.detach().float().reshape(-1, h.shape[-1]).mean(0).numpy()


def slaney_filters(rate: int, window: int, bands: int) -> np.ndarray:
    """Mel filters of equal area on Slaney's scale, float32 (bands, window // 2 + 1), as librosa's defaults.

    Networks must be given what they were trained on; our own features have other filters (`items.mel`).

    References
    ----------
    Slaney, "Auditory toolbox, version 2", 1998.
    """
    step = np.log(6.4) / 27  # of the upper part; below 1,000 Hz a mel is 200 / 3 Hz
    highest = rate / 2
    top = highest / (200 / 3) if highest < 1000 else 15 + np.log(highest / 1000) / step
    mels = np.linspace(0, top, bands + 2)
    edges = np.where(mels < 15, mels * (200 / 3), 1000 * np.exp(step * (np.maximum(mels, 15) - 15)))
    bins = np.arange(window // 2 + 1) * (rate / window)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * area[:, None]).astype(np.float32)
