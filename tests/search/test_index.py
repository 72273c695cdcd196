"""The index against plain exact search: whatever came and went, the same items are there, and nearly all are found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.search import index as room
from latentspace.search.exact import ExactIndex
from latentspace.search.index import Index
from latentspace.search.living import merged

METRICS = ("cosine", "euclidean", "dot")


def clusters(n, dims=12, seed=0):
    rng = np.random.default_rng(seed)
    centres = 3 * np.random.default_rng(1).normal(size=(40, dims))
    return (centres[rng.integers(40, size=n)] + rng.normal(size=(n, dims))).astype(np.float32)


def recall_of(index, queries, k=10, metric="cosine", **options):
    found = index.search(queries, k, metric, **options)
    true = ExactIndex(index.z).search(queries, k, metric, **options)
    assert ((found.positions >= 0) == (true.positions >= 0)).all(), "as many as there are"
    hits = [len(set(a) & set(b) - {-1}) for a, b in zip(found.positions, true.positions, strict=True)]
    return sum(hits) / (true.positions >= 0).sum() if (true.positions >= 0).any() else 1.0


@pytest.fixture(scope="module")
def built():
    index = Index(clusters(4000))
    index.build("cosine", recall=0.95)
    return index


def fresh(built):
    index = Index(built.z)
    index._now = built._now
    return index


@pytest.mark.parametrize("metric", METRICS)
def test_a_small_space_is_searched_exactly(metric):
    index, z = Index(clusters(500)), clusters(500)
    found, true = index.search(z[:20], 7, metric), ExactIndex(z).search(z[:20], 7, metric)
    assert np.array_equal(found.positions, true.positions)
    assert index.plan(metric) == {"kind": "exact", "recall": 1.0}
    assert index.report == {}


def test_what_came_is_found_and_what_went_is_not(built):
    index = fresh(built)
    new = clusters(300, seed=2)
    assert len(index.add(new)) == 4300
    found = index.search(new[:20], 1)
    assert (found.positions[:, 0] >= 4000).all()
    z = index.remove(np.arange(0, 4300, 10))
    assert np.array_equal(z, np.concatenate([built.z, new])[np.arange(4300) % 10 != 0])
    assert recall_of(index, new[20:40]) > 0.93
    assert index.report["cosine"]["tail"] == 270
    assert len(built) == 4000, "the index that it was made from is as it was"


def test_filters_and_exclusions_leave_as_many_as_there_are(built):
    index = fresh(built)
    index.add(clusters(200, seed=3))
    index.remove(np.arange(100, 1100))
    rng = np.random.default_rng(0)
    n, queries = len(index), clusters(50, seed=4)
    for kept in (0, 1, 5, 300, 3000):
        mask = np.zeros(n, bool)
        mask[rng.choice(n, kept, replace=False)] = True
        assert recall_of(index, queries, mask=mask) > 0.93
        found = index.search(queries, 10, mask=mask).positions
        assert mask[found[found >= 0]].all()
    own = rng.choice(n, 50, replace=False)
    positions = index.search(index.z[own], 5, exclude=own).positions
    assert not (positions == own[:, None]).any()
    several = [[int(a), n - 1] for a in own[:25]] + [None] * 25
    assert recall_of(index, index.z[own], exclude=several) > 0.93
    assert index.search(queries[:2], n + 50).positions.max(axis=1).tolist() == [n - 1, n - 1]


def test_lists_are_made_anew_once_tail_or_tombstones_have_cost_as_much(built):
    index = fresh(built)
    index.add(clusters(400, seed=5))
    for _ in range(3):
        index.search(index.z[:10], 10)
    assert index.report["cosine"]["tail"] == 400
    index.search(index.z[:50], 10)
    assert index.report["cosine"]["tail"] == 0
    index.remove(np.arange(1000))
    assert index.report["cosine"]["tombstones"] == 1000
    index.search(index.z[:1], 10)
    assert index.report["cosine"]["tombstones"] == 0
    assert recall_of(index, index.z[:200]) > 0.93


def test_centres_are_learned_again_once_most_items_are_newer():
    index = Index(clusters(2500))
    index.build("euclidean")
    assert index.report["euclidean"]["items"] == 2500
    elsewhere = 50 + clusters(4000, seed=6)
    index.add(elsewhere)
    index.search(elsewhere[:100], 10, "euclidean")
    assert index.report["euclidean"]["tail"] == 0
    assert index._now.living["euclidean"].learned == 6500
    assert recall_of(index, elsewhere[:200], metric="euclidean") > 0.93


def test_an_index_is_learned_once_exact_searches_have_cost_as_much(monkeypatch):
    monkeypatch.setattr(room, "EXACT", 2000)
    monkeypatch.setattr(room, "_LEARN", (0, 1000))
    kept = {}
    index = Index(clusters(3000), keep=lambda name, *state: kept.update({name: state}))
    for _ in range(5):
        index.search(index.z[:100], 10)
    assert index.report == {}
    index.search(index.z[:500], 10)
    assert list(kept) == ["index-cosine"]
    assert index.report["cosine"]["recall"] >= 0.9
    assert index.plan("dot")["kind"] == "exact"
    true = ExactIndex(index.z).search(index.z[:50], 10)
    assert np.array_equal(index.search(index.z[:50], 10, recall=1).positions, true.positions)


class Kept:
    def __init__(self, facts, arrays, rows):
        self.facts, self.arrays, self.rows = facts, arrays, rows


def kept_state(built):
    living = built._now.living["cosine"]
    facts, arrays, rows = living.state()
    return Kept(facts, arrays, rows)


def test_a_kept_index_is_found_again_after_items_came_and_went(built):
    state = kept_state(built)
    keep = np.arange(4000) % 5 != 0
    z = np.concatenate([built.z[keep], clusters(100, seed=7)])
    rows = np.where(keep, np.cumsum(keep) - 1, -1)
    index = Index(z, find={"index-cosine": Kept(state.facts, state.arrays, rows)}.get)
    assert index.load("cosine")
    assert not index.load("dot")
    report = index.report["cosine"]
    assert (report["items"], report["tail"], report["tombstones"]) == (3300, 100, 0)
    assert recall_of(index, z[::20]) > 0.93


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept.facts.pop("learned"),
        lambda kept: kept.facts.update(learned=True),
        lambda kept: kept.facts.update(approximate=None),
        lambda kept: kept.facts["approximate"].update(settings=[{"k": 10}]),
        lambda kept: kept.facts["approximate"].update(metric="dot"),
        lambda kept: kept.facts["approximate"].update(metric="far"),
        lambda kept: kept.arrays.pop("codes"),
        lambda kept: kept.arrays.update(lists=kept.arrays["lists"][:-1]),
        lambda kept: kept.arrays.update(lists=kept.arrays["lists"] + 10**6),
        lambda kept: kept.arrays.update(codes=kept.arrays["codes"].astype("i4")),
        lambda kept: kept.arrays.update(centres=kept.arrays["centres"] * np.nan),
        lambda kept: setattr(kept, "rows", kept.rows + 1),
        lambda kept: setattr(kept, "rows", kept.rows[::-1].copy()),
        lambda kept: setattr(kept, "rows", np.full_like(kept.rows, -1)),
    ],
)
def test_a_damaged_or_foreign_index_is_not_believed(built, change):
    import copy

    kept = copy.deepcopy(kept_state(built))
    change(kept)
    index = Index(built.z, find={"index-cosine": kept}.get)
    assert not index.load("cosine") or index.report["cosine"]["tail"] == 4000
    assert recall_of(index, built.z[:20]) == 1.0


def test_wrong_arguments_are_refused_alike_whatever_the_index(built):
    for index in (fresh(built), Index(built.z)):
        with pytest.raises(ValueError, match="k=0 is out of range"):
            index.search(built.z[:1], 0)
        with pytest.raises(ValueError, match="queries have 3 dims"):
            index.search(np.ones((1, 3)), 1)
        with pytest.raises(ValueError, match="queries holds NaN"):
            index.search(built.z[:1] * np.nan, 1)
        with pytest.raises(ValueError, match="one bool for each of 4000 items"):
            index.search(built.z[:1], 1, mask=np.ones(3, bool))
        with pytest.raises(ValueError, match="exclude has 2 entries for 1 queries"):
            index.search(built.z[:1], 1, exclude=[1, 2])
        with pytest.raises(ValueError, match="exclude must hold positions from 0 to 3999"):
            index.search(built.z[:1], 1, exclude=np.array([4000]))
        with pytest.raises(ValueError, match="metric='far' is not known"):
            index.search(built.z[:1], 1, "far")
        with pytest.raises(ValueError, match=r"recall=1\.5 is out of range"):
            index.search(built.z[:1], 1, recall=1.5)


@given(data=st.data(), metric=st.sampled_from(METRICS))
@settings(max_examples=50, deadline=None)
def test_two_lists_of_neighbours_merge_into_those_of_both_together(data, metric):
    n = data.draw(st.integers(0, 12))
    z = np.random.default_rng(data.draw(st.integers(0, 99))).integers(-2, 3, size=(n, 2)).astype(np.float32)
    cut, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, 14))
    q = z[:3] if n else np.ones((1, 2), np.float32)
    a, b = ExactIndex(z[:cut]).search(q, k, metric), ExactIndex(z[cut:]).search(q, k, metric)
    b = b._replace(positions=np.where(b.positions >= 0, b.positions + cut, -1))
    both, true = merged(a, b, metric), ExactIndex(z).search(q, k, metric)
    assert np.array_equal(both.positions, true.positions)
    assert np.array_equal(both.scores, true.scores, equal_nan=True)
