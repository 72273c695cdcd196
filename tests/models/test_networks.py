import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.models import networks, scaling
from latentspace.models.autoencoder import Autoencoder
from latentspace.models.networks.conv import _Double
from latentspace.models.networks.residual import Residual
from latentspace.models.pca import PCA


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(8, 70), st.integers(8, 70), st.integers(1, 3))
def test_a_decoder_gives_back_the_shape_that_its_encoder_took(channels, h, w, heads):
    plan = networks.plan((channels, h, w))
    x = torch.zeros(2, channels, h, w)
    z = plan.encoder(3)(x)
    assert plan.kind == "conv"
    assert z.shape == (2, 3)
    assert plan.decoder(3, heads)(z).shape == (2, heads * channels, h, w)


@pytest.mark.parametrize("side", [8, 28, 97, 256])
def test_images_of_8_to_256_pixels_end_at_4_to_7(side):
    plan = networks.plan((3, side, side))
    encoder = plan.encoder(2)
    assert 4 <= math.isqrt(encoder.head[0].in_features // plan.hidden[-1]) <= 7


def test_every_pixel_of_an_odd_image_reaches_the_encoder():
    plan = networks.plan((1, 9, 11))
    encoder = plan.encoder(2)
    networks.initialise(encoder, torch.Generator().manual_seed(0))
    x = torch.ones(1, 1, 9, 11, requires_grad=True)
    encoder(x).square().sum().backward()
    assert (x.grad.abs() > 0).sum() > 0.9 * 99
    assert (x.grad[0, 0, -1].abs() > 0).any()
    assert (x.grad[0, 0, :, -1].abs() > 0).any()


def test_small_images_and_vectors_get_dense_networks():
    assert networks.plan((1, 5, 5)).kind == "dense"
    plan = networks.plan((7,), hidden=[9, 8])
    assert [layer.out_features for layer in plan.encoder(4).layers[::2]] == [9, 8, 4]
    assert [layer.out_features for layer in plan.decoder(4, 1).layers[::2]] == [8, 9, 7]


def test_starting_weights_keep_the_variance_through_relu_layers():
    layers = networks.DenseEncoder((400,), (400,) * 6, 400)
    networks.initialise(layers, torch.Generator().manual_seed(0))
    x = torch.randn((256, 400), generator=torch.Generator().manual_seed(1))
    assert 0.5 < layers(x).square().mean().item() / 2 < 2  # E[output^2] is 2 E[x^2] before the last ReLU


def test_the_same_generator_gives_the_same_weights_and_leaves_the_global_one_alone():
    before = torch.random.get_rng_state()
    weights = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            network = networks.plan((1, 8, 8)).encoder(2)
        networks.initialise(network, torch.Generator().manual_seed(5))
        weights.append(torch.cat([value.flatten() for value in network.state_dict().values()]))
    assert torch.equal(*weights)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("shape", "kind", "hidden", "message"),
    [
        (
            (5,),
            "mlp",
            None,
            r"network='mlp' is not known. Known networks: auto, .*conv, dense, .*gru, .*residual, .*transformer",
        ),
        ((5,), "conv", None, r"needs sequences \(n, c, t\) or images \(n, c, h, w\), but the items have shape \(5,\)"),
        ((5,), "dense", [0], r"hidden=\[0\] must be at most 32 widths"),
        ((1, 8, 8), "conv", [4] * 5, r"images of 8 x 8 pixels can be halved 1 to 3 times"),
    ],
)
def test_a_network_that_cannot_be_is_refused_with_what_could(shape, kind, hidden, message):
    with pytest.raises(ValueError, match=message):
        networks.plan(shape, kind, hidden)


@pytest.mark.parametrize("out", [1, 2])
def test_doubling_is_torchs_transposed_convolution(out):
    layer = _Double(3, out)
    x = torch.randn((2, 3, 5, 4), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(x), torch.nn.ConvTranspose2d.forward(layer, x), atol=1e-6, rtol=1e-5)


_KINDS_AND_SHAPES = [
    (kind, shape)
    for kind, built in networks.KINDS.items()
    for shape in [(5,), (3, 9), (1, 21), (2, 8, 13), (1, 33, 9)]
    if len(shape) in built.axes
]


@pytest.mark.parametrize(("kind", "shape"), _KINDS_AND_SHAPES)
def test_every_network_takes_and_gives_its_items_each_on_its_own(kind, shape):
    plan = networks.plan_from(shape, networks.plan(shape, kind).architecture())
    encoder, decoder = plan.encoder(6), plan.decoder(3, 2)
    for network in (encoder.eval(), decoder.eval()):  # a batch's own norm is for training
        networks.initialise(network, torch.Generator().manual_seed(0))
    x = torch.randn((4, *shape), generator=torch.Generator().manual_seed(1))
    z = encoder(x)
    assert z.shape == (4, 6)
    assert decoder(z[:, :3]).shape == (4, 2 * shape[0], *shape[1:])
    torch.testing.assert_close(encoder(x[2:3]), z[2:3], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(decoder(z[2:3, :3]), decoder(z[:, :3])[2:3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "shape"), _KINDS_AND_SHAPES)
def test_at_the_start_z_knows_all_of_x_and_all_of_x_hat_knows_z(kind, shape):
    plan = networks.plan(shape, kind)
    encoder, decoder = plan.encoder(6), plan.decoder(6, 1)
    networks.initialise(encoder, torch.Generator().manual_seed(0))
    networks.initialise(decoder, torch.Generator().manual_seed(1))
    x = torch.randn((8, *shape), generator=torch.Generator().manual_seed(2)).requires_grad_()
    z = encoder(x)
    z.square().sum().backward()
    assert (x.grad.abs().amax(0) > 0).float().mean() > 0.9
    assert (decoder(z).std(0) > 0).all()
    assert 0.01 < z.std() < 20  # neither lost nor blown up on the way


@pytest.mark.parametrize("kind", ["conv", "residual", "gru", "transformer"])
def test_the_order_of_a_sequence_reaches_z(kind):
    encoder = networks.plan((3, 16), kind).encoder(4)
    networks.initialise(encoder, torch.Generator().manual_seed(0))
    x = torch.randn((1, 3, 16), generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(encoder(x), encoder(x.flip(2)), rtol=0.01)


@pytest.mark.parametrize("layer", [torch.nn.Conv1d(40, 50, 4, stride=2), torch.nn.ConvTranspose1d(40, 50, 4, stride=2)])
def test_starting_weights_keep_the_variance_through_one_dimensional_convolutions(layer):
    networks.initialise(layer, torch.Generator().manual_seed(0))
    x = torch.randn((20, 40, 200), generator=torch.Generator().manual_seed(1))
    assert 1.8 < layer(x)[..., 4:-4].square().mean() < 2.2


def test_recurrent_weights_start_orthogonal():
    encoder = networks.plan((3, 16), "gru", [24]).encoder(4)
    networks.initialise(encoder, torch.Generator().manual_seed(0))
    for gate in encoder.layers[0].weight_hh_l0.chunk(3):
        torch.testing.assert_close(gate @ gate.T, torch.eye(24), rtol=0, atol=1e-5)


@pytest.mark.parametrize("sides", [1, 2])
def test_a_residual_block_starts_as_nothing(sides):
    block = Residual(12, sides)
    networks.initialise(block, torch.Generator().manual_seed(0))
    h = torch.randn((2, 12, *(9,) * sides), generator=torch.Generator().manual_seed(1))
    assert torch.equal(block(h), h)


def test_what_decides_the_network_is_the_shape_of_an_item():
    shapes = [(7,), (3, 7), (3, 8), (3, 7, 9), (3, 8, 9), (40, 128)]
    assert [networks.plan(shape).kind for shape in shapes] == ["dense", "dense", "conv", "dense", "conv", "conv"]
    assert networks.plan((40, 128)).hidden[0] == 32
    with pytest.raises(ValueError, match=r"grey pictures or sequences .* \(n, 1, 28, 28\); for sequences say"):
        networks.plan((28, 28))


@pytest.mark.parametrize("shape", [[3, 10**12], [10**12, 3]])
@pytest.mark.parametrize("kind", ["conv", "residual", "gru", "transformer"])
@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")
def test_a_length_that_a_file_makes_up_is_refused_before_memory_is_taken(kind, shape):
    X = np.random.default_rng(0).random((20, 3, 9))
    params, facts, arrays = Autoencoder(2, network=kind, hidden=[16], epochs=1).fit(X).get_state()
    with pytest.raises(ValueError, match="damaged"):
        Autoencoder.from_state(params, facts | {"shape_": shape}, arrays)


@pytest.mark.parametrize(
    ("kind", "epochs"),
    [("conv", 40), *(pytest.param(kind, 40, marks=pytest.mark.slow) for kind in ("residual", "gru", "transformer"))],
)
def test_sequences_are_learned_better_than_the_same_dims_of_pca(kind, epochs, digits):
    X = digits[0][:1200].astype(np.float32) / 255  # the rows of a digit as channels, its columns as steps
    model = Autoencoder(8, network=kind, epochs=epochs, random_state=0, threads=1).fit(X[:1000])
    x_hat = model.inverse_transform(model.transform(X[1000:]))
    pca = PCA(dims=8).fit(X[:1000].reshape(1000, -1))
    flat = X[1000:].reshape(200, -1)
    error = np.mean((pca.inverse_transform(pca.transform(flat)) - flat) ** 2)
    assert np.mean((x_hat - X[1000:]) ** 2) < 0.9 * error


def test_a_channel_of_a_sequence_has_one_unit_over_all_its_steps():
    X = np.random.default_rng(0).normal(size=(60, 2, 12)) * [[100.0], [1e-3]] + [[1e6], [5.0]]
    units = scaling.learn(X, scaling.choose(X))
    assert units.unit == "standard"
    x = units.forward(X)
    np.testing.assert_allclose(x.std((0, 2)), 1, rtol=1e-4)
    assert len(np.unique(units.scale)) == 2
    assert scaling.choose(np.eye(4)[[[0, 1, 2]] * 5]) == "unit"  # symbols


@pytest.mark.parametrize("shape", [(3, 0, 9), (3, 2, 0), (3, 1, 0, 4)])
def test_items_without_features_are_refused(shape):
    with pytest.raises(ValueError, match=r"Autoencoder got items of shape \(.*\), which hold no features"):
        Autoencoder(1).fit(np.zeros(shape))


@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")
def test_sequences_are_learned_alike_on_one_thread_and_on_two():
    X = np.random.default_rng(0).normal(size=(200, 3, 32))
    one, two = (Autoencoder(2, epochs=1, random_state=0, threads=count).fit(X) for count in (1, 2))
    for name, value in one.get_state()[2].items():
        # To the bit on some processors; others share a convolution out in an order that rounds its last bit otherwise.
        np.testing.assert_allclose(value, two.get_state()[2][name], rtol=1e-4, atol=1e-5, err_msg=name)
