import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.models import scaling


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 8), st.floats(-1e6, 1e6), st.floats(1e-3, 1e3), st.integers(0, 2**31))
def test_features_come_back_from_both_units(n, p, origin, spread, seed):
    X = origin + spread * np.random.default_rng(seed).normal(size=(n, p))
    for unit in ("unit", "standard"):
        units = scaling.learn(X, unit)
        back = units.backward(units.forward(X))
        np.testing.assert_allclose(back, X, atol=1e-5 * spread * 10, rtol=3e-7)


def test_columns_far_from_the_origin_keep_their_noise():
    noise = np.random.default_rng(0).normal(size=(500, 3))
    x = scaling.learn(noise + 1e6, "standard").forward(noise + 1e6)
    np.testing.assert_allclose(x, (noise - noise.mean(0)) / noise.std(0), atol=1e-4)


def test_a_constant_column_becomes_zero_and_comes_back():
    X = np.column_stack([np.full(10, 1e6 + 0.1), np.arange(10.0)])
    units = scaling.learn(X, "standard")
    assert (units.forward(X)[:, 0] == 0).all()
    np.testing.assert_allclose(units.backward(units.forward(X)), X, rtol=1e-6, atol=1e-6)
    same = np.full((4, 3), 7.0)
    assert np.isfinite(scaling.learn(same, "unit").forward(same)).all()


@pytest.mark.parametrize(
    ("X", "unit"),
    [
        (np.random.default_rng(0).random((5, 4)), "unit"),
        (np.random.default_rng(0).integers(0, 256, (50, 64)).astype(float), "unit"),
        (np.random.default_rng(0).integers(0, 256, (50, 4)).astype(float), "standard"),  # a table that holds ages
        (np.random.default_rng(0).random((5, 64)) * 255, "standard"),
        (np.random.default_rng(0).normal(size=(5, 4)), "standard"),
        (np.random.default_rng(0).normal(size=(5, 1, 8, 8)), "unit"),
    ],
)
def test_pixels_and_shares_get_one_unit_and_columns_their_own(X, unit):
    assert scaling.choose(X) == unit


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.7), (0, 255), (3, 250), (-1, 1), (0, 300), (1e6, 1e6 + 5)])
def test_the_unit_of_pixels_lies_in_0_to_1_and_leaves_shares_and_levels_their_meaning(low, high):
    X = np.linspace(low, high, 64).reshape(1, 1, 8, 8)
    x = scaling.learn(X, "unit").forward(X)
    assert x.min() >= 0
    assert x.max() <= 1
    if high == 250:
        assert x.max() == pytest.approx(250 / 255)
    if high == 0.7:
        np.testing.assert_allclose(x, X, rtol=1e-6)


def test_the_volume_is_what_a_density_needs_between_units():
    X = np.random.default_rng(0).normal(size=(100, 3)) * [1, 10, 100]
    units = scaling.learn(X, "standard")
    assert units.log_volume(3) == pytest.approx(np.log(X.std(axis=0)).sum())
