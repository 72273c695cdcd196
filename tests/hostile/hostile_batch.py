"""Opens mutated files one after another in a process that dies of anything that opening must not do.

Run as `python hostile_batch.py SEEDS FOLDER FIRST LAST SEED [few]`: prints, for each number, a JSON line before it is
opened and one after, so that whoever reads them knows which file a process died of.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

import hostile_mutations
import hostile_opening
import hostile_seeds
import hostile_watch

FORMATS = tuple(hostile_opening.OPEN)


def seeds_in(folder: Path, few: bool = False) -> dict[str, list[Path]]:
    """The files that were made before, by format; makes them where there are none."""
    listed = folder / "listed.json"
    if not listed.exists():
        made = hostile_seeds.make(folder, few)
        listed.write_text(json.dumps({kind: [path.name for path in paths] for kind, paths in made.items()}))
    return {kind: [folder / name for name in names] for kind, names in json.loads(listed.read_text()).items()}


def case(number: int, seed: int, seeds: dict[str, list[Path]]) -> tuple[str, Path, bytes]:
    """Format, original and bytes of a mutated file: the same for the same numbers."""
    chance = random.Random(f"{seed}/{number}")
    kinds = [kind for kind in FORMATS if kind in seeds]
    kind = kinds[number % len(kinds)]
    original = chance.choice(seeds[kind])
    return kind, original, hostile_mutations.mutated(original, seeds[kind], chance)


def main(folder: Path, work: Path, first: int, last: int, seed: int, few: bool) -> None:
    out = os.dup(1)  # for the rows alone: what a C library prints to stdout goes to stderr
    os.dup2(2, 1)
    os.environ["HOSTILE_SEEDS"] = str(folder)
    os.environ["TMPDIR"] = str(work)
    seeds = seeds_in(folder, few)
    for kind, originals in seeds.items():  # all that opening imports is there before imports are watched
        for original in originals:
            _write(work / original.name, original.read_bytes())
            found, message = hostile_opening.outcome_of(kind, work / original.name)
            assert found == "opened" or original.name == "trials.json", f"{original.name}: {message}"
    hostile_watch.limit_memory()
    watch = hostile_watch.Watch(work)
    watch.start()
    for number in range(first, last):
        with watch.looking_away():
            kind, original, data = case(number, seed, seeds)
        path = work / original.name
        _write(path, data)
        _tell(out, {"number": number, "kind": kind, "file": original.name})
        before = hostile_watch.resident()
        hostile_watch.forget_peak()
        start, cpu = time.perf_counter(), time.process_time()
        hostile_watch.start_clock()
        outcome, message = hostile_opening.outcome_of(kind, path)
        hostile_watch.stop_clock()
        _tell(out, {
            "number": number, "outcome": outcome, "message": message[:400], "memory": hostile_watch.peak() - before,
            "seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu,
        })  # fmt: skip
        _clear(work)


def _clear(work: Path) -> None:
    for folder, inner, files in os.walk(work, topdown=False):
        for name in files:
            os.unlink(os.path.join(folder, name))
        for name in inner:
            os.rmdir(os.path.join(folder, name))


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _tell(out: int, row: dict) -> None:
    os.write(out, json.dumps(row).encode() + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:6]), sys.argv[6:] == ["few"])
