import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.search.metrics import METRICS
from latentspace.search.quantise import EightBit
from latentspace.search.rerank import Vectors


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 50), dims=st.integers(1, 9), scale=st.sampled_from([1e-6, 1, 1e6]), seed=st.integers(0, 2**31))
def test_a_copy_is_half_a_step_off_at_most(n, dims, scale, seed):
    z = (np.random.default_rng(seed).normal(size=(n, dims)) * scale).astype(np.float32)
    copy = EightBit.encode(z, "euclidean")
    off = np.abs(copy.decode(np.arange(n)) - z)
    assert (off <= copy.step * 0.501 + np.abs(z).max() * 1e-6).all()


@pytest.mark.parametrize("metric", METRICS)
def test_keys_of_copies_are_those_of_what_they_decode_to(metric):
    rng = np.random.default_rng(0)
    z, queries = rng.normal(size=(40, 7)).astype(np.float32), rng.normal(size=(5, 7)).astype(np.float32)
    copy = EightBit.encode(z, metric)
    candidates = rng.integers(-1, 40, size=(5, 11))
    whole = copy.decode(np.arange(40))
    if metric == "cosine":
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    expected = Vectors(whole, "dot" if metric == "cosine" else metric).keys(queries, candidates)
    np.testing.assert_allclose(copy.keys(queries, candidates), expected, rtol=1e-4, atol=1e-4)


def test_constant_columns_are_kept_exactly():
    z = np.full((5, 3), 7.25, np.float32)
    assert (EightBit.encode(z, "dot").decode(np.arange(5)) == z).all()
