import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from latentspace.models.factors.baselines import Popular
from latentspace.search.offline import HOWS, judge, split


def interactions(seed=0, n=30, p=20, density=0.4):
    rng = np.random.default_rng(seed)
    x = sparse.csr_array(sparse.random_array((n, p), density=density, rng=rng))
    x.data[:] = 1
    times = sparse.csr_array((rng.permutation(x.nnz) * 10.0, x.indices, x.indptr), x.shape)
    return x, times


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), how=st.sampled_from(HOWS), share=st.floats(0.3, 0.6))
def test_nobody_is_asked_for_what_was_seen(seed, how, share):
    x, times = interactions(seed)
    parts = split(x, how, times=times, share=share, seed=seed)
    assert not (parts.seen.toarray() * parts.hidden.toarray()).any()
    assert (np.diff(parts.hidden.indptr) > 0).all()
    assert parts.train.nnz + parts.hidden.nnz <= x.nnz


def test_by_time_only_the_past_is_known():
    x, times = interactions()
    parts = split(x, "time", times=times, share=0.25)
    past = times.data <= np.quantile(times.data, 0.75)
    rows, columns = x.nonzero()
    np.testing.assert_array_equal(np.argwhere(parts.train.toarray()), np.stack([rows[past], columns[past]], axis=1))
    assert parts.hidden.toarray().sum() == (~past).sum()  # here everybody and everything was there before


def test_who_and_what_came_later_is_not_asked_for():
    x = sparse.csr_array(np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]))
    times = sparse.csr_array(np.array([[1.0, 8, 0], [1, 2, 9], [0, 8, 9]]))
    parts = split(x, "time", times=times, share=0.6)
    np.testing.assert_array_equal(parts.hidden.toarray(), [[0, 1, 0]])  # thing 2 and user 2 are new by then


def test_by_people_the_models_know_nothing_of_those_asked():
    x, _ = interactions(n=40)
    parts = split(x, "people", share=0.25)
    assert parts.train.shape[0] == 30
    whole = {tuple(row) for row in x.toarray()}
    assert {tuple(row) for row in (parts.seen + parts.hidden).toarray()} <= whole


@pytest.mark.parametrize(
    ("how", "share", "message"),
    [
        ("random", 0.2, r"split='random' is not known; choose 'time', 'people', 'leave-out'"),
        ("people", 1.0, r"share=1.0 of the interactions cannot be hidden"),
        ("time", 0.2, r"split='time' needs to know when"),
    ],
)
def test_an_impossible_split_says_why(how, share, message):
    with pytest.raises(ValueError, match=message):
        split(interactions()[0], how, share=share)


def test_too_few_interactions_leave_nothing_to_ask_for():
    with pytest.raises(ValueError, match=r"leaves nothing to ask for: 3 interactions of 3 users are too few"):
        split(sparse.csr_array(np.eye(3)), "leave-out")


def test_who_knows_the_hidden_is_judged_perfect_and_who_knows_nothing_is_not():
    x, _ = interactions(n=60, p=50)
    parts = split(x, "leave-out", share=0.3)
    rng = np.random.default_rng(0)
    rows = judge(
        {
            "oracle": lambda _train, _seen: parts.hidden.toarray(),
            "chance": lambda _train, seen: rng.normal(size=seen.shape),
            "popular": lambda train, seen: Popular().fit(train).scores(seen),
        },
        parts, k=5, wide=10,
    )  # fmt: skip
    oracle, chance, popular = rows
    assert oracle["recall"] == oracle["ndcg"] == oracle["ndcg_low"] == 1.0
    assert chance["ndcg_low"] < chance["ndcg"] < chance["ndcg_high"] < 0.5
    assert popular["coverage"] < chance["coverage"]
    assert popular["popularity"] > chance["popularity"]
