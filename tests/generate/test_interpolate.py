import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from latentspace.generate.interpolate import PATHS, interpolate

latents = st.integers(1, 8).flatmap(
    lambda dims: st.tuples(
        *[arrays(np.float32, dims, elements=st.floats(-(2.0**40), 2.0**40, width=32, allow_subnormal=False))] * 2
    )
)


def lengths(z):
    return np.linalg.norm(z.astype(np.float64), axis=1)


@given(ends=latents, steps=st.integers(2, 12), path=st.sampled_from(sorted(PATHS)))
def test_both_ends_are_there_bit_for_bit_and_all_between_is_finite(ends, steps, path):
    a, b = ends
    z = interpolate(a, b, steps, path)
    assert z.shape == (steps, len(a))
    assert z.dtype == np.float32
    assert z[0].tobytes() == a.tobytes()
    assert z[-1].tobytes() == b.tobytes()
    assert np.isfinite(z).all()


@given(ends=latents, steps=st.integers(2, 12))
def test_the_way_back_along_a_line_is_the_same_way(ends, steps):
    a, b = ends
    there, back = interpolate(a, b, steps), interpolate(b, a, steps)[::-1]
    np.testing.assert_allclose(there, back, atol=1e-6 * max(np.abs(a).max(), np.abs(b).max()), rtol=1e-5)


@given(ends=latents, steps=st.integers(2, 12))
def test_length_changes_evenly_on_the_sphere(ends, steps):
    a, b = (z / max(np.abs(z).max(), np.float32(1e-30)) for z in ends)
    if len(a) > 1 and a.any() and b.any():
        expected = np.linspace(*lengths(np.stack([a, b])), steps)
        np.testing.assert_allclose(lengths(interpolate(a, b, steps, "spherical")), expected, rtol=1e-5)


@pytest.mark.parametrize("degrees", [1e-3, 1, 60, 90, 179, 179.999, 180])
def test_direction_turns_at_an_even_speed_on_the_sphere(degrees):
    angle = np.radians(degrees)
    a, b = np.array([2.0, 0, 0]), 5 * np.array([np.cos(angle), np.sin(angle), 0])
    z = interpolate(a, b, 10, "spherical").astype(np.float64)
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    turns = 2 * np.arcsin(np.linalg.norm(np.diff(u, axis=0), axis=1) / 2)
    np.testing.assert_allclose(turns, angle / 9, rtol=1e-3, atol=2e-7)


def test_opposite_ends_go_half_round_and_never_near_the_origin():
    a = np.array([3.0, -4, 0.5])
    z = interpolate(a, -a, 5, "spherical")
    np.testing.assert_allclose(lengths(z), np.linalg.norm(a), rtol=1e-6)
    assert z[2] @ a == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(interpolate(-a, a, 5, "spherical")[::-1], z, atol=1e-5)


def test_equal_ends_stay_where_they_are():
    a = np.array([1.0, 2, 3], dtype=np.float32)
    for path in PATHS:
        np.testing.assert_allclose(interpolate(a, a, 4, path), np.tile(a, (4, 1)), rtol=1e-7)


@pytest.mark.parametrize(("a", "b"), [([0, 0], [3, 4]), ([3, 4], [0, 0]), ([0, 0], [0, 0]), ([2], [-1])])
def test_where_no_great_circle_leads_the_line_is_taken(a, b):
    np.testing.assert_array_equal(interpolate(a, b, 5, "spherical"), interpolate(a, b, 5, "linear"))


def test_an_unknown_path_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"path='crooked' is not known\. Known paths: linear, spherical"):
        interpolate([0, 1], [1, 0], 3, "crooked")


@pytest.mark.parametrize(
    ("a", "b", "steps", "message"),
    [
        ([0, 1], [1, 0], 1, "steps=1 is too few"),
        ([0, 1], [1, 0, 0], 3, "ends of 2 and 3 dims"),
        ([[0, 1]], [1, 0], 3, r"a of shape \(1, 2\); expected one latent"),
        ([0, 1], [], 3, r"b of shape \(0,\)"),
        ([0, 1], [1, np.inf], 3, "NaN or infinity in b"),
    ],
)
def test_what_cannot_be_joined_says_why(a, b, steps, message):
    with pytest.raises(ValueError, match=message):
        interpolate(a, b, steps)
