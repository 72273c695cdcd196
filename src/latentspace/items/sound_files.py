"""One sound to samples: opened with care, mixed to one channel, resampled. Each way it can fail has its reason."""

import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BadItemError
from ..optional import require
from .folders import not_a_file, readable, suffix

SUFFIXES = (
    ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf",
    ".w64", ".rf64",
)  # fmt: skip
# libsndfile knows many more, some of which take any bytes for sound: only these are taken.
_FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3")
_BEGINNINGS = (b"RIFF", b"RF64", b"FORM", b"fLaC", b"OggS", b"ID3", b".snd", b"caff", b"riff")

LONGEST = 24 * 3600  # seconds: past any one recording; more is what a damaged header says
SHORTEST = 0.01  # seconds: a click. Below it there is nothing to hear or to learn
_MOST_CHANNELS = 64
_MOST_HERTZ = 1_000_000
_SILENCE = 1e-4  # of full scale, 80 dB below it: three steps of 16 bits
_LOUDEST = 1e6  # of full scale: their squares still fit into float32
_BLOCK = 2**20  # values decoded at a time, all channels together: a header cannot make us take more
_MARGIN = 0.05  # seconds read past the end, so that the resampler's filter sees what comes
_TAIL = 4608  # samples: four frames of MP3, whose decoders differ by as many at the end
# What a writer puts for a length that it does not know, because it writes into a pipe.
_UNKNOWN_LENGTHS = (0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF)


@dataclass(frozen=True)
class Header:
    """What a sound says of itself.

    Attributes
    ----------
    frames : int
        Samples of each channel.
    rate : int
        Samples a second.
    channels : int
    """

    frames: int
    rate: int
    channels: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.frames / self.rate


def header(source: Any) -> Header:
    """Reads the header of a path or of (samples, rate). Raises BadItemError with the reason why it is none."""
    if isinstance(source, tuple):
        return _header_in_memory(*source)
    with _opened(source) as (_, head):
        return head


def read(source: Any, rate: int, seconds: float, start: float = 0.0) -> tuple[np.ndarray, Header]:
    """Reads a piece of a sound as one channel, the mean of all.

    Parameters
    ----------
    source : path or (samples, rate)
        Samples of shape (n,) or (n, channels): floats with a full scale of 1, or integers with that of their type.
    rate : int
        Samples a second to resample to.
    seconds : float
        Length of the piece; where the sound ends before, the result is shorter.
    start : float, default=0.0
        Where the piece begins, in seconds.

    Returns
    -------
    (float32 array of shape (n,), Header)
        The piece, and what the whole sound says of itself.

    Raises
    ------
    BadItemError
        If it cannot be read, is silent, or holds NaN or infinity; the message is the reason.
    """
    if isinstance(source, tuple):
        head = _header_in_memory(*source)
        first, count = _span(head, seconds, start)
        samples, loudest = _mixed(_as_floats(source[0][first : first + count]))
    else:
        with _opened(source) as (file, head):
            first, count = _span(head, seconds, start)
            samples, loudest = _decoded(file, first, count)
    _must_be_finite(samples)  # what follows the piece too, which the resampler mixes into its end
    _must_sound(samples[: max(1, round(seconds * head.rate))], loudest, head.channels)
    return resample(samples, head.rate, rate, min(seconds, head.seconds - start)), head


def resample(samples: np.ndarray, rate: int, new: int, seconds: float) -> np.ndarray:
    """Brings float32 samples (n,) from one rate to another, band-limited, cut or padded to exactly so many seconds."""
    if rate != new:
        samples = require("soxr", "audio", "resampling sound").resample(samples, rate, new)
    count = max(1, round(seconds * new))
    return samples[:count] if len(samples) >= count else np.pad(samples, (0, count - len(samples)))


def write_wav(path: str | os.PathLike, samples: np.ndarray, rate: int) -> None:
    """Writes samples (n,) or (n, channels), with a full scale of 1, as 16-bit WAV; what is louder is clipped.

    Raises
    ------
    ValueError
        If there are NaN or infinite samples.
    """
    samples = np.asarray(samples, np.float32)
    if not np.isfinite(samples).all():
        raise ValueError(f"{os.fspath(path)}: the samples hold NaN or infinity. Look at the model that gave them.")
    soundfile = require("soundfile", "audio", "writing sound")
    soundfile.write(os.fspath(path), np.clip(samples, -1, 1), rate, format="WAV", subtype="PCM_16")


def common_rate(heads: Sequence[Header], lowest: int, highest: int) -> int:
    """The median rate, halved until it is at most `highest` samples a second; never below `lowest`."""
    rate = int(np.median([head.rate for head in heads]))
    while rate > highest:
        rate //= 2
    return max(rate, lowest)


def spread(n: int, count: int) -> list[int]:
    """At most `count` of n positions, evenly over all of them, the same ones every time."""
    return list(range(n)) if n <= count else np.linspace(0, n - 1, count).astype(int).tolist()


def is_sound_file(path: str | os.PathLike) -> bool:
    """Whether a path is taken for a sound: by its suffix, or by its first bytes where it has none."""
    ending = suffix(readable(os.fspath(path)))
    if ending in SUFFIXES:
        return True
    if ending or not_a_file(path) is not None:
        return False
    try:
        with open(path, "rb") as file:
            return file.read(4).startswith(_BEGINNINGS)
    except OSError:
        return False


# ---------------------------------------------------------------------- in memory
def is_sound(item: Any) -> bool:
    """Whether an item is (samples, rate): an array of numbers, and a number."""
    if not isinstance(item, tuple) or len(item) != 2 or not isinstance(item[0], np.ndarray):
        return False
    return item[0].dtype.kind in "iuf" and np.ndim(item[1]) == 0 and np.asarray(item[1]).dtype.kind in "iuf"


def _header_in_memory(samples: np.ndarray, rate: Any) -> Header:
    if samples.ndim not in (1, 2):
        raise BadItemError(f"samples of shape {samples.shape}: it should be (n,) or (n, channels)")
    if not math.isfinite(rate) or int(rate) != rate:
        raise BadItemError(f"a rate of {rate} samples a second: it should be a whole number")
    if samples.ndim == 2 and samples.shape[1] > max(_MOST_CHANNELS, len(samples)):
        raise BadItemError(f"samples of shape {samples.shape}: it should be (n, channels); transpose it")
    return _checked(Header(len(samples), int(rate), 1 if samples.ndim == 1 else samples.shape[1]))


def _as_floats(samples: np.ndarray) -> np.ndarray:
    """Samples (n,) or (n, channels) of any type to float32 (n, channels)."""
    samples = samples.reshape(len(samples), -1)
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore"):  # beyond float32 they become infinite, which is then the reason
            return samples.astype(np.float32)
    limits = np.iinfo(samples.dtype)
    middle = (limits.min + limits.max + 1) // 2  # 0, or for unsigned types, which swing around it, half of the range
    return ((samples.astype(np.float64) - middle) / (limits.max + 1 - middle)).astype(np.float32)


# ---------------------------------------------------------------------- files
@contextmanager
def _opened(path: str | os.PathLike) -> Iterator[tuple[Any, Header]]:
    soundfile = require("soundfile", "audio", "reading sound")
    if (trouble := not_a_file(path)) is not None:  # a pipe would be waited for
        raise BadItemError(trouble)
    try:
        with open(path, "rb") as raw:
            size, beginning = os.fstat(raw.fileno()).st_size, raw.read(4096)
    except OSError as error:
        raise BadItemError(f"cannot be opened: {error.strerror}") from None
    if size == 0:
        raise BadItemError("empty: 0 bytes")
    unknown = f"not a sound that can be read: {size:,} bytes that begin {beginning[:12]!r}"
    if not beginning.startswith(_BEGINNINGS) and b"\xff" not in beginning:
        raise BadItemError(unknown)  # the MP3 decoder would look for a beginning in all of it, and print what it thinks
    try:
        file = soundfile.SoundFile(os.fspath(path))
    except Exception as error:
        words = _words(error)
        known = beginning.startswith(_BEGINNINGS) and "not recognised" not in words
        raise BadItemError(f"damaged: {words}" if known else unknown) from None
    with file:
        if file.format not in _FORMATS:
            raise BadItemError(f"{file.format} is not read; known are {', '.join(_FORMATS)}")
        head = _checked(Header(file.frames, file.samplerate, file.channels))
        _must_be_whole(file, path)
        yield file, head


def _checked(head: Header) -> Header:
    if head.frames < 1 or head.channels < 1:
        raise BadItemError(f"empty: {head.frames:,} samples in {head.channels} channels")
    if not 1 <= head.rate <= _MOST_HERTZ:
        raise BadItemError(f"a rate of {head.rate:,} samples a second (limits 1 and {_MOST_HERTZ:,})")
    if head.channels > _MOST_CHANNELS:
        raise BadItemError(f"{head.channels:,} channels (limit {_MOST_CHANNELS})")
    if head.frames >= 2**62:
        raise BadItemError("its header does not say how long it is; convert it first")
    if head.seconds > LONGEST:
        raise BadItemError(f"too long: its header says {head.seconds / 3600:,.1f} hours (limit {LONGEST // 3600})")
    if head.seconds < SHORTEST:
        raise BadItemError(
            f"too short: {head.frames:,} sample{'s' if head.frames > 1 else ''}, {head.seconds * 1000:.2f} ms "
            f"(at least {SHORTEST * 1000:.0f})"
        )
    return head


def _must_be_whole(file: Any, path: str | os.PathLike) -> None:
    """Raises BadItemError for a file that was cut off, found without decoding it, each format in its own way."""
    if file.format == "OGG":
        if not _ends_with_a_page(path):
            raise BadItemError("cut off: its last page is not whole")
    elif file.format in ("FLAC", "MP3"):
        last = file.frames - 1 - (_TAIL if file.format == "MP3" else 0)
        try:
            there = last <= 0 or (file.seek(last) == last and len(file.read(1)) == 1)
            file.seek(0)
        except Exception:
            there = False
        if not there:
            raise BadItemError(f"cut off: its header says {file.frames:,} samples, of which the last are missing")
    else:
        # libsndfile shortens such a file to what is there and only tells it to its log, which takes no decoding.
        for said, there in re.findall(
            r"^ *(?:data|SSND|riff|Data Size) *: (\d+) \(should be (\d+)\)", file.extra_info, re.M
        ):
            if int(said) > int(there) and int(said) not in _UNKNOWN_LENGTHS:
                raise BadItemError(f"cut off: its header says {int(said):,} bytes of sound, {int(there):,} are there")
        if short := re.search(r"frame count (\d+) does not match value from 'ds64' chunk of (\d+)", file.extra_info):
            raise BadItemError(f"cut off: its header says {int(short[2]):,} samples, {int(short[1]):,} are there")


def _ends_with_a_page(path: str | os.PathLike) -> bool:
    """Whether an Ogg file ends where its last page does (RFC 3533, section 6)."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - 2 * 65_307))  # a page has at most 65,307 bytes
        end = file.read()
    begins = end.rfind(b"OggS")
    if begins < 0 or begins + 27 > len(end):
        return False
    segments = end[begins + 26]
    lengths = end[begins + 27 : begins + 27 + segments]
    return len(lengths) == segments and begins + 27 + segments + sum(lengths) <= len(end)


def _span(head: Header, seconds: float, start: float) -> tuple[int, int]:
    """First sample and count of a piece, with a margin behind it."""
    first = round(start * head.rate)
    count = min(head.frames - first, math.ceil((seconds + _MARGIN) * head.rate))
    if count < 1:
        raise BadItemError(f"it ends at {head.seconds:.2f} s, before the piece from {start:.2f} s")
    return first, count


def _decoded(file: Any, first: int, count: int) -> tuple[np.ndarray, float]:
    """Samples `first` to `first + count` mixed to one channel, and the loudest of all channels."""
    parts, loudest, there = [], 0.0, 0
    try:
        if first:
            file.seek(first)
        while there < count:
            block = file.read(min(count - there, _BLOCK // file.channels), dtype="float32", always_2d=True)
            if not len(block):
                break
            mixed, peak = _mixed(block)
            parts.append(mixed)
            loudest, there = max(loudest, peak), there + len(block)
    except Exception as error:  # a decoder fails in its own ways on damaged input; each is the file's fault
        raise BadItemError(f"damaged after {(first + there) / file.samplerate:.2f} s: {_words(error)}") from None
    if there < count - (_TAIL if file.format == "MP3" else 0) or not there:
        raise BadItemError(f"cut off: its header says {file.frames:,} samples, {first + there:,} could be read")
    return parts[0] if len(parts) == 1 else np.concatenate(parts), loudest


def _words(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).strip(" .") or type(error).__name__


# ---------------------------------------------------------------------- samples
def _mixed(channels: np.ndarray) -> tuple[np.ndarray, float]:
    """Samples (n, channels) to their mean over channels (n,), and the loudest of all."""
    count = channels.shape[1]
    if count == 1:
        return channels[:, 0], 0.0  # the mix itself tells how loud it is
    with np.errstate(invalid="ignore", over="ignore"):  # what is infinite is found, and named, in the mix
        mixed = channels[:, 0] / np.float32(count)
        for channel in range(1, count):  # columns added up: a mean over rows of two takes ten times as long
            mixed += channels[:, channel] / np.float32(count)
        return mixed, float(max(channels.max(), -channels.min()))


def _must_be_finite(samples: np.ndarray) -> None:
    peak = float(max(samples.max(), -samples.min()))
    if not math.isfinite(peak):
        wrong = int(np.count_nonzero(~np.isfinite(samples)))
        raise BadItemError(f"{wrong:,} of {len(samples):,} samples are NaN or infinite")
    if peak > _LOUDEST:
        raise BadItemError(f"its samples reach {peak:.3g}, where full scale is 1")


def _must_sound(samples: np.ndarray, loudest: float, channels: int) -> None:
    peak = float(max(samples.max(), -samples.min()))
    if peak <= _SILENCE and loudest > 100 * _SILENCE:
        raise BadItemError(f"silent once its {channels} channels are mixed: they cancel each other")
    if peak <= _SILENCE:
        below = f"{-20 * math.log10(peak):.0f} dB below full scale" if peak else "0"
        raise BadItemError(f"silent: its loudest sample is {below}")
