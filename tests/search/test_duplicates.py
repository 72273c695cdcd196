import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components
from sklearn.datasets import load_digits

from latentspace import PCA
from latentspace.search.duplicates import near_duplicates
from latentspace.search.graph import neighbour_graph


@settings(max_examples=60, deadline=None)
@given(n=st.integers(0, 16), seed=st.integers(0, 2**31), threshold=st.floats(0, 3))
def test_with_a_distance_groups_are_what_pairs_within_it_connect(n, seed, threshold):
    z = np.round(np.random.default_rng(seed).normal(size=(n, 2)), 1).astype(np.float32)
    labels = near_duplicates(neighbour_graph(z, 20), threshold).labels
    apart = np.linalg.norm(z[:, None].astype(np.float64) - z[None], axis=2)
    if n and np.abs(apart - threshold).min() < 1e-4:
        return  # on the border rounding decides
    kinds = connected_components(apart <= threshold, directed=False)[1] if n else np.zeros(0, int)
    for a in range(n):
        for b in range(a):
            assert (labels[a] == labels[b] >= 0) == (kinds[a] == kinds[b])


@pytest.mark.parametrize("dims", [12, 32])
def test_altered_copies_are_found_among_real_digits_and_little_else(dims):
    rng = np.random.default_rng(0)
    x = load_digits().data
    chosen = rng.choice(len(x), 60, replace=False)
    altered = x[chosen] * rng.uniform(0.97, 1.03, (60, 1)) + rng.normal(scale=0.15, size=(60, 64))
    z = PCA(dims=dims).fit_transform(np.concatenate([x, altered]))
    for metric in ("euclidean", "cosine"):
        labels = near_duplicates(neighbour_graph(z, 15, metric)).labels
        found = labels[chosen] == labels[len(x) :]
        assert (found & (labels[chosen] >= 0)).mean() > 0.9
        assert np.count_nonzero(labels >= 0) < 2 * 60 * 1.15


@pytest.mark.parametrize("dims", [1, 2, 3, 10])
def test_points_that_are_scattered_by_chance_have_next_to_no_near_duplicates(dims):
    z = np.random.default_rng(1).normal(size=(4000, dims))
    labels = near_duplicates(neighbour_graph(z, 15)).labels
    assert (labels >= 0).mean() < 0.004


def test_scale_does_not_matter():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(500, 6))
    z = np.concatenate([z, z[:20] + 1e-4 * rng.normal(size=(20, 6))])
    labels = [near_duplicates(neighbour_graph(z * scale, 15)).labels for scale in (1, 1e-8, 1e8)]
    assert labels[0].max() == 19
    np.testing.assert_array_equal(labels[0], labels[1])
    np.testing.assert_array_equal(labels[0], labels[2])


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("n", [2, 3, 11, 12, 50])
def test_equal_items_are_one_group_and_nothing_else_is(n, metric):
    z = np.concatenate([np.tile([[3.0, 1.0]], (n, 1)), [[-9.0, 3.0]]])
    assert near_duplicates(neighbour_graph(z, 15, metric)).labels.tolist() == [0] * n + [-1]


def test_no_item_and_one_item_have_no_duplicates():
    for n in (0, 1):
        assert near_duplicates(neighbour_graph(np.zeros((n, 2)), 15)).labels.tolist() == [-1] * n


def test_more_than_ten_near_copies_are_one_group():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(600, 8))
    z[100:130] = z[100] + 1e-3 * rng.normal(size=(30, 8))
    labels = near_duplicates(neighbour_graph(z, 15)).labels
    assert (labels[100:130] == 0).all()
    assert np.count_nonzero(labels >= 0) == 30


def test_a_negative_threshold_is_refused():
    with pytest.raises(ValueError, match="threshold=-1"):
        near_duplicates(neighbour_graph(np.ones((3, 1)), 1), -1)
