"""t-SNE by its definitions: affinities, forces, divergence; and a map as true as openTSNE's."""

import importlib.util

import numpy as np
import pytest
from openTSNE.affinity import PerplexityBasedNN
from openTSNE.nearest_neighbors import PrecomputedNeighbors
from scipy import sparse

from latentspace.errors import MissingExtraError, UnsupportedError
from latentspace.maps.descent import LEAST_RATE, SETTLED, Descent
from latentspace.maps.descent_pairs import PairsDescent
from latentspace.maps.fit import fit_map
from latentspace.maps.repulsion import Repulsion
from latentspace.maps.tsne import affinities
from latentspace.maps.tsne_kernels import step
from latentspace.progress import Progress
from latentspace.search.graph import neighbour_graph

NOBODY = np.zeros(0, np.uint32), np.zeros(0, np.float32)


def spots(n, dims, spread, seed=0):
    return (np.random.default_rng(seed).normal(size=(n, dims)) * spread).astype(np.float32)


def by_all_pairs(y):
    """Z and the forces, summed over all pairs."""
    apart = y[:, None].astype(float) - y[None].astype(float)
    near = 1 / (1 + (apart**2).sum(axis=2))
    return near.sum() - len(y), (apart * (near**2)[..., None]).sum(axis=1)


def moved(y, repulsion, edges, pull, push):
    """The gradient: one step with a rate of 1 from rest, whose gains are then all 1.2 or 0.8."""
    origin, fields, z = repulsion.of(y)
    velocity, gains = np.zeros_like(y), np.ones_like(y)
    step(y, velocity, gains, *edges, fields, repulsion.row, origin, repulsion.inverse,
         np.float32(pull), np.float32(push(z)), np.float32(1e-6), np.float32(0))  # fmt: skip
    return -velocity.astype(float) / 1e-6 / gains


@pytest.mark.parametrize("spread", [1, 5, 12])
def test_forces_are_those_of_all_pairs(spread):
    y = spots(1500, 2, spread)
    total, forces = by_all_pairs(y)
    repulsion = Repulsion(0.5, 1)
    assert repulsion.of(y)[2] == pytest.approx(total, rel=0.01)
    nobody = np.zeros(len(y) + 1, np.int64), *NOBODY
    found = -moved(y, repulsion, nobody, 0, lambda _: 1)
    assert np.linalg.norm(found - forces) < 0.03 * np.linalg.norm(forces)


def test_a_grid_that_grows_keeps_its_answers_and_a_very_wide_map_has_a_coarser_one():
    repulsion = Repulsion(0.5, 1)
    for spread in (0.1, 3, 30, 1):
        y = spots(800, 2, spread)
        assert repulsion.of(y)[2] == pytest.approx(by_all_pairs(y)[0], rel=0.02)
    wide = spots(500, 2, 3000)
    assert np.isfinite(Repulsion(0.5, 1).of(wide)[1]).all()
    with pytest.raises(FloatingPointError, match="exaggeration"):
        repulsion.of(np.array([[0, 0], [np.nan, 1]], np.float32))


@pytest.fixture(scope="module")
def z(digits):
    return (digits[0][:400].reshape(400, -1) / 255).astype(np.float32)


@pytest.fixture(scope="module")
def p(z):
    graph = neighbour_graph(z, 60)
    return affinities(graph.distances.astype(float), graph.positions, 20.0)


def test_affinities_are_those_of_opentsne(z, p):
    graph = neighbour_graph(z, 60)
    knn = PrecomputedNeighbors(graph.positions, graph.distances.astype(float))
    theirs = PerplexityBasedNN(knn_index=knn, perplexity=20).P
    np.testing.assert_allclose(p.toarray(), theirs.toarray(), atol=1e-8)
    assert p.sum() == pytest.approx(1)


def test_the_gradient_and_the_divergence_are_those_of_the_definition(z, p):
    y = spots(len(z), 2, 8)
    edges = p.indptr.astype(np.int64), p.indices.astype(np.uint32), p.data.astype(np.float32)
    total, forces = by_all_pairs(y)
    apart = y[:, None].astype(float) - y[None].astype(float)
    near = 1 / (1 + (apart**2).sum(axis=2))
    dense = p.toarray()
    gradient = 4 * ((dense * near)[..., None] * apart).sum(axis=1) - 4 * forces / total
    found = moved(y, Repulsion(0.5, 1), edges, 4, lambda z: 4 / z)
    assert np.linalg.norm(found - gradient) < 0.03 * np.linalg.norm(gradient)
    some = dense > 0
    kl = (dense[some] * np.log(dense[some] / (near[some] / total))).sum()
    assert Descent(p, y).divergence() == pytest.approx(kl, rel=1e-3)


def test_a_phase_ends_where_the_divergence_no_longer_falls(z, p):
    descent = Descent(p, spots(len(z), 2, 1e-4))
    early = descent.run(1000, 12, 0.5, Progress("t-SNE"))
    late = descent.run(5000, 1, 0.8, Progress("t-SNE"))
    assert early < 1000
    assert late < 5000
    settled = descent.divergence()
    descent.run(200, 1, 0.8, Progress("t-SNE"))
    assert descent.divergence() > 0.97 * settled  # what was left to gain


def test_all_pairs_descend_to_where_the_grid_does(z, p):
    start = spots(len(z), 2, 1e-4)
    ends = []
    for descent in (Descent(p, start), PairsDescent(p, start, SETTLED, LEAST_RATE)):
        descent.run(100, 12, 0.5, Progress("t-SNE"))
        descent.run(300, 1, 0.8, Progress("t-SNE"))
        ends.append(descent.divergence())
    assert ends[1] == pytest.approx(ends[0], rel=0.05)
    y = descent.centred()
    assert PairsDescent(p, y, SETTLED, LEAST_RATE).divergence() == pytest.approx(Descent(p, y).divergence(), rel=0.01)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_forces_of_pairs_are_those_of_the_definition(dims):
    y = spots(120, dims, 5)
    total, forces = by_all_pairs(y)
    pushes, found = PairsDescent(sparse.csr_array((120, 120)), y, SETTLED, LEAST_RATE)._pushed()
    assert found == pytest.approx(total, rel=1e-4)
    np.testing.assert_allclose(pushes[:dims].T, forces, rtol=1e-3, atol=1e-4)


def test_three_dimensions_show_neighbours_better_than_two_and_are_for_few(z, monkeypatch):
    from latentspace.maps import tsne
    from latentspace.maps.honesty import honesty

    flat, deep = (honesty(z[:300], fit_map(z[:300], "tsne", dims=dims).coordinates) for dims in (2, 3))
    assert deep.neighbours_kept > flat.neighbours_kept
    monkeypatch.setattr(tsne, "MOST_DEEP", 200)
    with pytest.raises(UnsupportedError, match="200 at most; these are 300"):
        fit_map(z[:300], "tsne", dims=3)


def test_without_numba_opentsne_lays_out(z, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "numba" else found(name, *a))
    quick = {"early_iterations": 20, "iterations": 20}
    assert fit_map(z[:60], "tsne", **quick).coordinates.shape == (60, 2)
    monkeypatch.setitem(__import__("sys").modules, "numba", None)
    with pytest.raises(MissingExtraError, match=r"latentspace\[maps\]"):
        fit_map(z[:60], "tsne", dims=3, **quick)
