import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.search import graph_changes
from latentspace.search.graph import neighbour_graph
from latentspace.search.graph_changes import followed


@settings(max_examples=100, deadline=None)
@given(
    n=st.integers(2, 40), dims=st.integers(1, 4), k=st.integers(1, 6), gone=st.integers(0, 10), came=st.integers(0, 10),
    seed=st.integers(0, 2**31), metric=st.sampled_from(["euclidean", "cosine"]), offset=st.sampled_from([0, 50]),
)  # fmt: skip
def test_an_exact_graph_stays_the_exact_graph(n, dims, k, gone, came, seed, metric, offset):
    rng = np.random.default_rng(seed)
    z = (np.round(rng.normal(size=(n + came, dims)), 1) + offset).astype(np.float32)
    graph = neighbour_graph(z[:n], k, metric)
    rows = np.arange(n)
    left = np.setdiff1d(rows, rng.choice(n, min(gone, n), replace=False))
    place = np.full(n, -1)
    place[left] = np.arange(len(left))
    now = np.concatenate([z[:n][left], z[n:]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph_changes, "_SHARE", 1.0)
        after = followed(graph, place, now)
    if after is None:
        assert len(now) <= graph.k or graph.k == 0 or (metric == "cosine" and not now.any(axis=1).all())
        return
    truth = neighbour_graph(now, graph.k, metric)
    np.testing.assert_allclose(after.distances, truth.distances, rtol=1e-5, atol=2e-6)
    assert (after.positions != np.arange(len(now))[:, None]).all()
    assert all(len(set(row)) == graph.k for row in after.positions.tolist())


def test_where_much_has_changed_it_is_left_to_be_made_anew():
    z = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    graph = neighbour_graph(z[:70], 5)
    assert followed(graph, np.arange(70), z) is None
    assert followed(graph, np.arange(70), z[:75]) is not None
