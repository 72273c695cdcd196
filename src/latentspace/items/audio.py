"""Sounds <-> log-mel spectrograms in [0, 1], whole files or windows of them, and back to sound."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
from PIL import Image
from scipy.fft import next_fast_len

from ..errors import BadItemError, CorruptFileError, UnsupportedError
from ..progress import track
from ..resources import usable_cores
from . import mel, sound_files
from .clips import Clip, cut, samples_of
from .file_items import in_folder, in_memory, of_paths
from .folders import Listing, walk
from .protocol import Batch, Gathered, Modality, OnError, bad
from .ramp import coloured
from .spectrogram import Spectrogram, common_range, loudness
from .stft import OVERLAP

Sound = tuple[np.ndarray, int]  # samples, float32 (n,) with a full scale of 1, and how many there are a second

_HEADERS = 4096  # headers looked at to choose rate and length
_LISTENED = 128  # items decoded to find the range of loudness
_HIGHEST_RATE = 24_000  # samples a second: all that music has below 12 kHz, at half the work of a CD's rate
_LOWEST_RATE = 1_000
_STEP = 512 / 22_050  # seconds from frame to frame; a frame of four holds two periods of the lowest string
_MOST_MELS = 128
_MOST_FRAMES = 128  # 3 s, unless seconds= says more: a spectrogram that a convolutional network is quick with
_WINDOW_FRAMES = 64  # 1.5 s, for windows
_MULTIPLE = 8  # of both sides, so that networks can halve them three times
_LONGEST_STATISTICS = 60.0  # seconds: the mean of a minute's frames tells what an hour's would
_LONGEST_RAW = 60.0  # seconds of samples for a model that reads them, unless seconds= says otherwise
_RAW_BLOCK = 64  # items at a time then: 256 MB of them at 16,000 samples a second
_LIMITS = {"mels": 1024, "frames": 2**15}


class Audio(Modality):
    """Sounds as log-mel spectrograms: float32 (n, 1, mels, frames) in [0, 1], low frequencies first.

    Every sound is mixed to one channel, resampled, cut or padded with silence to one length, and measured in mel bands
    every 23 ms; 0 is silence and 1 the loudest that was found. A file that is silent, cannot be decoded, or holds NaN
    is a bad item.

    Parameters
    ----------
    rate : int or None, default=None
        Samples a second that sounds are brought to. None takes the data's median rate, halved until it is at most
        24,000; loud partials above half of it are lost.
    seconds : float or None, default=None
        Length of an item, rounded up to a multiple of 8 frames. None takes the length that nine in ten files fit
        in, at most 128 frames (3 s); for windows 64 frames (1.5 s). Of longer files only the beginning is read.
    mels : int or None, default=None
        Mel bands from 0 Hz to half the rate. None is 128, or as many as there are bins to fill at low rates: fewer
        lose the pitch of low notes.
    features : "spectrogram" or "statistics", default="spectrogram"
        The light way, for PCA: each band's mean, standard deviation and mean change from frame to frame, in the
        spectrogram's unit, over up to a minute of each file; float32 (n, 3 * mels). It cannot be turned into sound.
    windows : "file" or "window", default="file"
        An item a file, or an item for every window of each file, so that all of a long one is read. A window's id is
        "path#0.00-1.50s", and its metadata `path`, `start` and `end` say where it is, in seconds.
    hop : float or None, default=None
        Seconds from the start of one window to the next; None is the window's length. A last window that sound fills
        by half or more is padded with silence.

    Attributes
    ----------
    rate_, mels_, frames_ : int
    step_ : int
        Samples from frame to frame.
    seconds_ : float
        Length of an item, `frames_ * step_ / rate_`.
    range_ : (low, high)
        Decibels that became 0 and 1, 0 dB being a sine of full scale. Found over up to 128 items: `high` the loudest
        band, unless nine in ten are over 12 dB below; `low` 80 dB less, or more where nothing is that quiet. What lies
        beyond is clipped.

    Notes
    -----
    A sound comes back by `restore` with what the spectrogram holds: its length, loudness and pitch, and phases found
    anew. It is `seconds_` long at `rate_`; `rebuild` trims to the length and resamples to the rate in the metadata.
    """

    kind = "audio"

    def __init__(
        self,
        rate: int | None = None,
        seconds: float | None = None,
        mels: int | None = None,
        features: Literal["spectrogram", "statistics"] = "spectrogram",
        windows: Literal["file", "window"] = "file",
        hop: float | None = None,
    ):
        self.rate = rate
        self.seconds = seconds
        self.mels = mels
        self.features = features
        self.windows = windows
        self.hop = hop
        self._raw = 0

    # ------------------------------------------------------------------ sources
    @classmethod
    def gather(cls, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """Lists a folder, a path, a list of paths, (samples, rate), or a list of these.

        Folders are searched with all that is in them, in sorted order. Metadata: `label` is the name of the sub-folder
        that a file lies in, `folder` its whole way down where folders are nested. Reading adds `duration` in seconds,
        `rate` and `channels`, as they were.
        """
        if sound_files.is_sound(source):
            return in_memory([source], "a sound in memory", ids)
        if isinstance(source, Listing):
            return in_folder(source, sound_files.SUFFIXES, ids)
        if isinstance(source, str | os.PathLike):
            if os.path.isdir(source):
                return in_folder(walk(source), sound_files.SUFFIXES, ids)
            return of_paths([source], os.fspath(source), ids) if sound_files.is_sound_file(source) else None
        if isinstance(source, tuple) and sound_files.is_sound(source[::-1]):
            raise ValueError("a sound in memory is (samples, rate), in this order; got (rate, samples).")
        if not isinstance(source, list | tuple) or not source:
            return None
        if all(sound_files.is_sound(item) for item in source):
            return in_memory(list(source), f"list of {len(source):,} sounds", ids)
        if all(isinstance(item, str | os.PathLike) and sound_files.is_sound_file(item) for item in source):
            return of_paths(source, f"list of {len(source):,} paths", ids)
        return None

    def gather_new(self, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """As `gather`, cut into windows where they are items; a 1-d array is one sound at the fitted rate."""
        if isinstance(source, np.ndarray) and source.ndim == 1 and source.dtype.kind in "iuf":
            source = (source, self.rate_)
        gathered = type(self).gather(source, ids=ids)
        return None if gathered is None else self.pieces(gathered)

    def pieces(self, items: Gathered) -> Gathered:
        """Files to the items that features are made of: themselves, or with `windows="window"` all their windows."""
        if self.windows == "file" or (items.raw and isinstance(items.raw[0], Clip)):
            return items
        return cut(items, self.seconds_, self.hop or self.seconds_)

    # ------------------------------------------------------------------ features
    def suit(self, *, counts: bool, sparse: bool, raw: int | bool = False) -> None:
        """Hears at how many samples a second a model wants to read the sounds themselves, up to a minute of each."""
        self._raw = int(raw)

    def learn(self, items: Gathered) -> "Audio":
        """Chooses rate, length and bands from up to 4,096 headers, and the range of loudness from up to 128 items.

        Raises
        ------
        ValueError
            If an option is out of range, or none of the items is a sound that can be read.
        """
        self._check_options()
        heads = self._heads(items)
        self.rate_ = self.rate or sound_files.common_rate(heads, _LOWEST_RATE, _HIGHEST_RATE)
        most = mel.most_bands(self.rate_, OVERLAP * self.step_)
        self.mels_ = self.mels or min(_MOST_MELS, int(0.8 * most) // _MULTIPLE * _MULTIPLE)
        if self.mels_ > most:
            raise ValueError(f"mels={self.mels} is too many at {self.rate_:,} Hz: some would be empty. At most {most}.")
        durations = np.array([head.seconds for head in heads])
        self.frames_ = self._chosen_frames(durations)
        self.cut_ = float((durations > self.seconds_ + 1 / self.rate_).mean()) if self.windows == "file" else 0.0
        self.range_ = self._heard(items)
        self._settle()
        return self

    def _check_options(self) -> None:
        if self.features not in ("spectrogram", "statistics"):
            raise ValueError(f"features={self.features!r} is not known: choose 'spectrogram' or 'statistics'.")
        if self.windows not in ("file", "window"):
            raise ValueError(f"windows={self.windows!r} is not known: choose 'file' or 'window'.")
        if self.rate is not None and not (type(self.rate) is int and _LOWEST_RATE <= self.rate <= 192_000):
            raise ValueError(f"rate={self.rate!r} must be a whole number of Hz, {_LOWEST_RATE:,} to 192,000, or None.")
        if self.mels is not None and not (type(self.mels) is int and 8 <= self.mels <= _LIMITS["mels"]):
            raise ValueError(f"mels={self.mels!r} must be a whole number, 8 to {_LIMITS['mels']:,}, or None.")
        for name, value in (("seconds", self.seconds), ("hop", self.hop)):
            if value is not None and not (isinstance(value, int | float) and 0.02 <= value <= 600):
                raise ValueError(f"{name}={value!r} must be a number of seconds, 0.02 to 600, or None.")
        if self.hop is not None and self.windows == "file":
            raise ValueError(f"hop={self.hop!r} is the distance between windows: it needs windows='window'.")

    @staticmethod
    def _heads(items: Gathered) -> list[sound_files.Header]:
        found: list[sound_files.Header] = []
        reasons: list[str] = []
        # All of the sample; only where nothing in it can be read, the others until one can.
        for positions, enough in ((sound_files.spread(len(items), _HEADERS), _HEADERS), (range(len(items)), 1)):
            for position in positions:
                if len(found) >= enough:
                    break
                try:
                    found.append(sound_files.header(items.raw[position]))
                except BadItemError as error:
                    reasons.append(f"{items.ids[position]}: {error}")
            if found:
                return found
        raise ValueError(f"none of the {len(items):,} sounds of {items.origin} can be read ({reasons[0]}).")

    def _chosen_frames(self, durations: np.ndarray) -> int:
        if self.seconds is not None:
            wanted, most = float(self.seconds), _LIMITS["frames"]
        elif self.features == "statistics" and self.windows == "file":
            wanted, most = min(float(durations.max()), _LONGEST_STATISTICS), _LIMITS["frames"]
        else:
            wanted = float(np.quantile(durations, 0.9))
            most = _MOST_FRAMES if self.windows == "file" else _WINDOW_FRAMES
        frames = math.ceil(wanted * self.rate_ / self.step_ - 1e-6)
        return min(most, max(1, math.ceil(frames / _MULTIPLE)) * _MULTIPLE)

    def _settle(self) -> None:
        self._spectrogram = Spectrogram(mel.Mel(self.rate_, self.step_, self.mels_), self.frames_, *self.range_)

    def _heard(self, items: Gathered) -> tuple[float, float]:
        """The decibels that become 0 and 1, from a sample of the items."""
        sample = self.pieces(items.select(sound_files.spread(len(items), _LISTENED)))
        chosen = sound_files.spread(len(sample), _LISTENED)
        measure = mel.Mel(self.rate_, self.step_, self.mels_)

        def listen(position: int) -> tuple[float, float] | str:
            try:
                return loudness(measure, self._samples(sample.raw[position])[0])
            except BadItemError as error:
                return f"{sample.ids[position]}: {error}"

        with ThreadPoolExecutor(min(8, usable_cores())) as pool:
            heard = list(pool.map(listen, chosen))
        known = [outcome for outcome in heard if not isinstance(outcome, str)]
        if not known:
            raise ValueError(f"none of {len(sample):,} sounds of {items.origin} can be used ({heard[0]}).")
        return common_range(known)

    def _samples(self, item: Any) -> tuple[np.ndarray, sound_files.Header]:
        """One item's samples, at most `seconds_` of them."""
        return samples_of(item, self.rate_, self.seconds_)

    def _features(self, item: Any) -> tuple[np.ndarray, sound_files.Header, np.ndarray | None] | str:
        """One item's features, header and samples for a model that reads them, or the reason that it has none."""
        try:
            samples, head = self._samples(item)
            raw = samples_of(item, self._raw, self._heard_seconds)[0] if self._raw else None
        except BadItemError as error:
            return str(error)
        made = self._spectrogram.statistics if self.features == "statistics" else self._spectrogram.whole
        return made(samples), head, raw

    def read(self, items: Gathered, *, on_error: OnError = "skip", block: int = 1024) -> Iterator[Batch]:
        """Yields float32 (b, 1, mels, frames) in [0, 1], or (b, 3 * mels) for statistics."""
        whole, items = items, self.pieces(items)
        lost = items.skipped if items is not whole else []
        if lost and on_error == "raise":
            raise BadItemError(f"item {lost[0].id!r} of {items.origin or 'the source'}: {lost[0].reason}")
        block = min(block, _RAW_BLOCK) if self._raw else block
        with ThreadPoolExecutor(min(8, usable_cores())) as pool:
            try:
                ahead = pool.map(self._features, items.raw[:block])
                for start in range(0, max(1, len(items)), block):
                    outcomes = list(ahead)
                    # The next block is decoded while the caller works on this one.
                    ahead = pool.map(self._features, items.raw[start + block : start + 2 * block])
                    batch = self._batch(items, start, outcomes, on_error)
                    batch.skipped[:0], lost = lost, []
                    yield batch
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _batch(self, items: Gathered, start: int, outcomes: list, on_error: OnError) -> Batch:
        lost = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, str)]
        good = [place for place, outcome in enumerate(outcomes) if not isinstance(outcome, str)]
        skipped = [bad(items, start + place, outcomes[place], on_error) for place in lost]
        heads = [outcomes[place][1] for place in good]
        metadata = {name: [column[start + place] for place in good] for name, column in items.metadata.items()}
        read = [items.raw[start + place] for place in good]
        metadata["duration"] = [
            item.seconds if isinstance(item, Clip) else head.seconds for item, head in zip(read, heads, strict=True)
        ]
        metadata["rate"] = [head.rate for head in heads]
        metadata["channels"] = [head.channels for head in heads]
        x = np.empty((len(good), *self.shape), np.float32)
        for row, place in zip(x, good, strict=True):
            row[:] = outcomes[place][0]
        raw = [outcomes[place][2] for place in good] if self._raw else None
        return Batch(x, [items.ids[start + place] for place in good], metadata, skipped, raw)

    # ------------------------------------------------------------------ back to sound
    def restore(self, x: np.ndarray) -> list[Sound]:
        """Spectrograms (n, 1, mels, frames) to n sounds, float32 samples with their rate, all `seconds_` long.

        Silence at the end, the padding of a short sound, comes back as silence.

        Raises
        ------
        UnsupportedError
            For statistics: they forget the order of the frames.
        """
        if self.features == "statistics":
            raise UnsupportedError(
                "statistics of frames cannot be turned back into sound. Fit with features='spectrogram', which can."
            )
        x = np.asarray(x, np.float32)
        if x.ndim != 4 or x.shape[1:] != self.shape:
            raise ValueError(f"restore() got features of shape {x.shape}, but these sounds have (n, {self.shape}).")
        if not np.isfinite(x).all():
            raise ValueError("these spectrograms hold NaN or infinity. Look at the model that gave them.")
        with ThreadPoolExecutor(min(8, usable_cores())) as pool:
            sounds = pool.map(self._spectrogram.sound, x)
            return [(samples, self.rate_) for samples in track(sounds, "Finding phases", len(x))]

    def rebuild(self, x: np.ndarray, metadata: Mapping[str, list]) -> list[Sound]:
        """As `restore`, without what was padded and at the rate that a sound had, by its `duration` and `rate`."""
        sounds = []
        unknown = [None] * len(x)
        known = zip(metadata.get("duration", unknown), metadata.get("rate", unknown), strict=True)
        for (samples, rate), (duration, original) in zip(self.restore(x), known, strict=True):
            seconds, new = min(duration or self.seconds_, self.seconds_), original or rate
            sounds.append((sound_files.resample(samples, rate, new, seconds), new))
        return sounds

    @property
    def step_(self) -> int:
        return next_fast_len(round(_STEP * self.rate_), real=True)

    @property
    def seconds_(self) -> float:
        return self.frames_ * self.step_ / self.rate_

    @property
    def _heard_seconds(self) -> float:
        return self.seconds_ if self.seconds else _LONGEST_RAW

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.mels_, self.frames_) if self.features == "spectrogram" else (3 * self.mels_,)

    @property
    def feature_names(self) -> list[str] | None:
        return None if self.features == "spectrogram" else self._spectrogram.names()

    @property
    def notes(self) -> list[str]:
        """The rate and length that were chosen, and how many sounds are longer."""
        words = f"read at {self.rate_:,} Hz, {self.seconds_:.2f} s an item"
        if self.cut_:
            words += f": {self.cut_:.0%} of the files are longer and cut (seconds= or windows='window' takes more)"
        heard = f"the encoder hears up to {self._heard_seconds:.3g} s of each at {self._raw:,} Hz"
        return [words, heard] if self._raw and self.windows == "file" else [words]

    # ------------------------------------------------------------------ looking and keeping
    def picture(self, x: np.ndarray) -> Image.Image | None:
        """One spectrogram (1, mels, frames) as a picture: time to the right, frequency up, brighter is louder."""
        if self.features == "statistics":
            return None
        return Image.fromarray(coloured(np.asarray(x)[0, ::-1]))

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        names = ("rate", "seconds", "mels", "features", "windows", "hop")
        learned = {name: getattr(self, name + "_") for name in ("rate", "mels", "frames", "cut")}
        return {
            "options": {name: getattr(self, name) for name in names},
            "learned": {**learned, "range": list(self.range_)},
            "raw": self._raw,
        }, {}

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Audio":
        """Rebuilds from `state`. Raises CorruptFileError for anything that `state` would not have given."""
        try:
            if arrays:
                raise ValueError(f"arrays {sorted(arrays)}, where none belong")
            modality = cls(**facts["options"])
            modality._check_options()
            learned = dict(facts["learned"])
            for name, least, most in (
                ("rate", _LOWEST_RATE, 192_000),
                ("mels", 1, _LIMITS["mels"]),
                ("frames", 1, _LIMITS["frames"]),
            ):
                if type(learned[name]) is not int or not least <= learned[name] <= most:
                    raise ValueError(f"{name} {learned[name]!r}")
                setattr(modality, name + "_", learned[name])
            if modality.mels_ > mel.most_bands(modality.rate_, OVERLAP * modality.step_):
                raise ValueError(f"mels {modality.mels_} at a rate of {modality.rate_}")
            low, high = (float(value) for value in learned["range"])
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(f"range {low}, {high}")
            modality.range_, modality.cut_ = (low, high), float(learned["cut"])
            modality._raw = int(facts.get("raw", 0))
            if modality._raw and not _LOWEST_RATE <= modality._raw <= 192_000:
                raise ValueError(f"raw samples at a rate of {modality._raw}")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CorruptFileError(f"the sound reader's state is damaged: {error}.") from None
        modality._settle()
        return modality
