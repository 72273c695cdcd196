"""Encoders of pictures that timm and open_clip build, their weights in local files: of chance, made here."""

import importlib

import numpy as np
import pytest
import torch

import latentspace as ls
from latentspace.errors import UnsupportedError
from latentspace.models.encoders import Reads, open_encoder


def usable(name: str):
    """A package that imports: it may be installed and not fit this torch."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"{name} cannot be imported here: {error}")


def pictures(n=6):
    return np.random.default_rng(0).random((n, 3, 40, 40)).astype(np.float32)


def test_timm_builds_a_network_from_local_weights(tmp_path):
    timm = usable("timm")
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = timm.create_model("resnet10t", pretrained=False).eval()
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    model = ls.Pretrained(f"timm:resnet10t={tmp_path / 'weights.safetensors'}", decoder=None)
    z = model.fit_transform(pictures())
    side = model._pictures().size
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (model._pictures().mean, model._pictures().std))
    x = torch.nn.functional.interpolate(torch.tensor(pictures()), (side, side), mode="bilinear", antialias=True)
    with torch.no_grad():
        expected = network.forward_head(network.forward_features((x - mean) / std), pre_logits=True).numpy()
    np.testing.assert_allclose(z, expected, rtol=1e-3, atol=1e-4)
    assert model.about_["weights"].endswith("weights.safetensors")


def test_timm_names_what_is_not_in_the_cache(tmp_path, monkeypatch):
    usable("timm")
    with pytest.raises(ValueError, match="has no model 'no_such_net'"):
        open_encoder("timm:no_such_net")
    with pytest.raises(UnsupportedError, match=r"nothing is downloaded unasked.*hf download"):
        open_encoder("timm:resnet10t.c3_in1k")
    with pytest.raises(UnsupportedError, match="which is not there"):
        open_encoder("timm:resnet10t=/nowhere/weights.safetensors")


class Both:
    """An encoder of pictures by their mean colours, and of the words for three of them."""

    digest, pictures, reads, about = "0", None, Reads("features"), {}

    def run(self, x):
        return x.mean((2, 3))

    def words(self, texts):
        return torch.tensor([[float(colour in text) for colour in ("red", "green", "blue")] for text in texts])


def test_words_find_pictures_where_an_encoder_knows_both(monkeypatch, tmp_path):
    monkeypatch.setattr("latentspace.models.pretrained.open_encoder", lambda *_: Both())
    colours = np.eye(3)[[0, 1, 2, 1]].reshape(4, 1, 1, 3) * np.full((1, 8, 8, 1), 250)
    space = ls.fit(colours.astype(np.uint8), model="open_clip:any=weights", ids=["fire", "grass", "sky", "frog"])
    assert space.search("a blue thing", k=1).ids == ["sky"]
    assert set(space.search("something green", k=2).ids) == {"grass", "frog"}
    again = ls.load(space.save(tmp_path / "colours.latent"))
    np.testing.assert_allclose(again.encode("red"), [[1, 0, 0]])
    with pytest.raises(FileNotFoundError, match="there is no file or folder 'red'"):
        ls.fit(colours.astype(np.uint8), model="pca", dims=2).search("red")


def test_open_clip_builds_a_network_from_local_weights(tmp_path):
    library = usable("open_clip")
    torch.manual_seed(0)
    whole = library.create_model("RN50").eval()
    torch.save(whole.state_dict(), tmp_path / "weights.pt")
    model = ls.Pretrained(f"open_clip:RN50={tmp_path / 'weights.pt'}", decoder=None)
    z = model.fit_transform(pictures(2))
    assert z.shape == (2, 1024)
    assert np.abs(z).max() > 0
    whole.eval()
    with torch.no_grad():
        expected = whole.encode_text(library.get_tokenizer("RN50")(["a red cat"])).numpy()
    np.testing.assert_allclose(model.words(["a red cat"]), expected, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="must name a model of open_clip and a local file"):
        open_encoder("open_clip:RN50")
