"""Priors: densities that integrate to one and agree with their draws, and what they learn from."""

import math

import pytest
import torch
from scipy import stats
from torch import distributions as td

from latentspace.models.composition import Composition
from latentspace.models.divergences import DIVERGENCES
from latentspace.models.likelihoods import LIKELIHOODS
from latentspace.models.networks import initialise, plan
from latentspace.models.posteriors import POSTERIORS
from latentspace.models.priors import PRIORS
from latentspace.models.priors.ball import BallPrior
from latentspace.models.updates import Updates

FLAT = ["normal", "mixture", "flow", "vamp", "dirichlet"]


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _model(prior: str, posterior: str = "gaussian", dims: int = 2, **options) -> Composition:
    model = Composition(
        plan((4,), "dense", [8]),
        dims,
        posterior=POSTERIORS[posterior](dims),
        prior=PRIORS[prior](dims, **options),
        divergence=DIVERGENCES["kl"](dims),
        likelihood=LIKELIHOODS["gaussian"]((4,), 1.0),
    )
    model.initialise(_generator())
    model.start(torch.randn((50, 4), generator=_generator(1)), _generator(2))
    return model.eval()


def _grid(side: float, steps: int) -> tuple[torch.Tensor, float]:
    axis = (torch.arange(steps) + 0.5) / steps * 2 * side - side
    return torch.cartesian_prod(axis, axis), (2 * side / steps) ** 2


@pytest.mark.parametrize("name", FLAT)
@torch.no_grad()
def test_a_flat_priors_density_integrates_to_one_and_is_that_of_its_draws(name):
    prior = _model(name).prior
    points, area = _grid(9.0, 180)
    p = torch.exp(prior.log_prob(points)) * area
    assert p.sum().item() == pytest.approx(1, abs=5e-3)
    drawn = prior.sample(4000, _generator(5))
    angle = torch.tensor([0.6, 0.8])  # draws along one direction against the density's own distribution function there
    order = torch.argsort(points @ angle)
    expected = torch.cumsum(p[order], 0)

    def share_below(values):
        place = torch.searchsorted((points @ angle)[order].contiguous(), torch.as_tensor(values))
        return expected[place.clamp_max(len(expected) - 1)].double().numpy()

    assert stats.kstest((drawn @ angle).numpy(), share_below).pvalue > 1e-3


def test_the_normal_prior_is_torchs():
    z = torch.randn((5, 3), generator=_generator())
    torch.testing.assert_close(
        PRIORS["normal"](3).log_prob(z), td.Normal(torch.zeros(3), torch.ones(3)).log_prob(z).sum(1)
    )


@pytest.mark.parametrize("name", sorted(PRIORS))
def test_a_prior_draws_the_same_from_the_same_generator(name):
    posterior = {"sphere": "vmf", "poincare": "poincare"}.get(name, "gaussian")
    prior = _model(name, posterior).prior
    with torch.no_grad():
        first, again, other = (prior.sample(64, _generator(seed)) for seed in (3, 3, 4))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert torch.isfinite(prior.log_prob(first)).all()


@pytest.mark.parametrize("dims", [2, 3, 10])
def test_draws_of_the_uniform_sphere_have_length_one_and_favour_no_direction(dims):
    z = PRIORS["sphere"](dims).sample(4000, _generator())
    torch.testing.assert_close(z.square().sum(1), torch.ones(4000))
    beta = stats.beta((dims - 1) / 2, (dims - 1) / 2)  # of a coordinate, moved to [0, 1]
    assert stats.kstest((z[:, 0].double().numpy() + 1) / 2, beta.cdf).pvalue > 1e-3
    area = 2 * math.pi ** (dims / 2) / math.gamma(dims / 2)
    assert PRIORS["sphere"](dims).log_prob(z)[0].item() == pytest.approx(-math.log(area), rel=1e-5)


@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_the_ball_prior_integrates_to_one_over_hyperbolic_volume_and_its_draws_have_normal_lengths(scale):
    prior = BallPrior(2, scale)
    points, area = _grid(1.0, 1000)
    norm = points.square().sum(1)
    inside = norm < 0.9999
    volume = (2 / (1 - norm[inside])) ** 2 * area
    total = (prior.log_prob(points[inside]).double().exp() * volume).sum().item()
    assert total == pytest.approx(1, abs=5e-3)
    length = 2 * torch.atanh(torch.linalg.vector_norm(prior.sample(4000, _generator()), dim=1))
    assert stats.kstest(length.double().numpy() / scale, stats.chi(2).cdf).pvalue > 1e-3


def test_a_vamp_prior_is_the_mean_of_its_pseudo_inputs_posteriors():
    model = _model("vamp", components=7)
    z = torch.randn((6, 2), generator=_generator(3))
    each = [model.posterior(model.encoder(model.prior.inputs[k : k + 1].repeat(6, 1))).log_prob(z) for k in range(7)]
    torch.testing.assert_close(model.prior.log_prob(z), torch.logsumexp(torch.stack(each), 0) - math.log(7))


@pytest.mark.parametrize("posterior", ["vmf", "poincare", "iaf", "planar"])
def test_a_vamp_prior_goes_with_any_posterior_that_has_a_density(posterior):
    model = _model("vamp", posterior, components=5)
    with torch.no_grad():
        z = model.prior.sample(6, _generator(4))
        each = [
            model.posterior(model.encoder(model.prior.inputs[k : k + 1].repeat(6, 1))).log_prob(z) for k in range(5)
        ]
        torch.testing.assert_close(
            model.prior.log_prob(z), torch.logsumexp(torch.stack(each), 0) - math.log(5), atol=1e-3, rtol=1e-3
        )


def test_pseudo_inputs_start_as_items_and_none_is_another_even_where_items_are_alike():
    model = _model("vamp", components=40)
    items = torch.randn((50, 4), generator=_generator(1))
    assert torch.cdist(model.prior.inputs, items).min(1).values.max() < 0.2
    model.start(torch.ones(3, 4).cumsum(1), _generator(0))
    assert torch.pdist(model.prior.inputs).min() > 0


def test_a_vamp_prior_is_no_second_owner_of_the_encoder():
    model = _model("vamp", components=5)
    assert [name for name, _ in model.prior.named_parameters()] == ["inputs"]
    assert len(list(model.parameters())) == len({id(parameter) for parameter in model.parameters()})


def test_a_flow_prior_starts_as_the_standard_normal():
    prior = PRIORS["flow"](3)
    initialise(prior, _generator())
    prior.initialise(_generator())
    z = torch.randn((20, 3), generator=_generator())
    torch.testing.assert_close(prior.log_prob(z), PRIORS["normal"](3).log_prob(z), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["mixture", "flow"])
def test_a_learned_prior_finds_the_law_of_latents_in_two_groups(name):
    prior = _model(name, dims=1).prior.train()
    side = torch.randint(0, 2, (512, 1), generator=_generator()) * 4.0 - 2
    z = side + 0.3 * torch.randn((512, 1), generator=_generator(1))
    # Entropy of the two groups: log 2 for the side, and a normal's for the place within.
    entropy = math.log(2) + 0.5 * math.log(2 * math.pi * math.e * 0.09)
    before = -prior.log_prob(z).mean().item()
    updates = Updates(prior.parameters(), weight_decay=0.0)
    for _ in range(150):
        updates.step(-prior.log_prob(z).mean(), rate=0.03)
    after = -prior.log_prob(z).mean().item()
    assert after < before
    assert after == pytest.approx(entropy, abs=0.15)


def test_a_prior_says_what_its_options_can_be():
    with pytest.raises(ValueError, match="components=0 must be an integer from 1"):
        PRIORS["vamp"](2, components=0)
    with pytest.raises(ValueError, match="scale=-1 must be a number"):
        PRIORS["poincare"](2, scale=-1)
