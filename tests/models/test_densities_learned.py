"""Densities that networks learn: flow, flow matching, two-stage."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from moons import two_moons
from scipy import stats

from latentspace.models.densities import density_class, fit_density
from latentspace.models.densities.flow import SplineFlow
from latentspace.models.densities.flow_matching import VectorField

FAMILIES = ["flow", "flow-matching", "two-stage"]
EXACT = ["flow", "flow-matching"]
FEW_STEPS = {"flow": 80, "flow-matching": 300, "two-stage": 300}  # enough to bend; the defaults are what users get


def broad_moons(n: int, seed: int = 0) -> np.ndarray:
    """Moons that a grid of thousands of points resolves, in units of their own."""
    return two_moons(n, seed, noise=0.25) * [3, 0.1] + [5, -2]


def learn(name: str, z: np.ndarray, steps: int | None = None, **options):
    return density_class(name)(steps=steps or FEW_STEPS[name], random_state=0, **options).fit(z)


@pytest.fixture(params=FAMILIES)
def family(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def moons() -> dict:
    """Each family, fitted to moons in units of their own; fits are shared, since they are what takes time."""
    z = broad_moons(600)
    return {name: learn(name, z) for name in FAMILIES}


@pytest.fixture(scope="module")
def plane(moons) -> dict:
    """Log-densities on a grid that covers the moons, and the area of its cells."""
    first, second = np.linspace(-13, 26, 90), np.linspace(-2.45, -1.5, 70)
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    area = (first[1] - first[0]) * (second[1] - second[0])
    return {name: (fitted.log_prob(grid), area) for name, fitted in moons.items()}


# ---------------------------------------------------------------------- truths


@pytest.mark.parametrize("name", EXACT)
def test_the_probability_of_a_plane_is_one(plane, name):
    log_prob, area = plane[name]
    assert np.exp(log_prob).sum() * area == pytest.approx(1, abs=5e-3)


def test_a_bound_leaves_a_little_of_the_probability_out(plane):
    log_prob, area = plane["two-stage"]
    assert 0.9 < np.exp(log_prob).sum() * area < 1.005


def test_samples_follow_their_own_density(moons, plane, family):
    """A share s of the samples lies where the density is below the level that has a share s of the probability."""
    drawn = moons[family].log_prob(moons[family].sample(500, np.random.default_rng(0)))
    on_grid, area = plane[family]
    on_grid = np.sort(on_grid)
    lower = np.cumsum(np.exp(on_grid) * area)
    shares = np.interp(drawn, on_grid, lower / lower[-1])
    assert stats.kstest(shares, "uniform").pvalue > 1e-3


def test_unseen_moons_are_likelier_than_under_a_gaussian(moons, family):
    unseen = broad_moons(500, seed=1)
    gaussian = fit_density(broad_moons(600), "gaussian").log_prob(unseen).mean()
    assert moons[family].log_prob(unseen).mean() > gaussian + (0.02 if family == "two-stage" else 0.2)


@pytest.mark.parametrize("dims", [1, 2, 5])
def test_the_determinant_of_a_flow_is_that_of_its_jacobian(dims):
    torch.manual_seed(0)
    flow = SplineFlow(dims).double()
    for parameter in flow.parameters():
        parameter.data.normal_(0, 0.3)
    u = torch.randn(dims, dtype=torch.float64)
    transform = flow.flow().transform
    jacobian = torch.autograd.functional.jacobian(transform, u).reshape(dims, dims)
    expected = torch.linalg.slogdet(jacobian).logabsdet - 0.5 * (transform(u).square().sum() + dims * np.log(2 * np.pi))
    np.testing.assert_allclose(flow.log_prob(u[None]).detach(), expected[None].detach(), atol=1e-8)
    np.testing.assert_allclose(flow.push(transform(u).detach()[None])[0], u, atol=1e-6)


def test_the_divergence_of_a_field_is_the_trace_of_its_jacobian():
    torch.manual_seed(0)
    field = VectorField(4).double()
    u, t = torch.randn(3, 4, dtype=torch.float64), torch.rand(3, 1, dtype=torch.float64)
    state = field._with_divergence(torch.cat([u, torch.zeros(3, 1)], dim=1), t)
    jacobian = torch.autograd.functional.jacobian(lambda u: field(u, t).sum(0), u)  # (4, 3, 4)
    np.testing.assert_allclose(state[:, -1].detach(), torch.einsum("ini->n", jacobian).detach(), atol=1e-12)
    np.testing.assert_allclose(state[:, :-1].detach(), field(u, t).detach(), atol=1e-12)


def test_many_dims_estimate_the_divergence_from_directions_whose_squares_average_to_the_identity():
    probes = VectorField(200)._probes(torch.float64)
    np.testing.assert_allclose((probes.T @ probes).diagonal(), 1)
    off = (probes.T @ probes) - torch.eye(200)
    assert abs(float(off.mean())) < 0.01


def test_white_noise_stays_a_gaussian(family):
    z = np.random.default_rng(0).normal(size=(600, 3)) @ np.diag([1, 10, 0.1])
    unseen = np.random.default_rng(1).normal(size=(1000, 3)) @ np.diag([1, 10, 0.1])
    gaussian = fit_density(z, "gaussian").log_prob(unseen).mean()
    assert learn(family, z, steps=40).log_prob(unseen).mean() == pytest.approx(gaussian, abs=0.15)


# ---------------------------------------------------------------------- keeping


def test_a_state_round_trip_is_bit_equal(moons, family):
    fitted = moons[family]
    params, facts, arrays = fitted.get_state()
    params, facts = json.loads(json.dumps([params, facts]))
    again = density_class(family).from_state(params, facts, {name: array.copy() for name, array in arrays.items()})
    z, rng = two_moons(50), np.random.default_rng
    np.testing.assert_array_equal(again.log_prob(z), fitted.log_prob(z))
    np.testing.assert_array_equal(again.sample(50, rng(1)), fitted.sample(50, rng(1)))


def test_a_damaged_state_is_refused(moons, family):
    params, facts, arrays = moons[family].get_state()
    weights = next(name for name in arrays if name.startswith("network/") and arrays[name].ndim)
    damaged = [
        (facts, {name: array for name, array in arrays.items() if name != weights}),
        (facts, {**arrays, weights: arrays[weights][..., :1]}),
        (facts, {**arrays, weights: np.full_like(arrays[weights], np.nan)}),
        (facts, {**arrays, weights: arrays[weights].astype(np.int64)}),
        (facts, {**arrays, "network/unasked": np.zeros(3, np.float32)}),
        (facts, {**arrays, "mean_": np.zeros(3)}),
        ({**facts, "learned_": "yes"}, arrays),
    ]
    for broken_facts, broken in damaged:
        with pytest.raises(ValueError, match="damaged"):
            density_class(family).from_state(params, broken_facts, broken)


def test_one_seed_gives_one_answer_and_leaves_the_global_one_alone(family):
    z = two_moons(200)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again = learn(family, z, steps=10), learn(family, z, steps=10)
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(first.log_prob(z), again.log_prob(z))
    draws = [first.sample(9, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


# ---------------------------------------------------------------------- edges


@settings(max_examples=12, deadline=None)
@given(
    n=st.sampled_from([1, 2, 49, 50, 70]),
    dims=st.integers(1, 5),
    distinct=st.integers(1, 5),
    constant=st.integers(0, 5),
    offset=st.sampled_from([0.0, -1e6]),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    name=st.sampled_from(FAMILIES),
)
def test_any_latents_give_a_finite_density(n, dims, distinct, constant, offset, scale, name):
    rng = np.random.default_rng(n * 7 + dims)
    z = rng.normal(size=(distinct, dims))[rng.integers(0, distinct, n)] * scale + offset
    z[:, :constant] = offset
    fitted = learn(name, z.astype(np.float32), steps=3)
    assert np.isfinite(fitted.log_prob(z.astype(np.float32))).all()
    drawn = fitted.sample(20, np.random.default_rng(0))
    assert drawn.shape == (20, dims)
    assert drawn.dtype == np.float32
    assert np.isfinite(drawn).all()


def test_a_constant_dimension_is_sampled_as_that_constant(family):
    z = np.column_stack([two_moons(100), np.full(100, 7.0)])
    fitted = learn(family, z, steps=20)
    np.testing.assert_allclose(fitted.sample(1000, np.random.default_rng(0))[:, 2], 7, atol=1e-3)


def test_no_samples_is_an_empty_array(moons, family):
    assert moons[family].sample(0, np.random.default_rng(0)).shape == (0, 2)
    assert moons[family].log_prob(np.empty((0, 2))).shape == (0,)


def test_no_steps_is_out_of_range(family):
    with pytest.raises(ValueError, match="steps=0 must be an integer of at least 1"):
        density_class(family)(steps=0).fit(two_moons(60))
