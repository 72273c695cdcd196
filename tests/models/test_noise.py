"""What noises do to items, and that a model trained against them removes them."""

import numpy as np
import pytest
import torch
from scipy import stats

from latentspace.models.autoencoder import Autoencoder
from latentspace.models.noise import NOISES


def _noisy(kind: str, x: torch.Tensor, **options) -> torch.Tensor:
    return NOISES[kind](**options)(x, torch.Generator().manual_seed(0))


def test_gaussian_noise_is_normal_with_the_deviation_asked_for():
    x = torch.linspace(0, 1, 40_000).view(400, 1, 10, 10)
    noise = (_noisy("gaussian", x, deviation=0.5) - x).flatten()
    assert stats.kstest(noise.numpy(), stats.norm(scale=0.5).cdf).pvalue > 0.01


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_masking_zeroes_its_share_and_leaves_the_rest(share):
    x = torch.ones(200, 100)
    seen = _noisy("masking", x, share=share)
    hidden = int((seen == 0).sum())
    assert hidden + int((seen == 1).sum()) == x.numel()
    assert stats.binomtest(hidden, x.numel(), share).pvalue > 0.01


def test_salt_and_pepper_are_the_extremes_at_even_odds():
    x = torch.full((200, 100), 0.5)
    x[0, 0], x[0, 1] = -2.0, 3.0
    seen = _noisy("salt-and-pepper", x, share=0.4)
    low, high = int((seen == -2).sum()), int((seen == 3).sum())
    assert low + high + int((seen == 0.5).sum()) == x.numel()
    assert stats.binomtest(low + high, x.numel(), 0.4).pvalue > 0.01
    assert stats.binomtest(low, low + high, 0.5).pvalue > 0.01


@pytest.mark.parametrize("kind", NOISES)
def test_noise_follows_its_generator_and_leaves_the_items_alone(kind):
    x = torch.rand((20, 5), generator=torch.Generator().manual_seed(1))
    before = x.clone()
    assert torch.equal(_noisy(kind, x), _noisy(kind, x))
    assert torch.equal(x, before)


def test_a_denoising_autoencoder_fills_holes_that_a_plain_one_does_not():
    rng = np.random.default_rng(0)
    t = rng.normal(size=(1200, 2))
    X = (t @ rng.normal(size=(2, 16))).astype(np.float32)
    X, test = X[:1000], X[1000:]
    holes = test * (rng.random(test.shape) >= 0.3)
    errors = {}
    for noise in (None, {"kind": "masking", "share": 0.3}):
        model = Autoencoder(dims=2, noise=noise, hidden=[32], epochs=15, random_state=0, threads=1).fit(X)
        errors[noise is None] = np.mean((model.inverse_transform(model.transform(holes)) - test) ** 2)
    assert errors[False] < 0.7 * errors[True]


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ("static", r"noise='static' is not known. Known ones: gaussian, masking, salt-and-pepper"),
        ({"kind": "masking", "shares": 0.1}, r"has no option 'shares'. It takes: share"),
        ({"kind": "masking", "share": 1.5}, r"share=1.5 must be a number from 0 to 1"),
    ],
)
def test_noise_that_cannot_be_meant_is_refused(noise, message):
    with pytest.raises(ValueError, match=message):
        Autoencoder(noise=noise).fit(np.eye(30))
