import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.search import graph as graph_room
from latentspace.search.exact import ExactIndex
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


def clusters(n, dims, seed=0):
    """Points around 40 centres, with directions of falling spread, as latents have them."""
    rng = np.random.default_rng(seed)
    spread = 1 / np.sqrt(np.arange(1, dims + 1))
    return ((rng.normal(size=(40, dims)) * 3)[rng.integers(40, size=n)] + rng.normal(size=(n, dims)) * spread).astype(
        np.float32
    )


def share_found(graph, z, rows):
    exact = neighbour_graph(z, graph.k, graph.metric, recall=1.0)
    return (graph.distances[rows] <= exact.distances[rows, -1:] * 1.0001).mean()


@pytest.mark.parametrize(
    ("dims", "metric", "offset"), [(8, "euclidean", 0), (8, "cosine", 0), (300, "euclidean", 1000)]
)
def test_a_graph_by_lists_has_the_recall_that_it_claims(monkeypatch, dims, metric, offset):
    monkeypatch.setattr(graph_room, "_EXACT_WORK", 0)
    z = clusters(5000, dims) + np.float32(offset)
    graph = neighbour_graph(z, 10, metric)
    true = share_found(graph, z, slice(None))
    assert true >= 0.97
    assert graph.recall < 1 or true == 1
    assert abs(graph.recall - true) < 0.015  # five standard errors of the sample that measures it
    rows = np.arange(0, 5000, 7)
    assert (graph.positions[rows] != rows[:, None]).all()
    assert (np.diff(graph.distances, axis=1) >= 0).all()
    wide = z.astype(np.float64)
    if metric == "cosine":
        wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    apart = np.linalg.norm(wide[rows, None] - wide[graph.positions[rows]], axis=2)
    np.testing.assert_allclose(graph.distances[rows], apart if metric == "euclidean" else apart**2 / 2, rtol=1e-4)


def test_the_same_seed_gives_the_same_graph(monkeypatch):
    monkeypatch.setattr(graph_room, "_EXACT_WORK", 0)
    z = clusters(5000, 6)
    once, again = (neighbour_graph(z, 5, seed=3) for _ in range(2))
    np.testing.assert_array_equal(once.positions, again.positions)
    assert once.recall == again.recall


def test_higher_recall_is_reached_when_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(graph_room, "_EXACT_WORK", 0)
    z = clusters(5000, 12)
    assert share_found(neighbour_graph(z, 10, recall=0.999), z, slice(None)) >= 0.998


@settings(max_examples=40, deadline=None)
@given(
    kinds=st.integers(1, 6), n=st.integers(1, 30), k=st.integers(1, 35), seed=st.integers(0, 2**31),
    metric=st.sampled_from(["euclidean", "cosine"]),
)  # fmt: skip
def test_copies_are_one_anothers_nearest(kinds, n, k, seed, metric):
    rng = np.random.default_rng(seed)
    some = rng.normal(size=(kinds, 3)).astype(np.float32)
    some[0] = 0
    z = some[rng.integers(kinds, size=n)]
    graph = neighbour_graph(z, k, metric)
    for row in range(n):
        assert len({row, *graph.positions[row]}) == graph.k + 1
        same = np.flatnonzero((z == z[row]).all(axis=1))
        first = graph.positions[row, : len(same) - 1]
        if metric == "euclidean" or z[row].any():
            assert set(first) <= set(same)
            assert (graph.distances[row, : len(first)] == 0).all()


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_thousands_of_equal_items_are_no_trouble(monkeypatch, metric):
    monkeypatch.setattr(graph_room, "_EXACT_WORK", 0)
    z = clusters(5000, 4)
    z[rng_rows(5000, 4900)] = z[0]
    graph = neighbour_graph(z, 7, metric)
    same = np.flatnonzero((z == z[0]).all(axis=1))
    assert np.isin(graph.positions[same], same).all()
    assert (graph.distances[same] == 0).all()
    assert (graph.positions != np.arange(5000)[:, None]).all()


def rng_rows(n, count):
    return np.random.default_rng(9).choice(n, count, replace=False)


def test_many_kinds_with_copies_have_the_distances_of_an_exact_graph(monkeypatch):
    z = clusters(4500, 5)
    z = np.concatenate([z, z[:900], z[:100]])
    exact = neighbour_graph(z, 6, recall=1.0)
    monkeypatch.setattr(graph_room, "_EXACT_WORK", 0)
    graph = neighbour_graph(z, 6)
    assert (graph.distances <= exact.distances[:, -1:] * 1.0001 + 1e-6).mean() > 0.97
    assert (graph.distances[:100, :2] == 0).all()


def test_values_beyond_float32s_squares_are_searched_exactly(monkeypatch):
    monkeypatch.setattr(graph_room, "_EXACT_WORK", 0)
    z = clusters(4100, 3) * np.float32(1e18)
    assert neighbour_graph(z, 2).recall == 1.0


def test_a_recall_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match=r"recall=98 is out of range"):
        neighbour_graph(np.ones((3, 2)), 1, recall=98)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dims"), [("fashion-mnist", 784), ("mnist", 16)])
def test_a_graph_of_70000_real_pictures_has_the_recall_that_it_claims(name, dims):
    from latentspace import PCA, datasets

    try:
        x = np.asarray(datasets.load(name).x).reshape(70_000, -1).astype(np.float32)
    except datasets.UnavailableError as missing:
        pytest.skip(str(missing))
    z = x if dims == 784 else PCA(dims=dims).fit_transform(x)
    graph = neighbour_graph(z, 15)
    rows = np.random.default_rng(0).choice(len(z), 500, replace=False)
    exact = ExactIndex(z).search(z[rows], 15, "euclidean", exclude=rows)
    true = (graph.distances[rows] <= exact.scores[:, -1:] * 1.0001).mean()
    assert 0.975 <= graph.recall < 1
    assert abs(true - graph.recall) < 0.012
