"""Loads, encodes and searches over and over, and prints the memory and the open files after each part of them.

Run as `python hostile_leak.py SPACE TIMES`: a JSON list of [bytes in memory, open files], one for each tenth.
"""

import ctypes
import gc
import json
import os
import sys

import hostile_watch
import numpy as np

import latentspace as ls


def measured() -> tuple[int, int]:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is free but kept by the allocator is no leak
    return hostile_watch.resident(), len(os.listdir("/proc/self/fd"))


def main(path: str, times: int) -> None:
    rows = np.random.default_rng(0).normal(size=(16, ls.load(path).model.n_features_in_)).astype(np.float32)
    told = []
    for number in range(times):
        space = ls.load(path)
        space.encode(rows)
        space.search(id=space.ids[number % len(space)], k=10)
        space.decode(space.latents[:4])
        assert space.metadata
        if (number + 1) % (times // 10) == 0:
            told.append(measured())
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
