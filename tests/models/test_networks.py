import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.models import networks
from latentspace.models.networks.conv import _Double


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
            r"network='mlp' is not known. Known networks: auto, conv, dense, gru, residual, transformer",
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
