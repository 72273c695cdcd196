import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.manifold import trustworthiness

from latentspace.maps import honesty as room
from latentspace.maps.honesty import Honesty, honesty
from latentspace.search.graph import neighbour_graph


def latents_and_map(n, dims, seed, noise=0.5):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, dims)).astype(np.float32)
    coordinates = np.zeros((n, 2), np.float32)
    coordinates[:, : min(dims, 2)] = z[:, :2]
    return z, coordinates + noise * rng.normal(size=(n, 2)).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(3, 120), dims=st.integers(1, 6), k=st.integers(1, 30), seed=st.integers(0, 2**31))
def test_the_whole_agrees_with_scikit_learn(n, dims, k, seed):
    z, coordinates = latents_and_map(n, dims, seed)
    measured = honesty(z, coordinates, k)
    k = min(k, (n - 1) // 2)
    assert measured.k == k
    z, coordinates = z.astype(np.float64), coordinates.astype(np.float64)  # in float32 it swaps ranks by rounding
    assert measured.trustworthiness == pytest.approx(trustworthiness(z, coordinates, n_neighbors=k), abs=1e-6)
    assert measured.continuity == pytest.approx(trustworthiness(coordinates, z, n_neighbors=k), abs=1e-6)


def test_the_whole_is_the_mean_of_the_items():
    measured = honesty(*latents_and_map(100, 5, 0))
    for name, values in measured.per_item.items():
        assert values.shape == (100,)
        assert values.min() >= 0
        assert values.max() <= 1
        assert getattr(measured, name) == pytest.approx(values.mean(), abs=1e-6)


def test_a_map_that_is_the_latents_is_wholly_honest():
    z = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    measured = honesty(z, z * 3 + 1e3)
    assert (measured.trustworthiness, measured.continuity, measured.neighbours_kept) == (1, 1, 1)


def test_neighbours_kept_by_hand():
    z = np.array([[0.0], [1.0], [2.1], [3.3], [4.6]])
    coordinates = np.array([[0.0, 0], [5.0, 0], [0.5, 0], [3.0, 0], [3.4, 0]])
    measured = honesty(z, coordinates, k=1)
    assert measured.per_item["neighbours_kept"].tolist() == [0, 0, 0, 0, 1]  # only item 4 keeps its nearest, 3


def test_items_at_equal_distances_are_not_false():
    z = np.ones((50, 3), np.float32)
    assert honesty(z, np.random.default_rng(0).normal(size=(50, 2))).trustworthiness == 1
    offset = np.repeat(np.random.default_rng(0).normal(size=(5, 3)), 10, axis=0) + 1000
    assert honesty(offset, np.repeat(np.arange(5), 10)[:, None] * np.ones((1, 2)), k=5).trustworthiness == 1


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_items_have_nothing_to_measure(n):
    measured = honesty(np.zeros((n, 3)), np.zeros((n, 2)))
    assert np.isnan(measured.trustworthiness)
    assert measured.measured == 0
    assert measured.to_dict()["trustworthiness"] is None
    assert str(measured) == f"Nothing to measure with {n} items."


def test_a_sample_is_said_to_be_one_and_comes_near_the_whole(monkeypatch):
    z, coordinates = latents_and_map(1500, 5, 0)
    whole = honesty(z, coordinates)
    monkeypatch.setattr(room, "_MEASURE_ALL", 1000)
    monkeypatch.setattr(room, "_SAMPLE", 600)
    sampled = honesty(z, coordinates)
    assert sampled.measured == 600
    assert "measured on 600 of 1,500 items" in str(sampled)
    assert np.isfinite(sampled.per_item["continuity"]).sum() == 600
    assert sampled.trustworthiness == pytest.approx(whole.trustworthiness, abs=0.02)
    rows = np.isfinite(sampled.per_item["trustworthiness"])
    np.testing.assert_array_equal(sampled.per_item["trustworthiness"][rows], whole.per_item["trustworthiness"][rows])


def test_the_shared_graph_gives_the_same_figures_and_its_metric_counts():
    z, coordinates = latents_and_map(200, 5, 1)
    plain = honesty(z, coordinates)
    assert honesty(z, coordinates, graph=neighbour_graph(z, 20)).to_dict() == plain.to_dict()
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    by_cosine = honesty(z, coordinates, graph=neighbour_graph(z, 20, "cosine"))
    assert by_cosine.trustworthiness == pytest.approx(trustworthiness(unit, coordinates, n_neighbors=15), abs=1e-6)


def test_honesty_comes_back_from_its_state_as_it_was():
    measured = honesty(*latents_and_map(50, 3, 0))
    facts, arrays = measured.state()
    again = Honesty.from_state(json.loads(json.dumps(facts)), arrays)
    assert again.to_dict() == measured.to_dict()
    with pytest.raises(ValueError, match="damaged"):
        Honesty.from_state({**facts, "n": 49}, arrays)
    with pytest.raises(ValueError, match="damaged"):
        Honesty.from_state(facts, {})


def test_wrong_input_says_what_was_wrong():
    with pytest.raises(ValueError, match="3 latents and 4 coordinates can't be compared"):
        honesty(np.zeros((3, 2)), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="k=0"):
        honesty(np.zeros((3, 2)), np.zeros((3, 2)), k=0)
