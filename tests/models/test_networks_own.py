"""Networks of one's own: declared ones, ready ones, what is checked of them, and what a file may ask for."""

# ruff: noqa: ARG005 -- constructors take what they are given, needed or not

import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

import latentspace as ls
from latentspace.errors import UnsupportedError
from latentspace.models.autoencoder import Autoencoder
from latentspace.models.networks import declare_network, plan
from latentspace.models.networks.own import DECLARED
from latentspace.models.vae import VAE

pytestmark = pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")  # an epoch or two of little data

_DECLARATION = """
import torch
from torch import nn
import latentspace as ls

def encoder(shape, outputs, width=8, depth=1, dropout=0.0):
    inner = [nn.Linear(width, width) for _ in range(depth - 1)]
    first = nn.Linear(torch.Size(shape).numel(), width)
    norm, last = nn.BatchNorm1d(width), nn.Linear(width, outputs)
    return nn.Sequential(nn.Flatten(), first, norm, nn.Dropout(dropout), *inner, last)

def decoder(shape, dims, heads, width=8, depth=1, dropout=0.0):
    out = (heads * shape[0], *shape[1:])
    last = nn.Linear(width, torch.Size(out).numel())
    return nn.Sequential(nn.Linear(dims, width), nn.Tanh(), last, nn.Unflatten(1, out))

ls.declare_network("bottle", encoder=encoder, decoder=decoder)
"""


@pytest.fixture(autouse=True)
def bottle():
    """Declares the network "bottle", and forgets all that a test declares."""
    before = dict(DECLARED)
    scope: dict = {}
    exec(_DECLARATION, scope)
    yield scope
    DECLARED.clear()
    DECLARED.update(before)


def _items(*shape: int, n: int = 60) -> np.ndarray:
    return np.random.default_rng(0).random((n, *shape)).astype(np.float32)


def _fit(X, network, family=VAE, **options):
    return family(2, network=network, **{"epochs": 2, "random_state": 0, "threads": 1} | options).fit(X)


def _declare(encoder=None, decoder=None):
    """Declares "odd": one linear map each way, but for what a test passes."""
    declare_network(
        "odd",
        encoder=encoder or (lambda shape, outputs: nn.Linear(shape[0], outputs)),
        decoder=decoder or (lambda shape, dims, heads: nn.Linear(dims, heads * shape[0])),
    )


class _Of(nn.Module):
    """A linear map followed by any function of its output and itself."""

    def __init__(self, into: int, out: int, then):
        super().__init__()
        self.map, self.then = nn.Linear(into, out), then

    def forward(self, x):
        return self.then(self, self.map(x))


@pytest.mark.parametrize("family", [VAE, Autoencoder])
@pytest.mark.parametrize("shape", [(5,), (2, 9), (3, 8, 6)])
def test_a_declared_network_is_trained_with_its_options_on_items_of_any_shape(family, shape):
    X = _items(*shape)
    model = _fit(X, {"kind": "bottle", "width": 6}, family)
    assert model.inverse_transform(model.transform(X)).shape == X.shape
    assert model.network_.encoder.network[1].out_features == 6
    np.testing.assert_allclose(model.transform(X[7:8]), model.transform(X)[7:8], rtol=1e-4, atol=1e-6)


def test_the_state_of_a_declared_network_gives_the_same_bits_again():
    X = _items(5)
    model = _fit(X, {"kind": "bottle", "width": 6, "dropout": 0.2})
    params, facts, arrays = model.get_state()
    assert params["network"] == {"kind": "bottle", "width": 6, "dropout": 0.2}
    again = VAE.from_state(params, facts, arrays)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))


def test_starting_weights_are_the_constructors_own_and_follow_the_seed():
    def constant(shape, outputs):
        layer = nn.Linear(shape[0], outputs)
        nn.init.constant_(layer.bias, 7.0)
        return layer

    _declare(encoder=constant)
    weights = []
    for seed in (0, 0, 1):
        encoder = plan((4,), "odd").encoder(3)
        encoder.begin(torch.Generator().manual_seed(seed))
        assert (encoder.network.bias == 7).all()
        weights.append(encoder.network.weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_ready_modules_are_trained_as_copies_from_the_weights_they_have():
    X = _items(4)
    pair = (nn.Linear(4, 4), nn.Linear(2, 4))
    pair[0].requires_grad_(False)
    before = [value.clone() for network in pair for value in network.parameters()]
    model = _fit(X, pair)
    assert all(torch.equal(a, b) for a, b in zip(before, (v for n in pair for v in n.parameters()), strict=True))
    assert torch.equal(model.network_.encoder.network.weight, pair[0].weight)  # frozen
    assert not torch.equal(model.network_.decoder.network.weight, pair[1].weight)
    again = clone(model).fit(X)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))


def test_ready_modules_cannot_be_saved_and_the_message_says_what_can():
    with pytest.raises(TypeError, match=r"network=\(encoder, decoder\) cannot be saved.*declare_network"):
        _fit(_items(4), (nn.Linear(4, 4), nn.Linear(2, 4))).get_state()


_LOAD = f"""
import sys, numpy as np, latentspace as ls
try:
    ls.load(sys.argv[1])
except ValueError as error:
    print(f"{{type(error).__name__}}: {{error}}")
{_DECLARATION}
space = ls.load(sys.argv[1])
assert np.array_equal(space.encode(np.load(sys.argv[2])), np.load(sys.argv[3]))
print("same")
"""


def test_a_file_opens_in_a_new_process_only_where_its_network_is_declared(tmp_path):
    X = _items(6)
    np.save(tmp_path / "x.npy", X)
    space = ls.fit(X, "vae", dims=2, network={"kind": "bottle", "width": 5}, epochs=2, threads=1, density="gaussian")
    space.save(tmp_path / "own.latent")
    np.save(tmp_path / "z.npy", space.encode(X))
    files = [str(tmp_path / name) for name in ("own.latent", "x.npy", "z.npy")]

    done = subprocess.run([sys.executable, "-c", _LOAD, *files], capture_output=True, text=True, check=False)
    refused, _, rest = done.stdout.partition("\n")
    assert refused.startswith(
        "UnsupportedError: network='bottle' is not declared in this process (declared here: none)"
    )
    assert "latentspace.declare_network('bottle', encoder=..., decoder=...)" in refused
    assert rest == "same\n", done.stderr


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"encoder": lambda shape, outputs: nn.Linear(shape[0], 3)},
            r"The encoder of network='odd' gave an output of shape \(3, 3\) for an input of shape \(3, 5\), but the "
            r"posterior needs \(3, 4\)",
        ),
        (
            {"decoder": lambda shape, dims, heads: nn.Linear(dims, 7)},
            r"The decoder of network='odd' gave an output of shape \(3, 7\) .*but the likelihood needs \(3, 5\)",
        ),
        (
            {"encoder": lambda shape, outputs: nn.Linear(9, outputs)},
            r"failed on an input of shape \(3, 5\): .*cannot be multiplied.* The posterior needs \(3, 4\) from that",
        ),
        (
            {"encoder": lambda shape, outputs: _Of(5, outputs, lambda self, y: (y, y))},
            r"gave an output of type tuple",
        ),
        (
            {"encoder": lambda shape, outputs: _Of(5, outputs, lambda self, y: y if self.training else y[:, :3])},
            r"gave an output of shape \(3, 3\)",
        ),
        (
            {"encoder": lambda shape, outputs: _Of(5, outputs, lambda self, y: y[:, :3] if self.training else y)},
            r"gave an output of shape \(3, 3\)",
        ),
        ({"encoder": lambda shape, outputs: _Of(5, outputs, lambda self, y: y.double())}, r"gave torch.float64"),
        ({"encoder": lambda shape, outputs: _Of(5, outputs, lambda self, y: y / 0)}, r"gave NaN or infinity"),
        (
            {"encoder": lambda shape, outputs: _Of(5, outputs, lambda self, y: nn.functional.dropout(y))},
            r"gives an item another output beside other items, or at another time, in eval mode",
        ),
        (
            {"encoder": lambda shape, outputs: _Of(5, outputs, lambda self, y: y - y.mean(0))},
            r"gives an item another output beside other items",
        ),
        ({"encoder": lambda shape, outputs: nn.LazyLinear(outputs)}, r"has lazy layers. Give all layers their sizes"),
        ({"encoder": lambda shape, outputs: "a network"}, r"gave str, not a torch nn.Module"),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_a_network_that_does_not_fit_is_refused_at_fit_with_both_shapes(parts, message):
    _declare(**parts)
    with pytest.raises((ValueError, TypeError), match=message):
        _fit(_items(5), "odd")


def test_trying_a_network_out_teaches_its_batch_norm_nothing():
    encoder = plan((5,), "bottle").encoder(2)
    encoder.begin(torch.Generator().manual_seed(0))
    assert (encoder.network[2].running_mean == 0).all()
    assert encoder.training


def test_batch_norm_with_a_batch_of_one_item_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"cannot learn from a batch of one item .*larger batch_size"):
        _fit(_items(5, n=1), "bottle")
    with pytest.raises(ValueError, match=r"cannot learn from a batch of one item"):
        _fit(_items(5, n=30), "bottle", batch_size=1)


@pytest.mark.parametrize(
    "declared",
    [
        {"width": 10**12},
        {"width": -1},
        {"depth": 10**9},
        {"layers": 3},
        {"width": "os.system"},
        {"width": [1] * 100},
        [1, 2],
        None,
    ],
)
def test_hostile_options_in_a_file_are_refused_before_memory_is_taken(declared):
    params, facts, arrays = _fit(_items(5), "bottle").get_state()
    facts["architecture_"] = {"kind": "bottle", "hidden": [], "declared": declared}
    with pytest.raises(ValueError, match="damaged"):
        VAE.from_state(params, facts, arrays)


@pytest.mark.parametrize("kind", ["os.system", "__import__", 7, "dense"])
def test_a_file_reaches_no_code_but_what_was_declared(kind):
    params, facts, arrays = _fit(_items(5), "bottle").get_state()
    facts["architecture_"] = {"kind": kind, "hidden": [], "declared": {}}
    with pytest.raises(UnsupportedError, match=r"is not declared in this process \(declared here: .*bottle"):
        VAE.from_state(params, facts, arrays)


def test_weights_of_another_declaration_are_told_from_damage():
    params, facts, arrays = _fit(_items(5), "bottle").get_state()
    declare_network("bottle", encoder=lambda s, o: nn.Linear(s[0], o), decoder=lambda s, d, h: nn.Linear(d, h * s[0]))
    with pytest.raises(ValueError, match=r"network='bottle' is declared otherwise here than where it was fitted"):
        VAE.from_state(params, facts, arrays)


@pytest.mark.parametrize(
    ("name", "encoder", "error", "message"),
    [
        ("conv", nn.Linear, ValueError, r"cannot take 'conv', which is a built-in network's name"),
        ("", nn.Linear, TypeError, r"got the name ''"),
        ("mine", nn.Linear(2, 2), TypeError, r"got encoder=Linear, .* network=\(encoder, decoder\)"),
        ("mine", None, TypeError, r"got encoder=NoneType"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(name, encoder, error, message):
    with pytest.raises(error, match=message):
        declare_network(name, encoder=encoder, decoder=nn.Linear)


@pytest.mark.parametrize(
    ("network", "hidden", "error", "message"),
    [
        ("bottle", [4], ValueError, r"hidden=\[4\] is for built-in networks; network='bottle' has sizes of its own"),
        ({"kind": "dense", "width": 3}, None, ValueError, r"network='dense' takes no options, but got width"),
        ({"kind": "bottle", "width": np.ones(2)}, None, TypeError, r"has options that JSON cannot hold"),
        ({"width": 3}, None, TypeError, r"is none of: a name, a dict"),
        ((nn.Linear(2, 2), "x"), None, TypeError, r"is none of: a name, a dict"),
        (3, None, TypeError, r"network=3 is none of"),
        ("bottel", None, ValueError, r"network='bottel' is not known. Known networks: auto, bottle, conv"),
    ],
)
def test_a_network_that_cannot_be_meant_is_refused(network, hidden, error, message):
    with pytest.raises(error, match=message):
        _fit(_items(5), network, hidden=hidden)


def test_a_checkpoint_of_other_ready_weights_is_not_resumed(tmp_path):
    def stop(row):
        raise ZeroDivisionError

    pairs = [(nn.Linear(4, 4), nn.Linear(2, 4)) for _ in range(2)]
    with pytest.raises(ZeroDivisionError):
        VAE(2, network=pairs[0], epochs=3, random_state=0).fit(
            _items(4), callback=lambda row: stop(row) if row["epoch"] == 2 else None, checkpoint=tmp_path / "state"
        )
    with pytest.raises(ValueError, match="belongs to another fit"):
        VAE(2, network=pairs[1], epochs=3, random_state=0).fit(_items(4), checkpoint=tmp_path / "state")
