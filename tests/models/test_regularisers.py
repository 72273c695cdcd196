"""Penalties against their closed forms: exact Jacobians, singular values, sums of squares."""

import numpy as np
import pytest
import torch
from torch import nn

from latentspace.models.autoencoder import Autoencoder
from latentspace.models.regularisers import REGULARISERS, Pass, jacobian_square, spectral_norm


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=_generator(seed))


def _network(into: int, out: int) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(into, 9), nn.Tanh(), nn.Linear(9, out))


def _passed(encoder: nn.Module, decoder: nn.Module, x: torch.Tensor) -> Pass:
    x = x.clone().requires_grad_()
    z = encoder(x)
    return Pass(x, z, decoder(z), decoder)


def test_the_estimated_jacobian_is_the_exact_one_on_average():
    encoder, x = _network(6, 4), _normal(5, 6)
    exact = torch.stack([torch.autograd.functional.jacobian(encoder, row) for row in x])  # (5, 4, 6)
    for scale in (torch.ones(4), torch.tensor([1.0, 2.0, 0.5, 3.0])):
        known = (exact * scale[:, None]).square().sum((1, 2)).detach()
        leaf, generator = x.clone().requires_grad_(), _generator()
        draws = torch.stack([jacobian_square(encoder(leaf), leaf, generator, scale).detach() for _ in range(400)])
        error = draws.std(0) / np.sqrt(len(draws))
        assert ((draws.mean(0) - known).abs() < 4 * error).all()


def test_the_jacobians_size_can_be_lowered_by_gradients():
    encoder, x = _network(6, 4), _normal(5, 6).requires_grad_()
    jacobian_square(encoder(x), x, _generator()).mean().backward()
    assert all(parameter.grad is not None for name, parameter in encoder.named_parameters() if "weight" in name)


def test_contraction_is_measured_in_the_latents_own_unit():
    x, decoder = _normal(400, 6), nn.Linear(4, 6)
    penalty = REGULARISERS["contractive"](weight=1.0)
    encoder = nn.Linear(6, 4)
    value = penalty(_passed(encoder, decoder, x), _generator()).detach()
    unit = encoder(x).std(0, correction=0)
    known = (encoder.weight / unit[:, None]).square().sum().detach()
    assert value == pytest.approx(float(known), rel=0.1)  # signs are drawn: 400 of them
    with torch.no_grad():
        encoder.weight.mul_(0.1)
        encoder.bias.mul_(0.1)
    assert penalty(_passed(encoder, decoder, x), _generator()).detach() == pytest.approx(float(value), rel=1e-2)


def test_a_linear_decoders_gradient_penalty_is_its_weights_square():
    decoder = nn.Linear(3, 50)
    passed = _passed(nn.Linear(6, 3), decoder, _normal(2000, 6))
    value = REGULARISERS["decoder-gradient"](weight=1.0, latent_weight=0.0)(passed, _generator())
    assert value.detach() == pytest.approx(float(decoder.weight.detach().square().sum()), rel=0.05)


def test_decoder_l2_is_half_the_squares_of_weights_and_latents():
    decoder = _network(3, 6)
    passed = _passed(nn.Linear(6, 3), decoder, _normal(10, 6))
    value = REGULARISERS["decoder-l2"](weight=0.5, latent_weight=2.0)(passed, _generator())
    weights = sum(float(layer.weight.detach().square().sum()) for layer in decoder if isinstance(layer, nn.Linear))
    latents = float(passed.z.detach().square().sum(1).mean())
    assert value.detach() == pytest.approx(0.5 * weights / 2 + 2.0 * latents / 2, rel=1e-5)


def test_l1_is_the_root_of_how_often_a_dimension_is_on_and_knows_no_unit():
    z = torch.zeros(100, 3)
    z[:25, 0], z[:, 1], z[::2, 2] = 7.0, -0.1, 3e4
    penalty = REGULARISERS["l1"](weight=2.0)
    value = penalty(Pass(z, z, z, nn.Identity()), _generator())
    assert value == pytest.approx(2 * (0.5 + 1 + np.sqrt(0.5)), rel=1e-4)


def test_sparsity_is_the_divergence_of_two_coins_and_nothing_at_its_share():
    penalty = REGULARISERS["sparsity"](share=0.2, weight=1.0)
    known = sum(p * np.log(p / q) for p, q in ((0.2, 0.6), (0.8, 0.4)))
    for share, value in ((0.2, 0.0), (0.6, known)):
        z = torch.full((10, 4), share)
        assert penalty(Pass(z, z, z, nn.Identity()), _generator()) == pytest.approx(4 * value, abs=1e-6)


def test_the_spectral_norm_is_the_largest_singular_value():
    for seed in range(5):
        w = _normal(40, 25, seed=seed)
        largest = np.linalg.svd(w.numpy(), compute_uv=False)[0]
        assert spectral_norm(w, _generator(), rounds=100) == pytest.approx(largest, rel=1e-3)
        assert 0.8 * largest < spectral_norm(w, _generator()) <= 1.0001 * largest


def test_a_held_decoder_stretches_by_no_more_than_the_bound():
    decoder = nn.Sequential(nn.Linear(8, 20), nn.ConvTranspose2d(4, 3, 4), nn.Linear(20, 6))
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.copy_(5 * _normal(*parameter.shape))
        decoder[2].weight.mul_(1e-3)
    within = decoder[2].weight.clone()
    hold, generator = REGULARISERS["decoder-spectral"](bound=1.5).hold, _generator()
    for _ in range(30):
        hold(decoder, generator)
    for layer in decoder[:2]:
        assert torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2) == pytest.approx(1.5, rel=0.02)
    assert torch.equal(decoder[2].weight, within)


def _curve(n: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    t = rng.uniform(-2, 2, (n, 1))
    return np.hstack([t, t**2, np.sin(2 * t), np.cos(t), t]) + 0.02 * rng.normal(size=(n, 5))


def _trained(regulariser):
    options = {"dims": 2, "hidden": [32], "epochs": 20, "batch_size": 64, "random_state": 0, "threads": 1}
    return Autoencoder(regulariser=regulariser, validation=0.2, **options).fit(_curve())


@pytest.fixture(scope="module")
def plain():
    return _trained(None)


def test_a_contractive_encoder_is_flatter(plain):
    x = torch.from_numpy(plain._units().forward(_curve()))

    def slope(model) -> float:
        encoder = model.network_.encoder
        jacobians = torch.autograd.functional.jacobian(lambda x: encoder(x).sum(0), x)  # (2, n, 5)
        unit = encoder(x).detach().std(0)[:, None, None]
        return float((jacobians / unit).square().sum((0, 2)).mean())

    assert slope(_trained({"kind": "contractive", "weight": 1.0})) < 0.7 * slope(plain)


def test_what_needs_derivatives_is_judged_by_whole_losses_too():
    for row in _trained("contractive").history_:
        assert row["validation_loss"] == pytest.approx(row["validation_nll"] + row["validation_penalty"], rel=1e-4)


def test_latents_are_from_0_to_1_and_mostly_off_where_sparsity_is_asked_for():
    z = _trained({"kind": "sparsity", "share": 0.1, "weight": 20.0}).transform(_curve())
    assert z.min() >= 0
    assert z.max() <= 1
    np.testing.assert_allclose(z.mean(axis=0), 0.1, atol=0.05)


def test_l1_makes_latents_heavy_tailed(plain):
    def evenness(model) -> float:
        z = model.transform(_curve())
        return float((np.abs(z).mean(axis=0) / np.sqrt(np.square(z).mean(axis=0))).mean())

    assert evenness(_trained({"kind": "l1", "weight": 3.0})) < 0.9 * evenness(plain)


def test_a_regulariser_that_bounds_latents_cannot_go_with_codes():
    with pytest.raises(ValueError, match=r"regulariser='sparsity' bounds the latents.* Leave one out"):
        Autoencoder(regulariser="sparsity", codes="vq").fit(np.eye(30))
