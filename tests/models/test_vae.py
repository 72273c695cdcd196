import warnings

import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentspace.errors import CollapseWarning, UnsupportedError
from latentspace.models.autoencoder import Autoencoder
from latentspace.models.vae import VAE


def _plane(n: int = 1000, seed: int = 0) -> np.ndarray:
    """Two-dimensional data in eight dimensions: x = W t + noise of deviation 0.1, all columns of variance 1.01."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ _WEIGHTS + 0.1 * rng.normal(size=(n, 8))


_ANGLES = np.arange(8) * 0.7
_WEIGHTS = np.vstack([np.cos(_ANGLES), np.sin(_ANGLES)])


@pytest.fixture(scope="module")
def plane():
    return VAE(dims=2, epochs=80, random_state=0, hidden=[64], threads=1).fit(_plane())


def test_it_rebuilds_a_plane_about_as_well_as_the_pca_that_is_right_for_it(plane):
    test = _plane(500, seed=1)
    pca = PCA(2).fit(_plane())
    error = np.mean((plane.inverse_transform(plane.transform(test)) - test) ** 2)
    assert error < 1.5 * np.mean((pca.inverse_transform(pca.transform(test)) - test) ** 2)


def test_the_learned_scale_is_the_noise(plane):
    deviation = float(plane.network_.likelihood.variance) ** 0.5
    assert deviation == pytest.approx(0.1, rel=0.2)


def test_samples_have_the_datas_mean_and_covariance(plane):
    X, drawn = _plane(), plane.sample(4000, random_state=0)
    spread = X.std(axis=0)
    assert np.abs((drawn.mean(axis=0) - X.mean(axis=0)) / spread).max() < 0.2
    assert np.abs(np.cov(drawn.T) - np.cov(X.T)).max() < 0.25 * spread.max() ** 2
    np.testing.assert_array_equal(drawn[:5], plane.sample(4000, random_state=0)[:5])
    assert not np.array_equal(drawn[:5], plane.sample(5, random_state=1))


def test_scores_are_a_tight_bound_on_the_known_log_likelihood(plane):
    test = _plane(500, seed=1)
    covariance = _WEIGHTS.T @ _WEIGHTS + 0.01 * np.eye(8)
    inverse = np.linalg.inv(covariance)
    known = -0.5 * (
        np.einsum("ij,jk,ik->i", test, inverse, test) + np.linalg.slogdet(covariance)[1] + 8 * np.log(2 * np.pi)
    )
    scores = plane.score_samples(test)
    assert scores.mean() < known.mean()
    assert known.mean() - scores.mean() < 2.0
    np.testing.assert_array_equal(plane.score_samples(test[9:10]), scores[9:10])
    assert plane.score_samples(test + 5).max() < scores.min()  # what is far from the plane scores low


def test_the_posterior_has_the_mean_that_transform_gives(plane):
    mean, log_var = plane.infer(_plane(20, seed=2))
    np.testing.assert_array_equal(mean, plane.transform(_plane(20, seed=2)))
    assert log_var.shape == (20, 2)
    assert (log_var < 0).all()  # an active dimension is known better than the prior knows it


def test_dimensions_that_data_cannot_fill_are_counted_and_warned_of():
    with pytest.warns(CollapseWarning, match=r"VAE: 2 of 8 dimensions carry anything.* try dims=2"):
        model = VAE(dims=8, epochs=80, random_state=0, hidden=[64], threads=1).fit(_plane())
    assert model.active_dims_.sum() == 2
    assert model.history_[-1]["active_dims"] == 2
    assert model.carried_[~model.active_dims_].max() < 0.15 < model.carried_[model.active_dims_].min()


def test_identical_items_collapse_and_are_still_rebuilt():
    X = np.full((64, 5), 3.0)
    for family in (VAE, Autoencoder):
        with pytest.warns(CollapseWarning, match="0 of 4 dimensions"):
            model = family(dims=4, epochs=20, random_state=0, hidden=[16]).fit(X)
        np.testing.assert_allclose(model.inverse_transform(model.transform(X)), X, atol=0.2)


def test_data_that_fills_its_dimensions_gives_no_warning(plane):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = VAE(dims=2, epochs=80, random_state=0, hidden=[64], threads=1).fit(_plane())
    assert plane.active_dims_.all()
    assert again.active_dims_.all()


def test_a_larger_beta_carries_less():
    carried = [
        VAE(dims=2, epochs=40, beta=beta, random_state=0, hidden=[32]).fit(_plane(500)).carried_.sum()
        for beta in (0.2, 1.0)
    ]
    assert carried[0] > carried[1]


@pytest.mark.parametrize(
    ("options", "share"),
    [({}, 0.1), ({"warm_up": 0.3}, 0.3), ({"divergence": {"kind": "capacity", "rise": 0.5}}, 0.5)],
)
@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")
def test_epochs_are_judged_once_the_divergences_weight_has_risen(options, share):
    model = VAE(dims=2, epochs=1, hidden=[8], random_state=0, **options).fit(_plane(64))
    assert model.network_.settles == share


def test_a_posterior_that_is_no_gaussian_says_what_its_mean_is():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        model = VAE(dims=2, epochs=1, hidden=[8], posterior="vmf", prior="sphere", random_state=0).fit(_plane(64))
    np.testing.assert_allclose(np.linalg.norm(model.transform(_plane(9)), axis=1), 1, atol=1e-5)
    with pytest.raises(UnsupportedError, match=r"posterior='gaussian', but this VAE has 'vmf'.* transform\(\)"):
        model.infer(_plane(9))


def test_latents_on_a_sphere_and_in_a_ball_hold_a_circle_and_the_vae_samples_it():
    t = np.random.default_rng(0).uniform(0, 2 * np.pi, 600)
    X = np.column_stack([np.cos(t), np.sin(t)]) @ _WEIGHTS
    for parts in ({"posterior": "vmf", "prior": "sphere"}, {"posterior": "poincare", "prior": "poincare"}):
        model = VAE(dims=2, epochs=60, hidden=[32], random_state=0, threads=1, **parts).fit(X)
        assert np.mean((model.inverse_transform(model.transform(X)) - X) ** 2) < 0.05 * X.var()
        if parts["prior"] == "sphere":  # its prior is the circle's own law
            radius = np.linalg.norm(model.sample(500, random_state=0) @ np.linalg.pinv(_WEIGHTS), axis=1)
            assert np.quantile(np.abs(radius - 1), 0.9) < 0.2
