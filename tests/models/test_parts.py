"""The parts of a composed model against closed forms, torch.distributions and Monte Carlo."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributions as td

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


def test_a_point_is_its_own_mean_and_draw():
    q = Point(torch.ones(2, 3))
    assert q.rsample(torch.Generator()) is q.mean


def test_the_prior_draws_the_same_from_the_same_generator():
    draw = [StandardNormal(2).sample(1000, torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*draw)
    assert draw[0].mean(0).abs().max() < 0.15
