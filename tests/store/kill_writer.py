"""Kills writers with SIGKILL at random moments, and checks that the file holds the state before or the state after.

Run as `python kill_writer.py changes|write FOLDER MOMENTS SEED`; prints what was seen as JSON. One process forks every
writer, since a fresh interpreter for each moment would take longer than all the writing.
"""

import json
import os
import random
import signal
import sys
import time

import numpy as np
from store_samples import contents

from latentspace import store

BATCH = 60


def change(path: str, step: int) -> None:
    """One step of a writer: two batches are appended, then the first of them is removed."""
    if step % 3 == 2:
        store.remove(path, batch(step - 2)[0], manifest={"step": step})
    else:
        store.append(path, *batch(step), manifest={"step": step})


def batch(step: int) -> tuple:
    ids = [f"{step}-{i}" for i in range(BATCH)]
    x = np.full((BATCH, 1, 6, 5), step % 251, np.uint8)
    return ids, {"label": [str(step)] * BATCH}, np.full((BATCH, 6), step, np.float32), x, [b"%d" % step] * BATCH


def whole(path: str, step: int) -> None:
    """One step of a writer that saves the whole space anew."""
    space = contents(300, seed=step % 7)
    space.manifest = {"step": step}
    store.write(path, space, overwrite=True)


def check_changes(found: store.Contents, step: int) -> None:
    steps = [s for s in range(step + 1) if s % 3 != 2 and not (s % 3 == 0 and s + 2 <= step)]
    assert found.ids == contents(300).ids + [one for s in steps for one in batch(s)[0]]
    values = np.repeat(steps, BATCH)
    assert np.array_equal(found.latents[300:], np.repeat(values[:, None], 6, axis=1))
    assert np.array_equal(found.features[300:, 0, 0, 0], values % 251)
    assert found.thumbnails[300:] == [b"%d" % s for s in values]
    assert found.metadata["label"][300:] == [str(s) for s in values]


def check_whole(found: store.Contents, step: int) -> None:
    expected = contents(300, seed=step % 7)
    assert found.ids == expected.ids
    assert np.array_equal(found.latents, expected.latents)
    assert np.array_equal(found.features, expected.features)
    assert found.thumbnails == expected.thumbnails


def killed(path: str, work, step: int, delay: float) -> int:
    """Forks a writer that works from `step` on, kills it after `delay` seconds; returns the steps it said were done."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            while True:
                work(path, step)
                os.write(writer, b".")
                step += 1
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(1)
    os.close(writer)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer ended by itself"
    with os.fdopen(reader, "rb") as pipe:
        return len(pipe.read())


def main(kind: str, folder: str, moments: int, seed: int) -> dict:
    work, check = (change, check_changes) if kind == "changes" else (whole, check_whole)
    path = os.path.join(folder, "space.latent")
    step = 0
    began = time.perf_counter()
    whole(path, 0)
    longest = max(0.06, 3 * (time.perf_counter() - began))  # on a busy machine no step would end within less
    if kind == "changes":
        store.put(path, manifest={"step": -1})
        step = -1
    chance = random.Random(seed)
    journals = leftovers = steps = 0
    for _ in range(moments):
        said = killed(path, work, step + 1, chance.uniform(0.0, longest))
        journals += os.path.exists(path + "-journal")
        leftovers += any(name.endswith(".part") for name in os.listdir(folder))
        found = store.read(path)
        now = found.manifest["step"]
        assert now in (step + said, step + said + 1), (step, said, now)
        check(found, now)
        steps += said
        step = now
    work(path, step + 1)
    return {
        "moments": moments,
        "steps": steps,
        "journals": journals,
        "leftovers": leftovers,
        "left": os.listdir(folder),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
