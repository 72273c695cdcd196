"""Discrete codes: integers and latents are two names of one thing, and codebooks follow the items."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from latentspace.models.codes import CODES, perplexity
from latentspace.models.codes.steady import Steady

VectorCodes, ScalarCodes, ResidualCodes = CODES["vq"], CODES["fsq"], CODES["residual-vq"]


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=_generator(seed))


def _learned(coder, h: torch.Tensor, steps: int = 200, batch: int = 128):
    """A coder that has followed batches of h."""
    coder.train()
    generator = _generator()
    for _ in range(steps):
        some = h[torch.randint(len(h), (batch,), generator=generator)]
        coder.learn(coder(some), generator)
    return coder.eval()


@settings(max_examples=50, deadline=None)
@given(levels=st.lists(st.integers(2, 9), min_size=1, max_size=4), groups=st.integers(1, 3))
def test_scalar_codes_are_all_integers_below_their_size_each_with_a_latent_of_its_own(levels, groups):
    coder = ScalarCodes(len(levels) * groups, levels)
    assert coder.size == math.prod(levels)
    codes = torch.arange(coder.size).unsqueeze(1).expand(-1, groups)
    z = coder.decode(codes)
    assert len(torch.unique(z, dim=0)) == coder.size
    assert z.abs().max() < 5
    assert torch.equal(coder.codes(z), codes)
    assert torch.equal(coder.project(z), z)


@pytest.mark.parametrize("levels", [2, 3, 4, 5, 8, 16])
def test_scalar_levels_are_all_used_and_about_evenly(levels):
    coder = _learned(ScalarCodes(3, levels), 7 + 5 * _normal(5000, 3))
    q = coder(7 + 5 * _normal(5000, 3, seed=1))
    counts = torch.stack([torch.bincount(column, minlength=levels) for column in q.codes.T])
    assert (counts > 0).all()
    assert perplexity(counts.float()).min() > 0.95 * levels
    assert coder.used(q)["perplexity"] == pytest.approx(float(perplexity(counts.float()).mean()), rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    groups=st.integers(1, 4), width=st.integers(1, 3), size=st.integers(2, 20), shared=st.booleans(),
    seed=st.integers(0, 2**31),
)  # fmt: skip
def test_vector_codes_name_the_nearest_entry_and_decode_to_it(groups, width, size, shared, seed):
    coder = VectorCodes(groups * width, groups=groups, size=size, shared=shared)
    coder.codebooks.copy_(_normal(*coder.codebooks.shape, seed=seed))
    h = _normal(17, groups * width, seed=seed + 1)
    q = coder(h)
    books = coder.codebooks[:, 0].expand(groups, -1, -1).numpy()
    pieces = coder.steady(h).unflatten(1, (groups, width)).numpy()
    far = np.square(pieces[:, :, None] - books[None]).sum(-1)  # (17, groups, size)
    np.testing.assert_array_equal(q.codes, far.argmin(-1))
    assert torch.equal(coder.decode(q.codes), q.mean)
    assert torch.equal(coder.project(q.mean), q.mean)
    assert torch.equal(coder.codes(q.mean), q.codes)


@pytest.mark.parametrize("kind", CODES)
def test_the_gradient_passes_as_if_nothing_had_been_rounded(kind):
    coder = _learned(CODES[kind](4, **({} if kind == "fsq" else {"size": 16})), _normal(500, 4), steps=20)
    h, weights = _normal(9, 4).requires_grad_(), _normal(9, 4, seed=1)
    q = coder(h)
    (q.mean * weights).sum().backward()
    steady = coder.steady(h.detach())
    slope = 5 * (0.8 / 3) / torch.cosh(0.8 / 3 * steady).square()
    expected = weights * 3 / coder.steady.square.sqrt() * (slope if kind == "fsq" else 1)
    torch.testing.assert_close(h.grad, expected, rtol=1e-3, atol=1e-5)


def test_a_codebook_serves_the_items_as_well_as_k_means():
    x = make_blobs(3000, centers=16, cluster_std=1.0, random_state=0)[0]
    x = torch.from_numpy(((x - x.mean(0)) / x.std(0)).astype(np.float32))
    coder = _learned(VectorCodes(2, groups=1, size=16), x, steps=300)
    steady = coder.steady(x)
    error = float((coder(x).mean - steady).square().sum())
    best = KMeans(16, n_init=1, random_state=0).fit(steady.numpy()).inertia_
    assert error < 1.2 * best


@pytest.mark.parametrize("shared", [False, True])
def test_unused_entries_restart_where_items_are(shared):
    h = _normal(2000, 6)
    coder = _learned(VectorCodes(6, groups=3, size=32, shared=shared), h, steps=50)
    coder.codebooks[:, :, 4:] = 100.0  # as if the encoder had left them behind
    coder.sums[:, :, 4:] = 100.0 * coder.counts[:, :, 4:].unsqueeze(-1)
    coder.counts[:, :, 4:] *= 1e-3
    coder.sums[:, :, 4:] *= 1e-3
    few = coder.codes(coder.steady(h)).unique().numel()
    _learned(coder, h, steps=100)
    assert few == 4
    assert coder.codes(coder.steady(h)).unique().numel() == 32
    assert coder.codebooks.abs().max() < 18
    assert coder.used(None)["perplexity"] > 16


def test_every_stage_lowers_the_error_of_residual_codes():
    h = _normal(4000, 8)
    coder = _learned(ResidualCodes(8, groups=2, size=16, stages=5), h, steps=100)
    codes, steady = coder(h).codes, coder.steady(h)
    assert codes.shape == (4000, 2, 5)
    errors = [float((coder.decode(codes[..., : s + 1]) - steady).square().mean()) for s in range(5)]
    assert all(later < 0.85 * earlier for earlier, later in itertools.pairwise(errors))
    torch.testing.assert_close(coder.decode(codes), coder(h).mean)


def test_one_book_can_serve_all_groups():
    own, shared = VectorCodes(8, groups=4, size=8), VectorCodes(8, groups=4, size=8, shared=True)
    assert own.codebooks.numel() == 4 * shared.codebooks.numel()
    _learned(shared, _normal(500, 8), steps=30)
    q = shared(_normal(5, 8))
    torch.testing.assert_close(shared.decode(q.codes), q.mean)


def test_perplexity_is_the_size_of_an_even_codebook_and_1_of_a_single_code():
    assert perplexity(torch.ones(7)) == pytest.approx(7)
    assert perplexity(torch.eye(5)[2]) == pytest.approx(1)
    assert perplexity(torch.tensor([1.0, 1, 2])) == pytest.approx(2 * math.sqrt(2))


def test_a_steady_unit_has_mean_0_and_deviation_3_whatever_the_encoder_gives():
    steady = Steady(3)
    h = torch.tensor([1e4, -5.0, 0.0]) + torch.tensor([50.0, 1e-3, 2.0]) * _normal(4000, 3)
    for batch in h.split(100):
        steady.learn(steady(batch))
    torch.testing.assert_close(steady(h).mean(0), torch.zeros(3), atol=0.6, rtol=0)
    torch.testing.assert_close(steady(h).std(0), torch.full((3,), 3.0), atol=0.6, rtol=0)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("vq", {"groups": 5}, r"groups=5 do not divide dims=8. Numbers that do: \[1, 2, 4, 8\]"),
        ("vq", {"groups": 0}, r"groups=0 must be an integer from 1 to 8"),
        ("vq", {"size": 1}, r"size=1 must be an integer from 2"),
        ("vq", {"commitment": -1.0}, r"commitment=-1.0 must be a number from 0"),
        ("vq", {"size": 2**16, "stages": 64, "groups": 1, "shared": True}, r"are too large"),
        ("residual-vq", {"stages": 0}, r"stages=0 must be an integer from 1"),
        ("fsq", {"levels": [8, 5, 5]}, r"group of 3 dimensions, which do not divide dims=8. Pass dims=9"),
        ("fsq", {"levels": 1}, r"levels=1 must be an integer from 2"),
        ("fsq", {"levels": []}, r"do not divide dims=8"),
        ("fsq", {"levels": [4096] * 8}, r"pass fewer than"),
    ],
)
def test_codes_that_cannot_be_meant_are_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        CODES[kind](8, **options)
