import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.search.diversity import best, diverse, spread_of
from latentspace.search.recommend import Reason, Recommendations, liking, shared_axis, standard, typical

seeds = st.integers(0, 2**31)


def cosines(a, b):
    a, b = (m / np.linalg.norm(m, axis=1, keepdims=True) for m in (a.astype(float), b.astype(float)))
    return a @ b.T


@settings(max_examples=30, deadline=None)
@given(seed=seeds, n=st.integers(1, 12), good=st.integers(1, 4), bad=st.integers(0, 3))
def test_liking_is_the_soft_maximum_of_cosines(seed, n, good, bad):
    rng = np.random.default_rng(seed)
    z, liked, disliked = (rng.normal(size=(m, 3)) for m in (n, good, bad))
    weights = rng.random(good) + 0.1
    found = liking(z, liked, disliked, weights=weights, centre=np.ones(3))
    c = cosines(z - 1, liked - 1)
    expected = 0.2 * np.log(np.exp(c / 0.2) @ (weights / weights.sum()))
    if bad:
        expected -= 0.5 * 0.2 * np.log(np.exp(cosines(z - 1, disliked - 1) / 0.2).mean(axis=1))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_taste_of_two_kinds_is_not_what_lies_between_them():
    z = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.98, 0.17], [0.17, 0.98]])
    scores = liking(z, z[:2])
    assert scores[2] < min(scores[3], scores[4])


def test_liking_nothing_scores_everything_alike():
    assert not liking(np.eye(3), np.empty((0, 3)), None).any()


@settings(max_examples=40, deadline=None)
@given(seed=seeds, n=st.integers(0, 30), k=st.integers(1, 12), ties=st.booleans())
def test_the_best_are_those_of_a_whole_sort(seed, n, k, ties):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 3, n).astype(float) if ties else rng.normal(size=n)
    scores[rng.random(n) < 0.3] = -np.inf
    expected = [i for i in np.lexsort((np.arange(n), -scores)) if scores[i] > -np.inf][:k]
    assert best(scores, k).tolist() == expected


@settings(max_examples=40, deadline=None)
@given(seed=seeds, n=st.integers(0, 30), k=st.integers(1, 12), diversity=st.floats(0, 1))
def test_a_diverse_choice_has_no_doubles_and_nothing_that_takes_no_part(seed, n, k, diversity):
    rng = np.random.default_rng(seed)
    scores, z = rng.normal(size=n), rng.normal(size=(n, 2))
    scores[rng.random(n) < 0.3] = -np.inf
    chosen = diverse(scores, z, k, diversity)
    assert len(set(chosen.tolist())) == len(chosen) == min(k, int((scores > -np.inf).sum()))
    assert (scores[chosen] > -np.inf).all()
    if len(chosen):
        assert chosen[0] == best(scores, 1)[0] or diversity == 1  # at 1 the score no longer counts


def test_no_diversity_is_the_best_and_more_of_it_spreads():
    rng = np.random.default_rng(0)
    z = np.repeat(rng.normal(size=(40, 8)), 5, axis=0) + 0.01 * rng.normal(size=(200, 8))
    scores = liking(z, z[:1])
    assert diverse(scores, z, 10, 0.0).tolist() == best(scores, 10).tolist()
    spreads = [spread_of(z[diverse(scores, z, 10, knob)]) for knob in (0.0, 0.3, 0.7)]
    assert spreads == sorted(spreads)
    assert spreads[0] < spreads[-1] - 0.2


def test_diversity_does_not_depend_on_the_scores_unit():
    rng = np.random.default_rng(1)
    scores, z = rng.normal(size=200), rng.normal(size=(200, 4))
    np.testing.assert_array_equal(diverse(scores, z, 15, 0.4), diverse(1000 * scores - 7, z, 15, 0.4))


def test_spread_is_the_mean_over_pairs():
    z = np.random.default_rng(2).normal(size=(6, 3))
    c = cosines(z, z)
    assert spread_of(z) == pytest.approx(1 - c[np.triu_indices(6, 1)].mean(), abs=1e-6)
    assert spread_of(z[:1]) == 0.0


def test_the_shared_axis_is_the_largest_term_of_the_product():
    axis, share = shared_axis(np.array([1.0, -2.0, 0.5]), np.array([0.5, -1.0, -3.0]))
    assert axis == 1
    assert share == pytest.approx(2 / 2.5)
    assert shared_axis(np.array([1.0, 0.0]), np.array([-1.0, 1.0]))[1] == 0.0


def test_standard_scores_have_deviation_one_among_those_that_take_part():
    scores = standard(np.array([1.0, 2.0, 3.0, 100.0]), np.array([True, True, True, False]))
    assert scores[:3].mean() == pytest.approx(0)
    assert scores[:3].std() == pytest.approx(1)
    assert not standard(np.ones(3), np.ones(3, bool)).any()


def test_typical_is_what_lies_near_the_middle():
    z = np.array([[0.0, 5.0], [0.1, 0.0], [-3.0, 0.0]])
    assert typical(z, np.zeros(2)).argmax() == 1


def test_recommendations_read_as_pairs_with_reasons():
    asked = []

    def reasons():
        asked.append(1)
        return [Reason(f"because {i}", near="a", share=0.5, axis=3) for i in range(25)]

    found = Recommendations([f"i{i}" for i in range(25)], np.arange(25.0), metric="taste", reasons=reasons)
    assert next(iter(found)) == ("i0", 0.0)
    assert not asked
    assert [str(reason) for reason in found[3:5].reasons] == ["because 3", "because 4"]
    lines = repr(found).split("\n")
    assert lines[0].split() == ["id", "taste"]
    assert lines[1].endswith("because 0")
    assert lines[-1] == "... and 5 more"
    assert found.to_dict()["hits"][1] == {
        "id": "i1", "score": 1.0, "reason": {"text": "because 1", "near": "a", "share": 0.5, "axis": 3},
    }  # fmt: skip
    assert asked == [1]
    assert repr(Recommendations([], [])) == "Recommendations: none"
