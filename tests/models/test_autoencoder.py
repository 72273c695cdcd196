"""What an Autoencoder of any parts promises: samples, codes and states that come back."""

import json
import warnings

import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentspace.errors import CollapseWarning
from latentspace.models.autoencoder import Autoencoder

PARTS = [
    {},
    {"noise": "salt-and-pepper"},
    {"regulariser": {"kind": "sparsity", "share": 0.2}},
    {"regulariser": "decoder-gradient"},
    {"codes": {"kind": "vq", "groups": 2, "size": 16}},
    {"codes": {"kind": "fsq", "levels": [5, 4]}},
    {"codes": {"kind": "residual-vq", "size": 8, "stages": 2}, "noise": "gaussian", "regulariser": "contractive"},
]


def _fit(X, **options):
    given = {"dims": 4, "hidden": [16], "epochs": 2, "random_state": 0, "threads": 1} | options
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", CollapseWarning)  # two epochs
        return Autoencoder(**given).fit(X)


def _blobs(n: int = 80) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(4, 6))[rng.integers(4, size=n)] * 3 + 0.1 * rng.normal(size=(n, 6))).astype(np.float32)


@pytest.mark.parametrize("parts", PARTS)
def test_a_state_decodes_samples_and_codes_to_the_same_bits(parts):
    X = _blobs()
    model = _fit(X, **parts)
    params, facts, arrays = model.get_state()
    again = Autoencoder.from_state(json.loads(json.dumps(params)), json.loads(json.dumps(facts)), arrays)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    np.testing.assert_array_equal(again.sample(9, random_state=3), model.sample(9, random_state=3))
    assert not np.array_equal(again.sample(9, random_state=4), model.sample(9, random_state=3))
    if model.codes is not None:
        np.testing.assert_array_equal(again.encode_codes(X), model.encode_codes(X))


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize(
    "X", [np.ones((1, 3)), np.eye(2), np.full((25, 3), 2.0), np.random.default_rng(0).random((21, 1, 8, 9))]
)
def test_edge_sizes_are_rebuilt_and_sampled_in_their_shape(parts, X):
    model = _fit(X, **parts, epochs=1, network="dense")
    assert model.inverse_transform(model.transform(X)).shape == X.shape
    drawn = model.sample(3, random_state=0)
    assert drawn.shape == (3, *X.shape[1:])
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("parts", [parts for parts in PARTS if "codes" in parts])
def test_codes_are_integers_that_decode_to_the_reconstruction(parts):
    X = _blobs()
    model = _fit(X, **parts, epochs=5)
    codes = model.encode_codes(X)
    assert codes.dtype == np.int64
    assert codes.shape[1] == (1 if "residual-vq" in str(parts) else 2)
    x_hat = model.inverse_transform(model.transform(X))
    if codes.ndim == 2:
        np.testing.assert_array_equal(model.decode_codes(codes), x_hat)
        np.testing.assert_array_equal(model.project(model.transform(X)), model.transform(X))
    else:
        assert codes.shape[2] == 2
        assert model.decode_codes(codes[..., :1]).shape == X.shape  # a coarser one
    drawn = model.project(np.random.default_rng(0).normal(size=(50, 4)))
    assert len(np.unique(drawn.round(5), axis=0)) <= model.network_.posterior.size ** codes[0].size


@pytest.fixture(scope="module")
def coded(digits):
    X = digits[0].reshape(-1, 64)[:1500].astype(np.float32)
    codes = {"kind": "vq", "groups": 4, "size": 64}
    return _fit(X, dims=8, codes=codes, hidden=[64], epochs=25), X


def test_real_digits_use_more_than_half_of_every_codebook(coded):
    model, X = coded
    for column in model.encode_codes(X).T:
        shares = np.bincount(column, minlength=64) / len(column)
        assert np.exp(-np.sum(shares[shares > 0] * np.log(shares[shares > 0]))) > 32
    assert 32 < model.history_[-1]["perplexity"] <= 64


def test_discrete_digits_are_rebuilt_as_well_as_by_pca_of_the_same_dims(coded, digits):
    model, X = coded
    test = digits[0].reshape(-1, 64)[1500:].astype(np.float32)
    pca = PCA(8).fit(X)
    error = np.mean((model.inverse_transform(model.transform(test)) - test) ** 2)
    assert error < np.mean((pca.inverse_transform(pca.transform(test)) - test) ** 2)


def test_sampled_latents_are_values_of_codes_and_samples_look_like_digits(coded):
    model, X = coded
    drawn = model.sample(300, random_state=0)
    z = model.project(model.density_.sample(300, np.random.default_rng(0)))
    np.testing.assert_array_equal(model.project(z), z)
    # No farther from their nearest real digit than three halves of what digits are from theirs.
    squares = ((drawn[:, None] - X[None, :500]) ** 2).mean(-1)
    among = ((X[500:800, None] - X[None, :500]) ** 2).mean(-1)
    assert np.sqrt(squares.min(1)).mean() < 1.5 * np.sqrt(among.min(1)).mean()
    assert drawn.std(axis=0).mean() > 0.6 * X.std(axis=0).mean()  # and not all one digit


class _Killed(Exception):
    pass


@pytest.mark.parametrize("kind", ["vq", "fsq", "residual-vq"])
def test_a_killed_fit_of_codes_resumes_to_the_same_bits(kind, tmp_path):
    def fall(row):
        if row["epoch"] == 2:
            raise _Killed

    X, options = _blobs(), {"codes": kind, "epochs": 5, "noise": "gaussian"}
    whole = _fit(X, **options)
    model = Autoencoder(**whole.get_params())
    with pytest.raises(_Killed):
        model.fit(X, checkpoint=tmp_path / "run", callback=fall)
    model.fit(X, checkpoint=tmp_path / "run")
    for name, value in whole.get_state()[2].items():
        np.testing.assert_array_equal(model.get_state()[2][name], value, err_msg=name)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((2, 3), int), r"codes of shape \(2, 3\); expected \(n, 4\)"),
        (np.zeros((2, 4)), r"takes integers from 0 to 63, not float64"),
        (np.full((2, 4), 64), r"takes integers from 0 to 63, not int64 from 64 to 64"),
        (np.full((2, 4), -1), r"from -1 to -1"),
    ],
)
def test_codes_that_the_model_cannot_have_given_are_refused(coded, codes, message):
    with pytest.raises(ValueError, match=message):
        coded[0].decode_codes(codes)


def test_a_continuous_autoencoder_names_what_gives_codes():
    model = _fit(_blobs())
    for verb in (model.encode_codes, model.decode_codes):
        with pytest.raises(AttributeError, match=r"needs discrete latents: fit an Autoencoder with codes='vq'"):
            verb(_blobs())


def test_a_damaged_density_is_refused():
    params, facts, arrays = _fit(_blobs()).get_state()
    for change in ({"family": "os"}, {"params": {"nothing": 1}}, {}):
        broken = facts | {"density_": facts["density_"] | change if change else None}
        with pytest.raises(ValueError, match=r"The density of the autoencoder in this file cannot be used.*damaged"):
            Autoencoder.from_state(params, broken, arrays)


@pytest.mark.slow
@pytest.mark.parametrize(
    "parts",
    [
        {},
        *(
            {"regulariser": kind}
            for kind in ("contractive", "decoder-l2", "decoder-gradient", "decoder-spectral", "l1")
        ),
    ],
)
def test_every_continuous_kind_rebuilds_digits_better_than_pca(parts, digits):
    X = digits[0].reshape(-1, 64).astype(np.float32)
    pca, model = PCA(8).fit(X[:1500]), _fit(X[:1500], dims=8, hidden=None, epochs="auto", **parts)
    errors = [np.mean((m.inverse_transform(m.transform(X[1500:])) - X[1500:]) ** 2) for m in (model, pca)]
    assert errors[0] < errors[1]
