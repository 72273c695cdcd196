import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moons import two_moons
from scipy import stats
from sklearn.base import clone
from sklearn.covariance import oas

from latentspace.models.densities import Density, density_class, fit_density
from latentspace.models.densities.mixture import MixtureDensity

FAMILIES = ["gaussian", "mixture"]  # those that learn by a network are in test_densities_learned.py


@pytest.fixture(params=FAMILIES)
def family(request) -> str:
    return request.param


# ---------------------------------------------------------------------- truths


def test_the_probability_of_a_line_is_one(family):
    z = np.concatenate([np.random.default_rng(0).normal(-3, 0.5, 300), np.random.default_rng(1).normal(4, 2, 200)])
    fitted = fit_density(z[:, None], family)
    grid = np.linspace(-40, 40, 20_001)
    assert np.trapezoid(np.exp(fitted.log_prob(grid[:, None])), grid) == pytest.approx(1, abs=1e-6)


def test_the_probability_of_a_plane_is_one(family):
    fitted = fit_density(two_moons(600), family)
    side = np.linspace(-9, 9, 601)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    assert np.exp(fitted.log_prob(grid)).sum() * (side[1] - side[0]) ** 2 == pytest.approx(1, abs=1e-4)


def test_a_gaussian_agrees_with_scipy():
    z = two_moons(200, dims=5) * [1, 10, 100, 1e-3, 1] + 1000
    fitted = fit_density(z, "gaussian")
    expected = stats.multivariate_normal(fitted.mean_, fitted.covariance_).logpdf(z)
    np.testing.assert_allclose(fitted.log_prob(z), expected, rtol=1e-9, atol=1e-6)


def test_a_mixture_agrees_with_scipy():
    z = two_moons(800, dims=3)
    fitted = fit_density(z, "mixture")
    assert len(fitted.weights_) > 1
    parts = [
        weight * stats.multivariate_normal(mean, covariance).pdf(z)
        for weight, mean, covariance in zip(fitted.weights_, fitted.means_, fitted.covariances_, strict=True)
    ]
    np.testing.assert_allclose(fitted.log_prob(z), np.log(np.sum(parts, axis=0)), rtol=1e-9)


def test_correlations_are_shrunk_as_scikit_learn_shrinks_standardised_columns():
    z = np.random.default_rng(0).normal(size=(12, 30)) * np.geomspace(1e-3, 1e3, 30)
    std = z.std(axis=0)
    expected, _ = oas((z - z.mean(axis=0)) / std, assume_centered=True)
    fitted = fit_density(z, "gaussian")
    np.testing.assert_allclose(fitted.covariance_ / np.outer(std, std), expected, atol=1e-12)


def test_with_few_items_shrinking_makes_unseen_ones_likelier():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(20, 20))
    z, unseen = rng.normal(size=(30, 20)) @ mixing, rng.normal(size=(2000, 20)) @ mixing
    plain = stats.multivariate_normal(z.mean(axis=0), np.cov(z.T)).logpdf(unseen).mean()
    assert fit_density(z, "gaussian").log_prob(unseen).mean() > plain + 5


@pytest.mark.parametrize(
    ("name", "scale"),
    # A mixture starts from clusters in the latents' own units, so only one factor for all dims leaves it the same.
    [
        ("gaussian", np.array([1e-3, 1.0, 1e4])),
        ("mixture", np.array([64.0, 64, 64])),
        ("mixture", np.array([2**-20] * 3)),
    ],
)
def test_scales_and_offsets_change_the_density_by_their_jacobian(name, scale):
    z = two_moons(500, dims=3).astype(np.float64)
    plain = fit_density(z, name).log_prob(z)
    moved = fit_density((z + 100) * scale, name).log_prob((z + 100) * scale)
    np.testing.assert_allclose(moved, plain - np.log(scale).sum(), atol=1e-3)


def test_a_mixture_takes_dims_of_very_different_scales():
    z, unseen = (two_moons(1000, seed, dims=3) * [1, 1e-4, 1e4] for seed in (0, 1))
    gaussian, mixture = (fit_density(z, name).log_prob(unseen).mean() for name in ("gaussian", "mixture"))
    assert mixture > gaussian + 0.3


# ---------------------------------------------------------------------- samples


def test_samples_follow_the_density(family):
    z = np.concatenate([np.random.default_rng(0).normal(-3, 0.5, 300), np.random.default_rng(1).normal(4, 2, 200)])
    fitted = fit_density(z[:, None], family)
    grid = np.linspace(-40, 40, 20_001)
    cumulative = np.concatenate([[0], np.cumsum(np.exp(fitted.log_prob(grid[:, None])))[:-1] * (grid[1] - grid[0])])
    drawn = fitted.sample(5000, np.random.default_rng(7))[:, 0]
    assert stats.kstest(drawn, lambda v: np.interp(v, grid, cumulative)).pvalue > 0.01


def test_samples_keep_the_correlations(family):
    mixing = np.array([[3.0, 0, 0], [2, 0.5, 0], [0, 0, 0.01]])
    z = np.random.default_rng(0).normal(size=(4000, 3)) @ mixing.T + [1, 2, 3]
    drawn = fit_density(z, family).sample(20_000, np.random.default_rng(0))
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(np.corrcoef(drawn.T), np.corrcoef(z.T), atol=0.05)
    np.testing.assert_allclose(drawn.mean(axis=0), z.mean(axis=0), atol=0.15)


def test_one_seed_gives_one_answer(family):
    z = two_moons(400)
    first, again = (fit_density(z, family, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.log_prob(z), again.log_prob(z))
    draws = [first.sample(9, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_a_mixture_finds_what_one_gaussian_cannot():
    z, unseen = two_moons(1000, seed=0), two_moons(1000, seed=1)
    gaussian, mixture = (fit_density(z, name).log_prob(unseen).mean() for name in ("gaussian", "mixture"))
    assert mixture > gaussian + 0.5


def test_one_gaussian_is_one_component():
    z = np.random.default_rng(0).normal(size=(300, 4)) * [1, 2, 3, 4]
    assert len(fit_density(z, "mixture").weights_) == 1
    assert fit_density(z, "auto").family == "gaussian"
    assert fit_density(two_moons(300), "auto").family == "mixture"


# ---------------------------------------------------------------------- keeping


def test_a_state_round_trip_is_bit_equal(family):
    z = two_moons(500, dims=4)
    fitted = fit_density(z, family)
    params, facts, arrays = fitted.get_state()
    params, facts = json.loads(json.dumps([params, facts]))
    again = density_class(family).from_state(params, facts, {name: array.copy() for name, array in arrays.items()})
    assert isinstance(again, Density)
    np.testing.assert_array_equal(again.log_prob(z), fitted.log_prob(z))
    rng = np.random.default_rng
    np.testing.assert_array_equal(again.sample(50, rng(1)), fitted.sample(50, rng(1)))


def test_a_damaged_state_is_refused(family):
    params, facts, arrays = fit_density(two_moons(300), family).get_state()
    first = next(iter(arrays))
    damaged = [
        {name: array for name, array in arrays.items() if name != first},
        {**arrays, first: arrays[first][:0]},
        {**arrays, first: np.full_like(arrays[first], np.nan)},
        {**arrays, first: arrays[first].astype(np.int64)},
        {name: array[..., :1] for name, array in arrays.items()},
    ]
    for broken in damaged:
        with pytest.raises(ValueError, match="damaged"):
            density_class(family).from_state(params, facts, broken)


def test_densities_can_be_cloned(family):
    assert clone(density_class(family)(random_state=4)).get_params()["random_state"] == 4


# ---------------------------------------------------------------------- edges


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    dims=st.integers(1, 6),
    distinct=st.integers(1, 5),
    constant=st.integers(0, 6),
    offset=st.sampled_from([0.0, 1.0, -1e6]),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    name=st.sampled_from(FAMILIES),
)
def test_any_latents_give_a_finite_density(n, dims, distinct, constant, offset, scale, name):
    rng = np.random.default_rng(n * 7 + dims)
    z = rng.normal(size=(distinct, dims))[rng.integers(0, distinct, n)] * scale + offset
    z[:, :constant] = offset
    z = z.astype(np.float32)
    fitted = fit_density(z, name)
    assert np.isfinite(fitted.log_prob(z)).all()
    drawn = fitted.sample(20, np.random.default_rng(0))
    assert drawn.shape == (20, dims)
    assert drawn.dtype == np.float32
    assert np.isfinite(drawn).all()


def test_a_constant_dimension_is_sampled_as_that_constant(family):
    z = two_moons(300, dims=3) * [1, 1, 0] + [0, 0, 7]
    drawn = fit_density(z, family).sample(1000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn[:, 2], 7, atol=1e-3)


def test_one_item_is_sampled_as_itself(family):
    drawn = fit_density(np.array([[3.0, -2.0]]), family).sample(100, np.random.default_rng(0))
    np.testing.assert_allclose(drawn, np.tile([3, -2], (100, 1)), atol=1e-3)


def test_no_samples_is_an_empty_array(family):
    assert fit_density(two_moons(50), family).sample(0, np.random.default_rng(0)).shape == (0, 2)


def test_many_items_are_subsampled_reproducibly(family):
    z = np.random.default_rng(0).normal(size=(120_000, 2))
    fitted = fit_density(z, family, seed=1)
    assert fitted.log_prob(z).mean() == pytest.approx(-1 - np.log(2 * np.pi), abs=0.02)
    np.testing.assert_array_equal(fitted.log_prob(z[:9]), fit_density(z, family, seed=1).log_prob(z[:9]))


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.zeros((0, 3)), "needs at least one item"),
        (np.zeros(3), r"shape \(3,\); expected \(n, dims\)"),
        (np.zeros((3, 0)), "dims at least 1"),
        (np.array([[0.0, 1], [np.nan, 1]]), "NaN or infinity, first in row 1 of 2"),
    ],
)
def test_what_cannot_be_fitted_says_why(family, z, message):
    with pytest.raises(ValueError, match=message):
        fit_density(z, family)


def test_latents_of_other_dims_say_both_numbers(family):
    with pytest.raises(ValueError, match="latents of 3 dims, but this density was fitted on 2"):
        fit_density(two_moons(50), family).log_prob(np.zeros((1, 3)))


def test_an_unknown_density_lists_the_known_ones():
    with pytest.raises(
        ValueError, match=r"density='kde' is not known\. Known densities: .*gaussian, mixture, .* or 'auto'"
    ):
        fit_density(two_moons(50), "kde")


def test_no_components_is_out_of_range():
    with pytest.raises(ValueError, match="max_components=0"):
        MixtureDensity(max_components=0).fit(two_moons(50))
