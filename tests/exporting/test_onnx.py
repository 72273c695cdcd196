"""Models as ONNX: onnxruntime gives what the model gives, for any number of items."""

import json

import numpy as np
import pytest

import latentspace as ls
from latentspace.errors import UnsupportedError

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


def _run(path, rows):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: rows})[0]


def _same(space, folder, features):
    z = space.model.transform(features)
    scale = np.abs(z).max()
    for n in (1, 3, len(features)):
        np.testing.assert_allclose(_run(folder / "encoder.onnx", features[:n]), z[:n], atol=1e-5 * scale)
    if (folder / "decoder.onnx").exists():
        back = space.model.inverse_transform(z)
        np.testing.assert_allclose(_run(folder / "decoder.onnx", z), back, atol=1e-5 * np.abs(back).max())


@pytest.mark.parametrize("model", ["pca", "ica", "factor-analysis", "identity"])
def test_linear_models_are_one_product(model, tmp_path):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(90, 7)) * [1, 10, 0.1, 1, 1, 1, 100] + 1000).astype(np.float32)
    space = ls.fit(x, model, density="gaussian", **({} if model == "identity" else {"dims": 3}))
    folder = tmp_path / "onnx"
    space.export("onnx", folder)
    _same(space, folder, x)
    facts = json.loads((folder / "features.json").read_text())
    assert facts["features"] == [7]
    assert facts["dims"] == space.dims


@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning", "ignore::latentspace.errors.TrainingWarning")
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("vae", {"network": "conv"}),
        ("autoencoder", {"hidden": [16]}),
        pytest.param("sparse-autoencoder", {"dims": 20}, marks=pytest.mark.slow),
        pytest.param("gan", {"hidden": [16]}, marks=pytest.mark.slow),
        pytest.param("svae", {"hidden": [16]}, marks=pytest.mark.slow),
        pytest.param("poincare", {"hidden": [16]}, marks=pytest.mark.slow),
    ],
)
def test_networks_are_what_torch_traces(digits, model, options, tmp_path):
    space = ls.fit(digits[0][:80], model, **{"dims": 4, "epochs": 1, "density": "gaussian"} | options)
    space.export("onnx", tmp_path / "onnx")
    features = space.features(list(digits[0][80:120]))
    if not getattr(space.model, "takes_images", False):
        features = features.reshape(len(features), -1)
    _same(space, tmp_path / "onnx", features)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::latentspace.errors.TrainingWarning")
def test_what_torch_has_no_graph_for_is_refused(digits, tmp_path):
    with pytest.raises(UnsupportedError, match="torch has no ONNX"):
        ls.fit(digits[0][:80], "vq", dims=4, epochs=1, density="gaussian", hidden=[16]).export("onnx", tmp_path / "o")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_graph_is_refused_and_nothing_is_left(tmp_path):
    x = np.abs(np.random.default_rng(0).normal(size=(60, 5))).astype(np.float32)
    with pytest.raises(UnsupportedError, match="neither affine nor a network"):
        ls.fit(x, "nmf", dims=2).export("onnx", tmp_path / "onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_differs_is_not_written(tmp_path, monkeypatch):
    from latentspace.exporting import onnx_models

    x = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    true = onnx_models._affine
    monkeypatch.setattr(onnx_models, "_affine", lambda *given: (true(*given)[0] * 1.001, true(*given)[1]))
    with pytest.raises(ArithmeticError, match="Nothing was written"):
        ls.fit(x, dims=2).export("onnx", tmp_path / "onnx")
    assert list(tmp_path.iterdir()) == []
