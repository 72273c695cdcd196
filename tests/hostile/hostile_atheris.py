"""Fuzzes one reader with atheris, which follows what new code a mutation reaches. Python 3.11 to 3.13, Linux.

Run as `python hostile_atheris.py READER [libFuzzer's options]`, or with `all SECONDS` for each reader in turn and a
table. A reader may refuse; any other error than those of `hostile_opening.CLEAR` ends the run and keeps its input.
"""

import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["latentspace.codec", "latentspace.items", "latentspace.store"]):
    import hostile_opening
    import hostile_seeds
    import numpy as np

    from latentspace import store
    from latentspace.codec import container, directory, state, varints
    from latentspace.items import array_files, csv_files, idx, plain_png, table_files, text_files

FOLDER = Path(tempfile.mkdtemp())


def _as_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    path = FOLDER / name

    def run(data: bytes) -> None:
        path.write_bytes(data)
        read(path)

    return run


def _container(data: bytes) -> None:
    reader = container.Reader(io.BytesIO(data))
    for block in reader.blocks():
        block.parts()


def _latent(data: bytes) -> None:
    """Bytes drawn as lies about a sound file, for blind ones end at the first check sum."""
    import hostile_mutations

    held = store.Contents(**{**vars(_SPACE)}) if _SPACE is not None else None
    if held is None:
        return
    held.manifest = json.loads(json.dumps(held.manifest))
    held.arrays = dict(held.arrays)
    hostile_mutations._lie(held, random.Random(data))
    store.write(FOLDER / "x.latent", held, overwrite=True)
    hostile_opening._loaded(FOLDER / "x.latent")


_SPACE = None
READERS: dict[str, Callable[[bytes], None]] = {
    "lsz": _container,
    "state": lambda data: state.unpacked_state(varints.write_varints([len(data)]) + state.pack_bytes(data)),
    "directory": lambda data: directory.unpack(data, 3),
    "sqlite": _as_file("s.latent", store.read),
    "latent": _latent,
    "npz": _as_file("x.npz", lambda path: array_files.load(str(path))),
    "npy": _as_file("x.npy", lambda path: array_files.load(str(path))),
    "idx": _as_file("x-idx3-ubyte", idx.read_idx),
    "csv": lambda data: csv_files.parse(data.decode("latin-1"), "x.csv", tab=False),
    "jsonl": _as_file("x.jsonl", lambda path: table_files.load(str(path))),
    "png": _as_file("x.png", plain_png.read),
    "text": _as_file("x.txt", lambda path: text_files.read(str(path))),
}


def corpus(name: str) -> Path:
    """A folder of sound inputs to start from."""
    made = FOLDER / "corpus"
    made.mkdir()
    rng = np.random.default_rng(0)
    files = [*hostile_seeds._arrays(FOLDER, rng), *hostile_seeds._tables(FOLDER, rng)]
    files += [*hostile_seeds._pictures(FOLDER, rng), *hostile_seeds._containers(FOLDER, rng, few=True)]
    files += hostile_seeds._texts(FOLDER)
    ending = {"idx": "ubyte", "text": "txt", "state": "none", "directory": "none"}.get(name, name)
    for path in files:
        if path.name.endswith(ending):
            (made / path.name).write_bytes(path.read_bytes())
    if name == "state":
        (made / "x").write_bytes(state.plain_state({"a": [1, "b"]}, {"w": np.arange(6.0).reshape(2, 3)}))
    if name == "directory":
        told = directory.Directory(["a", "b", "c"], [(2, 3)] * 3, [1, 2, 3], {"n": [1, None, "x"]})
        (made / "x").write_bytes(directory.pack(told))
    if name == "latent":
        global _SPACE
        _SPACE = store.read(hostile_seeds._spaces(FOLDER, rng, few=True)[0])
    if name == "sqlite":
        (made / "x").write_bytes(hostile_seeds._spaces(FOLDER, rng, few=True)[2].read_bytes())
    return made


def every(seconds: str) -> int:
    """Runs each reader for so many seconds; returns the exit code."""
    failed = 0
    print("| reader | inputs | code reached | ended by an error |\n| --- | ---: | ---: | ---: |")
    for name in READERS:
        command = [sys.executable, __file__, name, f"-max_total_time={seconds}", "-print_final_stats=1"]
        command += [f"-artifact_prefix={FOLDER}/"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        tried = re.findall(r"number_of_executed_units: *(\d+)", done.stderr)
        reached = re.findall(r"cov: (\d+)", done.stderr)
        count, code = (int(found[-1]) if found else 0 for found in (tried, reached))
        print(f"| {name} | {count:,} | {code:,} | {'no' if done.returncode == 0 else 'YES'} |", flush=True)
        if done.returncode:
            failed += 1
            print(done.stderr[-3000:], file=sys.stderr)
    return failed


def main() -> None:
    if sys.argv[1:2] == ["all"]:
        sys.exit(every(sys.argv[2] if len(sys.argv) > 2 else "20"))
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in READERS:
        sys.exit(f"give one of {', '.join(READERS)}")
    read, start = READERS[name], corpus(name)

    def one(data: bytes) -> None:
        try:
            read(data)
        except (*hostile_opening.CLEAR, MemoryError):
            return

    os.environ["HOSTILE_SEEDS"] = str(FOLDER)
    atheris.Setup([sys.argv[0], str(start), *sys.argv[2:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
