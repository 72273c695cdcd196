import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import ndcg_score

from latentspace.models.factors.ranking import best, hide, ndcg_at_k, recall_at_k

seeds = st.integers(0, 2**31)


def interactions(seed, n=6, p=15):
    rng = np.random.default_rng(seed)
    return sparse.csr_array(sparse.random_array((n, p), density=0.4, rng=rng)), rng


@settings(max_examples=30, deadline=None)
@given(seed=seeds, share=st.floats(0, 1))
def test_what_is_seen_and_what_is_hidden_are_the_whole_and_share_nothing(seed, share):
    x, rng = interactions(seed)
    seen, hidden = hide(x, share, rng)
    np.testing.assert_array_equal((seen + hidden).toarray(), x.toarray())
    assert not (seen.toarray() * hidden.toarray()).any()
    counts = np.diff(x.indptr)
    np.testing.assert_array_equal(
        np.diff(hidden.indptr), np.minimum((share * counts).astype(int), (counts - 1).clip(0))
    )


def test_each_interaction_of_a_row_is_hidden_as_often_as_another():
    x = sparse.csr_array(np.ones((4000, 5)))
    share = hide(x, 0.4, np.random.default_rng(0))[1].toarray().mean(axis=0)
    assert np.abs(share - 0.4).max() < 4 * np.sqrt(0.4 * 0.6 / 4000)


@settings(max_examples=30, deadline=None)
@given(seed=seeds, k=st.integers(1, 20))
def test_the_best_are_those_of_a_whole_sort_without_what_was_seen(seed, k):
    seen, rng = interactions(seed)
    scores = rng.normal(size=seen.shape)
    found = best(scores, seen, k)
    for row in range(len(scores)):
        free = [column for column in np.argsort(-scores[row]) if not seen[row, column]]
        expected = free[:k]
        assert found[row, : len(expected)].tolist() == expected


@settings(max_examples=30, deadline=None)
@given(seed=seeds, k=st.integers(1, 15))
def test_the_gain_is_scikit_learns(seed, k):
    hidden, rng = interactions(seed)
    scores = rng.normal(size=hidden.shape)
    ranked = best(scores, sparse.csr_array(hidden.shape), hidden.shape[1])
    truth = (hidden.toarray() > 0).astype(int)
    there = truth.any(axis=1)
    ours = ndcg_at_k(ranked, hidden, k)
    assert np.isnan(ours[~there]).all()
    if there.any():
        assert ours[there].mean() == pytest.approx(ndcg_score(truth[there], scores[there], k=k))


def test_recall_counts_against_what_k_could_find():
    hidden = sparse.csr_array(np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]))
    ranked = np.array([[0, 3, 1, 2, 4], [4, 0, 1, 2, 3], [0, 1, 2, 3, 4]])
    np.testing.assert_array_equal(recall_at_k(ranked, hidden, 2), [0.5, 1.0, np.nan])
    np.testing.assert_allclose(recall_at_k(ranked, hidden, 3), [2 / 3, 1.0, np.nan])
