"""The parts of a composed model against closed forms, torch.distributions and Monte Carlo."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributions as td

from latentspace.models.divergences import KL
from latentspace.models.likelihoods import Bernoulli, Gaussian
from latentspace.models.posteriors import Gaussian as GaussianPosterior
from latentspace.models.posteriors import Point
from latentspace.models.priors import StandardNormal


def _posterior(seed: int, n: int = 5, dims: int = 3) -> GaussianPosterior:
    return GaussianPosterior.of(torch.randn((n, 2 * dims), generator=torch.Generator().manual_seed(seed)))


@settings(deadline=None)
@given(st.integers(0, 2**31))
def test_the_kl_is_the_closed_form_of_torch_distributions(seed):
    q = _posterior(seed)
    expected = td.kl_divergence(td.Normal(q.mean, torch.exp(0.5 * q.log_var)), td.Normal(0.0, 1.0))
    torch.testing.assert_close(q.kl(StandardNormal(3)), expected, atol=1e-5, rtol=1e-5)


def test_the_kl_is_the_mean_log_ratio_over_draws():
    q = _posterior(0)
    generator = torch.Generator().manual_seed(1)
    prior = StandardNormal(3)
    ratios = torch.stack([q.log_prob(z) - prior.log_prob(z) for z in (q.rsample(generator) for _ in range(4_000))])
    error = ratios.std(0) / math.sqrt(len(ratios))
    assert (torch.abs(ratios.mean(0) - q.kl(StandardNormal(3)).sum(1)) < 5 * error).all()


def test_the_posteriors_density_and_draws_are_those_of_a_normal():
    q = _posterior(0)
    normal = td.Normal(q.mean, torch.exp(0.5 * q.log_var))
    z = q.rsample(torch.Generator().manual_seed(0))
    torch.testing.assert_close(q.log_prob(z), normal.log_prob(z).sum(1))
    torch.testing.assert_close(q.at(torch.ones(1, 3)), q.mean + normal.stddev)
    torch.testing.assert_close(
        StandardNormal(3).log_prob(z), td.Normal(torch.zeros(3), torch.ones(3)).log_prob(z).sum(1)
    )


def test_an_extreme_encoder_output_gives_a_finite_posterior_with_a_gradient():
    outputs = torch.tensor([[0.0, 1e3], [0.0, -1e3], [0.0, 30.0]], requires_grad=True)
    kl = GaussianPosterior.of(outputs).kl(StandardNormal(1))
    assert torch.isfinite(kl).all()
    (gradient,) = torch.autograd.grad(kl.sum(), outputs)
    assert torch.isfinite(gradient).all()
    assert gradient[2, 1] != 0


def test_free_bits_take_away_the_pull_on_dimensions_below_them():
    outputs = torch.tensor([[0.1, 2.0, 0.0, 0.0]], requires_grad=True)  # KL of 0.005 and of 2
    q = GaussianPosterior.of(outputs)
    penalty, said = KL(2, free_bits=0.05).penalty(q, q.mean, StandardNormal(2), torch.Generator(), progress=1.0)
    assert penalty.item() == pytest.approx(2.05, abs=1e-4)
    assert said["kl"].item() == pytest.approx(2.005, abs=1e-4)
    penalty.backward()
    assert outputs.grad[0, 0] == 0
    assert outputs.grad[0, 1] == pytest.approx(2.0)


@pytest.mark.parametrize(("progress", "weight"), [(0.0, 0.0), (0.1, 2.0), (0.2, 4.0), (0.9, 4.0)])
def test_the_kl_weight_rises_to_beta_over_the_warm_up(progress, weight):
    assert KL(2, beta=4.0, warm_up=0.2).weight(progress) == pytest.approx(weight)


def test_a_point_is_its_own_mean_and_draw():
    q = Point(torch.ones(2, 3))
    assert q.rsample(torch.Generator()) is q.mean


@settings(deadline=None)
@given(st.integers(0, 2**31), st.floats(0.1, 30))
def test_the_bernoulli_nll_and_its_gradient_are_torchs(seed, spread):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand((4, 2, 3), generator=generator)
    logits = (spread * torch.randn((4, 2, 3), generator=generator)).requires_grad_()
    nll = Bernoulli((6,)).nll(logits, x)
    expected = _cross_entropy(logits, x)
    torch.testing.assert_close(nll, expected, atol=1e-4, rtol=1e-5)
    weights = torch.arange(1.0, 5.0)
    (ours,) = torch.autograd.grad((nll * weights).sum(), logits, retain_graph=True)
    (theirs,) = torch.autograd.grad((expected * weights).sum(), logits)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def _cross_entropy(logits, x):
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def test_the_bernoulli_nll_of_bits_is_minus_their_log_probability():
    logits, x = torch.randn((4, 6), generator=torch.Generator().manual_seed(0)), torch.ones(4, 6)
    x[:, ::2] = 0
    torch.testing.assert_close(Bernoulli((6,)).nll(logits, x), -td.Bernoulli(logits=logits).log_prob(x).sum(1))


@pytest.mark.parametrize("scale", [0.1, 2.0])
def test_the_gaussian_nll_is_minus_the_normal_log_density(scale):
    outputs, x = torch.randn((2, 4, 6), generator=torch.Generator().manual_seed(0)).unbind()
    torch.testing.assert_close(Gaussian((6,), scale).nll(outputs, x), -td.Normal(outputs, scale).log_prob(x).sum(1))


def test_the_learned_scale_settles_on_the_residuals_deviation():
    likelihood = Gaussian((50,)).train()
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        likelihood.nll(torch.zeros(64, 50), 0.3 * torch.randn((64, 50), generator=generator))
    assert float(likelihood.variance.sqrt()) == pytest.approx(0.3, rel=0.02)
    before = likelihood.variance.clone()
    likelihood.eval().nll(torch.zeros(64, 50), torch.ones(64, 50))
    assert likelihood.variance == before  # judging teaches it nothing


def test_a_perfect_reconstruction_keeps_the_learned_scale_above_nothing():
    likelihood = Gaussian((2,)).train()
    for _ in range(2000):
        nll = likelihood.nll(torch.zeros(4, 2), torch.zeros(4, 2))
    assert torch.isfinite(nll).all()
    assert likelihood.variance > 0


def test_the_prior_draws_the_same_from_the_same_generator():
    draw = [StandardNormal(2).sample(1000, torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*draw)
    assert draw[0].mean(0).abs().max() < 0.15
