"""openWakeWord's pair of ONNX files: speech to 96 numbers every 80 ms, averaged over a sound."""

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import MissingExtraError
from . import Advance, Reads
from .hearing import each
from .onnx import session_of

_FILES = ("melspectrogram.onnx", "embedding_model.onnx")
_FRAMES, _APART = 76, 8  # mel frames of a window, and from one to the next


class WakeWordEncoder:
    """Speech to float32 (96,): the mean over windows of 0.76 s, one every 80 ms.

    Parameters
    ----------
    folder : Path
        Where the two files are.
    """

    reads = Reads("audio", 16_000)
    pictures = None
    width = 96

    def __init__(self, folder: Path):
        paths = [folder / name for name in _FILES]
        self._mel, self._embed = (session_of(path, f"openwakeword: {path.name}") for path in paths)
        self.digest = hashlib.blake2b(b"".join(path.read_bytes() for path in paths), digest_size=16).hexdigest()
        size = sum(path.stat().st_size for path in paths)
        self.about = {"weights": str(folder), "bytes": size, "licence": "Apache-2.0 (package); none stated for models"}

    def rows(self, items: Sequence[np.ndarray], threads: int = 1, advance: Advance | None = None) -> np.ndarray:
        """Sounds, float32 samples at 16,000 a second, to float32 (n, 96)."""
        return each(self._row, items, self.width, threads, advance)

    def _row(self, samples: np.ndarray) -> np.ndarray:
        least = (_FRAMES + 3) * 160
        padded = np.zeros(max(len(samples), least), np.float32)
        padded[: len(samples)] = samples * 32767  # it was trained on the numbers of 16-bit samples
        (mel,) = self._mel.run(None, {self._mel.get_inputs()[0].name: padded[None]})
        frames = np.squeeze(mel) / 10 + 2  # (t, 32), as its authors scale them
        windows = np.stack(
            [frames[begin : begin + _FRAMES] for begin in range(0, len(frames) - _FRAMES + 1, _APART)]
        ).astype(np.float32)[..., None]
        (h,) = self._embed.run(None, {self._embed.get_inputs()[0].name: windows})
        return h.reshape(len(windows), -1).mean(0)


def open_openwakeword(argument: str) -> WakeWordEncoder:
    """Opens "openwakeword": files of its package, which is only looked into.

    Raises
    ------
    MissingExtraError
        If they are not there; later versions of the package leave them out.
    """
    if argument:
        raise ValueError(f"encoder='openwakeword' takes nothing after the name, not {argument!r}.")
    found = importlib.util.find_spec("openwakeword")
    folders = (
        [Path(where) / "resources" / "models" for where in (found.submodule_search_locations or ())] if found else []
    )
    for folder in folders:
        if all((folder / name).is_file() for name in _FILES):
            return WakeWordEncoder(folder)
    where = f"in {', '.join(map(str, folders))}" if folders else "installed"
    raise MissingExtraError(
        f"encoder='openwakeword' needs {' and '.join(_FILES)} of the package openwakeword, which are not {where}. "
        "Install it: pip install --no-deps openwakeword==0.4.0"
    )
