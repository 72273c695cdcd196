"""Posteriors against closed forms, scipy, integrals and the Jacobian; a draw and its density agree in each."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from torch import distributions as td

from latentspace.models.networks import initialise
from latentspace.models.posteriors import POSTERIORS, Gaussian, Point
from latentspace.models.posteriors import ball as hyperbolic
from latentspace.models.posteriors.ball import WrappedNormal
from latentspace.models.posteriors.bessel import log_bessel
from latentspace.models.posteriors.sphere import VonMisesFisher, log_area
from latentspace.models.priors import PRIORS

WITH_DENSITY = sorted(name for name, posterior in POSTERIORS.items() if posterior.has_density)
FLOWS = ["iaf", "maf", "planar"]


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _posterior(name: str, dims: int = 3, n: int = 5, seed: int = 0, bend: float = 0.3):
    """q of a posterior whose own weights are drawn wide enough that a flow bends, for random encoder outputs."""
    posterior = POSTERIORS[name](dims=dims)
    with torch.no_grad():
        for parameter in posterior.parameters():
            parameter.normal_(0, bend, generator=_generator(seed + 1))
    return posterior(torch.randn((n, posterior.outputs), generator=_generator(seed)))


@pytest.mark.parametrize("name", WITH_DENSITY)
def test_a_draws_own_density_is_the_density_at_the_draw(name):
    q = _posterior(name)
    z, log_q = q.rsample_with_log_prob(_generator(3))
    torch.testing.assert_close(
        q.log_prob(z.clone()), log_q, atol=2e-4, rtol=1e-4
    )  # a clone: what was drawn is remembered
    torch.testing.assert_close(q.log_prob(z), log_q)
    torch.testing.assert_close(q.rsample(_generator(3)), z)


@pytest.mark.parametrize("name", sorted(POSTERIORS))
def test_draws_that_share_chance_do_not_depend_on_the_items_beside_them(name):
    posterior = POSTERIORS[name](dims=3)
    h = torch.randn((6, posterior.outputs), generator=_generator())
    alone = posterior(h[4:5]).rsample(_generator(1), shared=True)
    torch.testing.assert_close(posterior(h).rsample(_generator(1), shared=True)[4:5], alone)
    apart = posterior(h[:1].repeat(2, 1)).rsample(_generator(1))
    assert name == "point" or not torch.equal(apart[0], apart[1])  # and without sharing each item has its own


@pytest.mark.parametrize("name", sorted(POSTERIORS))
@pytest.mark.parametrize("size", [0.0, 1.0, 1e4])
def test_no_encoder_output_gives_nan_in_a_draw_its_density_or_a_gradient(name, size):
    posterior = POSTERIORS[name](dims=4)
    h = (size * torch.randn((64, posterior.outputs), generator=_generator())).requires_grad_()
    if name in (
        "iaf",
        "maf",
    ):  # their context is as large as the encoder likes; a tanh or a clip bounds what comes of it
        h = h.detach().clamp(-100, 100).requires_grad_()
    q = posterior(h)
    z = q.rsample(_generator(1))
    values = z.square().sum() if name == "point" else z.sum() + q.log_prob(z).sum()
    (gradient,) = torch.autograd.grad(values, h)
    assert all(torch.isfinite(tensor).all() for tensor in (q.mean, z, values, gradient))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31))
def test_the_gaussians_kl_is_the_closed_form_of_torch_distributions(seed):
    q = _posterior("gaussian", seed=seed)
    expected = td.kl_divergence(td.Normal(q.mean, torch.exp(0.5 * q.log_var)), td.Normal(0.0, 1.0))
    torch.testing.assert_close(q.kl(PRIORS["normal"](3)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("posterior", "prior"), [("gaussian", "normal"), ("vmf", "sphere")])
def test_a_kl_in_closed_form_is_the_mean_log_ratio_over_draws(posterior, prior):
    part, p = POSTERIORS[posterior](dims=3), PRIORS[prior](3)
    h = torch.randn((5, part.outputs), generator=_generator())
    q = part(h)
    z, log_q = part(h.repeat(4000, 1)).rsample_with_log_prob(_generator(1))
    ratios = (log_q - p.log_prob(z)).unflatten(0, (4000, 5))
    error = ratios.std(0) / math.sqrt(len(ratios))
    assert (torch.abs(ratios.mean(0) - q.kl(p).sum(1)) < 5 * error).all()


@pytest.mark.parametrize("name", WITH_DENSITY)
def test_only_the_prior_that_a_closed_form_is_known_for_gets_one(name):
    known = {"gaussian": "normal", "vmf": "sphere"}  # and a normal prior of any variance: see below
    for prior in ("normal", "mixture", "sphere", "poincare"):
        assert (_posterior(name).kl(PRIORS[prior](3)) is not None) == (known.get(name) == prior)


def test_the_gaussians_divergence_from_a_wider_normal_is_that_of_torchs_distributions():
    prior = PRIORS["dirichlet"](4, alpha=0.3)
    q = _posterior("gaussian", dims=4)
    theirs = td.kl_divergence(
        td.Normal(q.mean, torch.exp(0.5 * q.log_var)), td.Normal(torch.zeros(4), math.sqrt((1 - 1 / 4) / 0.3))
    )
    torch.testing.assert_close(q.kl(prior), theirs)


def test_the_gaussians_density_and_draws_are_those_of_a_normal():
    q = _posterior("gaussian")
    normal = td.Normal(q.mean, torch.exp(0.5 * q.log_var))
    z = q.rsample(_generator())
    torch.testing.assert_close(q.log_prob(z), normal.log_prob(z).sum(1))
    torch.testing.assert_close(q.at(torch.ones(1, 3)), q.mean + normal.stddev)


def test_an_extreme_encoder_output_gives_the_gaussian_a_finite_kl_with_a_gradient():
    outputs = torch.tensor([[0.0, 1e3], [0.0, -1e3], [0.0, 30.0]], requires_grad=True)
    kl = Gaussian.of(outputs).kl(PRIORS["normal"](1))
    assert torch.isfinite(kl).all()
    (gradient,) = torch.autograd.grad(kl.sum(), outputs)
    assert torch.isfinite(gradient).all()
    assert gradient[2, 1] != 0


def test_a_point_is_its_own_mean_and_draw():
    q = Point(torch.ones(2, 3))
    assert q.rsample(torch.Generator()) is q.mean


@pytest.mark.parametrize("name", FLOWS)
def test_a_flows_log_determinant_is_that_of_its_jacobian_there_and_back(name):
    q = _posterior(name, n=1)
    u = torch.randn((1, 3), generator=_generator(2))
    z, log_det = q.push(u)
    jacobian = torch.autograd.functional.jacobian(lambda u: q.push(u)[0], u)[0, :, 0]
    torch.testing.assert_close(log_det[0], torch.linalg.slogdet(jacobian).logabsdet, atol=1e-4, rtol=1e-4)
    assert log_det.abs() > 0.01  # it does bend
    back, log_det_back = q.pull(z)
    torch.testing.assert_close(back, u, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(log_det_back, -log_det, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", FLOWS)
def test_a_flows_density_integrates_to_one(name):
    q = _posterior(name, dims=2, n=1, bend=0.1)
    points, area = _grid(12.0, 400)
    with torch.no_grad():
        u, log_det = q.pull(points)
        total = torch.exp(q.start.log_prob(u) + log_det).sum().item() * area
    assert total == pytest.approx(1, abs=5e-3)


def _grid(side: float, steps: int) -> tuple[torch.Tensor, float]:
    axis = (torch.arange(steps) + 0.5) / steps * 2 * side - side
    return torch.cartesian_prod(axis, axis), (2 * side / steps) ** 2


@pytest.mark.parametrize("name", FLOWS)
def test_the_gradient_of_a_flows_density_anywhere_is_its_slope(name):
    posterior = POSTERIORS[name](dims=2).double()
    h = (0.5 * torch.randn((4, posterior.outputs), generator=_generator())).double().requires_grad_()
    z = torch.randn((4, 2), generator=_generator(1)).double()
    (gradient,) = torch.autograd.grad(posterior(h).log_prob(z).sum(), h)
    direction = torch.randn(h.shape, generator=_generator(2)).double()
    step = 1e-6
    with torch.no_grad():
        ahead, behind = (posterior(h + sign * step * direction).log_prob(z).sum() for sign in (1, -1))
    assert (gradient * direction).sum().item() == pytest.approx((ahead - behind).item() / (2 * step), rel=1e-4)


def test_flows_start_near_the_gaussian():
    for name in ("iaf", "maf"):
        posterior = POSTERIORS[name](dims=3)
        initialise(posterior, _generator())
        posterior.initialise(_generator())
        q = posterior(torch.randn((5, posterior.outputs), generator=_generator()))
        torch.testing.assert_close(q.mean, q.start.mean, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("order", [0.0, 0.5, 1.0, 7.0, 31.5, 255.0])
def test_bessel_functions_and_their_ratios_are_scipys_at_low_and_high_orders(order):
    x = np.array([1e-3, 0.1, 1.0, 5.0, 30.0, 400.0, 1e5])
    ours, ratio = log_bessel(order, torch.from_numpy(x))
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = np.log(special.ive(order, x)) + x
        theirs_ratio = special.ive(order + 1, x) / special.ive(order, x)
    held = np.isfinite(theirs)
    assert held.sum() >= 3  # where scipy's underflow, ours go on
    np.testing.assert_allclose(ours[held], theirs[held], rtol=1e-8, atol=1e-7)
    np.testing.assert_allclose(ratio[held & np.isfinite(theirs_ratio)], theirs_ratio[held], rtol=1e-6)
    assert torch.isfinite(ours).all()
    assert ((ratio > 0) & (ratio < 1)).all()


def _vmf(concentration: float, dims: int, n: int) -> VonMisesFisher:
    mean = torch.zeros(n, dims)
    mean[:, -1] = 1
    return VonMisesFisher(mean, torch.full((n, 1), concentration))


@pytest.mark.parametrize(("dims", "concentration"), [(2, 0.5), (2, 20.0), (3, 4.0), (8, 30.0), (64, 500.0)])
def test_von_mises_fisher_draws_and_density_are_scipys(dims, concentration):
    q = _vmf(concentration, dims, 4000)
    z = q.rsample(_generator()).double().numpy()
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)
    theirs = stats.vonmises_fisher(q.mean[0].double().numpy(), concentration)
    # The log-densities differ by less in float32 than a nat's ten-thousandth of a concentration of 500.
    np.testing.assert_allclose(
        q.log_prob(torch.from_numpy(z).float())[:50], theirs.logpdf(z[:50]), rtol=1e-4, atol=1e-3
    )
    drawn = theirs.rvs(4000, random_state=1)
    assert stats.ks_2samp(z[:, -1], drawn[:, -1]).pvalue > 1e-3  # the cosine
    assert stats.ks_2samp(z[:, 0], drawn[:, 0]).pvalue > 1e-3  # one coordinate across the mean
    entropy = theirs.entropy()
    assert -q.log_prob(torch.from_numpy(z).float()).mean() == pytest.approx(entropy, abs=0.15)
    assert q.kl(PRIORS["sphere"](dims))[0].item() == pytest.approx(log_area(dims) - entropy, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(("dims", "concentration"), [(2, 1.0), (3, 4.0), (16, 40.0), (128, 2000.0)])
def test_the_gradient_through_a_von_mises_fisher_draw_is_that_of_the_expectation(dims, concentration):
    # E[w] = A(k), so the mean of dw/dk over draws is A'(k) = 1 - A^2 - (dims - 1) A / k.
    k = torch.full((8000, 1), concentration, requires_grad=True)
    q = VonMisesFisher(_vmf(1.0, dims, 8000).mean, k)
    (gradient,) = torch.autograd.grad(q.rsample(_generator())[:, -1].sum(), k)
    a = log_bessel(dims / 2 - 1, torch.tensor([concentration]))[1].item()
    known = 1 - a**2 - (dims - 1) * a / concentration
    assert gradient.mean().item() == pytest.approx(known, abs=5 * gradient.std().item() / math.sqrt(8000))
    assert gradient.std().item() < 10 * known  # no draw's gradient runs away


def test_the_sphere_has_no_place_for_one_dimension():
    with pytest.raises(ValueError, match="two points for dims=1"):
        POSTERIORS["vmf"](dims=1)


@pytest.mark.parametrize("mean", [(0.0, 0.0), (0.6, -0.3)])
def test_the_density_on_the_poincare_ball_integrates_to_one_over_hyperbolic_volume(mean):
    points, area = _grid(1.0, 1200)
    points = points[(norm := points.square().sum(1)) < 0.9999]
    volume = (2 / (1 - norm[norm < 0.9999])) ** 2 * area
    q = WrappedNormal(torch.tensor([mean]), torch.tensor([[-1.0, -2.0]]))
    assert (q.log_prob(points).double().exp() * volume).sum().item() == pytest.approx(1, abs=5e-3)


def test_draws_on_the_ball_lie_at_the_distances_that_their_tangent_vectors_have():
    q = WrappedNormal(torch.tensor([[0.5, 0.1, -0.3]]).repeat(4000, 1), torch.zeros(4000, 3))
    z = q.rsample(_generator())
    difference = (z - q.mean).square().sum(1)
    room = (1 - z.square().sum(1)) * (1 - q.mean.square().sum(1))
    distance = torch.arccosh(1 + 2 * difference / room)  # the textbook's formula for the ball
    assert stats.kstest(distance.double().numpy(), stats.chi(3).cdf).pvalue > 1e-3


@pytest.mark.parametrize("dims", [2, 16, 64])
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_no_posterior_on_the_ball_is_so_wide_that_its_draws_pile_up_at_the_edge(dims, size):
    # Draws taken back to the edge once gave KLs of minus thousands of nats, which training then sought.
    posterior, prior = POSTERIORS["poincare"](dims), PRIORS["poincare"](dims)
    h = (size * torch.randn((8, posterior.outputs), generator=_generator())).repeat(500, 1)
    z, log_q = posterior(h).rsample_with_log_prob(_generator(1))
    assert torch.linalg.vector_norm(z, dim=1).quantile(0.99) < hyperbolic._EDGE
    ratios = (log_q - prior.log_prob(z)).unflatten(0, (500, 8))
    assert (ratios.mean(0) > -3 * ratios.std(0) / math.sqrt(500)).all()


def test_the_balls_logarithm_undoes_its_exponential_and_translations_undo_themselves():
    v = 2 * torch.randn((100, 4), generator=_generator())
    torch.testing.assert_close(hyperbolic.logarithm(hyperbolic.exponential(v)), v, atol=2e-3, rtol=2e-3)
    x, y = hyperbolic.exponential(v[:50] / 3), hyperbolic.exponential(v[50:] / 3)
    torch.testing.assert_close(hyperbolic.add(-x, hyperbolic.add(x, y)), y, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("name", "inside"), [("vmf", "sphere"), ("poincare", "ball")])
def test_a_decoder_can_be_asked_for_points_beside_the_space_of_the_latents(name, inside):
    posterior = POSTERIORS[name](dims=3)
    z = torch.tensor([[0.0, 0, 0], [1e3, 0, 0], [0.1, 0.2, -0.3]])
    assert posterior.space == inside
    assert torch.isfinite(posterior.chart(z)).all()
