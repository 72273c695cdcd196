"""Which density is taken, a model's own prior, and latents that live on a sphere or in a ball."""

import numpy as np
import pytest
from moons import two_moons
from scipy import special, stats

import latentspace as ls
from latentspace.errors import UnsupportedError
from latentspace.models.densities import DENSITIES, density_class, fit_density
from latentspace.models.densities.manifolds import MANIFOLDS
from latentspace.models.densities.mixture import MixtureDensity


def torus(n: int, seed: int = 0) -> np.ndarray:
    """Three circles at once, in six dims: a mixture would need a Gaussian for each combination of their arcs."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, (n, 3))
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1) + 0.1 * rng.standard_normal((n, 6))


# ---------------------------------------------------------------------- auto


def test_gaussian_latents_get_a_gaussian_without_a_network_being_tried():
    z = np.random.default_rng(0).normal(size=(600, 4)) * [1, 2, 3, 4]
    chosen = fit_density(z)
    assert chosen.family == "gaussian"
    assert "flow-matching" not in chosen.scores_
    np.testing.assert_array_equal(chosen.mean_, fit_density(z, "gaussian").mean_)  # fitted anew to all of them


def test_scores_are_held_out_log_likelihoods_and_are_kept():
    z = two_moons(300)
    chosen = fit_density(z, seed=3)
    order = np.random.default_rng(3).permutation(300)
    expected = MixtureDensity(random_state=3).fit(z[order[60:]]).log_prob(z[order[:60]]).mean()
    assert chosen.family == "mixture"
    assert chosen.scores_["mixture"] == pytest.approx(expected)
    assert chosen.scores_["mixture"] > chosen.scores_["gaussian"]
    again = density_class("mixture").from_state(*chosen.get_state())
    assert again.scores_ == chosen.scores_


def test_few_latents_and_linear_models_are_not_worth_a_network():
    assert set(fit_density(two_moons(399)).scores_) == {"gaussian", "mixture"}
    assert set(fit_density(two_moons(600), model=ls.PCA()).scores_) == {"gaussian", "mixture"}
    assert set(fit_density(two_moons(600, dims=65)).scores_) == {"gaussian", "mixture"}


@pytest.mark.slow
def test_bends_that_no_mixture_follows_get_flow_matching():
    chosen = fit_density(torus(4000))
    assert chosen.family == "flow-matching"
    assert chosen.scores_["flow-matching"] > chosen.scores_["mixture"] + 0.3


@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_so_few_latents_that_none_are_held_out_get_a_gaussian(n):
    chosen = fit_density(np.arange(3.0 * n).reshape(n, 3))
    assert chosen.family == "gaussian"
    assert np.isfinite(chosen.sample(5, np.random.default_rng(0))).all()


def test_equal_latents_are_sampled_as_themselves():
    chosen = fit_density(np.full((500, 3), 4.0))
    np.testing.assert_allclose(chosen.sample(9, np.random.default_rng(0)), 4, atol=1e-3)


def test_a_space_draws_from_the_chosen_density_and_says_how_the_others_did(digits, tmp_path):
    space = ls.fit(digits[0][:300], "pca", dims=4)
    info = space.info()
    assert info["density"] in info["density_scores"]
    assert ls.load(space.save(tmp_path / "digits.latent")).info()["density_scores"] == info["density_scores"]


# ---------------------------------------------------------------------- a model's own prior


@pytest.fixture(scope="module")
def vae(digits):
    x = digits[0][:200].reshape(200, -1).astype(np.float32)
    return ls.VAE(dims=3, epochs=2, network="dense", hidden=[16], random_state=0).fit(x), x


def test_the_prior_of_a_vae_is_the_standard_normal(vae):
    model, x = vae
    z = model.transform(x)
    prior = fit_density(z, "prior", model=model)
    np.testing.assert_allclose(prior.log_prob(z), stats.norm.logpdf(z).sum(1), rtol=1e-5)
    drawn = prior.sample(2000, np.random.default_rng(0))
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.01
    assert "prior" in fit_density(z, model=model).scores_


def test_a_space_that_samples_from_its_prior_does_so_after_loading(digits, tmp_path):
    options = {"dims": 3, "epochs": 2, "network": "dense", "hidden": [16]}
    space = ls.fit(digits[0][:100], "vae", density="prior", **options)
    again = ls.load(space.save(tmp_path / "digits.latent"))
    assert again.info()["density"] == "prior"
    for ours, theirs in zip(space.sample(4, seed=1), again.sample(4, seed=1), strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize("name", ["prior", "vamp"])
def test_a_model_without_a_prior_says_what_to_take(name):
    with pytest.raises(UnsupportedError, match=r"PCA was trained without a prior. Take density='auto'"):
        fit_density(np.ones((5, 2)), name, model=ls.PCA())
    with pytest.raises(ValueError, match="pass the model"):
        fit_density(np.ones((5, 2)), name)


def test_vamp_is_refused_where_the_prior_is_another(vae):
    model, x = vae
    with pytest.raises(UnsupportedError, match=r"this VAE has 'normal'. Fit model='vae' with prior='vamp'"):
        fit_density(model.transform(x), "vamp", model=model)


@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")  # two epochs teach it little
def test_vamp_is_the_mixture_of_the_pseudo_inputs_posteriors(digits):
    x = digits[0][:200].reshape(200, -1).astype(np.float32)
    model = ls.VAE(dims=2, prior="vamp", epochs=2, network="dense", hidden=[16], random_state=0).fit(x)
    z = model.transform(x)
    vamp = fit_density(z, "vamp", model=model)
    grid = np.linspace(z.min() - 12, z.max() + 12, 301)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    assert np.exp(vamp.log_prob(plane)).sum() * (grid[1] - grid[0]) ** 2 == pytest.approx(1, abs=1e-3)
    assert vamp.sample(5, np.random.default_rng(0)).shape == (5, 2)


# ---------------------------------------------------------------------- manifolds


def on_circle(n: int, seed: int = 0) -> np.ndarray:
    angle = np.random.default_rng(seed).vonmises(1.0, 4.0, n)
    return np.column_stack([np.cos(angle), np.sin(angle)])


@pytest.mark.parametrize("name", ["gaussian", "mixture"])
def test_a_density_on_a_circle_integrates_to_one_and_its_samples_stay_there(name):
    fitted = density_class(name)(manifold="sphere", random_state=0).fit(on_circle(800))
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    density = np.exp(fitted.log_prob(np.column_stack([np.cos(angle), np.sin(angle)])))
    assert density.mean() * 2 * np.pi == pytest.approx(1, abs=0.02)
    drawn = fitted.sample(3000, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1, atol=1e-6)
    drawn_angle = np.sort(np.arctan2(drawn[:, 1], drawn[:, 0]) % (2 * np.pi))
    cumulative = np.concatenate([[0], np.cumsum(density)]) / density.sum()
    edges = np.append(angle, 2 * np.pi)
    assert stats.kstest(drawn_angle, lambda a: np.interp(a, edges, cumulative)).pvalue > 1e-3


def test_a_uniform_sphere_is_a_gaussian_and_gets_its_density():
    z = np.random.default_rng(0).normal(size=(4000, 5))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    area = np.log(2) + 2.5 * np.log(np.pi) - special.gammaln(2.5)
    fitted = density_class("gaussian")(manifold="sphere", random_state=0).fit(z)
    np.testing.assert_allclose(fitted.log_prob(z[:200]), -area, atol=0.25)
    assert fitted.log_prob(z).mean() == pytest.approx(-area, abs=0.02)


def test_a_density_in_a_ball_integrates_to_one_over_hyperbolic_space_and_its_samples_stay_inside():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(500, 2)) @ [[0.8, 0.3], [0, 0.5]] + [0.5, 0]
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    fitted = density_class("mixture")(manifold="ball", random_state=0).fit(np.tanh(norm) * flat / norm)
    side = np.linspace(-1, 1, 1202)[1:-1]
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    square = np.square(grid).sum(axis=1)
    grid, square = grid[square < 0.9999], square[square < 0.9999]
    volume = (2 / (1 - square)) ** 2 * (side[1] - side[0]) ** 2
    assert (np.exp(fitted.log_prob(grid)) * volume).sum() == pytest.approx(1, abs=0.01)
    drawn = fitted.sample(5000, np.random.default_rng(0))
    assert np.linalg.norm(drawn, axis=1).max() < 1


@pytest.mark.parametrize("name", sorted(set(DENSITIES) - {"prior", "vamp"}))
@pytest.mark.parametrize("space", ["sphere", "ball"])
def test_every_density_keeps_its_samples_on_the_manifold(name, space):
    z = on_circle(60) * (1 if space == "sphere" else 0.9)
    steps = {"steps": 3} if "steps" in density_class(name)().get_params() else {}
    fitted = density_class(name)(manifold=space, random_state=0, **steps).fit(z)
    norms = np.linalg.norm(fitted.sample(50, np.random.default_rng(0)), axis=1)
    assert (np.abs(norms - 1) < 1e-6).all() if space == "sphere" else (norms < 1).all()
    assert np.isfinite(fitted.log_prob(z)).all()


@pytest.mark.parametrize(("preset", "space"), [("svae", "sphere"), ("poincare", "ball"), ("vae", "euclidean")])
def test_samples_of_a_model_live_where_its_latents_do(digits, preset, space):
    fitted = ls.fit(digits[0][:60], preset, dims=3, epochs=1, network="dense", hidden=[16])
    assert fitted.density.manifold == space
    norms = np.linalg.norm(fitted.density.sample(30, np.random.default_rng(0)), axis=1)
    assert {"sphere": np.allclose(norms, 1, atol=1e-5), "ball": (norms < 1).all(), "euclidean": True}[space]
    assert len(fitted.sample(3)) == 3


def test_an_unknown_manifold_lists_the_known_ones():
    with pytest.raises(ValueError, match=f"manifold='torus' is not known. Known manifolds: {', '.join(MANIFOLDS)}"):
        density_class("gaussian")(manifold="torus").fit(np.ones((2, 2)))
