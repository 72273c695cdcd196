"""Resemblyzer's voice encoder: who speaks, in 256 numbers, whatever is said. Its weights are in its package."""

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.signal import get_window
from torch import nn

from ...errors import MissingExtraError
from . import Advance, Reads
from .hearing import each, slaney_filters

_RATE, _WINDOW, _HOP, _BANDS = 16_000, 400, 160, 40
_WIDTH = 256
_FRAMES = 160  # of a piece: 1.6 s, what it was trained on
_APART = 77  # frames from piece to piece: 1.3 pieces a second, as its authors take them
_COVERED = 0.75  # share of the last piece that sound must fill
_LOUDNESS = 10 ** (-30 / 20)  # root mean square that quieter sounds are raised to: 30 dB below full scale
_PIECES = 8  # pieces at a time; one shape, for the same last bits


class VoiceEncoder:
    """Speech to float32 (256,), of length 1 and nowhere negative.

    Three recurrent layers over mel frames, in pieces of 1.6 s that overlap by half, averaged (Wan et al., "Generalized
    end-to-end loss for speaker verification", 2018). Pauses are left in, unlike in its authors' own reader, which
    needs one package more to find them.

    Parameters
    ----------
    weights : Path
        Its pretrained.pt.
    """

    reads = Reads("audio", _RATE)
    pictures = None
    width = _WIDTH

    def __init__(self, weights: Path):
        held = torch.load(weights, map_location="cpu", weights_only=True)["model_state"]
        self._lstm = nn.LSTM(_BANDS, _WIDTH, 3, batch_first=True)
        self._linear = nn.Linear(_WIDTH, _WIDTH)
        for part, module in (("lstm", self._lstm), ("linear", self._linear)):
            own = {name.removeprefix(part + "."): value for name, value in held.items() if name.startswith(part + ".")}
            module.load_state_dict(own)
            module.eval().requires_grad_(False)
        self._filters = torch.from_numpy(slaney_filters(_RATE, _WINDOW, _BANDS))
        self._hann = torch.from_numpy(get_window("hann", _WINDOW).astype(np.float32))
        self.digest = hashlib.blake2b(weights.read_bytes(), digest_size=16).hexdigest()
        self.about = {"weights": str(weights), "bytes": weights.stat().st_size, "licence": "Apache-2.0"}

    def rows(self, items: Sequence[np.ndarray], threads: int = 1, advance: Advance | None = None) -> np.ndarray:
        """Sounds, float32 samples at 16,000 a second, to float32 (n, 256); NaN for silence."""
        return each(self._row, items, _WIDTH, threads, advance)

    def _row(self, samples: np.ndarray) -> np.ndarray | None:
        loudness = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if len(samples) else 0.0
        if loudness == 0:
            return None
        begins = _begins(len(samples))
        padded = np.zeros(max(len(samples), (begins[-1] + _FRAMES) * _HOP), np.float32)
        padded[: len(samples)] = samples * max(1.0, _LOUDNESS / loudness)
        mel = self._mel(torch.from_numpy(padded))  # (frames, bands)
        pieces = torch.stack([mel[begin : begin + _FRAMES] for begin in begins])
        with torch.inference_mode():
            mean = torch.cat([self._pieces(some) for some in pieces.split(_PIECES)]).mean(0)
        length = float(mean.norm())
        return (mean / length).numpy() if length > 0 else None

    def _mel(self, samples: torch.Tensor) -> torch.Tensor:
        spectra = torch.stft(
            samples, _WINDOW, _HOP, window=self._hann, center=True, pad_mode="constant", return_complex=True
        )
        return (self._filters @ spectra.abs().square()).T

    def _pieces(self, mel: torch.Tensor) -> torch.Tensor:
        filled = torch.zeros((_PIECES, _FRAMES, _BANDS))
        filled[: len(mel)] = mel
        _, (last, _) = self._lstm(filled)
        h = self._linear(last[-1]).relu()
        return (h / h.norm(dim=1, keepdim=True).clamp_min(1e-12))[: len(mel)]


def open_resemblyzer(argument: str) -> VoiceEncoder:
    """Opens "resemblyzer": its package is only looked into, so that what it asks for itself need not be there.

    Raises
    ------
    MissingExtraError
        If the package is not installed.
    """
    if argument:
        raise ValueError(f"encoder='resemblyzer' takes nothing after the name, not {argument!r}.")
    found = importlib.util.find_spec("resemblyzer")
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    for folder in folders:
        if (path := Path(folder) / "pretrained.pt").is_file():
            return VoiceEncoder(path)
    raise MissingExtraError(
        f"encoder='resemblyzer' needs pretrained.pt of the package resemblyzer, which is not "
        f"{'in ' + ', '.join(folders) if folders else 'installed'}. Install it: pip install --no-deps resemblyzer"
    )


def _begins(samples: int) -> list[int]:
    """The frames that pieces begin at: all but a last one that holds too little sound."""
    frames = -(-(samples + 1) // _HOP)
    begins = list(range(0, max(1, frames - _FRAMES + _APART + 1), _APART))
    covered = (samples / _HOP - begins[-1]) / _FRAMES
    return begins[:-1] if covered < _COVERED and len(begins) > 1 else begins
