"""Random additions, removals and searches against plain lists: never an item that went, never fewer than are there."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from latentspace.search.exact import ExactIndex
from latentspace.search.index import Index

DIMS = 6


def some(n: int, seed: int) -> np.ndarray:
    """Latents in clusters, some twice, some zero."""
    rng = np.random.default_rng(seed)
    centres = 4 * np.random.default_rng(7).normal(size=(12, DIMS))
    z = (centres[rng.integers(12, size=n)] + rng.normal(size=(n, DIMS))).astype(np.float32)
    z[rng.random(n) < 0.02] = 0
    z[rng.random(n) < 0.02] = z[:1]
    return z


class Plain:
    """The index as a list of (name, latent): all that a search may be compared with."""

    def __init__(self, z: np.ndarray):
        self.z = list(z)
        self.names = list(range(len(z)))
        self.next = len(z)

    def add(self, z: np.ndarray) -> None:
        self.z += list(z)
        self.names += range(self.next, self.next + len(z))
        self.next += len(z)

    def remove(self, rows: list[int]) -> None:
        gone = set(rows)
        self.z = [one for row, one in enumerate(self.z) if row not in gone]
        self.names = [one for row, one in enumerate(self.names) if row not in gone]

    def array(self) -> np.ndarray:
        return np.array(self.z, np.float32).reshape(-1, DIMS)


class Churn:
    """An index and its plain model, changed alike; `names` rides along to tell whether rows are those of the model."""

    def __init__(self, n: int, seed: int, metric: str):
        z = some(n, seed)
        self.kept: dict = {}
        self.index = Index(z, find=self.find, keep=self.keep)
        self.plain = Plain(z)
        self.metric = metric
        self.hits = self.asked = 0

    def keep(self, name, facts, arrays, rows) -> None:
        self.kept[name] = (facts, arrays, [self.plain.names[row] if row >= 0 else -1 for row in rows])

    def find(self, name):
        if name not in self.kept:
            return None
        facts, arrays, names = self.kept[name]
        place = {one: row for row, one in enumerate(self.plain.names)}
        rows = np.array([place.get(one, -1) for one in names], np.int64)
        return type("Kept", (), {"facts": facts, "arrays": arrays, "rows": rows})

    def add(self, n: int, seed: int) -> None:
        new = some(n, seed)
        self.plain.add(new)
        assert np.array_equal(self.index.add(new), self.plain.array())

    def remove(self, n: int, seed: int) -> None:
        rows = np.random.default_rng(seed).choice(len(self.plain.z), min(n, len(self.plain.z)), replace=False)
        self.plain.remove(rows.tolist())
        assert np.array_equal(self.index.remove(rows), self.plain.array())

    def reopen(self) -> None:
        """As another process would find the index: from what was kept, and the items there are now."""
        self.index = Index(self.plain.array(), find=self.find, keep=self.keep)
        self.index.load(self.metric)

    def search(self, q: int, k: int, seed: int, masked: bool, excluded: bool) -> None:
        rng = np.random.default_rng(seed)
        n = len(self.plain.z)
        queries = some(q, seed + 1)
        mask = rng.random(n) < rng.choice([0.0, 0.01, 0.3, 0.9]) if masked else None
        exclude = rng.integers(0, n, (q, 3)) if excluded and n else None
        found = self.index.search(queries, k, self.metric, mask, exclude)
        true = ExactIndex(self.plain.array()).search(queries, k, self.metric, mask, exclude)
        there = found.positions >= 0
        assert (there == (true.positions >= 0)).all(), "as many as there are, never one that is gone"
        assert (found.positions < n).all()
        for row, positions in enumerate(found.positions):
            mine = positions[positions >= 0]
            assert len(set(mine.tolist())) == len(mine), "none twice"
            assert mask is None or mask[mine].all()
            assert exclude is None or not set(mine.tolist()) & set(exclude[row].tolist())
        scores = ExactIndex(self.plain.array())
        for row in range(q):  # each score is the true one of the item at that row
            for position, score in zip(found.positions[row][:3], found.scores[row][:3], strict=True):
                if position >= 0:
                    only = np.arange(n) == position
                    right = scores.search(queries[row : row + 1], 1, self.metric, only).scores[0, 0]
                    assert abs(score - right) <= 1e-4 * max(1, abs(right))
        self.asked += int(there.sum())
        for row in range(q):  # whichever of equals was found
            worst = true.scores[row][there[row]][-1:]
            slack = 1e-4 * np.maximum(1, np.abs(worst))
            near = found.scores[row][there[row]]
            self.hits += int((near <= worst + slack if self.metric == "euclidean" else near >= worst - slack).sum())


def churn(steps: int, seed: int, metric: str, n: int = 2600) -> Churn:
    """Runs random steps; the index is approximate from the start, and relisted, learned again and reopened in time."""
    rng = np.random.default_rng(seed)
    state = Churn(n, seed, metric)
    state.index.build(metric)
    for step in range(steps):
        kind = rng.choice(["add", "remove", "search", "reopen"], p=[0.3, 0.28, 0.4, 0.02])
        if kind == "add":
            state.add(int(rng.choice([1, 7, 200], p=[0.6, 0.3, 0.1])), seed + step)
        elif kind == "remove":
            state.remove(int(rng.choice([1, 7, 200], p=[0.6, 0.3, 0.1])), seed + step)
        elif kind == "search":
            state.search(
                2, int(rng.choice([1, 10, 50])), seed + step, bool(rng.random() < 0.3), bool(rng.random() < 0.3)
            )
        else:
            state.reopen()
    return state


seeds = st.integers(0, 10**6)
few = st.sampled_from([1, 2, 30, 400])


class Living(RuleBasedStateMachine):
    """Steps that Hypothesis chooses, and shortens when one fails."""

    @initialize(n=st.sampled_from([2000, 2600]), seed=seeds, metric=st.sampled_from(["cosine", "euclidean", "dot"]))
    def begin(self, n, seed, metric):
        self.churn = Churn(n, seed, metric)
        self.churn.index.build(metric)

    @rule(n=few, seed=seeds)
    def add(self, n, seed):
        self.churn.add(n, seed)

    @rule(n=few, seed=seeds)
    def remove(self, n, seed):
        self.churn.remove(n, seed)

    @rule(
        q=st.integers(1, 3), k=st.sampled_from([1, 10, 101, 3000]), seed=seeds, masked=st.booleans(), less=st.booleans()
    )
    def search(self, q, k, seed, masked, less):
        self.churn.search(q, k, seed, masked, less)

    @rule()
    def reopen(self):
        self.churn.reopen()


TestLiving = Living.TestCase
TestLiving.settings = settings(max_examples=4, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "dot"])
def test_a_churned_index_finds_what_is_there_and_never_what_went(metric):
    state = churn(80, 1, metric)
    assert state.hits / state.asked >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "dot"])
def test_ten_thousand_steps_leave_recall_where_a_fresh_build_has_it(metric):
    state = churn(10_000, 2, metric, n=6000)
    assert state.hits / state.asked >= 0.95
    fresh = Churn(len(state.plain.z), 0, metric)
    fresh.index, fresh.plain = Index(state.plain.array()), state.plain
    fresh.index.build(metric)
    for one in (state, fresh):
        one.hits = one.asked = 0
        for seed in range(100):
            one.search(10, 10, seed, False, False)
    assert fresh.hits / fresh.asked >= 0.95
    assert state.hits / state.asked >= min(0.95, fresh.hits / fresh.asked - 0.01)
