"""The likelihood of directions: against scipy's distribution, against its own maximum, and what it leaves out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, special, stats

from latentspace.models import scaling
from latentspace.models.likelihoods import VonMisesFisher
from latentspace.models.vae import VAE


def _rows(n=40, p=5, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).gamma(0.5, size=(n, p)).astype(np.float32))


def _started(x, p=5):
    likelihood = VonMisesFisher((p,))
    likelihood.start(x, torch.Generator())
    return likelihood.eval()


@pytest.mark.parametrize("p", [2, 5, 300])
def test_the_nll_is_minus_scipys_log_density_of_the_direction(p):
    x = _rows(6, p)
    likelihood = _started(x, p)
    outputs = torch.randn((6, p), generator=torch.Generator().manual_seed(0))
    kappa = float(likelihood.concentration())
    unit = (x / x.norm(dim=1, keepdim=True)).numpy().astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    mu = likelihood.direction(outputs).numpy().astype(np.float64)
    log_density = [stats.vonmises_fisher(m / np.linalg.norm(m), kappa).logpdf(u) for m, u in zip(mu, unit, strict=True)]
    np.testing.assert_allclose(likelihood.nll(outputs, x).numpy(), -np.ravel(log_density), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("p", "rtol"), [(10, 0.05), (2000, 1e-4)])
@pytest.mark.parametrize("cosine", [0.1, 0.45, 0.8])
def test_the_concentration_is_that_at_which_the_mean_cosine_is_expected(p, rtol, cosine):
    likelihood = VonMisesFisher((p,))
    likelihood.cosine.fill_(cosine)
    kappa = float(likelihood.concentration())
    # By the continued fraction I_{v}/I_{v-1}, which never leaves the range of floats as the functions do.
    ratio = 0.0
    for v in range(p // 2 + 3000, p // 2 - 1, -1):
        ratio = 1 / (2 * v / kappa + ratio)
    assert ratio == pytest.approx(cosine, rel=rtol)
    if p == 10:
        assert ratio == pytest.approx(special.ive(5, kappa) / special.ive(4, kappa))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), size=st.floats(1e-3, 1e3))
def test_neither_the_nll_nor_what_the_encoder_sees_depends_on_an_items_size(seed, size):
    x = _rows(seed=seed)
    likelihood, outputs = _started(x), torch.zeros(40, 5)
    torch.testing.assert_close(likelihood.nll(outputs, size * x), likelihood.nll(outputs, x))
    torch.testing.assert_close(likelihood.seen(size * x), likelihood.seen(x))
    torch.testing.assert_close(likelihood.seen(x).square().mean(1), torch.ones(40))


def test_outputs_of_nothing_are_the_mean_direction_at_the_mean_length():
    x = _rows(2000)
    likelihood = _started(x)
    x_hat = likelihood.mean(torch.zeros(1, 5))
    mean = (x / x.norm(dim=1, keepdim=True)).mean(0)
    torch.testing.assert_close(x_hat[0] / x_hat.norm(), mean / mean.norm(), atol=1e-3, rtol=1e-3)
    assert float(x_hat.norm()) == pytest.approx(float(x.norm(dim=1).mean() * likelihood.cosine), rel=1e-5)


def test_the_mean_is_that_of_what_scipy_draws():
    likelihood = _started(_rows(2000))
    outputs = torch.randn((1, 5), generator=torch.Generator().manual_seed(0))
    mu = likelihood.direction(outputs)[0].numpy().astype(np.float64)
    drawn = stats.vonmises_fisher(mu / np.linalg.norm(mu), float(likelihood.concentration())).rvs(40_000, 0)
    # Banerjee et al.'s kappa is off by a few hundredths in five dimensions.
    np.testing.assert_allclose((likelihood.mean(outputs)[0] / likelihood.length).numpy(), drawn.mean(0), atol=0.03)


def test_the_mean_cosine_is_followed_in_training_and_not_while_judging():
    x = _rows()
    likelihood = _started(x)
    before = float(likelihood.cosine)
    likelihood.nll(torch.log(x + 1e-3) - likelihood.log_base, x)
    assert float(likelihood.cosine) == before
    likelihood.train()
    for _ in range(200):
        likelihood.nll(torch.log(x + 1e-3) - likelihood.log_base, x)
    assert float(likelihood.cosine) > 0.99


def test_a_row_of_zeros_tells_nothing_and_rows_of_nothing_else_train():
    likelihood = _started(torch.zeros(8, 5))
    outputs = torch.randn((8, 5), requires_grad=True)
    nll = likelihood.nll(outputs, torch.zeros(8, 5))
    assert torch.isfinite(nll).all()
    assert not torch.autograd.grad(nll.sum(), outputs)[0].any()


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_weight_below_0_is_named(form):
    X = np.ones((5, 3))
    X[3, 1] = -0.5
    with pytest.raises(ValueError, match=r"takes numbers from 0, but feature 1 of item 3 is -0.5. Pass weights"):
        scaling.Scaling("weights", np.zeros(1), np.ones(1)).refuse(form(X))
    with pytest.raises(ValueError, match=r"feature 1 of item 3"):
        VAE(likelihood="vmf", dims=1).fit(form(X))


def test_one_feature_alone_has_no_direction_to_tell():
    with pytest.raises(ValueError, match=r"'vmf' is of directions; one feature has but one. Take .*'gaussian'"):
        VAE(likelihood="vmf", dims=1, epochs=1).fit(np.ones((30, 1)))
