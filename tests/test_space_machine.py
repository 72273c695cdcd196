"""A space in its file through whatever order of verbs: what it holds is what a plain dictionary would, crashes too."""

import contextlib
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import latentspace as ls
from latentspace import store

seeds = st.integers(0, 10**6)
P, DIMS = 5, 3


class Living(RuleBasedStateMachine):
    """Beside the space a dictionary of id to (features, metadata), in the order in which items came."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "x.latent"
        self.known: dict[str, tuple[np.ndarray, int]] = {}
        self.came = 0

    def teardown(self):
        self.folder.cleanup()

    @initialize(n=st.sampled_from([3, 40]), seed=seeds)
    def begin(self, n, seed):
        ids, rows, numbers = self._new(n, seed)
        ls.fit(rows, "pca", dims=DIMS, ids=ids, metadata={"n": numbers}).save(self.path)
        self.space = ls.load(self.path)
        self._came(ids, rows, numbers)

    def _new(self, n, seed):
        ids = [f"i{self.came + i}" for i in range(n)]
        self.came += n
        return ids, np.random.default_rng(seed).normal(size=(n, P)).astype(np.float32), [seed % 7] * n

    def _came(self, ids, rows, numbers):
        self.known.update(zip(ids, zip(rows, numbers, strict=True), strict=True))

    def _some(self, n, seed):
        order = np.random.default_rng(seed).permutation(len(self.known))[:n]
        names = list(self.known)
        return [names[i] for i in order]

    # ------------------------------------------------------------------ verbs
    @rule(n=st.sampled_from([1, 2, 30]), seed=seeds)
    def add(self, n, seed):
        ids, rows, numbers = self._new(n, seed)
        assert self.space.add(rows, ids=ids, metadata={"n": numbers}) == ids
        self._came(ids, rows, numbers)

    @precondition(lambda self: len(self.known) > 3)
    @rule(n=st.sampled_from([1, 2, 20]), seed=seeds)
    def remove(self, n, seed):
        gone = self._some(min(n, len(self.known) - 2), seed)
        assert self.space.remove(gone) == len(gone)
        for name in gone:
            del self.known[name]

    @rule(n=st.sampled_from([1, 3]), seed=seeds)
    def replace(self, n, seed):
        ids = self._some(n, seed)
        rows = np.random.default_rng(seed).normal(size=(len(ids), P)).astype(np.float32)
        self.space.add(rows, ids=ids, metadata={"n": [1] * len(ids)}, on_existing="replace")
        for name in ids:
            del self.known[name]
        self._came(ids, rows, [1] * len(ids))

    @rule(seed=seeds)
    def add_what_is_there(self, seed):
        with pytest.raises(ValueError, match="already"):
            self.space.add(np.zeros((1, P)), ids=self._some(1, seed))

    @rule(k=st.sampled_from([1, 5, 1000]), metric=st.sampled_from(["cosine", "euclidean", "dot"]), seed=seeds)
    def search(self, k, metric, seed):
        (name,) = self._some(1, seed)
        hits = self.space.search(id=name, k=k, metric=metric)
        assert len(hits.ids) == min(k, len(self.known) - 1)
        assert set(hits.ids) <= self.known.keys() - {name}
        z = self.space.latents.astype(np.float64)
        query = z[self.space.ids.index(name)]
        scores = {
            "cosine": z @ query / np.maximum(np.linalg.norm(z, axis=1) * np.linalg.norm(query), 1e-30),
            "euclidean": -np.linalg.norm(z - query, axis=1),
            "dot": z @ query,
        }[metric]
        best = np.sort(np.delete(scores, self.space.ids.index(name)))[::-1][: len(hits.ids)]
        found = np.asarray(hits.scores) * (-1 if metric == "euclidean" else 1)
        np.testing.assert_allclose(found, best, atol=2e-3)

    @rule(value=st.integers(0, 6))
    def filter(self, value):
        hits = self.space.search(np.zeros(DIMS), k=10_000, metric="euclidean", where={"n": value})
        assert set(hits.ids) == {name for name, (_, number) in self.known.items() if number == value}

    @rule()
    def map(self):
        assert self.space.map("pca").coordinates.shape == (len(self.known), 2)

    @rule()
    def compact(self):
        store.compact(self.path)
        self.space.refresh()

    @rule()
    def reopen(self):
        self.space = ls.load(self.path)

    @rule()
    def save_as_a_copy(self):
        copy = self.path.with_name("copy.latent")
        ls.load(self.path).save(copy, overwrite=True)
        assert ls.load(copy).ids == list(self.known)
        os.replace(copy, self.path)
        self.space = ls.load(self.path)

    @rule(n=st.sampled_from([1, 20]), seed=seeds)
    def another_process_adds(self, n, seed):
        ids, rows, numbers = self._new(n, seed)
        ls.load(self.path).add(rows, ids=ids, metadata={"n": numbers})
        self._came(ids, rows, numbers)
        assert self.space.refresh()

    @precondition(lambda _: hasattr(os, "fork") and sys.platform == "linux")
    @rule(n=st.sampled_from([1, 200]), seed=seeds, delay=st.floats(0, 0.02), removes=st.booleans())
    def crash(self, n, seed, delay, removes):
        """A process is killed as it adds or removes: all of its change is there, or nothing."""
        ids, rows, numbers = self._new(n, seed)
        gone = self._some(min(2, len(self.known) - 2), seed) if removes else []
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                space = ls.load(self.path)
                if removes:
                    space.remove(gone)
                else:
                    space.add(rows, ids=ids, metadata={"n": numbers})
            os._exit(0)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.space = ls.load(self.path)
        if not removes and len(self.space) > len(self.known):
            self._came(ids, rows, numbers)
        if removes and len(self.space) < len(self.known):
            for name in gone:
                del self.known[name]

    # ------------------------------------------------------------------ what always holds
    @invariant()
    def it_holds_what_came_and_did_not_go(self):
        if not hasattr(self, "space"):
            return
        assert self.space.ids == list(self.known)
        rows = np.stack([row for row, _ in self.known.values()])
        np.testing.assert_allclose(self.space.latents, self.space.model.transform(rows), atol=1e-5)
        assert list(self.space.metadata["n"]) == [number for _, number in self.known.values()]

    @invariant()
    def its_file_holds_the_same(self):
        if hasattr(self, "space"):
            held = store.read(self.path)
            assert held.ids == list(self.known)
            np.testing.assert_array_equal(held.latents, self.space.latents)


TestLiving = Living.TestCase
TestLiving.settings = settings(max_examples=3, stateful_step_count=20, deadline=None)


@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestLivingForLong(Living.TestCase):
    settings = settings(max_examples=40, stateful_step_count=60, deadline=None)
