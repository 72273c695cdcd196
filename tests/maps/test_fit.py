import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.maps import descent, kernels
from latentspace.maps.fit import METHODS, decode_spot, fit_map, graph_size, place
from latentspace.search.exact import ExactIndex
from latentspace.search.graph import neighbour_graph

QUICK = {"early_iterations": 30, "iterations": 30}


def some(n, dims=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dims)).astype(np.float32)


def options(method):
    return QUICK if method == "tsne" else {}


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 40), dims=st.integers(1, 12), offset=st.sampled_from([0, 1e4]), seed=st.integers(0, 2**31))
def test_the_pca_map_is_the_singular_vectors_of_centred_latents(n, dims, offset, seed):
    z = some(n, dims, seed) + np.float32(offset)
    fitted = fit_map(z, "pca")
    centred = z.astype(np.float64) - z.mean(axis=0, dtype=np.float64)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    for column in range(min(2, len(s))):
        if len(s) > column + 1 and s[column] - s[column + 1] < 1e-3 * s[0]:
            return  # axes of equal variance may turn into one another
        expected = u[:, column] * s[column]
        expected *= np.sign(expected @ fitted.coordinates[:, column]) or 1
        np.testing.assert_allclose(fitted.coordinates[:, column], expected, atol=1e-5 * max(s[0], 1))


@pytest.mark.parametrize(("n", "dims"), [(30, 3000), (2100, 2060)])
def test_the_pca_map_of_wide_latents_is_the_same_by_other_roads(n, dims):
    rng = np.random.default_rng(0)
    z = (rng.normal(size=(n, 3)) * [9, 5, 1] @ rng.normal(size=(3, dims)) + 2).astype(np.float32)
    fitted = fit_map(z, "pca")
    axes = fitted.arrays["axes"]
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-9)
    centred = z.astype(np.float64) - z.mean(axis=0, dtype=np.float64)
    values = np.linalg.eigvalsh(centred @ centred.T)[::-1][:2]
    np.testing.assert_allclose((fitted.coordinates.astype(np.float64) ** 2).sum(axis=0), values, rtol=1e-5)
    np.testing.assert_allclose(fitted.params["variance_share"], values / (centred**2).sum(), rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 10])
@pytest.mark.parametrize(("dims", "deep"), [(1, 2), (3, 2), (2, 3)])
def test_few_items_have_a_map_and_land_on_their_own_spots(method, n, dims, deep):
    z = some(n, dims)
    fitted = fit_map(z, method, dims=deep, **options(method))
    assert fitted.coordinates.shape == (n, deep)
    assert fitted.coordinates.dtype == np.float32
    assert np.isfinite(fitted.coordinates).all()
    if n:
        np.testing.assert_array_equal(place(fitted, z, z), fitted.coordinates)
        assert np.isfinite(decode_spot(fitted, z, [[100.0, 5.0, 7.0][:deep]]).z).all()
    else:
        with pytest.raises(ValueError, match="the map has no items"):
            place(fitted, z, some(1, dims))


@pytest.mark.parametrize("method", METHODS)
def test_equal_latents_and_duplicates_have_a_map(method):
    z = np.ones((30, 3), np.float32)
    fitted = fit_map(z, method, **options(method))
    assert np.isfinite(fitted.coordinates).all()
    np.testing.assert_array_equal(place(fitted, z, z), fitted.coordinates)
    z = np.repeat(some(5), 20, axis=0)
    z[3] = -z[3] * 0
    z[7] = 0.0
    fitted = fit_map(z, method, **options(method))
    np.testing.assert_array_equal(place(fitted, z, z), fitted.coordinates)
    decoded = decode_spot(fitted, z, fitted.coordinates)
    assert not decoded.off_data.any()


@pytest.mark.parametrize("method", METHODS)
def test_placing_changes_nothing_and_is_near_for_what_is_nearly_the_same(method):
    z = some(300)
    before = z.copy()
    fitted = fit_map(z, method, **options(method))
    coordinates = fitted.coordinates.copy()
    placed = place(fitted, z, z + np.float32(1e-6))
    np.testing.assert_array_equal(z, before)
    np.testing.assert_array_equal(fitted.coordinates, coordinates)
    extent = np.ptp(coordinates, axis=0).max()
    assert np.abs(placed - coordinates).max() < 0.001 * extent


def test_new_items_land_among_their_own_kind():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(6, 10)) * 8
    kinds = rng.integers(6, size=700)
    z = (centres[kinds] + rng.normal(size=(700, 10))).astype(np.float32)
    old, new = slice(0, 500), slice(500, None)
    fitted = fit_map(z[old], "tsne", early_iterations=100, iterations=150)
    placed = place(fitted, z[old], z[new])
    nearest = ExactIndex(fitted.coordinates).search(placed, 1, "euclidean").positions[:, 0]
    assert (kinds[old][nearest] == kinds[new]).mean() > 0.98


def test_a_spot_between_neighbours_decodes_between_them_and_a_far_one_is_flagged():
    z = some(200)
    fitted = fit_map(z, "tsne", **QUICK)
    spots = decode_spot(fitted, z, fitted.coordinates)
    np.testing.assert_array_equal(spots.z, z)
    far = fitted.coordinates.max(axis=0) * 10
    assert decode_spot(fitted, z, [far]).off_data.tolist() == [True]
    a, b = fitted.coordinates[:1], fitted.coordinates[1:2]
    steps = decode_spot(fitted, z, a + np.linspace(0, 1, 2000)[:, None] * (b - a)).z
    jumps = np.linalg.norm(np.diff(steps, axis=0), axis=1)
    assert jumps.max() < 0.2 * np.linalg.norm(z, axis=1).mean()  # it moves steadily: no jumps from item to item


def test_the_pca_map_is_inverted_exactly_on_its_plane():
    z = some(50, 2)  # two dims: the plane is the whole space
    fitted = fit_map(z, "pca")
    np.testing.assert_allclose(decode_spot(fitted, z, fitted.coordinates).z, z, atol=1e-5)


def test_the_same_seed_gives_the_same_map_on_any_number_of_threads(monkeypatch):
    z = some(400)
    maps = []
    for threads in (1, 2):
        monkeypatch.setattr(kernels, "usable_cores", lambda threads=threads: threads)
        monkeypatch.setattr(descent, "usable_cores", lambda threads=threads: threads)
        maps.append(fit_map(z, "tsne", seed=3, **QUICK).coordinates)
    np.testing.assert_array_equal(*maps)


def test_a_shared_graph_gives_the_same_map_as_one_made_here():
    z = some(120)
    graph = neighbour_graph(z, graph_size("tsne", 120) + 20)
    shared = fit_map(z, "tsne", graph=graph, **QUICK)
    np.testing.assert_array_equal(shared.coordinates, fit_map(z, "tsne", **QUICK).coordinates)


def test_a_small_graph_lowers_the_perplexity_and_says_so():
    z = some(60)
    assert fit_map(z, "tsne", graph=neighbour_graph(z, 9), **QUICK).params["perplexity"] == 3
    assert fit_map(z, "tsne", graph=neighbour_graph(z, 30, "cosine"), perplexity=5, **QUICK).params["perplexity"] == 5
    assert graph_size("tsne", 60, perplexity=5) == 15
    assert graph_size("pca", 60) == 0


def test_wrong_input_says_what_was_wrong():
    z = some(10)
    with pytest.raises(ValueError, match=r"method='som' is not known\. Known maps: pca, tsne"):
        fit_map(z, "som")
    with pytest.raises(ValueError, match=r"no option 'perplexty'. Its options: .*perplexity"):
        fit_map(z, "tsne", perplexty=3)
    with pytest.raises(ValueError, match=r"perplexity=0 is out of range"):
        fit_map(z, "tsne", perplexity=0)
    with pytest.raises(ValueError, match=r"graph has 5 items, the latents have 10"):
        fit_map(z, "tsne", graph=neighbour_graph(z[:5], 2))
    fitted = fit_map(z, "pca")
    with pytest.raises(ValueError, match=r"the map has 10 items, but 9 latents came"):
        place(fitted, z[:9], z)
    with pytest.raises(ValueError, match=r"z_new has 3 dims, but the map is of latents with 4"):
        place(fitted, z, z[:, :3])
    with pytest.raises(ValueError, match=r"xy has shape \(2,\)"):
        decode_spot(fitted, z, [0.0, 1.0])
    with pytest.raises(ValueError, match=r"NaN, infinity"):
        fit_map(np.full((3, 2), np.nan), "pca")
