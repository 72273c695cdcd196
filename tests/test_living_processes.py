"""Two processes search a space while a third adds and removes: every answer is of one state of the file."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import latentspace as ls

BASE, BATCH = 2500, 20

# An item's latent is told by its id, and each state of the file by the batches that are in it.
SHARED = """
import sys, time
import numpy as np
import latentspace as ls

BASE, BATCH = 2500, 20
path, steps = sys.argv[1], int(sys.argv[2])

def latent(step, i):
    return np.random.default_rng([step, i]).normal(size=5).astype(np.float32)

def batch(step):
    return [f"{step}-{i}" for i in range(BATCH)], np.array([latent(step, i) for i in range(BATCH)])
"""

WRITER = """
space = ls.load(path)
print("ready", flush=True)
for step in range(1, steps + 1):
    ids, rows = batch(step)
    space.add(rows, ids=ids, metadata={"step": [step] * BATCH})
    if step > 2:
        assert space.remove(batch(step - 2)[0]) == BATCH
    if step % 10 == 0:
        space.index.build("cosine")
    time.sleep(0.05)
assert len(space) == BASE + 2 * BATCH
"""

SEARCHER = """
space = ls.load(path)
space.index.load("cosine")
print("ready", flush=True)
seen, approximate = set(), 0
while True:
    space.refresh()
    space.index.load("cosine")
    everything = space.search(vector=np.ones(5), k=len(space) + 10).ids
    there = sorted({int(one.split("-")[0]) for one in everything} - {0})
    assert len(everything) == len(set(everything)) == BASE + BATCH * len(there) == len(space), len(everything)
    assert there == list(range(there[0], there[0] + len(there))) if there else True, there
    assert len(there) <= 3, there
    for step in there[-1:]:
        ids, rows = batch(step)
        hits = space.search(vector=rows, k=3)
        assert [one.ids[0] for one in hits] == ids
        assert all(abs(one.scores[0] - 1) < 1e-5 for one in hits)
        only = space.search(vector=rows[:2], k=30, where={"step": step})
        assert [len(one) for one in only] == [BATCH, BATCH]
        assert {name.split("-")[0] for one in only for name in one.ids} == {str(step)}
    approximate += "cosine" in space.index.report
    seen.add(tuple(there))
    time.sleep(0.03)
    if there and there[-1] == steps and len(there) == 2:
        break
print(len(seen), approximate, flush=True)
"""


def start(code, *arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", SHARED + textwrap.dedent(code), *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def search_beside_changes(tmp_path, steps, processes):
    rows = np.random.default_rng(0).normal(size=(BASE, 5)).astype(np.float32)
    space = ls.fit(rows, model=None, ids=[f"0-{i}" for i in range(BASE)], metadata={"step": [0] * BASE})
    path = space.save(tmp_path / "space.latent")
    space.index.build("cosine")
    searchers = [start(SEARCHER, path, steps) for _ in range(processes)]
    writer = start(WRITER, path, steps)
    assert writer.wait(timeout=600) == 0
    for searcher in searchers:
        said = searcher.stdout.read()
        assert searcher.wait(timeout=60) == 0
        states, approximate = map(int, said.split())
        assert states > 1, "it never searched while the writer wrote"
        assert approximate > 0, "it never found the index that is kept in the file"


def test_a_process_searches_while_another_adds_and_removes(tmp_path):
    search_beside_changes(tmp_path, 5, 1)  # one, since starting takes longer than all the searching


@pytest.mark.slow
def test_two_processes_search_for_long_while_a_third_adds_and_removes(tmp_path):
    search_beside_changes(tmp_path, 400, 2)
