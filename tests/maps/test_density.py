import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.maps.density import SHARES, density_of


def spots(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2))


def area(line):
    """Signed, positive where the line runs against the clock (the shoelace formula)."""
    x, y = line.T
    return 0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])


def turns_around(line, points):
    """How often a closed line winds around each point: the sum of the angles it is seen to run through."""
    rays = line[None] - points[:, None]
    angles = np.arctan2(rays[..., 1], rays[..., 0])
    steps = (np.diff(angles, axis=1) + np.pi) % (2 * np.pi) - np.pi
    return np.rint(steps.sum(axis=1) / (2 * np.pi)).astype(int)


@given(n=st.integers(1, 300), seed=st.integers(0, 2**31), scale=st.sampled_from([1e-3, 1.0, 1e4]))
@settings(max_examples=25, deadline=None)
def test_the_density_holds_all_items_once_whatever_the_maps_unit(n, seed, scale):
    density = density_of(spots(n, seed) * scale)
    assert density.heights.sum() * density.step**2 == pytest.approx(1, abs=2e-3)


def test_the_density_of_many_normal_items_is_the_normal_density():
    density = density_of(spots(200_000), bandwidth=0.1)
    at = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, -1.5]])
    truth = np.exp(-(at**2).sum(axis=1) / 2 / 1.01) / (2 * np.pi * 1.01)  # smoothed by the kernel: 1 + 0.1^2
    np.testing.assert_allclose(density.at(at), truth, rtol=0.04)
    assert density.at(np.array([[50.0, 50.0]]))[0] == 0


@given(n=st.integers(40, 400), seed=st.integers(0, 2**31), groups=st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_a_contour_closes_and_holds_its_share_of_the_items(n, seed, groups):
    rng = np.random.default_rng(seed)
    xy = rng.normal(size=(n, 2)) + 6 * rng.integers(groups, size=(n, 1))
    for contour in density_of(xy).contours():
        for line in contour.lines:
            np.testing.assert_array_equal(line[0], line[-1])
        inside = np.sum([turns_around(line, xy) for line in contour.lines], axis=0)
        assert set(np.unique(inside)) <= {0, 1}  # holes run the other way, so that what lies in one counts as out
        assert inside.mean() == pytest.approx(contour.share, abs=0.03 + 2 / n)


def test_a_ring_of_items_has_a_contour_with_a_hole():
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 2000)
    xy = np.stack([np.cos(angle), np.sin(angle)], axis=1) + np.random.default_rng(1).normal(0, 0.05, (2000, 2))
    lines = density_of(xy).contours((0.95,))[0].lines
    signs = sorted(np.sign(area(line)) for line in lines)
    assert signs == [-1, 1]


def test_the_smallest_share_lies_innermost():
    areas = [sum(area(line) for line in contour.lines) for contour in density_of(spots(500)).contours()]
    assert len(areas) == len(SHARES)
    assert areas == sorted(areas, reverse=True)


@pytest.mark.parametrize("xy", [np.empty((0, 2)), np.zeros((1, 2)), np.ones((7, 2)), np.array([[0, 0], [1, 0.0]])])
def test_few_or_equal_items_have_a_density(xy):
    density = density_of(xy)
    assert np.isfinite(density.heights).all()
    assert all(len(line) > 3 for contour in density.contours() for line in contour.lines)


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"between 0 and 1, such as 0\.5, not 95"):
        density_of(spots(10)).contours((95,))
