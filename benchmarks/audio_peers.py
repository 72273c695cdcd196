"""What `audio` is measured against: librosa's loader and mel spectrogram, as one writes it.

Imports nothing of latentspace, so that it runs in librosa's own environment.
"""

import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .items_peers import processor


def one(path: str, rate: int, seconds: float, hop: int, mels: int, frames: int) -> np.ndarray:
    """Loads, mixes and resamples one file, pads it to one length, and takes decibels of its mel bands."""
    import librosa

    samples, _ = librosa.load(path, sr=rate, mono=True, duration=seconds)
    samples = librosa.util.fix_length(samples, size=frames * hop)
    power = librosa.feature.melspectrogram(
        y=samples, sr=rate, n_fft=4 * hop, hop_length=hop, n_mels=mels, htk=True, norm=None, center=True
    )
    return librosa.power_to_db(power[:, :frames], ref=1.0, top_db=None)


def folder(paths: str, workers: int, processes: bool = False, **measures: Any) -> dict[str, Any]:
    """All files listed in a text file, in a loop, in threads or in processes; the first is done before, to import."""
    work = partial(one, **measures)
    files = Path(paths).read_text().splitlines()
    work(files[0])
    began, used = time.perf_counter(), processor()
    if workers == 1:
        x = np.stack([work(file) for file in files])
    else:
        with (ProcessPoolExecutor if processes else ThreadPoolExecutor)(workers) as pool:
            list(pool.map(work, files[: 2 * workers]))  # in processes, imports done
            began, used = time.perf_counter(), processor()
            x = np.stack(list(pool.map(work, files, **({"chunksize": 16} if processes else {}))))
    # Processes of the pool are counted once they have ended: the little that they did before is with it.
    return {"seconds": time.perf_counter() - began, "processor": processor() - used, "count": len(x)}


def filters(rate: int, window: int, bands: int) -> dict[str, Any]:
    """Librosa's filter bank of HTK's formula, to be compared."""
    import librosa

    return {"filters": librosa.filters.mel(sr=rate, n_fft=window, n_mels=bands, htk=True, norm=None).tolist()}


def pitches(folder: str) -> dict[str, Any]:
    """Each WAV file's pitch in Hz by pYIN, the median of its voiced frames; NaN (None) where none is voiced."""
    from librosa import pyin
    from soundfile import read

    found = {}
    for path in sorted(Path(folder).glob("*.wav")):
        samples, rate = read(path, dtype="float32")
        loud = np.flatnonzero(np.abs(samples) > 0.05 * np.abs(samples).max())
        samples = samples[: loud[-1] + 1] if len(loud) else samples  # of a tail no frame would be voiced
        f0, voiced, _ = pyin(samples, fmin=25, fmax=4500, sr=rate, frame_length=4096, hop_length=2048, resolution=0.2)
        heard = f0[voiced & np.isfinite(f0)]
        found[path.stem] = float(np.median(heard)) if len(heard) else None
    return {"pitches": found}
