import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.search.graph import NeighbourGraph, neighbour_graph


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 30),
    dims=st.integers(1, 4),
    k=st.integers(1, 40),
    metric=st.sampled_from(["euclidean", "cosine"]),
    seed=st.integers(0, 2**31),
)
def test_every_item_has_its_true_neighbours_and_never_itself(n, dims, k, metric, seed):
    rng = np.random.default_rng(seed)
    z = np.round(rng.normal(size=(n, dims)), 1).astype(np.float32)  # rounded, so that there are duplicates
    graph = neighbour_graph(z, k, metric)
    assert graph.positions.shape == graph.distances.shape == (n, min(k, max(n - 1, 0)))
    assert (graph.positions != np.arange(n)[:, None]).all()
    wide = z.astype(np.float64)
    if metric == "cosine":
        norms = np.linalg.norm(wide, axis=1, keepdims=True)
        wide = np.divide(wide, norms, out=np.zeros_like(wide), where=norms > 0)
        truth = 1 - wide @ wide.T
    else:
        truth = np.linalg.norm(wide[:, None] - wide[None], axis=2)
    np.fill_diagonal(truth, np.inf)
    np.testing.assert_allclose(graph.distances, np.sort(truth, axis=1)[:, : graph.k], atol=1e-6)


def test_a_stored_graph_comes_back_as_it_was():
    graph = neighbour_graph(np.random.default_rng(0).normal(size=(20, 3)), 4)
    again = NeighbourGraph.from_state(*graph.state())
    np.testing.assert_array_equal(again.positions, graph.positions)
    np.testing.assert_array_equal(again.distances, graph.distances)
    assert (again.metric, again.recall) == ("euclidean", 1.0)


@pytest.mark.parametrize("damage", ["outside", "shape", "nan", "metric", "missing"])
def test_a_damaged_graph_is_refused(damage):
    facts, arrays = neighbour_graph(np.random.default_rng(0).normal(size=(20, 3)), 4).state()
    arrays = {name: array.copy() for name, array in arrays.items()}
    if damage == "outside":
        arrays["positions"][3, 2] = 20
    elif damage == "shape":
        arrays["distances"] = arrays["distances"][:, :3]
    elif damage == "nan":
        arrays["distances"][0, 0] = np.nan
    elif damage == "metric":
        facts["metric"] = "manhattan"
    else:
        del arrays["positions"]
    with pytest.raises(ValueError, match=r"the stored neighbour graph is damaged"):
        NeighbourGraph.from_state(facts, arrays)


def test_fewer_neighbours_are_the_first_ones():
    graph = neighbour_graph(np.random.default_rng(0).normal(size=(20, 3)), 8)
    np.testing.assert_array_equal(graph.nearest(3).positions, graph.positions[:, :3])
    assert graph.nearest(99) is graph


def test_a_dot_product_is_no_distance():
    with pytest.raises(ValueError, match=r"metric='dot' has no distances.*euclidean or cosine"):
        neighbour_graph(np.ones((3, 2)), 1, "dot")
    with pytest.raises(ValueError, match=r"k=0"):
        neighbour_graph(np.ones((3, 2)), 0)
