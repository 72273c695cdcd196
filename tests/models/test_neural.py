"""What both neural estimators promise: scikit-learn's contract, shapes, units, states."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentspace.errors import CollapseWarning
from latentspace.models.autoencoder import Autoencoder
from latentspace.models.vae import VAE

FAMILIES = [Autoencoder, VAE]


# After two epochs on a handful of items it is right to say that dimensions carry nothing yet.
@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")
@parametrize_with_checks([family(dims=2, epochs=2, hidden=[8], threads=1) for family in FAMILIES])
def test_keeps_the_estimator_contract(estimator, check):
    check(estimator)


def _curve(n: int = 300, seed: int = 0) -> np.ndarray:
    """A one-dimensional curve in five dimensions, with a little noise."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-2, 2, (n, 1))
    return np.hstack([t, t**2, np.sin(2 * t), np.cos(t), t]) + 0.02 * rng.normal(size=(n, 5))


def _fit(family, X, **options):
    return family(**{"dims": 2, "epochs": 3, "random_state": 0, "threads": 1} | options).fit(X)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (2, 28, 28), (1, 5, 6), (4, 33, 8)])
@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")  # one epoch of noise
def test_images_of_any_size_and_channels_come_back_in_their_shape_and_range(family, shape):
    X = np.random.default_rng(0).integers(0, 256, (24, *shape)).astype(np.uint8)
    model = _fit(family, X, epochs=1, hidden=None)
    z = model.transform(X)
    x_hat = model.inverse_transform(z)
    assert (z.shape, z.dtype, x_hat.shape, x_hat.dtype) == ((24, 2), np.float32, (24, *shape), np.float32)
    assert x_hat.min() >= 0
    assert x_hat.max() <= 255
    assert model.shape_ == shape
    assert model.n_features_in_ == np.prod(shape)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n", [1, 2, 10, 21])
@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")  # so few items need no second dimension
def test_a_handful_of_items_can_be_fitted(family, n):
    X = np.random.default_rng(0).normal(size=(n, 3))
    model = _fit(family, X)
    assert np.isfinite(model.inverse_transform(model.transform(X))).all()
    assert ("validation_loss" in model.history_[0]) == (n >= 20)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("origin", "unit"), [(0, 1), (0, 300), (1e6, 1), (-5e5, 1e-3), (0, 1e-8), (0, 1e8)])
def test_unscaled_columns_are_learned_as_well_as_scaled_ones(family, origin, unit):
    X = np.hstack([_curve(), np.full((300, 1), 3.0)]) * unit + origin
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = _fit(family, X, epochs=60, batch_size=32, dims=1, hidden=[64])
    x_hat = model.inverse_transform(model.transform(X))
    assert np.isfinite(x_hat).all()
    rounding = np.finfo(np.float32).eps * np.abs(X).max()  # features come back in float32
    assert np.mean((x_hat - X) ** 2) < 0.1 * X.var(axis=0).mean() + rounding**2


def test_the_likelihood_follows_the_data():
    rng = np.random.default_rng(0)
    bits = (rng.random((40, 6)) > 0.5).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        assert _fit(VAE, bits).likelihood_ == "bernoulli"
        assert _fit(VAE, bits * 7 - 3).likelihood_ == "gaussian"
        assert _fit(VAE, bits, likelihood="gaussian").likelihood_ == "gaussian"


@pytest.mark.parametrize("family", FAMILIES)
def test_an_items_latent_does_not_depend_on_its_company_nor_on_threads(family):
    X = np.random.default_rng(0).random((150, 1, 12, 12)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        model = _fit(family, X, epochs=1)
    z = model.transform(X)
    np.testing.assert_array_equal(model.transform(X[77:78]), z[77:78])
    np.testing.assert_array_equal(model.transform(X[::-1]), z[::-1])
    np.testing.assert_array_equal(model.set_params(threads=3).transform(X), z)
    np.testing.assert_array_equal(model.inverse_transform(z[5:6]), model.inverse_transform(z)[5:6])


_RELOAD = """
import json, sys, numpy as np
from safetensors.numpy import load_file
from latentspace.models import family
for state in sys.argv[1:]:
    name, params, facts = json.load(open(state + ".json"))
    arrays = load_file(state)
    X, z, x_hat = (arrays.pop(name) for name in ("X", "z", "x_hat"))
    model = family(name).from_state(params, facts, arrays)
    assert np.array_equal(model.transform(X), z) and np.array_equal(model.inverse_transform(z), x_hat), state
    assert model.get_state()[1] == facts
    print("same")
"""


def test_models_kept_and_rebuilt_in_a_new_process_give_the_same_bits(tmp_path):
    vectors = _curve(90).astype(np.float32)
    images = np.abs(np.tile(vectors[:, None, :, None], (1, 2, 2, 9)))  # 90 images of 2 x 10 x 9
    states = []
    for family in FAMILIES:
        for X in (vectors, images):
            model = _fit(family, X, epochs=10)
            params, facts, arrays = model.get_state()
            z = model.transform(X)
            states.append(str(tmp_path / str(len(states))))
            save_file(arrays | {"X": X, "z": z, "x_hat": model.inverse_transform(z)}, states[-1])
            Path(states[-1] + ".json").write_text(json.dumps([family.family, params, facts]))
    done = subprocess.run([sys.executable, "-c", _RELOAD, *states], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["same"] * 4, done.stderr


def test_names_of_columns_survive_the_state():
    import pandas as pd

    frame = pd.DataFrame(_curve(40), columns=list("abcde"))
    params, facts, arrays = _fit(VAE, frame, epochs=20).get_state()
    assert all(value.dtype != object for value in arrays.values())
    model = VAE.from_state(params, facts, arrays)
    assert list(model.feature_names_in_) == list("abcde")
    assert model.set_output(transform="pandas").transform(frame).columns.tolist() == ["vae0", "vae1"]
    with pytest.raises(ValueError, match="feature names"):
        model.transform(frame[list("edcba")])


def _hostile(change):
    params, facts, arrays = _fit(VAE, _curve(40), epochs=20).get_state()
    change(facts, arrays)
    return params, facts, arrays


@pytest.mark.parametrize(
    "change",
    [
        lambda facts, _: facts.update(shape_=[10**12]),
        lambda facts, _: facts.update(shape_=[3, 10**6, 10**6]),
        lambda facts, _: facts.update(shape_="ab"),
        lambda facts, _: facts.update(dims_=10**9),
        lambda facts, _: facts.update(dims_="x"),
        lambda facts, _: facts.update(likelihood_="os.system"),
        lambda facts, _: facts.update(architecture_={"kind": "builtins", "hidden": [1]}),
        lambda facts, _: facts.update(architecture_={"kind": "dense", "hidden": [8] * 10**5}),
        lambda facts, _: facts.update(architecture_=7),
        lambda facts, _: facts.pop("architecture_"),
        lambda facts, _: facts.update(transform="no"),
        lambda _, arrays: arrays.pop("network/encoder.layers.0.weight"),
        lambda _, arrays: arrays.update({"network/extra": np.zeros(3, np.float32)}),
        lambda _, arrays: arrays.update({"network/encoder.layers.0.bias": np.zeros(3, np.float32)}),
    ],
)
def test_a_state_that_does_not_fit_is_refused_before_memory_is_taken(change):
    params, facts, arrays = _hostile(change)
    with pytest.raises(ValueError, match="damaged"):
        VAE.from_state(params, facts, arrays)


@pytest.mark.parametrize("family", FAMILIES)
def test_nan_and_infinity_are_refused(family):
    X = np.ones((30, 1, 8, 8))
    X[3, 0, 2, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        _fit(family, X)
    with pytest.raises(ValueError, match=r"X holds 1e\+35; .* cannot train on values beyond 1e\+30"):
        _fit(family, np.full((30, 2), 1e35))


@pytest.mark.parametrize("family", FAMILIES)
def test_items_of_another_shape_are_refused_with_both_shapes(family):
    model = _fit(family, np.random.default_rng(0).random((30, 1, 8, 9)), epochs=4)
    with pytest.raises(ValueError, match=r"items of shape \(1, 9, 8\), but was fitted on items of shape \(1, 8, 9\)"):
        model.transform(np.ones((2, 1, 9, 8)))
    with pytest.raises(ValueError, match=r"items of shape \(72,\), but was fitted on items of shape \(1, 8, 9\)"):
        model.transform(np.ones((2, 72)))
    with pytest.raises(ValueError, match=r"latents of 3 dimensions, but .* was fitted with 2"):
        model.inverse_transform(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"\(8, 8\) can be grey pictures or sequences .* X\[:, None\]"):
        _fit(family, np.ones((30, 8, 8)))
    with pytest.raises(ValueError, match=r"Found array with dim 5: .* takes vectors \(n, p\), sequences \(n, c, t\)"):
        _fit(family, np.ones((30, 1, 2, 3, 4)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": 0}, r"dims=0 must be an integer of at least 1, or 'auto'"),
        ({"dims": 2.5}, r"dims=2.5 must be an integer"),
        ({"epochs": -1}, r"epochs=-1 must be"),
        ({"threads": 0}, r"threads=0 must be an integer of at least 1, or None"),
        ({"scale": 0.0}, r"scale=0.0 must be above 0, or None"),
        ({"learning_rate": float("nan")}, r"learning_rate=nan must be above 0"),
        ({"validation": 1.0}, r"validation=1.0 must be a share"),
        ({"likelihood": "cauchy"}, r"likelihood='cauchy' is not known. Known likelihoods: auto, bernoulli, .*gaussian"),
        ({"device": "abacus"}, r"device='abacus' cannot be used"),
        ({"device": "cuda:7"}, r"device='cuda:7' cannot be used"),
        ({"beta": -1.0}, r"beta=-1.0 must be at least 0"),
        ({"warm_up": 2.0}, r"warm_up=2.0 must be a share"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        _fit(VAE, _curve(30), **options)


def test_dims_auto_counts_what_stands_out_from_noise():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 20)) + 0.1 * rng.normal(size=(500, 20))
    assert _fit(Autoencoder, X, dims="auto", epochs=1).dims_ == 4
    assert _fit(Autoencoder, np.linspace(0, 1, 30)[:, None], dims="auto", epochs=1).dims_ == 1


def test_a_missing_torch_is_named_with_its_extra():
    code = """
import sys, importlib.abc
class NoTorch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, NoTorch())
import latentspace
latentspace.VAE
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "VAE needs torch, which is not installed. Install it: pip install 'latentspace[neural]'" in done.stderr


def test_inference_leaves_no_trace_on_torchs_state():
    X = _curve(30)
    model = _fit(VAE, X, epochs=20)
    model.transform(X)
    assert torch.is_grad_enabled()
    assert all(parameter.device.type == "cpu" for parameter in model.network_.parameters())


@pytest.mark.parametrize("family", [VAE, Autoencoder])
@pytest.mark.parametrize("n", [0, -1, 2.5, True])
def test_only_a_count_of_items_can_be_drawn(family, n):
    model = _fit(family, np.random.default_rng(0).normal(size=(30, 3)))
    with pytest.raises(ValueError, match=rf"sample\(n={n}\) must be an integer of at least 1"):
        model.sample(n)
