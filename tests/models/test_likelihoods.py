"""Likelihoods against scipy's distributions, their sums and integrals against one, and extremes against NaN."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, ndimage, stats
from sklearn.datasets import load_digits, load_sample_image

from latentspace.models import scaling
from latentspace.models.likelihoods import (
    LIKELIHOODS,
    Bernoulli,
    Gaussian,
    GaussianPerDim,
    Laplace,
    LogisticMixture,
    Multinomial,
    NegativeBinomial,
    Poisson,
)
from latentspace.models.likelihoods.ms_ssim import ms_ssim, scales_for
from latentspace.models.vae import VAE

P = 4


def _random(*shape: int, seed: int = 0, spread: float = 1.0) -> torch.Tensor:
    return spread * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _counts(n: int = 6, p: int = P, seed: int = 0) -> torch.Tensor:
    means = np.array([0.01, 1.0, 30.0, 2000.0])[:p]
    return torch.from_numpy(np.random.default_rng(seed).poisson(means, (n, p)).astype(np.float32))


def _started(likelihood, x):
    likelihood.start(x, torch.Generator())
    return likelihood.eval()


def _assert_nll(likelihood, outputs, x, log_prob, **tolerance):
    expected = -np.asarray(log_prob).reshape(len(x), -1).sum(1)
    np.testing.assert_allclose(likelihood.nll(outputs, x).detach().numpy(), expected, **{"rtol": 1e-5} | tolerance)


# Golden values from scipy.stats


@pytest.mark.parametrize("scale", [0.1, 2.0])
def test_the_gaussian_and_laplace_nll_are_minus_scipys_log_densities(scale):
    outputs, x = _random(6, P), _random(6, P, seed=1)
    _assert_nll(Gaussian((P,), scale), outputs, x, stats.norm(outputs, scale).logpdf(x))
    _assert_nll(Laplace((P,), scale), outputs, x, stats.laplace(outputs, scale).logpdf(x))


def test_the_gaussian_per_dim_has_a_scale_for_every_feature():
    outputs, x = _random(6, P), _random(6, P, seed=1)
    likelihood = GaussianPerDim((P,)).eval()
    likelihood.variance.copy_(torch.tensor([0.1, 0.5, 1.0, 2.0]))
    _assert_nll(likelihood, outputs, x, stats.norm(outputs, likelihood.variance.sqrt()).logpdf(x))


def test_the_bernoulli_nll_of_bits_is_minus_scipys_log_probability():
    outputs, x = _random(6, P), (_random(6, P, seed=1) > 0).float()
    _assert_nll(Bernoulli((P,)), outputs, x, stats.bernoulli(torch.sigmoid(outputs)).logpmf(x))


@settings(deadline=None)
@given(st.integers(0, 2**31), st.floats(0.1, 30))
def test_the_bernoulli_nll_and_its_gradient_are_torchs(seed, spread):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand((4, 2, 3), generator=generator)
    logits = (spread * torch.randn((4, 2, 3), generator=generator)).requires_grad_()
    nll = Bernoulli((6,)).nll(logits, x)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
    torch.testing.assert_close(nll, expected, atol=1e-4, rtol=1e-5)
    weights = torch.arange(1.0, 5.0)
    (ours,) = torch.autograd.grad((nll * weights).sum(), logits, retain_graph=True)
    (theirs,) = torch.autograd.grad((expected * weights).sum(), logits)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_the_poisson_nll_is_minus_scipys_log_probability_at_a_count_of_a_million_too():
    x = torch.cat([_counts(), torch.full((1, P), 1e6)])
    likelihood = _started(Poisson((P,)), x)
    outputs = _random(7, P, spread=0.5)
    rate = likelihood.log_rate(outputs).exp().numpy()
    _assert_nll(likelihood, outputs, x, stats.poisson(rate).logpmf(x))
    np.testing.assert_allclose(likelihood.mean(outputs), rate, rtol=1e-6)


def test_the_negative_binomial_nll_is_minus_scipys_log_probability():
    x = _counts()
    likelihood = _started(NegativeBinomial((P,)), x)
    likelihood.log_dispersion.data.copy_(torch.tensor([0.05, 1.0, 10.0, 500.0]).log())
    outputs = _random(6, P, spread=0.5)
    mean, r = likelihood.mean(outputs).numpy().astype(np.float64), likelihood.log_dispersion.exp().detach().numpy()
    _assert_nll(likelihood, outputs, x, stats.nbinom(r, r / (r + mean)).logpmf(x))


def test_the_multinomial_nll_is_minus_scipys_log_probability():
    x = _counts()
    likelihood = _started(Multinomial((P,)), x)
    outputs = _random(6, P)
    shares = likelihood.shares(outputs).exp().numpy()
    log_prob = [
        stats.multinomial(int(item.sum()), share).logpmf(item)
        for item, share in zip(x.numpy().astype(int), shares, strict=True)
    ]
    _assert_nll(likelihood, outputs, x, log_prob, rtol=1e-4)


def test_the_direction_of_counts_is_seen_whatever_their_total():
    x = _counts()
    seen = Multinomial((P,), direction=True).seen(x)
    torch.testing.assert_close(seen.square().mean(1), (x.sum(1) > 0).float())
    torch.testing.assert_close(Multinomial((P,), direction=True).seen(7 * x), seen)
    assert not Multinomial((P,), direction=True).seen(torch.zeros(1, P)).any()


def test_the_logistic_mixture_is_differences_of_scipys_cumulative_logistics():
    likelihood = LogisticMixture((P,), levels=16, components=3)
    outputs = _random(6, 9 * P)
    level = torch.randint(0, 16, (6, P), generator=torch.Generator().manual_seed(1))
    log_weight, mean, log_scale = (part.numpy().astype(np.float64) for part in likelihood._read(outputs))
    edges = np.concatenate([[-np.inf], (np.arange(15) + 0.5) / 15, [np.inf]])
    cumulative = stats.logistic(mean[..., None], np.exp(log_scale)[..., None]).cdf(edges)
    mass = (np.exp(log_weight)[..., None] * np.diff(cumulative)).sum(1)  # (n, p, levels)
    log_prob = np.log(np.take_along_axis(mass, level.numpy()[..., None], 2))
    _assert_nll(likelihood, outputs, level / 15, log_prob)


# Sums, integrals and means


def test_densities_integrate_to_one():
    for likelihood in (Gaussian((1,), 0.3), Laplace((1,), 0.3), GaussianPerDim((1,)).eval()):
        x = torch.linspace(-20, 20, 200_001, dtype=torch.float64).unsqueeze(1)
        density = torch.exp(-likelihood.double().nll(torch.full_like(x, 0.4), x))
        assert integrate.simpson(density, x=x[:, 0]) == pytest.approx(1, abs=1e-6), likelihood.name


@pytest.mark.parametrize("kind", [Poisson, NegativeBinomial])
def test_probabilities_of_all_counts_sum_to_one_and_their_mean_is_the_mean(kind):
    likelihood = _started(kind((1,)), torch.tensor([[3.0], [5.0], [40.0]]))
    k = torch.arange(5000.0).unsqueeze(1)
    outputs = torch.full((5000, 1), 0.3)
    mass = torch.exp(-likelihood.nll(outputs, k)).double()
    assert mass.sum().item() == pytest.approx(1, abs=1e-4)
    assert (mass @ k.double()).item() == pytest.approx(likelihood.mean(outputs)[0].item(), rel=1e-3)


def test_multinomial_probabilities_of_all_ways_to_share_a_total_sum_to_one():
    ways = torch.tensor([way for way in itertools.product(range(7), repeat=3) if sum(way) == 6], dtype=torch.float32)
    likelihood = _started(Multinomial((3,)), ways + torch.tensor([0.0, 1.0, 2.0]))
    outputs = torch.tensor([[0.5, -1.0, 0.1]]).expand(len(ways), 3)
    mass = torch.exp(-likelihood.nll(outputs, ways))
    assert mass.sum().item() == pytest.approx(1, abs=1e-5)
    # x_hat stands for an item with the data's mean total, 6 + 3, and half a count for every feature over all items.
    assert likelihood.mean(outputs)[0].sum().item() == pytest.approx(9 + 1.5 / len(ways), rel=1e-5)
    expected = (mass.unsqueeze(1) * ways).sum(0) / 6
    torch.testing.assert_close(
        likelihood.mean(outputs)[0] / likelihood.mean(outputs)[0].sum(), expected, rtol=1e-4, atol=1e-5
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.floats(0.1, 100), st.sampled_from([2, 3, 17, 256]), st.integers(1, 6))
def test_the_logistic_mixture_sums_to_one_over_its_levels_and_has_their_mean(seed, spread, levels, components):
    likelihood = LogisticMixture((1,), levels=levels, components=components)
    outputs = _random(1, 3 * components, seed=seed % 2**31, spread=spread)
    x = torch.arange(levels).unsqueeze(1) / (levels - 1)
    mass = torch.exp(-likelihood.nll(outputs.expand(levels, -1), x))
    assert mass.sum().item() == pytest.approx(1, abs=2e-4)
    if levels == 256:  # the mean is an integral, which many levels come near
        assert likelihood.mean(outputs).item() == pytest.approx((mass @ x).item(), abs=2e-3)


def test_a_value_between_levels_counts_as_the_nearer_and_one_outside_as_the_outermost():
    likelihood = LogisticMixture((1,), levels=11)
    outputs = _random(1, 15).expand(4, -1)
    a = likelihood.nll(outputs, torch.tensor([[0.2], [0.7], [0.0], [1.0]]))
    b = likelihood.nll(outputs, torch.tensor([[0.22], [0.66], [-3.0], [1.4]]))
    torch.testing.assert_close(a, b)


# What is learned besides the networks


@pytest.mark.parametrize("kind", [Poisson, NegativeBinomial, Multinomial])
def test_a_decoder_that_says_nothing_gives_every_feature_its_mean_count(kind):
    x = _counts(400)
    mean = _started(kind((P,)), x).mean(torch.zeros(1, P))[0]
    np.testing.assert_allclose(mean, x.numpy().mean(0), atol=2 / 400, rtol=1e-5)


def test_dispersions_start_where_the_counts_were_drawn():
    r, mean = np.array([0.5, 2.0, 10.0]), np.array([2.0, 20.0, 100.0])
    x = np.random.default_rng(0).negative_binomial(r, r / (r + mean), (20_000, 3)).astype(np.float32)
    likelihood = _started(NegativeBinomial((3,)), torch.from_numpy(x))
    np.testing.assert_allclose(likelihood.log_dispersion.exp().detach(), r, rtol=0.1)


@pytest.mark.parametrize(("kind", "name"), [(Gaussian, "variance"), (GaussianPerDim, "variance"), (Laplace, "spread")])
def test_learned_scales_settle_on_the_residuals_and_judging_teaches_them_nothing(kind, name):
    likelihood = kind((2,)).train()
    scales = torch.tensor([0.3, 0.3] if kind is not GaussianPerDim else [0.1, 0.8])
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        likelihood.nll(torch.zeros(1000, 2), scales * torch.randn((1000, 2), generator=generator))
    expected = scales * math.sqrt(2 / math.pi) if kind is Laplace else scales**2
    learned = getattr(likelihood, name)
    torch.testing.assert_close(learned.expand(2), expected, rtol=0.03, atol=0)
    before = learned.clone()
    likelihood.eval().nll(torch.zeros(64, 2), torch.ones(64, 2))
    assert torch.equal(getattr(likelihood, name), before)


@pytest.mark.parametrize("kind", [Gaussian, GaussianPerDim, Laplace])
def test_a_perfect_reconstruction_keeps_the_nll_finite(kind):
    likelihood = kind((2,)).train()
    for _ in range(2000):
        nll = likelihood.nll(torch.zeros(4, 2), torch.zeros(4, 2))
    assert torch.isfinite(nll).all()


def test_no_feature_outweighs_another_by_more_than_a_hundred_times_the_mean():
    likelihood = GaussianPerDim((2,)).train()
    outputs = torch.zeros(64, 2, requires_grad=True)
    for _ in range(300):
        nll = likelihood.nll(outputs, torch.tensor([1e-6, 1.0]).expand(64, 2))
    (gradient,) = torch.autograd.grad(nll.sum(), outputs)
    assert gradient[0, 0].abs() / 1e-6 < 250 * gradient[0, 1].abs()


# Extremes


def _made(name: str):
    return LIKELIHOODS[name]((1, 8, 8) if name in ("ms-ssim", "feature-matching") else (P,))


@pytest.mark.parametrize("name", LIKELIHOODS)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**31), spread=st.sampled_from([0.0, 1.0, 30.0, 1e4]), large=st.sampled_from([1.0, 2.0**24]))
def test_gradients_are_finite_whatever_the_decoder_says(name, seed, spread, large):
    likelihood = _made(name).eval()
    outputs = _random(3, likelihood.heads * likelihood.shape[0], *likelihood.shape[1:], seed=seed, spread=spread)
    outputs.requires_grad_()
    x = torch.rand((3, *likelihood.shape), generator=torch.Generator().manual_seed(seed))
    if likelihood.unit == "counts":
        x = (large * x).round()
        likelihood.start(x, torch.Generator())
    nll = likelihood.nll(outputs, x)
    assert torch.isfinite(nll).all()
    (gradient,) = torch.autograd.grad(nll.sum(), outputs)
    assert torch.isfinite(gradient).all()
    assert torch.isfinite(likelihood.mean(outputs)).all()


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_nll_falls_along_its_gradient_and_an_items_does_not_depend_on_its_company(name):
    likelihood = _made(name).eval()
    outputs = _random(5, likelihood.heads * likelihood.shape[0], *likelihood.shape[1:]).requires_grad_()
    x = torch.rand((5, *likelihood.shape), generator=torch.Generator().manual_seed(1))
    x = (9 * x).round() if likelihood.unit == "counts" else x
    nll = likelihood.nll(outputs, x)
    (gradient,) = torch.autograd.grad(nll.sum(), outputs)
    assert (likelihood.nll(outputs - 1e-2 * gradient / gradient.flatten(1).norm(), x) < nll).all()
    torch.testing.assert_close(likelihood.nll(outputs[:1], x[:1]), nll[:1], rtol=1e-4, atol=1e-4)


# MS-SSIM


def _ms_ssim_by_scipy(a: np.ndarray, b: np.ndarray) -> float:
    """Wang, Simoncelli and Bovik (2003) for one grey picture in [0, 1], straight from the paper."""
    window = stats.norm.pdf(np.arange(11) - 5, scale=1.5)
    window /= window.sum()

    def blur(image):
        for axis in (0, 1):
            image = ndimage.correlate1d(image, window, axis, mode="constant")
        return image[5:-5, 5:-5]

    product = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        ma, mb = blur(a), blur(b)
        va, vb, cab = blur(a * a) - ma**2, blur(b * b) - mb**2, blur(a * b) - ma * mb
        structure = (2 * cab + 0.03**2) / (va + vb + 0.03**2)
        luminance = (2 * ma * mb + 0.01**2) / (ma**2 + mb**2 + 0.01**2)
        product *= np.mean(structure * luminance if scale == 4 else structure) ** weight
        a, b = (image.reshape(len(image) // 2, 2, -1, 2).mean((1, 3)) for image in (a, b)) if scale < 4 else (a, b)
    return product


def test_ms_ssim_is_the_papers_on_a_photograph_blurred_and_with_noise():
    photograph = load_sample_image("flower.jpg")[:352, :512].mean(2) / 255
    noise = np.random.default_rng(0).normal(scale=0.1, size=photograph.shape)
    for changed in (photograph, ndimage.gaussian_filter(photograph, 3), np.clip(photograph + noise, 0, 1)):
        a, b = (torch.from_numpy(image)[None, None] for image in (photograph, changed))
        assert ms_ssim(a, b).item() == pytest.approx(_ms_ssim_by_scipy(photograph, changed), abs=1e-6)
    assert ms_ssim(a, a).item() == pytest.approx(1)
    torch.testing.assert_close(ms_ssim(a, b), ms_ssim(b, a))


@pytest.mark.parametrize(("side", "scales"), [(1, 1), (8, 1), (21, 1), (28, 2), (64, 3), (175, 4), (176, 5), (900, 5)])
def test_ms_ssim_takes_as_many_scales_as_the_window_fits(side, scales):
    assert scales_for((3, side, 2 * side)) == scales
    if side < 100:
        picture = torch.rand((2, 3, side, 2 * side), generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(ms_ssim(picture, picture), torch.ones(2))


# In a model


_DIGITS = load_digits().data.astype(np.float32)[:300]


def test_the_categorical_nll_is_that_of_torchs_distribution_and_its_mean_sums_to_one_a_step():
    outputs, symbols = _random(6, 5, 7), torch.randint(5, (6, 7), generator=torch.Generator().manual_seed(1))
    x = torch.nn.functional.one_hot(symbols, 5).transpose(1, 2).float()
    likelihood = _started(LIKELIHOODS["categorical"]((5, 7)), x)
    theirs = torch.distributions.Categorical(logits=outputs.transpose(1, 2)).log_prob(symbols)
    _assert_nll(likelihood, outputs, x, theirs)
    torch.testing.assert_close(likelihood.mean(outputs).sum(1), torch.ones(6, 7))


@pytest.mark.parametrize("x", [torch.zeros(3, 4, 5), torch.ones(3, 4, 5), torch.rand(3, 4, 5), torch.eye(4)])
def test_the_categorical_refuses_what_holds_other_than_one_symbol_a_step(x):
    with pytest.raises(ValueError, match=r"a single 1 among the c symbols of each step"):
        LIKELIHOODS["categorical"](tuple(x.shape[1:])).start(x, torch.Generator())


OF_DIGITS = [name for name in LIKELIHOODS if name != "categorical"]


@pytest.mark.parametrize("likelihood", [*OF_DIGITS, {"kind": "logistic-mixture", "levels": 17, "components": 2}])
def test_digits_are_rebuilt_in_their_own_unit(likelihood):
    X = _DIGITS.reshape(-1, 1, 8, 8) if likelihood in ("ms-ssim", "feature-matching") else _DIGITS
    options = {"dims": 2, "beta": 0.1, "hidden": [64], "network": "dense", "epochs": 12, "batch_size": 32}
    model = VAE(likelihood=likelihood, random_state=0, **options)
    x_hat = model.fit(X).inverse_transform(model.transform(X))
    assert ((x_hat - X) ** 2).mean() < 0.87 * ((X - X.mean(0)) ** 2).mean()
    assert model.likelihood_ == likelihood
    assert np.isfinite(model.score_samples(X[:5], draws=2)).all()


def test_counts_of_any_size_are_learned_and_a_feature_that_never_happens_stays_at_nothing():
    rng = np.random.default_rng(0)
    loud = rng.random((160, 1)) < 0.5
    X = rng.poisson(np.where(loud, [1e6, 0.3, 20, 0], [1e5, 3, 2, 0])).astype(np.float32)
    for likelihood in ("poisson", "negative-binomial"):
        model = VAE(dims=1, likelihood=likelihood, hidden=[16], epochs=45, batch_size=16, random_state=0).fit(X)
        x_hat = model.inverse_transform(model.transform(X))
        means = [x_hat[loud[:, 0]].mean(0), x_hat[~loud[:, 0]].mean(0)]
        np.testing.assert_allclose(means, [[1e6, 0.3, 20, 0], [1e5, 3, 2, 0]], rtol=0.3, atol=0.3)


@pytest.mark.parametrize(("value", "said"), [(-1.0, "-1"), (0.5, "0.5"), (2.0**24 + 2, "1.67772e\\+07")])
def test_what_is_no_count_is_named(value, said):
    X = np.ones((5, 3))
    X[3, 1] = value
    with pytest.raises(ValueError, match=rf"whole numbers from 0 to 16,777,216, but feature 1 of item 3 is {said}"):
        scaling.learn(X, "counts").forward(X)
    with pytest.raises(ValueError, match=r"feature 1 of item 3"):
        VAE(likelihood="poisson").fit(X)


@pytest.mark.parametrize(
    ("likelihood", "options", "message"),
    [
        ("ms-ssim", {}, r"compares pictures \(c, h, w\), but the items have shape \(4,\)"),
        ("poisson", {"scale": 1.0}, r"scale=1.0 means nothing to likelihood='poisson'.*'gaussian' or 'laplace'"),
        ({"kind": "logistic-mixture", "levels": 1}, {}, r"levels=1 must be 2 to 65536"),
        ({"kind": "logistic-mixture", "steps": 9}, {}, r"has no option 'steps'. It takes: levels, components"),
        ("cauchy", {}, r"likelihood='cauchy' is not known. Known likelihoods: auto, bernoulli"),
    ],
)
def test_a_likelihood_that_does_not_fit_is_refused_with_what_would(likelihood, options, message):
    with pytest.raises(ValueError, match=message):
        VAE(likelihood=likelihood, **options).fit(np.ones((5, P)))


def test_a_scale_that_is_given_asks_for_a_gaussian():
    X = np.random.default_rng(0).random((19, 3))
    assert [VAE(dims=1, epochs=1, scale=scale).fit(X).likelihood_ for scale in (None, 0.5)] == ["bernoulli", "gaussian"]
