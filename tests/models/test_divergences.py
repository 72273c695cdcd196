"""Divergences on distributions whose values are known, and the combinations that are refused."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import distributions as td

from latentspace.models.critics import Critic, two_class_loss
from latentspace.models.divergences import DIVERGENCES, KL, MMD, Adversarial, Capacity, DensityRatio, TotalCorrelation
from latentspace.models.divergences.density_ratio import permute_dims
from latentspace.models.divergences.mmd import mmd
from latentspace.models.networks import initialise
from latentspace.models.posteriors import Gaussian
from latentspace.models.posteriors.gaussian import GaussianPosterior
from latentspace.models.posteriors.point import PointPosterior
from latentspace.models.priors import StandardNormal
from latentspace.models.updates import Updates
from latentspace.models.vae import VAE


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=_generator(seed))


def _posterior(n: int = 5, dims: int = 3, seed: int = 0) -> Gaussian:
    return Gaussian.of(_normal(n, 2 * dims, seed=seed))


def _penalty(divergence, q, z=None, prior=None, seed: int = 0, progress: float = 1.0):
    z = q.mean if z is None else z
    prior = prior or StandardNormal(z.shape[1])
    return divergence.penalty(q, z, prior, _generator(seed), progress)


class _Hidden:
    """A standard normal prior by a name under which no closed form is known."""

    name = "hidden"

    def log_prob(self, z):
        return StandardNormal(z.shape[1]).log_prob(z)


# KL and capacity


def test_the_kl_without_a_closed_form_has_the_closed_form_as_its_mean():
    q, generator, divergence = _posterior(), _generator(1), KL(3)
    drawn = torch.stack(
        [divergence.penalty(q, q.rsample(generator), _Hidden(), generator, 1.0)[0] for _ in range(1000)]
    )
    expected = td.kl_divergence(td.Normal(q.mean, torch.exp(0.5 * q.log_var)), td.Normal(0.0, 1.0)).sum(1).mean()
    assert abs(drawn.mean() - expected) < 5 * drawn.std() / math.sqrt(len(drawn))
    assert _penalty(divergence, q)[0].item() == pytest.approx(expected.item(), rel=1e-5)


def test_free_bits_take_away_the_pull_on_dimensions_below_them():
    outputs = torch.tensor([[0.1, 2.0, 0.0, 0.0]], requires_grad=True)  # KL of 0.005 and of 2
    q = Gaussian.of(outputs)
    penalty, said = KL(2, free_bits=0.05).penalty(q, q.mean, StandardNormal(2), _generator(), progress=1.0)
    assert penalty.item() == pytest.approx(2.05, abs=1e-4)
    assert said["kl"].item() == pytest.approx(2.005, abs=1e-4)
    penalty.backward()
    assert outputs.grad[0, 0] == 0
    assert outputs.grad[0, 1] == pytest.approx(2.0)


@pytest.mark.parametrize(("progress", "weight"), [(0.0, 0.0), (0.1, 2.0), (0.2, 4.0), (0.9, 4.0)])
def test_the_kl_weight_rises_to_beta_over_the_warm_up(progress, weight):
    assert KL(2, beta=4.0, warm_up=0.2).weight(progress) == pytest.approx(weight)


def test_free_bits_count_together_where_the_kl_has_no_parts_by_dimension():
    q = Gaussian(torch.full((4, 2), 0.01), torch.zeros(4, 2))
    penalty, said = _penalty(KL(2, free_bits=0.05), q, prior=_Hidden())
    assert penalty.item() == pytest.approx(0.1)
    assert abs(said["kl"].item()) < 0.01


@pytest.mark.parametrize(("progress", "allowed"), [(0.0, 0.0), (0.25, 20.0), (0.5, 40.0), (1.0, 40.0)])
def test_the_capacity_rises_and_a_kl_off_it_costs_gamma_a_nat_either_way_and_less_when_near(progress, allowed):
    q = _posterior()
    kl = KL(3).penalty(q, q.mean, StandardNormal(3), _generator(), 1.0)[0].item()
    penalty, said = _penalty(Capacity(3, capacity=40.0, gamma=7.0, rise=0.5), q, progress=progress)
    off = abs(kl - allowed)
    assert penalty.item() == pytest.approx(7 * (off - 5 if off > 10 else off**2 / 20), rel=1e-5)
    assert said["kl"].item() == pytest.approx(kl, rel=1e-5)


# Total correlation


def _correlated(n: int, rho: float, noise: float = 0.05, seed: int = 0) -> Gaussian:
    """Posteriors of width `noise` about draws of N(0, [[1, rho], [rho, 1]]): q(z) is as good as that Gaussian."""
    mean = _normal(n, 2, seed=seed) @ torch.linalg.cholesky(torch.tensor([[1.0, rho], [rho, 1.0]])).T
    return Gaussian(mean, torch.full((n, 2), 2 * math.log(noise)))


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_the_total_correlation_is_minus_half_the_log_of_one_less_the_squared_correlation(rho):
    q = _correlated(1500, rho, noise=0.2)
    shared = rho / 1.04  # the noise adds its variance to both dimensions
    _, tc, dim_kl = TotalCorrelation(2).parts(q, q.rsample(_generator(1)), StandardNormal(2))
    assert tc.item() == pytest.approx(-0.5 * math.log(1 - shared**2), abs=0.05)
    assert dim_kl.item() == pytest.approx(0.04 - math.log(1.04), abs=0.05)


def test_the_parts_sum_to_the_kl_and_weigh_one_by_default_but_for_the_total_correlation():
    q = _posterior(200)
    z = q.rsample(_generator(1))
    _, said = _penalty(TotalCorrelation(3), q, z)
    ratio = (q.log_prob(z) - StandardNormal(3).log_prob(z)).mean()
    assert (said["mi"] + said["tc"] + said["dim_kl"]).item() == pytest.approx(ratio.item(), rel=1e-4)
    plain = KL(3).penalty(q, z, StandardNormal(3), _generator(), 1.0)[0]
    assert _penalty(TotalCorrelation(3, tc=1.0), q, z)[0].item() == pytest.approx(plain.item(), rel=1e-5)
    more = _penalty(TotalCorrelation(3, tc=5.0), q, z)[0]
    assert more.item() == pytest.approx((plain + 4 * said["tc"]).item(), rel=1e-4)


def test_mutual_information_of_items_that_never_overlap_is_the_log_of_their_number():
    q = Gaussian(10.0 * torch.arange(8.0).repeat(2, 1).T, torch.full((8, 2), -4.0))
    mi, tc, _ = TotalCorrelation(2).parts(q, q.rsample(_generator(1)), StandardNormal(2))
    assert mi.item() == pytest.approx(math.log(8), abs=1e-4)
    assert tc.item() == pytest.approx(math.log(8), abs=1e-4)  # one dimension tells the item, and so the other


def test_stratified_batches_estimate_the_density_of_all_items_without_bias_and_weighted_ones_from_below():
    n, m = 7, 3
    q, z = _posterior(n, 2), torch.tensor([[0.3, -0.2]])
    exact = q.log_prob_of_each(z).sum(2).exp().mean().item()
    found = {"stratified": [], "weighted": []}
    for sampling, estimates in found.items():
        divergence = TotalCorrelation(2, sampling=sampling)
        divergence.start(torch.zeros(n, 1), _generator())
        weights = divergence._log_weights(m)[0].exp()
        for batch in itertools.permutations(range(n), m):  # the first is the item that z is drawn from
            batch = list(batch)
            each = Gaussian(q.mean[batch], q.log_var[batch]).log_prob_of_each(z).sum(2)[0]
            estimates.append(float(weights @ each.exp()))
    assert np.mean(found["stratified"]) == pytest.approx(exact, rel=1e-4)
    assert np.mean(found["weighted"]) < 0.5 * exact


def test_a_batch_of_one_item_has_a_finite_decomposition():
    penalty, said = _penalty(TotalCorrelation(2), _posterior(1, 2))
    assert all(math.isfinite(float(value)) for value in (penalty, *said.values()))


def test_shuffled_dimensions_keep_their_margins_and_lose_their_correlation():
    z = _correlated(5000, 0.9).mean
    shuffled = permute_dims(z, _generator(1))
    assert torch.equal(z.sort(0).values, shuffled.sort(0).values)
    assert abs(np.corrcoef(shuffled.T)[0, 1]) < 0.05


def test_a_trained_critic_finds_the_total_correlation_of_a_correlated_gaussian():
    divergence, q = DensityRatio(2), _correlated(4000, 0.8, noise=0.01)
    initialise(divergence, _generator())
    (turn,) = divergence.turns(_Drawing(q))
    updates = Updates(turn.parameters, weight_decay=0.0, betas=turn.betas)
    generator = _generator(1)
    for step in range(200):
        batch = torch.randint(4000, (256,), generator=generator)
        updates.step(turn.loss(batch, generator, 1.0)[0], 2e-3 * (1 - step / 200))
    fresh = _correlated(4000, 0.8, noise=0.01, seed=9)
    penalty, said = _penalty(divergence, fresh, fresh.mean)
    assert said["tc"].item() == pytest.approx(-0.5 * math.log(1 - 0.64), abs=0.12)
    assert penalty.item() == pytest.approx((said["kl"] + 6 * said["tc"]).item(), rel=1e-5)


class _Drawing:
    """A model whose items are rows of a posterior."""

    prior = StandardNormal(2)

    def __init__(self, q: Gaussian):
        self.q = q

    def infer(self, rows):
        return Gaussian(self.q.mean[rows], self.q.log_var[rows])


# MMD


def _gaussian_mmd(shift: float, sd: float, dims: int, bandwidth: float) -> float:
    """MMD^2 of N(shift, sd^2 I) from N(0, I) under exp(-|a - b|^2 / bandwidth): Gaussian integrals."""

    def expected(variance: float, distance: float) -> float:
        c = bandwidth + 2 * variance
        return (bandwidth / c) ** (dims / 2) * math.exp(-(distance**2) * dims / c)

    return expected(2 * sd**2, 0) + expected(2, 0) - 2 * expected(1 + sd**2, shift)


@pytest.mark.parametrize(("shift", "sd"), [(0.0, 1.0), (0.7, 1.0), (0.0, 0.5), (1.0, 1.5)])
@pytest.mark.parametrize("dims", [1, 3])
def test_mmd_of_two_gaussians_is_the_closed_form_within_its_own_scatter(shift, sd, dims):
    generator = _generator()
    found = torch.stack([
        mmd(
            shift + sd * torch.randn((100, dims), generator=generator), torch.randn((100, dims), generator=generator),
            2.0, "rbf", (1.0,),
        )
        for _ in range(100)
    ])  # fmt: skip
    error = float(found.std()) / math.sqrt(len(found))
    assert found.mean().item() == pytest.approx(_gaussian_mmd(shift, sd, dims, 2.0), abs=4 * error)


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
def test_mmd_is_nothing_in_the_mean_for_equal_laws_and_positive_for_others(kernel):
    divergence, prior = MMD(4, kernel=kernel), StandardNormal(4)
    equal, narrow = (
        torch.stack([
            divergence.discrepancy(spread * _normal(64, 4, seed=seed), prior, _generator(1000 + seed))
            for seed in range(100)
        ])
        for spread in (1.0, 0.5)
    )  # fmt: skip
    assert abs(equal.mean()) < 4 * equal.std() / 10
    assert narrow.min() > equal.max()


@pytest.mark.parametrize("n", [1, 2])
def test_mmd_of_an_item_or_two_is_finite(n):
    penalty, _ = _penalty(MMD(2), PointPosterior(2)(_normal(n, 2)))
    assert torch.isfinite(penalty)


def test_mmd_pulls_back_latents_that_lie_far_out():
    z = (100 + _normal(32, 2)).requires_grad_()
    _penalty(MMD(2), None, z)[0].backward()
    assert (z.grad.mean(0) > 0).all()


# Critics


def test_a_critic_at_its_best_scores_the_log_ratio_of_two_densities():
    critic, generator = Critic(1), _generator()
    initialise(critic, generator)
    updates = Updates(critic.parameters(), weight_decay=0.0)
    for step in range(200):
        first, second = (torch.randn((256, 1), generator=generator) + shift for shift in (0.5, -0.5))
        updates.step(two_class_loss(critic, first, second), 3e-3 * (1 - step / 200))
    x = torch.linspace(-1.5, 1.5, 7).unsqueeze(1)
    np.testing.assert_allclose(critic(x).detach(), x, atol=0.3)  # log N(x; 1/2, 1) - log N(x; -1/2, 1) = x


def test_the_slope_of_a_linear_score_costs_its_square():
    score, a, b = torch.nn.Linear(3, 1), _normal(8, 3), _normal(8, 3, seed=1)
    more = two_class_loss(score, a, b, slope=2.0) - two_class_loss(score, a, b)
    assert more.item() == pytest.approx(2 * score.weight.square().sum().item(), rel=1e-5)


def test_the_adversarial_penalty_is_log_two_for_a_critic_that_cannot_tell_and_falls_towards_the_prior():
    divergence = Adversarial(2)
    torch.nn.init.zeros_(divergence.critic[-1].weight)
    torch.nn.init.zeros_(divergence.critic[-1].bias)
    assert _penalty(divergence, None, _normal(9, 2))[1]["adversarial"].item() == pytest.approx(math.log(2))
    q = Gaussian(3 + 0.1 * _normal(1000, 2), torch.full((1000, 2), -6.0))
    initialise(divergence, _generator())
    (turn,) = divergence.turns(_Drawing(q))
    updates = Updates(turn.parameters, weight_decay=0.0, betas=turn.betas)
    generator = _generator()
    for _ in range(60):
        updates.step(turn.loss(torch.randint(1000, (128,), generator=generator), generator, 1.0)[0], 1e-3)
    z = q.mean.clone().requires_grad_()
    penalty, _ = _penalty(divergence, None, z)
    penalty.backward()
    assert (z.grad.mean(0) > 0).all()  # lower z, nearer to the prior, costs less


# In a model

_X = np.random.default_rng(0).normal(size=(60, 3)) @ np.random.default_rng(1).normal(size=(3, 6))


@pytest.mark.parametrize("name", DIVERGENCES)
@pytest.mark.parametrize("posterior", ["gaussian", "point"])
def test_every_divergence_trains_or_says_what_would(name, posterior):
    model = VAE(dims=2, divergence=name, posterior=posterior, hidden=[16], epochs=6, random_state=0)
    if posterior == "point" and name not in ("mmd", "adversarial"):
        with pytest.raises(ValueError, match=rf"divergence='{name}' needs a density.*'gaussian', or divergence='mmd'"):
            model.fit(_X)
        return
    history = model.fit(_X).history_
    assert all(math.isfinite(value) for row in history for value in row.values())
    assert ("critic_loss" in history[0]) == (name in ("factor", "adversarial"))
    assert ("kl" in history[0]) == (name not in ("mmd", "adversarial"))


class _Learned(StandardNormal):
    name = "learned"

    def __init__(self, dims: int):
        super().__init__(dims)
        self.mean = torch.nn.Parameter(torch.zeros(dims))


class _Undivided(GaussianPosterior):
    name = "undivided"
    factorised = False


@pytest.mark.parametrize(
    ("divergence", "posterior", "prior", "message"),
    [
        (TotalCorrelation(2), _Undivided(2), StandardNormal(2), r"dimension, which posterior='undivided' .*'factor'"),
        (MMD(2), PointPosterior(2), _Learned(2), r"draws of the prior alone, from which prior='learned' would learn"),
        (Adversarial(2), PointPosterior(2), _Learned(2), r"prior='learned' would learn nothing.*'normal'"),
        (DIVERGENCES["info"](2, alpha=1.0), GaussianPosterior(2), _Learned(2), r"would learn nothing"),
        (DensityRatio(1), GaussianPosterior(1), StandardNormal(1), r"dims=1 has but one. Take 'kl'"),
        (Capacity(2), PointPosterior(2), StandardNormal(2), r"needs a density, which posterior='point' has not"),
    ],
)  # fmt: skip
def test_what_cannot_go_together_is_refused_with_what_can(divergence, posterior, prior, message):
    reason = divergence.refusal(posterior, prior, None)
    with pytest.raises(ValueError, match=message):
        raise ValueError(reason)


@pytest.mark.parametrize(
    ("divergence", "message"),
    [
        ({"kind": "tc", "sampling": "all"}, r"sampling='all' of divergence='tc' must be 'stratified' or 'weighted'"),
        ({"kind": "mmd", "kernel": "cosine"}, r"kernel='cosine' of divergence='mmd' must be 'imq' or 'rbf'"),
        ({"kind": "info", "alpha": 2}, r"alpha=2 of divergence='info' must be from 0"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(divergence, message):
    with pytest.raises(ValueError, match=message):
        VAE(dims=2, divergence=divergence).fit(_X)
