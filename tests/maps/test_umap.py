"""UMAP's fuzzy graph and curve by their definitions, and a layout as true as t-SNE's kind, whatever the threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from latentspace.maps import kernels
from latentspace.maps.fit import fit_map
from latentspace.maps.honesty import honesty
from latentspace.maps.starting import spectral_start
from latentspace.maps.umap import curve, fuzzy_graph, memberships
from latentspace.search.graph import neighbour_graph


@pytest.fixture(scope="module")
def z(digits):
    images, _ = digits
    return (images[:600].reshape(600, -1) / 255).astype(np.float32)


@settings(max_examples=50, deadline=None)
@given(st.integers(3, 20), st.integers(0, 10_000), st.floats(1e-3, 1e3))
def test_memberships_sum_to_the_logarithm_of_the_neighbours(k, seed, unit):
    distances = np.sort(np.random.default_rng(seed).uniform(1, 4, (12, k)), axis=1) * unit
    weights = memberships(distances)
    np.testing.assert_allclose(weights.sum(axis=1), np.log2(k + 1), rtol=1e-5)
    assert (weights[:, 0] == 1).all()
    assert (np.diff(weights, axis=1) <= 0).all()


def test_duplicates_and_equal_distances_have_finite_weights():
    for distances in (np.zeros((4, 3)), np.ones((4, 3)), np.array([[0.0, 0.0, 1.0]] * 4)):
        weights = memberships(distances)
        assert np.isfinite(weights).all()
        assert ((weights >= 0) & (weights <= 1)).all()


def test_the_curve_is_the_one_that_the_authors_found():
    a, b = curve(0.1, 1.0)  # umap-learn 0.5.12: find_ab_params(1.0, 0.1)
    assert a == pytest.approx(1.57694, abs=1e-4)
    assert b == pytest.approx(0.89506, abs=1e-4)


def test_the_fuzzy_graph_is_the_union_of_both_directions(z):
    graph = neighbour_graph(z, 14)
    fuzzy = fuzzy_graph(graph).toarray()
    np.testing.assert_array_equal(fuzzy, fuzzy.T)
    weights = np.zeros((len(z), len(z)))
    np.put_along_axis(weights, graph.positions.astype(np.int64), memberships(graph.distances.astype(float)), axis=1)
    np.testing.assert_allclose(fuzzy, weights + weights.T - weights * weights.T, atol=1e-12)


@pytest.mark.parametrize(("method", "least"), [("umap", 0.96), ("pacmap", 0.95)])
def test_neighbours_stay_neighbours(z, method, least):
    drawn = fit_map(z, method, seed=1)
    told = honesty(z, drawn.coordinates)
    assert told.trustworthiness > least
    assert told.trustworthiness > honesty(z, fit_map(z, "pca").coordinates).trustworthiness + 0.05
    assert told.continuity > 0.93


@pytest.mark.parametrize("method", ["umap", "pacmap"])
def test_threads_make_no_difference(z, method, monkeypatch):
    first = fit_map(z, method, seed=3).coordinates
    monkeypatch.setattr(kernels, "usable_cores", lambda: 1)
    np.testing.assert_array_equal(fit_map(z, method, seed=3).coordinates, first)
    assert not np.array_equal(fit_map(z, method, seed=4).coordinates, first)


@pytest.mark.parametrize(
    ("method", "options"),
    [("umap", {"neighbours": 1}), ("umap", {"min_dist": 2.0}), ("umap", {"epochs": 0}), ("pacmap", {"neighbours": 0})],
)
def test_options_out_of_range_are_named(z, method, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        fit_map(z, method, **options)


def test_a_ring_of_neighbours_begins_as_a_circle():
    n = 60
    ring = sparse.csr_array(np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1))
    start = spectral_start(np.random.default_rng(0).normal(size=(n, 5)).astype(np.float32), ring, 0, 2)
    np.testing.assert_allclose(np.linalg.norm(start, axis=1), 15, atol=0.6)  # eigenvectors of a cycle: cosine and sine
    turns = np.diff(np.unwrap(np.arctan2(start[:, 1], start[:, 0])))
    np.testing.assert_allclose(np.abs(turns), 2 * np.pi / n, atol=0.02)


def test_parts_that_no_neighbour_joins_begin_apart_where_pca_has_them():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 6)).astype(np.float32)
    z[:200, 0] -= 100
    z[290:, 1] += 200  # ten items: too few to lay out by their graph
    graph = neighbour_graph(z, 5)
    start = spectral_start(z, fuzzy_graph(graph), 0, 2)
    assert start[:200, 0].max() < start[200:290, 0].min() or start[:200, 0].min() > start[200:290, 0].max()
    assert np.isfinite(start).all()
