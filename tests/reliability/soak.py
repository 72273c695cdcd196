"""Kills, full disks, and readers beside a writer, for long: `make soak`; the figures go into docs/reliability.md.

    python tests/reliability/soak.py [--kills 300] [--minutes 5] [--publish]

Every item's vector follows from its id, so that a file can be told to be right item by item. Writers are forked, since
a fresh interpreter for each kill would take longer than all the writing.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import latentspace as ls
from latentspace.store import connection

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BASE, BATCH, FEATURES, DIMS = 300, 40, 24, 6
STEPS = ("add", "add", "remove", "compact", "migrate", "fit")


# ---------------------------------------------------------------------- what a file must hold
def vectors(ids: list[str]) -> np.ndarray:
    """Each item's vector, from its id alone."""
    return np.stack([np.random.default_rng(zlib.crc32(i.encode())).standard_normal(FEATURES) for i in ids]).astype("f4")


def base() -> list[str]:
    return [f"base-{row}" for row in range(BASE)]


def batch(step: int) -> list[str]:
    return [f"{step}-{row}" for row in range(BATCH)]


def take(space: Any, path: Path, step: int) -> None:
    """Does the work of one step of a writer."""
    kind = STEPS[step % len(STEPS)]
    if kind == "add":
        space.add(vectors(batch(step)), ids=batch(step))
    elif kind == "remove":
        space.remove(batch(step - 2))
    elif kind == "compact":
        space.compact()
    elif kind == "migrate":  # to a format that is one further than the file's
        connection.FORMAT += 1
        space.compact()
    else:
        ls.fit(vectors(base()), dims=DIMS, ids=base(), density="gaussian").save(path, overwrite=True)


def expected(done: int) -> list[str]:
    """The ids after so many steps."""
    ids = base()
    for step in range(done):
        kind = STEPS[step % len(STEPS)]
        if kind == "add":
            ids = ids + batch(step)
        elif kind == "remove":
            ids = [one for one in ids if one not in set(batch(step - 2))]
        elif kind == "fit":
            ids = base()
    return ids


def formats(done: int) -> int:
    """The format that a file has after so many steps: a migration moves it on, a fit writes the writer's."""
    return 1 + sum(STEPS[step % len(STEPS)] == "migrate" for step in range(done))


def check(path: Path, possible: list[list[str]], z: Callable[[list[str]], np.ndarray]) -> int:
    """Opens a file, and says which of the possible states it holds, whole."""
    present, connection.FORMAT = connection.FORMAT, 10_000  # whatever migrations have come to
    try:
        space = ls.load(path)
        ids = list(space.ids)
        assert ids in possible, f"{len(ids)} ids, expected {[len(one) for one in possible]}"
        np.testing.assert_allclose(space.latents, z(ids), atol=1e-4)
        found = ls.check(path)
        assert found.whole, str(found)
    finally:
        connection.FORMAT = present
    return possible.index(ids)


# ---------------------------------------------------------------------- kills
def kills(folder: Path, count: int, seed: int = 0) -> dict[str, Any]:
    """Kills a writer at so many random moments of fit, add, remove, compact and migrate; opens the file each time."""
    path, chance = folder / "space.latent", random.Random(seed)
    first = ls.fit(vectors(base()), dims=DIMS, ids=base(), density="gaussian")
    first.save(path)
    done, met = 0, dict.fromkeys(sorted(set(STEPS)), 0)
    longest = _longest(folder)
    while sum(met.values()) < count:
        kind = STEPS[done % len(STEPS)]
        said = _killed(path, done, chance.uniform(0, 1.2 * longest[kind]))
        if said is None:
            done += 1  # it had ended before the kill came
            continue
        met[kind] += 1
        state = check(path, [expected(done), expected(done + 1)], lambda ids: first.model.transform(vectors(ids)))
        if expected(done) == expected(done + 1):
            state = int(chance.random() < 0.7)  # a compaction shows in no id: go on, or try it again
        if not state and chance.random() < 0.3:
            state = _finish(path, done)
        done += state
    left = [name for name in os.listdir(folder) if name != "space.latent" and not name.endswith("-journal")]
    return {"kills": count, "by verb": met, "unreadable": 0, "left beside the file": len(left)}


def _longest(folder: Path) -> dict[str, float]:
    """How long each step takes, in a copy."""
    path, took = folder / "timed.latent", dict.fromkeys(STEPS, 0.0)
    ls.fit(vectors(base()), dims=DIMS, ids=base(), density="gaussian").save(path)
    for step in range(len(STEPS)):
        began = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            _work(path, step)
        os.waitpid(pid, 0)
        took[STEPS[step]] = max(took[STEPS[step]], time.perf_counter() - began)
    path.unlink()
    return took


def _work(path: Path, step: int) -> None:
    """What a forked writer does, and then is no more."""
    code = 1
    try:
        connection.FORMAT = max(formats(step), 1)
        take(ls.load(path), path, step)
        code = 0
    except BaseException as error:
        os.write(2, f"{STEPS[step % len(STEPS)]}: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def _killed(path: Path, step: int, delay: float) -> bool | None:
    """Forks a writer and kills it after so long; None if it had ended, as it should."""
    pid = os.fork()
    if pid == 0:
        _work(path, step)
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0, "the writer failed by itself"
        return None
    return True


def _finish(path: Path, step: int) -> int:
    pid = os.fork()
    if pid == 0:
        _work(path, step)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "after a kill the same step failed"
    return 1


# ---------------------------------------------------------------------- a full disk
@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of so many bytes; needs root."""
    place = folder / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True)
    if done.returncode:
        raise PermissionError(f"tmpfs cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def full_disk(folder: Path, step: int = 4096) -> dict[str, Any]:
    """Lets the disk be full at every page that each verb writes, one after another, until it has room."""
    first = ls.fit(vectors(base()), dims=DIMS, ids=base(), density="gaussian")
    told: dict[str, Any] = {}
    with small_disk(folder, 64 << 20) as disk:
        for kind in ("save", "add", "remove", "compact", "fit over it"):
            refused, free = 0, 0
            while True:
                path = disk / "space.latent"
                for old in disk.iterdir():
                    old.unlink()
                first.save(path)
                space = ls.load(path)
                if kind == "remove" or kind == "compact":
                    space.add(vectors(batch(0)), ids=batch(0))
                if kind == "compact":
                    space.remove(batch(0))
                ids = list(space.ids)
                _fill(disk, free)
                try:
                    _full_verb(kind, space, path, disk)
                except OSError as error:
                    refused += 1
                    said = str(error)
                    assert "space" in said.lower() or "full" in said.lower() or "needs" in said.lower(), said
                    check(path, [ids], lambda names: first.model.transform(vectors(names)))
                else:
                    break
                free += step
            told[kind] = {"places": refused, "room it took": free}
    return told


def _fill(disk: Path, free: int) -> None:
    left = os.statvfs(disk)
    with (disk / "filler").open("wb") as file:
        file.write(b"\0" * max(0, left.f_bavail * left.f_frsize - free))


def _full_verb(kind: str, space: Any, path: Path, disk: Path) -> None:
    if kind == "save":
        ls.load(path).save(disk / "new.latent")
    elif kind == "add":
        space.add(vectors(batch(3)), ids=batch(3))
    elif kind == "remove":
        space.remove(batch(0))
    elif kind == "compact":
        space.compact()
    else:
        ls.fit(vectors(base()), dims=DIMS, ids=base(), density="gaussian").save(path, overwrite=True)


# ---------------------------------------------------------------------- readers beside a writer
def beside(folder: Path, seconds: float, readers: int = 8) -> dict[str, Any]:
    """So many processes read, search and refresh while one adds and removes; every look must be at one whole commit."""
    path, stop = folder / "shared.latent", folder / "stop"
    first = ls.fit(vectors(base()), dims=DIMS, ids=base(), density="gaussian")
    first.save(path)
    script = str(Path(__file__).resolve())
    jobs = [[sys.executable, script, "--reader", str(path), "--stop", str(stop)] for _ in range(readers)]
    jobs.append([sys.executable, script, "--writer", str(path), "--stop", str(stop)])
    running = [subprocess.Popen(job, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for job in jobs]
    time.sleep(seconds)
    stop.touch()
    found = []
    for child in running:
        out, errors = child.communicate(timeout=120)
        assert child.returncode == 0, errors[-2000:]
        found.append(json.loads(out))
    return {
        "seconds": seconds, "readers": readers, "looks": sum(one["looks"] for one in found[:-1]),
        "fewest of a reader": min(one["looks"] for one in found[:-1]), "commits": found[-1]["commits"], "errors": 0,
    }  # fmt: skip


def reader(path: Path, stop: Path) -> dict[str, int]:
    """Looks at the file again and again: opened anew, and by one that catches up."""
    space, looks = ls.load(path), 0
    chance = random.Random(os.getpid())
    while not stop.exists():
        if chance.random() < 0.3:
            space = ls.load(path)
        else:
            space.refresh()
        ids = list(space.ids)
        whole = {name.split("-")[0] for name in ids}
        assert len(ids) == len(set(ids)) == len(space.latents)
        assert len(ids) == BASE + BATCH * (len(whole) - 1), "half of a commit was seen"
        row = chance.randrange(len(ids))
        wanted = space.model.transform(vectors([ids[row]]))
        np.testing.assert_allclose(space.latents[row : row + 1], wanted, atol=1e-4)
        assert space.search(vector=space.latents[row], k=1).scores[0] > 0.999
        looks += 1
    return {"looks": looks}


def writer(path: Path, stop: Path) -> dict[str, int]:
    space, commits = ls.load(path), 0
    held: list[int] = []
    while not stop.exists():
        if len(held) < 4 or commits % 3 == 0:
            space.add(vectors(batch(commits)), ids=batch(commits))
            held.append(commits)
        else:
            space.remove(batch(held.pop(0)))
        commits += 1
        if commits % 50 == 0:
            space.compact()
    return {"commits": commits}


# ---------------------------------------------------------------------- the figures
def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--publish", action="store_true")
    for name in ("--reader", "--writer", "--stop"):
        parser.add_argument(name, type=Path, default=None)
    given = parser.parse_args()
    if given.reader or given.writer:
        work = reader if given.reader else writer
        print(json.dumps(work(given.reader or given.writer, given.stop)))
        return
    lines = []
    with tempfile.TemporaryDirectory(prefix="latentspace-soak-") as place:
        folder = Path(place)
        (folder / "kills").mkdir()
        lines.append(_of_kills(kills(folder / "kills", given.kills)))
        print(lines[-1], flush=True)
        try:
            lines.append(_of_disk(full_disk(folder)))
        except PermissionError as error:
            lines.append(f"- **A full disk**: not run, {error}")
        print(lines[-1], flush=True)
        lines.append(_of_readers(beside(folder, 60 * given.minutes)))
        print(lines[-1], flush=True)
    if given.publish:
        begin, end = "<!-- soak: begin -->\n", "<!-- soak: end -->"
        page = PAGE.read_text(encoding="utf-8")
        head, rest = page.split(begin)
        PAGE.write_text(head + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1], encoding="utf-8")


def _of_kills(told: dict[str, Any]) -> str:
    by = ", ".join(f"{count} in {verb}" for verb, count in told["by verb"].items())
    return (
        f"- **kill -9** at {told['kills']} random moments ({by}): after each, the file opened, held the items before "
        "or after the step and nothing between, each with its own latent, and `check` found nothing."
    )


def _of_disk(told: dict[str, Any]) -> str:
    each = ", ".join(f"{verb} {one['places']}" for verb, one in told.items())
    return (
        f"- **A full disk**, at every 4 kB that a verb writes until it has room ({each} places): each time an error "
        "that says what is needed, and the file as it was."
    )


def _of_readers(told: dict[str, Any]) -> str:
    return (
        f"- **{told['readers']} readers and a writer** for {told['seconds']:.0f} s: {told['commits']:,} commits, "
        f"{told['looks']:,} looks, {told['fewest of a reader']:,} of the slowest reader; no error, none at half of a "
        "commit."
    )


if __name__ == "__main__":
    main()
