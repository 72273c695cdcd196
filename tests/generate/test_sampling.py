"""Samples: conditions, temperatures, where data are, and what is refused."""

import numpy as np
import pytest
from scipy import stats

import latentspace as ls
from latentspace.errors import UnsupportedError
from latentspace.generate.blend import analogy, blend
from latentspace.generate.conditions import around, few_like
from latentspace.generate.grounded import grounded


def test_few_items_are_drawn_like_with_the_width_that_they_show():
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(2000, 8)) * 5
    own = rng.normal(size=(20, 8)) + 3
    made = few_like(own, whole, 4000, rng)
    np.testing.assert_allclose(made.mean(axis=0), own.mean(axis=0), atol=0.3)
    assert 0.6 < made.std(axis=0).mean() < 2  # 1 is true, 5 the whole's


@pytest.mark.parametrize("m", [1, 2, 3])
def test_one_item_is_enough_to_draw_like(m):
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(100, 4))
    made = few_like(whole[:m], whole, 500, rng)
    assert np.isfinite(made).all()
    assert 0 < made.std() < 1


def test_draws_around_an_item_have_its_neighbours_scatter():
    rng = np.random.default_rng(0)
    near = rng.normal(size=(30, 3)) * [1, 2, 0]
    made = around(np.zeros(3), near, 1.0, 20_000, rng)
    np.testing.assert_allclose(made.T @ made / len(made), near.T @ near / len(near), atol=0.15)
    for d in (0, 1):
        assert stats.kstest(made[:, d] / np.sqrt((near[:, d] ** 2).mean()), "norm").pvalue > 0.01


def test_nothing_is_left_farther_than_the_limit():
    rng = np.random.default_rng(0)

    def nearest(z):
        return np.linalg.norm(z, axis=1), np.zeros_like(z)

    for spread in (0.5, 50):  # 50: hardly any draw is within the limit by itself
        made = grounded(lambda m, s=spread: (s * rng.normal(size=(m, 3))).astype(np.float32), nearest, 1.0, 200)
        assert made.shape == (200, 3)
        assert np.linalg.norm(made, axis=1).max() <= 1


def test_a_blend_of_one_is_itself_and_an_analogy_back_is_where_it_began():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 5)).astype(np.float32)
    np.testing.assert_array_equal(blend([a], [7]), a)
    np.testing.assert_allclose(analogy(b, a, analogy(a, b, c)), c, atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1], "1,"), ([1, -1], "sum to 0"), ([1, np.nan], "sum to nan"), ([[1, 2]], "shape")],
)
def test_weights_that_do_not_add_up_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        blend([[0.0, 1], [2, 3]], weights)


@pytest.fixture(scope="module")
def space(digits):
    images, labels = digits
    return ls.fit(images[:300], "pca", dims=6, metadata={"label": [int(label) for label in labels[:300]]})


def test_samples_where_data_are_lie_where_data_are(space):
    assert not space.sample(60, temperature=1.5, on_manifold=True, report=True).unusual.any()
    assert space.sample(60, temperature=3, report=True).unusual.any()


def test_the_same_seed_makes_the_same_items_whatever_the_road(space):
    for given in ({}, {"where": {"label": 3}}, {"near": "4"}, {"on_manifold": True}, {"density": "gaussian"}):
        a, b, other = (space.sample(5, seed=seed, **given) for seed in (1, 1, 2))
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, other)


def test_a_report_holds_the_same_items_as_without(space):
    made = space.sample(4, report=True)
    np.testing.assert_array_equal(made.items, space.sample(4))
    assert len(made) == len(list(made)) == 4
    assert "4 made" in str(made)
    assert len(made.to_dict()["items"]) == 4


def test_none_are_made_where_none_are_asked_for(space):
    assert len(space.sample(0)) == 0
    assert len(space.sample(0, report=True, on_manifold=True).z) == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": -1}, "whole number of 0 or more"),
        ({"n": 2.5}, "whole number"),
        ({"temperature": -1}, r"temperature=-1\) must be"),
        ({"temperature": np.nan}, "finite"),
        ({"spread": np.inf, "near": "0"}, "spread=inf"),
        ({"where": {"label": 77}}, "fits none of the 300 items"),
        ({"where": {"colour": 1}}, "Columns: label"),
        ({"near": "0", "density": "mixture"}, "near= or density="),
        ({"near": "absent.png"}, "absent"),
        ({"density": "magic"}, "Known densities"),
    ],
)
def test_what_cannot_be_drawn_says_why(space, given, message):
    with pytest.raises((ValueError, OSError), match=message):
        space.sample(**{"n": 3, **given})


def test_a_prior_that_cannot_be_tempered_says_so(space):
    from types import SimpleNamespace

    from latentspace.generating import _from_density

    odd = SimpleNamespace(of_model=True, family="vamp", _prior=SimpleNamespace(name="vamp"))
    with pytest.raises(UnsupportedError, match=r"temperature=0\.5 is for densities fitted to the latents"):
        _from_density(odd, 0.5, np.random.default_rng(0))


def test_rows_of_a_table_come_back_as_rows_with_a_report_too(iris):
    space = ls.fit(iris, "pca", dims=3)
    made = space.sample(5, report=True)
    assert list(made.items.columns) == list(space.sample(5).columns)
    assert [row["species"] for row in made] == list(made.items["species"])
    assert len(space.blend(["0", "1"])) == 1


def test_an_item_given_itself_is_told_as_a_copy(space, digits):
    told = space.provenance(digits[0][:3])
    np.testing.assert_allclose(told.distances, 0, atol=0.05)
    assert told.copied.all()
    assert [ids[0] for ids in told.nearest] == ["0", "1", "2"]
