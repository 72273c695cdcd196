"""Product quantisation of latents: real bytes, the same symbols, more kept at few bits than by a number a dimension."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import latentspace as ls
from latentspace import compressing
from latentspace.codec.latents import LatentCoder
from latentspace.codec.product import ProductCoder
from latentspace.compressing.bare import bare_space
from latentspace.errors import CorruptFileError, UnsupportedError


@pytest.fixture(scope="module")
def space():
    return ls.fit(load_digits().data.astype(np.float32), "pca", dims=24)


@pytest.fixture(scope="module")
def coder(space):
    return ProductCoder.fit(space.latents[:1200], model=space.model)


def error(z, back):
    return float(((np.array(back) - z) ** 2).sum() / ((z - z.mean(axis=0)) ** 2).sum())


def test_alone_and_together_are_the_same_and_bytes_are_what_they_say(space, coder):
    z = space.latents[1200:]
    shapes = [row.shape for row in z]
    errors = []
    for width in coder.order_:
        block = coder.encode_block(z, width)
        together = np.array(coder.decode_block(block, shapes, width))
        np.testing.assert_array_equal(together, coder.decode(coder.encode(z, width), shapes, width))
        np.testing.assert_array_equal(together, coder.approximate(z, width))
        bits = coder.bits(z, width).sum()
        assert abs(8 * len(block) - bits) < 0.01 * bits + 64
        errors.append(error(z, together))
    assert errors == sorted(errors)


def test_at_few_bits_it_keeps_more_than_one_number_a_dimension(space, coder):
    z = space.latents[1200:]
    whole = LatentCoder.fit(space.latents[:1200], model=space.model)
    for width in (8, 16):
        bits, kept = coder.bits(z, width).mean(), error(z, coder.approximate(z, width))
        others = [
            error(z, whole.approximate(z, step))
            for step in np.geomspace(*whole.span, 60)
            if whole.bits(z, step).mean() <= bits
        ]
        assert kept < min(others)


def test_what_it_learned_is_read_again_and_checked(coder):
    facts, arrays = coder.get_state()
    again = ProductCoder.from_state(facts, arrays)
    z = np.random.default_rng(0).normal(size=(5, 24)).astype(np.float32)
    assert again.encode(z, 4) == coder.encode(z, 4)
    for change in (
        {"gain": -arrays["gain"]}, {"4/order": arrays["4/order"] + 1}, {"4/centres": arrays["4/centres"][:, :5]},
    ):  # fmt: skip
        with pytest.raises((ValueError, CorruptFileError)):
            ProductCoder.from_state(facts, arrays | change)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 60), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_any_number_of_any_size_comes_back_in_shape(n, dims, seed):
    z = np.random.default_rng(seed).normal(size=(n, dims)).astype(np.float32)
    coder = ProductCoder.fit(z)
    for width in coder.order_:
        back = coder.decode_block(coder.encode_block(z, width), [(dims,)] * n, width)
        assert np.array(back).reshape(n, dims).shape == (n, dims)


def test_mutated_strings_end_in_an_error_or_in_latents(space, coder):
    rng = np.random.default_rng(0)
    z = space.latents[:20]
    block, shapes = coder.encode_block(z, 2), [row.shape for row in z]
    for _ in range(500):
        data = bytearray(block)
        data[rng.integers(len(data))] = rng.integers(256)
        try:
            back = coder.decode_block(bytes(data[: rng.integers(1, len(data) + 1)]), shapes, 2)
        except CorruptFileError:
            continue
        assert np.isfinite(back).all()
    with pytest.raises(CorruptFileError, match="shape"):
        coder.decode_block(block, [(3,)] * 20, 2)


def test_it_is_asked_for_by_name_and_meets_a_rate(space):
    sizes = {}
    for bpp in (0.4, 1.1):
        blob = space.compress(coder="pq", bpp=bpp, random_access=False)
        sizes[bpp] = len(blob)
        back = space.decompress(io.BytesIO(blob))
        assert back.shape == (1797, 64)
    assert sizes[0.4] < sizes[1.1]


def test_a_rate_without_a_space_says_what_to_do():
    bare, items = bare_space(np.zeros((30, 4)))
    words = {"quality": None, "psnr": None, "bpp": 2.0, "max_bytes": None, "lossless": False}
    with pytest.raises(UnsupportedError, match="needs a space"):
        compressing.compress(bare, items, compressing.asked_for(**words), io.BytesIO())
