"""Range search, several examples, regions of a map, and axes: each beside the plain sentence that it stands for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.search.along import nearest_along, rest_of
from latentspace.search.exact import ExactIndex
from latentspace.search.examples import blend
from latentspace.search.metrics import METRICS
from latentspace.search.ranges import within
from latentspace.search.regions import centre_of, inside


def scores_of(z, q, metric):
    z, q = z.astype(np.float64), q.astype(np.float64)
    if metric == "euclidean":
        return np.linalg.norm(z - q, axis=1)
    dots = z @ q
    if metric == "dot":
        return dots
    lengths = np.linalg.norm(z, axis=1) * np.linalg.norm(q)
    return np.divide(dots, lengths, out=np.zeros(len(z)), where=lengths > 0)


@settings(max_examples=100, deadline=None)
@given(
    n=st.integers(1, 60), dims=st.integers(1, 6), metric=st.sampled_from(METRICS), seed=st.integers(0, 2**31),
    offset=st.sampled_from([0, 100, -1e4]), scale=st.sampled_from([1, 1e-6, 1e6]), quantile=st.floats(0, 1),
)  # fmt: skip
def test_within_finds_all_that_is_within_and_nothing_else(n, dims, metric, seed, offset, scale, quantile):
    rng = np.random.default_rng(seed)
    z = ((np.round(rng.normal(size=(n, dims)), 1) + offset) * scale).astype(np.float32)
    query = z[:1] + np.float32(0.01 * scale)
    truth = scores_of(z, query[0], metric)
    radius = float(np.quantile(truth, quantile))
    mask, own = rng.random(n) < 0.8, [[int(rng.integers(n))]]
    found = within(z, query, radius, metric, mask, own)[0]
    # What lies on the border may fall to either side by float32's rounding.
    doubt = 1e-6 * max(abs(radius), 1e-30)
    may = mask & (np.arange(n) != own[0][0])
    surely = may & (truth < radius - doubt if metric == "euclidean" else truth > radius + doubt)
    possibly = may & (truth <= radius + doubt if metric == "euclidean" else truth >= radius - doubt)
    assert set(np.flatnonzero(surely)) <= set(found.positions) <= set(np.flatnonzero(possibly))
    ordered = found.scores if metric == "euclidean" else -found.scores
    assert (np.diff(ordered) >= 0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_the_score_of_a_hit_finds_that_hit_again(metric):
    z = np.random.default_rng(0).normal(size=(500, 7)).astype(np.float32)
    near = ExactIndex(z).search(z[:20], 8, metric)
    for row in range(20):
        again = within(z, z[row : row + 1], near.scores[row, -1], metric)[0]
        assert again.positions.tolist() == near.positions[row].tolist()


def test_a_radius_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="within=-1 is no distance"):
        within(np.ones((2, 2)), np.ones((1, 2)), -1, "euclidean")
    with pytest.raises(ValueError, match="within=nan is no score"):
        within(np.ones((2, 2)), np.ones((1, 2)), float("nan"))
    assert within(np.ones((0, 2)), np.ones((1, 2)), 0.5)[0].positions.tolist() == []


def test_one_example_is_itself_and_disliked_ones_push_away():
    z = np.random.default_rng(1).normal(size=(1, 5)).astype(np.float32)
    for metric in ("euclidean", "dot"):
        np.testing.assert_allclose(blend(z, [], metric), z, rtol=1e-6)
    np.testing.assert_allclose(blend(z, [], "cosine"), z / np.linalg.norm(z), rtol=1e-6)
    away = np.random.default_rng(2).normal(size=(3, 5)).astype(np.float32)
    for metric in METRICS:
        query = blend(z, away, metric)
        assert scores_of(away.mean(axis=0, keepdims=True), query[0], "cosine") < scores_of(
            away.mean(axis=0, keepdims=True), z[0], "cosine"
        )


def test_an_example_of_great_length_does_not_drown_the_others_in_cosines():
    np.testing.assert_allclose(blend([[1000, 0], [0, 1]], [], "cosine"), [[0.5, 0.5]])


def test_no_example_is_refused():
    with pytest.raises(ValueError, match="like is empty"):
        blend(np.zeros((0, 3)), [])


@given(
    seed=st.integers(0, 2**31),
    corners=st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=3, unique=True),
)
def test_a_triangle_holds_what_its_three_sides_hold(seed, corners):
    spots = np.random.default_rng(seed).uniform(-6, 6, size=(50, 2))
    a, b, c = np.array(corners, float)

    def side(p, q):
        return (q[0] - p[0]) * (spots[:, 1] - p[1]) - (q[1] - p[1]) * (spots[:, 0] - p[0])

    sides = np.stack([side(a, b), side(b, c), side(c, a)])
    flat = abs(np.linalg.det([b - a, c - a])) < 1e-9
    expected = np.zeros(50, bool) if flat else (sides > 0).all(axis=0) | (sides < 0).all(axis=0)
    np.testing.assert_array_equal(inside(spots, corners), expected)


def test_borders_and_corners_are_inside_a_polygon_and_its_notch_is_not():
    notched = [(0, 0), (4, 0), (4, 4), (2, 1), (0, 4)]
    spots = [(0, 0), (2, 0), (4, 2), (2, 1), (2, 2), (1, 1), (5, 1), (-1, 0)]
    assert inside(spots, notched).tolist() == [True, True, True, True, False, True, False, False]


def test_a_box_may_be_given_by_any_two_opposite_corners():
    spots = np.random.default_rng(3).normal(size=(40, 2))
    box = inside(spots, (-1, -0.5, 1, 2))
    np.testing.assert_array_equal(box, inside(spots, (1, 2, -1, -0.5)))
    np.testing.assert_array_equal(box, inside(spots, [(-1, -0.5), (1, -0.5), (1, 2), (-1, 2)]))
    assert centre_of((-1, -0.5, 1, 2)).tolist() == [0, 0.75]


@pytest.mark.parametrize("region", [5, (1, 2, 3), [(0, 0), (1, 1)], [(0, 0, 0)] * 3, "box", (0, 0, 1, float("nan"))])
def test_what_is_no_region_is_refused(region):
    with pytest.raises(ValueError, match=r"region=.*(neither a box|NaN)"):
        inside(np.zeros((1, 2)), region)


def test_the_rest_has_nothing_of_the_direction_and_further_is_further():
    rng = np.random.default_rng(4)
    z = rng.normal(size=(300, 6)).astype(np.float32)
    direction = rng.normal(size=6)
    rest = rest_of(z, z[:1], direction * 7)
    unit = direction / np.linalg.norm(direction)
    np.testing.assert_allclose(rest.z @ unit, 0, atol=1e-6)
    np.testing.assert_allclose(rest.query @ unit, 0, atol=1e-6)
    places = z @ unit
    assert (places[rest.further] > places[0] + 0.49 * places.std()).all()
    assert (places[~rest.further] < places[0] + 0.51 * places.std()).all()


def test_in_a_space_that_does_not_vary_along_an_axis_nothing_is_further():
    assert not rest_of(np.ones((5, 2)), np.ones((1, 2)), [0, 1]).further.any()
    with pytest.raises(ValueError, match="length 0"):
        rest_of(np.ones((5, 2)), np.ones((1, 2)), [0, 0])
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        rest_of(np.ones((5, 2)), np.ones((1, 2)), [0, 1, 0])


@settings(max_examples=60, deadline=None)
@given(
    n=st.sampled_from([1, 5, 700, 2000]), dims=st.integers(1, 5), k=st.integers(1, 12), metric=st.sampled_from(METRICS),
    seed=st.integers(0, 2**31), offset=st.sampled_from([0, 3, 1e4]), masked=st.booleans(),
)  # fmt: skip
def test_what_is_nearest_along_an_axis_is_what_search_of_all_the_rest_finds(n, dims, k, metric, seed, offset, masked):
    rng = np.random.default_rng(seed)
    z = (rng.normal(size=(n, dims)) + offset).astype(np.float32)
    direction, query = rng.normal(size=dims), z[:1]
    mask = rng.random(n) < 0.5 if masked else np.ones(n, bool)
    rest = rest_of(z, query, direction)
    found = nearest_along(ExactIndex(z), query, direction, k, metric, mask, [[0]])
    right = ExactIndex(rest.z).search(rest.query, k, metric, mask & rest.further, [[0]])
    there = found.positions >= 0
    assert (there == (right.positions >= 0)).all()
    assert (mask & rest.further)[found.positions[there]].all()
    if dims > 1:  # else the rest is rounding, and so is its order
        scale = (1 + offset) ** 2 if metric == "dot" else 1 + offset
        np.testing.assert_allclose(found.scores, right.scores, rtol=1e-4, atol=1e-5 * scale)
