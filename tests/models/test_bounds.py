"""Bounds on a linear Gaussian model, whose log-likelihood is known; their gradients by the papers' formulas."""

import itertools
import math

import pytest
import torch
from torch import distributions as td

from latentspace.models.bounds import BOUNDS, log_weights, score
from latentspace.models.composition import Composition
from latentspace.models.divergences import DIVERGENCES
from latentspace.models.likelihoods import LIKELIHOODS
from latentspace.models.networks import plan
from latentspace.models.posteriors import POSTERIORS
from latentspace.models.priors import PRIORS
from latentspace.models.turns import Turns

SCALE = 0.6
W = torch.tensor([[1.0, 0.4], [-0.3, 0.8], [0.5, -0.5]])  # x = W z + noise


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _linear(bound, off: float = 0.0) -> Composition:
    """p(x given z) = N(W z, SCALE^2), z from N(0, 1); q is the true posterior's diagonal, `off` in log-variance."""
    model = Composition(
        plan((3,), "dense", []),
        2,
        posterior=POSTERIORS["gaussian"](2),
        prior=PRIORS["normal"](2),
        divergence=DIVERGENCES["kl"](2),
        likelihood=LIKELIHOODS["gaussian"]((3,), SCALE),
        bound=bound,
    )
    covariance = torch.linalg.inv(torch.eye(2) + W.T @ W / SCALE**2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.decoder.layers[0].weight.copy_(W)
        model.encoder.layers[0].weight[:2] = covariance @ W.T / SCALE**2
        model.encoder.layers[0].bias[2:] = _raw(torch.log(covariance.diagonal()) + off)
    return model


def _raw(log_var: torch.Tensor) -> torch.Tensor:
    return 10 * torch.atanh(log_var / 10)  # what the posterior's smooth bound undoes


def _items(n: int, seed: int = 1) -> torch.Tensor:
    z = torch.randn((n, 2), generator=_generator(seed))
    return z @ W.T + SCALE * torch.randn((n, 3), generator=_generator(seed + 1))


def _known(x: torch.Tensor) -> torch.Tensor:
    return td.MultivariateNormal(torch.zeros(3), W @ W.T + SCALE**2 * torch.eye(3)).log_prob(x)


def _bound(model: Composition, x: torch.Tensor, repeats: int) -> tuple[float, float]:
    """The mean bound over items, and its standard error over repeats of the draws."""
    with torch.no_grad():
        values = torch.stack([-model.loss(x, _generator(seed), 1.0)[0] for seed in range(repeats)])
    return values.mean().item(), values.std().item() / math.sqrt(repeats)


def test_iwae_rises_with_its_draws_from_the_elbo_to_the_true_log_likelihood():
    x = _items(200)
    known = _known(x).mean().item()
    means, errors = zip(*(_bound(_linear(BOUNDS["iwae"](k), off=1.0), x, 40) for k in (1, 4, 16, 256)), strict=True)
    elbo, elbo_error = _bound(_linear(BOUNDS["elbo"](1), off=1.0), x, 40)
    assert means[0] == pytest.approx(elbo, abs=5 * (errors[0] + elbo_error))
    for (low, high), (a, b) in zip(itertools.pairwise(means), itertools.pairwise(errors), strict=True):
        assert high - low > 3 * (a + b)  # each step is a real rise
    assert means[0] < known - 0.3
    assert means[-1] == pytest.approx(known, abs=0.01)
    assert means[-1] < known + 5 * errors[-1]


def test_scores_reach_the_true_log_likelihood_of_every_item():
    x = _items(50)
    with torch.no_grad():
        scores = score(_linear(None, off=0.5), x, 2000)
    torch.testing.assert_close(scores, _known(x), atol=0.1, rtol=0)


def test_bounds_stand_in_the_order_that_the_paper_proves():
    x = _items(200)
    iwae, error = _bound(_linear(BOUNDS["iwae"](16), off=1.0), x, 30)
    miwae, _ = _bound(_linear(BOUNDS["miwae"](16), off=1.0), x, 30)
    iwae_of_4, _ = _bound(_linear(BOUNDS["iwae"](4), off=1.0), x, 30)
    elbo, _ = _bound(_linear(BOUNDS["elbo"](16), off=1.0), x, 30)
    ciwae, _ = _bound(_linear(BOUNDS["ciwae"](16, share=0.25), off=1.0), x, 30)
    piwae, _ = _bound(_linear(BOUNDS["piwae"](16), off=1.0), x, 30)
    assert elbo < miwae < iwae
    assert miwae == pytest.approx(iwae_of_4, abs=8 * error)  # 4 groups of 4
    assert ciwae == pytest.approx(0.25 * elbo + 0.75 * iwae, abs=8 * error)
    assert piwae == pytest.approx(iwae, abs=1e-5)  # what its decoder climbs, on the same draws


@pytest.mark.parametrize(
    ("bound", "weigh"),
    [
        ("iwae", lambda log_w: torch.softmax(log_w, 0)),
        ("miwae", lambda log_w: torch.softmax(log_w.view(4, 4, -1), 1).view(16, -1) / 4),
        ("ciwae", lambda log_w: 0.5 * torch.softmax(log_w, 0) + 0.5 / 16),
    ],
)
def test_the_gradient_weighs_draws_as_the_paper_says(bound, weigh):
    model, x = _linear(BOUNDS[bound](16), off=0.5), _items(8)
    ours = torch.autograd.grad(model.loss(x, _generator(3), 1.0)[0], list(model.parameters()))
    log_w, _ = log_weights(model, x, 16, _generator(3))
    theirs = torch.autograd.grad(-(weigh(log_w).detach() * log_w).sum(0).mean(), list(model.parameters()))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_piwae_moves_the_decoder_as_iwae_does_and_the_encoder_as_miwae_does():
    x = _items(8)

    def gradients(bound, part):
        model = _linear(BOUNDS[bound](16), off=0.5)
        parameters = list(getattr(model, part).parameters())
        turns = {parameter: turn for turn in model.turns() for parameter in turn.parameters} if bound == "piwae" else {}
        loss = turns[parameters[0]].loss if turns else model.loss
        return torch.autograd.grad(loss(x, _generator(3), 1.0)[0], parameters)

    for part, like in (("decoder", "iwae"), ("encoder", "miwae")):
        for a, b in zip(gradients("piwae", part), gradients(like, part), strict=True):
            torch.testing.assert_close(a, b)


def test_every_parameter_of_a_piwae_has_one_turn():
    model = _linear(BOUNDS["piwae"](16))
    turns = model.turns()
    assert [turn.name for turn in turns] == ["model", "encoder"]
    moved = [id(parameter) for turn in turns for parameter in turn.parameters]
    assert sorted(moved) == sorted(id(parameter) for parameter in model.parameters())
    before = [parameter.clone() for parameter in model.parameters()]
    Turns(model, weight_decay=0.0).step(_items(32), _generator(), 1.0, rate=0.01)
    changed = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert all(changed)


@pytest.mark.parametrize("bound", sorted(set(BOUNDS) - {"coherent"}))  # an ELBO, of topics alone
def test_weights_that_differ_by_thousands_of_nats_give_finite_losses_and_gradients(bound):
    model, x = _linear(BOUNDS[bound]()), 1e3 * _items(8)
    for turn in model.turns() or [type("Turn", (), {"loss": model.loss, "parameters": list(model.parameters())})]:
        loss, terms = turn.loss(x, _generator(), 1.0)
        gradients = torch.autograd.grad(loss, turn.parameters, allow_unused=True)
        assert torch.isfinite(loss)
        assert all(torch.isfinite(value) for value in terms.values())
        assert all(torch.isfinite(gradient).all() for gradient in gradients if gradient is not None)


def test_one_draw_of_the_elbo_is_what_the_paper_writes():
    model, x = _linear(BOUNDS["elbo"](1), off=0.5), _items(5)
    loss, terms = model.loss(x, _generator(3), 1.0)
    q = model.infer(x)
    z = q.rsample(_generator(3))
    nll = -td.Normal(z @ W.T, SCALE).log_prob(x).sum(1)
    kl = td.kl_divergence(td.Normal(q.mean, torch.exp(0.5 * q.log_var)), td.Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(loss, (nll + kl).mean())
    torch.testing.assert_close(terms["nll"], nll.mean().detach())
    torch.testing.assert_close(terms["kl"], kl.mean().detach())


def test_a_warm_up_lets_draws_away_from_the_prior_go_uncharged_at_first():
    model, x = _linear(BOUNDS["iwae"](8)), _items(5)
    model.divergence.warm_up = 0.5
    log_w, terms = log_weights(model, x, 8, _generator(), model.divergence.weight(0.0))
    assert -log_w.mean().item() == pytest.approx(terms["nll"].item(), rel=1e-5)


@pytest.mark.parametrize("divergence", sorted(set(DIVERGENCES) - {"kl"}))
@pytest.mark.parametrize("bound", sorted(set(BOUNDS) - {"elbo", "coherent"}))
def test_bounds_that_weigh_draws_refuse_what_is_no_log_ratio(bound, divergence):
    assert "Take divergence='kl', or bound='elbo'" in BOUNDS[bound]().refusal(DIVERGENCES[divergence](2))
    assert BOUNDS[bound]().refusal(DIVERGENCES["kl"](2)) is None
    assert BOUNDS["elbo"]().refusal(DIVERGENCES[divergence](2)) is None


def test_options_that_cannot_be_say_what_can():
    with pytest.raises(ValueError, match=r"groups=3 must divide the 16 draws of bound='miwae'"):
        BOUNDS["miwae"](16, groups=3)
    with pytest.raises(ValueError, match=r"share=2 must be a number from 0 to 1"):
        BOUNDS["ciwae"](8, share=2)
    with pytest.raises(ValueError, match=r"draws=0 must be an integer from 1"):
        BOUNDS["iwae"](0)


def test_noise_is_what_the_encoder_sees_in_training_alone():
    x = _items(500)
    plain = _linear(BOUNDS["elbo"]())
    hidden = _linear(BOUNDS["elbo"](noise={"kind": "masking", "share": 1.0}))
    assert torch.equal(hidden.eval().loss(x, _generator(), 1.0)[0], plain.loss(x, _generator(), 1.0)[0])
    _, terms = hidden.train().loss(x, _generator(), 1.0)
    q = hidden.infer(torch.zeros_like(x))  # all is masked, so q knows nothing of x, which is rebuilt all the same
    assert terms["kl"] == pytest.approx(q.kl(hidden.prior).sum(1).mean().item(), rel=1e-5)
    assert terms["nll"] > plain.loss(x, _generator(), 1.0)[1]["nll"] + 0.1
    with pytest.raises(ValueError, match=r"noise='fog' is not known\. Known ones: gaussian, masking"):
        BOUNDS["elbo"](noise="fog")
