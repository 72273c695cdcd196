"""Ways on curved sets whose geometry is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import latentspace as ls
from latentspace.generate.even import evenly
from latentspace.generate.geodesic import _energy, geodesic
from latentspace.generate.roads import road
from latentspace.generate.terrain import Decoded, Emptiness
from latentspace.search.graph import neighbour_graph


@pytest.fixture(scope="module")
def roll():
    """A swiss roll of 600 points, how far each has turned, and how far off the roll points are."""
    rng = np.random.default_rng(0)
    turn, height = 1.5 * np.pi * (1 + 2 * rng.random(600)), 8 * rng.random(600)
    points = np.stack([turn * np.cos(turn), height, turn * np.sin(turn)], axis=1).astype(np.float32)
    fine = np.linspace(1.5 * np.pi, 4.5 * np.pi, 3000)
    spiral = np.stack([fine * np.cos(fine), fine * np.sin(fine)], axis=1)
    return points, turn, lambda z: np.sqrt(((z[:, None, [0, 2]] - spiral) ** 2).sum(2)).min(axis=1)


def test_a_geodesic_on_a_swiss_roll_stays_on_it_and_is_about_as_long_as_the_true_one(roll):
    points, turn, off = roll
    graph = neighbour_graph(points, 10)
    a, b = points[turn.argmin()], points[turn.argmax()]
    way = geodesic(a, b, points, graph.positions, graph.distances)
    line = (1 - np.linspace(0, 1, 64)[:, None]) * a + np.linspace(0, 1, 64)[:, None] * b
    assert off(way).mean() < 0.1 * off(line).mean()
    spiral = [(t * np.hypot(1, t) + np.arcsinh(t)) / 2 for t in (turn.min(), turn.max())]
    true = np.hypot(spiral[1] - spiral[0], a[1] - b[1])
    assert np.linalg.norm(np.diff(way, axis=0), axis=1).sum() == pytest.approx(true, rel=0.15)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_of_few_items_a_way_still_has_its_ends_bit_for_bit(n):
    z = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    graph = neighbour_graph(z, 10)
    a, b = np.array([0.1, 5], np.float32), np.array([-3, 0.7], np.float32)
    way = geodesic(a, b, z, graph.positions, graph.distances, points=9)
    assert way[0].tobytes() == a.tobytes()
    assert way[-1].tobytes() == b.tobytes()
    assert np.isfinite(way).all()


def test_equal_items_and_equal_ends_are_no_trouble():
    z = np.ones((30, 2), np.float32)
    graph = neighbour_graph(z, 10)
    for b in (z[0], z[0] + 1):
        assert np.isfinite(geodesic(z[0], b, z, graph.positions, graph.distances)).all()


def test_a_road_bridges_parts_of_the_graph_that_do_not_touch():
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.normal(size=(40, 2)) + np.array([20 * part, 0]) for part in range(3)]).astype(np.float32)
    graph = neighbour_graph(z, 5)
    way = road(z[0], z[-1], z, graph.positions, graph.distances)
    np.testing.assert_array_equal(way[[0, -1]], z[[0, -1]])
    assert (
        15 < np.linalg.norm(np.diff(way, axis=0), axis=1).max() < 21
    )  # one part after the other, never past the middle


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**31), dims=st.integers(1, 4), linear=st.booleans())
def test_the_slope_of_the_energy_is_its_slope(seed, dims, linear):
    rng = np.random.default_rng(seed)
    ground, axes = Emptiness(rng.normal(size=(20, dims)), 0.7), rng.normal(size=(dims, 7))
    way = rng.normal(size=(6, dims))
    seen = Decoded((lambda z: z @ axes) if linear else (lambda z: np.sin(z @ axes)), way, 1.0)
    there = way + 0.1 * rng.normal(size=way.shape)
    value, slope = _energy(there, ground, seen)
    i, j, h = int(rng.integers(6)), int(rng.integers(dims)), 1e-6
    moved = there.copy()
    moved[i, j] += h
    assert (_energy(moved, ground, seen)[0] - value) / h == pytest.approx(slope[i, j], rel=2e-3, abs=2e-3 * abs(value))


def test_of_a_linear_decoder_the_squares_are_exact_however_far_the_way_is_moved():
    rng = np.random.default_rng(0)
    axes, way = rng.normal(size=(3, 12)), rng.normal(size=(9, 3))
    seen = Decoded(lambda z: z.astype(np.float64) @ axes, way, 1.0)
    other = 5 * rng.normal(size=way.shape)
    np.testing.assert_allclose(seen(other)[0], seen.exactly(other), rtol=1e-3)
    steps, exact = np.diff(other, axis=0), axes @ axes.T
    mean = np.trace(exact) / 3
    np.testing.assert_allclose(
        seen.exactly(other), np.einsum("mi,ij,mj->m", steps, exact / mean + 0.1 * np.eye(3), steps), rtol=1e-3
    )


def test_a_way_goes_round_what_a_decoder_shows_much_of():
    """In a plain field of data, a hill that every step on shows much of is walked round."""
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21)), axis=-1).reshape(-1, 2)
    z = grid.astype(np.float32)
    graph = neighbour_graph(z, 8)
    hill = lambda p: np.c_[p, 3 * np.exp(-8 * (p**2).sum(axis=1, keepdims=True))]  # noqa: E731
    a, b = np.array([-0.95, 0.12], np.float32), np.array([0.95, 0.12], np.float32)
    plain, round_it = (geodesic(a, b, z, graph.positions, graph.distances, g) for g in (lambda p: p, hill))
    assert np.linalg.norm(round_it, axis=1).min() > np.linalg.norm(plain, axis=1).min() + 0.2
    length = [np.linalg.norm(np.diff(hill(way), axis=0), axis=1).sum() for way in (plain, round_it)]
    assert length[1] < 0.8 * length[0]


def test_steps_are_even_in_what_is_seen():
    z = np.linspace(0, 2, 200)[:, None]
    chosen = evenly(z, 6, lambda p: p**3)
    np.testing.assert_allclose(np.diff(chosen[:, 0] ** 3), 8 / 5, rtol=0.05)
    assert chosen[0] == 0
    assert chosen[-1] == 2
    assert evenly(np.zeros((9, 2)), 4).shape == (4, 2)


def test_ends_of_every_path_are_exactly_the_reconstructions(digits):
    space = ls.fit(digits[0][:80], "pca", dims=5)
    both = space.decode(space.latents[[3, 9]])
    for path in ("linear", "spherical", "geodesic"):
        for even in ("latent", "seen"):
            made = space.interpolate("3", "9", steps=5, path=path, even=even, report=True)
            np.testing.assert_array_equal(made.z[[0, -1]], space.latents[[3, 9]])
            np.testing.assert_allclose(made.items[[0, -1]], both, atol=1e-3)
