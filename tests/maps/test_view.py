import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from latentspace.maps.view import seen, side_of


@given(n=st.integers(0, 40), seed=st.integers(0, 2**31))
def test_looking_turns_a_map_and_neither_mirrors_nor_stretches_it(n, seed):
    side = side_of(np.random.default_rng(seed).normal(size=(n, 3)) * [5, 2, 1])
    np.testing.assert_allclose(side @ side.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(side) > 0


def test_a_flat_sheet_in_space_is_seen_from_its_wide_side():
    sheet = np.random.default_rng(0).uniform(-1, 1, size=(500, 3)) * [0.01, 3, 2]
    xy, depth = seen(sheet)
    assert np.ptp(xy, axis=0).min() > 2.5
    assert (depth.min(), depth.max()) == (0, 1)


def test_a_map_in_the_plane_is_seen_as_it_is():
    flat = np.ones((3, 2))
    assert seen(flat)[0] is flat
    assert seen(flat)[1] is None
