import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentspace.generate.traverse import traversal


@given(dims=st.integers(1, 8), data=st.data(), seed=st.integers(0, 2**31))
def test_one_value_changes_and_all_else_is_held(dims, data, seed):
    axis = data.draw(st.integers(0, dims - 1))
    rng = np.random.default_rng(seed)
    z, latents = rng.normal(size=dims).astype(np.float32), rng.normal(size=(30, dims))
    rows = traversal(z, axis, [-3, -1, 0, 2], latents)
    assert rows.dtype == np.float32
    assert rows[2].tobytes() == z.tobytes()
    np.testing.assert_array_equal(np.delete(rows, axis, axis=1), np.tile(np.delete(z, axis), (4, 1)))
    np.testing.assert_allclose(rows[:, axis] - z[axis], np.array([-3, -1, 0, 2]) * latents[:, axis].std(), atol=1e-5)


def test_a_direction_is_measured_by_the_spread_along_it():
    latents = np.random.default_rng(0).normal(size=(500, 3)) * [1, 2, 3] + 50
    direction = np.array([3.0, 4, 0])
    rows = traversal(np.zeros(3), 10 * direction, [1, 2], latents)
    spread = (latents @ direction / 5).std()
    np.testing.assert_allclose(rows, np.outer([1, 2], direction / 5 * spread), rtol=1e-5)


def test_without_latents_values_are_in_the_spaces_own_units():
    np.testing.assert_allclose(traversal([1, 1], 1, [-2, 0.5]), [[1, -1], [1, 1.5]])
    np.testing.assert_allclose(traversal([0, 0], [0, -7], [2]), [[0, -2]])


def test_along_an_axis_that_does_not_vary_nothing_changes():
    np.testing.assert_array_equal(traversal([1, 2], 0, [-3, 3], np.ones((5, 2))), [[1, 2], [1, 2]])


def test_no_values_give_no_rows():
    assert traversal([1, 2], 0, []).shape == (0, 2)


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (2, "axis=2 is out of range: the space has 2 dims, so axis can be 0 to 1"),
        (-1, "axis=-1 is out of range"),
        (1.5, "neither a whole number nor a direction"),
        ("smiling", "neither a whole number nor a direction"),
        ([1, 2, 3], r"direction of shape \(2,\)"),
        ([0, 0], "not all zero"),
        ([np.nan, 1], "finite numbers"),
    ],
)
def test_what_is_no_axis_says_why(axis, message):
    with pytest.raises(ValueError, match=message):
        traversal([1, 2], axis, [0])


@pytest.mark.parametrize(
    ("z", "values", "latents", "message"),
    [
        ([[1, 2]], [0], None, r"z of shape \(1, 2\)"),
        ([1, np.nan], [0], None, "finite latent"),
        ([1, 2], [np.inf], None, "finite numbers"),
        ([1, 2], 3, None, "a list of finite numbers"),
        ([1, 2], [0], np.ones((3, 4)), r"latents of shape \(3, 4\); z asks for \(n, 2\)"),
    ],
)
def test_what_cannot_be_traversed_says_why(z, values, latents, message):
    with pytest.raises(ValueError, match=message):
        traversal(z, 0, values, latents)
