import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.search import exact
from latentspace.search.exact import ExactIndex
from latentspace.search.metrics import METRICS


def reference(z, queries, metric):
    """Scores of all pairs in float64, by the textbook."""
    z, queries = z.astype(np.float64), queries.astype(np.float64)
    if metric == "euclidean":
        return np.sqrt(((queries[:, None] - z[None]) ** 2).sum(axis=2))
    dots = queries @ z.T
    if metric == "dot":
        return dots
    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(z, axis=1)
    return np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)


def assert_agrees(found, z, queries, k, metric, allowed=None):
    """The ordering is the reference's, but for ties within 1e-5 of the largest score."""
    truth = reference(z, queries, metric)
    sign = 1 if metric == "euclidean" else -1
    for row, (positions, scores) in enumerate(zip(found.positions, found.scores, strict=True)):
        may = np.flatnonzero(allowed[row]) if allowed is not None else np.arange(len(z))
        count = min(k, len(may))
        assert (positions[count:] == -1).all()
        assert np.isnan(scores[count:]).all()
        best = np.sort(sign * truth[row, may])[:count] * sign
        tolerance = 1e-5 * max(np.abs(truth[row]).max(initial=0), 1e-30)
        np.testing.assert_allclose(truth[row, positions[:count]], best, rtol=0, atol=tolerance)
        with np.errstate(over="ignore"):  # a dot product past float32's range is infinite
            expected = truth[row, positions[:count]].astype(np.float32)
        np.testing.assert_allclose(scores[:count], expected, rtol=2e-7, atol=1e-7 * tolerance)
        assert len(set(positions[:count])) == count
        assert set(positions[:count]) <= set(may)


@st.composite
def latents(draw):
    """Real trouble: offsets, outliers, duplicates, zero vectors, ties on a grid, dims of 1."""
    n, dims = draw(st.integers(1, 60)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    z = rng.normal(size=(n, dims))
    if draw(st.booleans()):
        z = np.round(z)
    z[rng.random(n) < draw(st.sampled_from([0, 0.3]))] = 0
    z += draw(st.sampled_from([0, 0, 100, -1e5]))
    z *= draw(st.sampled_from([1, 1e-6, 1e6, 1e-20, 1e20]))
    if draw(st.booleans()):
        z[rng.integers(n, size=n // 2)] = z[0]
    if draw(st.booleans()):
        z[0] *= 1e4
    return z.astype(np.float32)


@settings(max_examples=150, deadline=None)
@given(z=latents(), k=st.integers(1, 70), metric=st.sampled_from(METRICS), seed=st.integers(0, 2**31))
def test_the_ordering_agrees_with_a_float64_reference(z, k, metric, seed):
    rng = np.random.default_rng(seed)
    queries = np.concatenate([z[:4], rng.normal(size=(2, z.shape[1])).astype(np.float32), z[:1] * 0])
    allowed = np.broadcast_to(rng.random(len(z)) < 0.7, (len(queries), len(z))).copy()
    mask = allowed[0].copy()
    exclude = [rng.integers(len(z), size=rng.integers(3)) for _ in queries]
    for row, positions in enumerate(exclude):
        allowed[row, positions] = False
    assert_agrees(ExactIndex(z).search(queries, k, metric), z, queries, k, metric)
    assert_agrees(ExactIndex(z).search(queries, k, metric, mask, exclude), z, queries, k, metric, allowed)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("offset", "k"), [(0, 1), (0, 40), (1000, 10)])
def test_many_blocks_and_groups_give_the_reference_too(monkeypatch, metric, offset, k):
    monkeypatch.setattr(exact, "_ITEMS", 512)
    monkeypatch.setattr(exact, "_QUERIES", 16)
    rng = np.random.default_rng(1)
    z = (rng.normal(size=(5000, 24)) + offset).astype(np.float32)
    queries = np.concatenate([z[:20], (rng.normal(size=(20, 24)) + offset).astype(np.float32)])
    mask = rng.random(5000) < 0.4
    exclude = np.where(rng.random((40, 3)) < 0.5, rng.integers(5000, size=(40, 3)), -1)
    allowed = np.tile(mask, (40, 1))
    for row, positions in enumerate(exclude):
        allowed[row, positions[positions >= 0]] = False
    assert_agrees(ExactIndex(z).search(queries, k, metric), z, queries, k, metric)
    assert_agrees(ExactIndex(z).search(queries, k, metric, mask, exclude), z, queries, k, metric, allowed)


def test_near_duplicates_are_told_apart_where_float32_products_cannot():
    rng = np.random.default_rng(2)
    centre = rng.normal(size=(1, 50)).astype(np.float32)
    z = centre + (rng.normal(size=(300, 50)) * 1e-5).astype(np.float32)
    found = ExactIndex(z).search(z[:20], 10, "euclidean")
    truth = np.sort(reference(z, z[:20], "euclidean"), axis=1)[:, :10]
    np.testing.assert_allclose(found.scores, truth, rtol=1e-6)


def test_an_outlier_does_not_make_every_item_a_candidate():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(4000, 16)).astype(np.float32)
    z[7] = 1e6
    index = ExactIndex(z)
    index.search(z[:1], 5, "euclidean")
    form = index._forms["euclidean"]
    nothing = (np.zeros(0, int), np.zeros(0, int))
    rows, _ = exact._candidates(form, form.prepare(z[100:101], np.zeros(1)), 5, None, nothing)
    assert len(rows) < 50


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dims", [1, 3, 7, 33])
def test_equal_scores_are_ordered_by_position(metric, dims):
    rng = np.random.default_rng(4)
    some = rng.normal(size=(11, dims)).astype(np.float32)
    z = some[rng.integers(11, size=400)]
    found = ExactIndex(z).search(z[:50], 400, metric)
    for query, positions in zip(z[:50], found.positions, strict=True):
        for value in some:
            copies = positions[(z[positions] == value).all(axis=1)]
            assert (np.diff(copies) > 0).all(), (query, copies)


def test_the_cosine_with_a_zero_vector_is_zero():
    found = ExactIndex([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]).search([[2.0, 0.0], [0.0, 0.0]], 3)
    assert found.positions.tolist() == [[1, 0, 2], [0, 1, 2]]
    assert found.scores.tolist() == [[1, 0, -1], [0, 0, 0]]


def test_no_items_and_no_queries_give_empty_answers():
    found = ExactIndex(np.zeros((0, 3))).search(np.ones((2, 3)), 4)
    assert found.positions.tolist() == [[-1] * 4] * 2
    assert np.isnan(found.scores).all()
    assert ExactIndex(np.ones((5, 3))).search(np.zeros((0, 3)), 4).positions.shape == (0, 4)


def test_a_mask_that_keeps_nothing_finds_nothing():
    found = ExactIndex(np.ones((5, 2))).search(np.ones((1, 2)), 2, mask=np.zeros(5, bool))
    assert found.positions.tolist() == [[-1, -1]]


@pytest.mark.parametrize("kept", [1, 10, 20, 70])
def test_a_mask_that_keeps_few_of_many_items_finds_them_all(kept):
    z = np.arange(5000.0)[:, None]
    mask = np.arange(5000) < kept
    found = ExactIndex(z).search([[0.0]], 40, "euclidean", mask)
    assert found.positions[0].tolist() == [*range(min(kept, 40)), *[-1] * (40 - kept)]


def test_excluded_positions_are_never_found_and_minus_one_excludes_nothing():
    z = np.ones((4, 2))
    for exclude in (np.array([0, -1]), np.array([[0, -1], [-1, -1]]), [[0], []], [0, None]):
        found = ExactIndex(z).search(z[:2], 4, "euclidean", exclude=exclude)
        assert found.positions.tolist() == [[1, 2, 3, -1], [0, 1, 2, 3]]


def test_wrong_input_says_what_was_wrong():
    index = ExactIndex(np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"queries have 2 dims, .* have 3"):
        index.search(np.ones((1, 2)), 1)
    with pytest.raises(ValueError, match=r"queries has shape \(3,\)"):
        index.search(np.ones(3), 1)
    with pytest.raises(ValueError, match=r"metric='manhattan' is not known. Known metrics: cosine, euclidean, dot"):
        index.search(np.ones((1, 3)), 1, metric="manhattan")
    with pytest.raises(ValueError, match=r"k=0"):
        index.search(np.ones((1, 3)), 0)
    with pytest.raises(ValueError, match=r"mask has shape \(3,\)"):
        index.search(np.ones((1, 3)), 1, mask=np.ones(3, bool))
    with pytest.raises(ValueError, match=r"exclude has 2 entries for 1 queries"):
        index.search(np.ones((1, 3)), 1, exclude=[0, 1])
    with pytest.raises(ValueError, match=r"positions from 0 to 3"):
        index.search(np.ones((1, 3)), 1, exclude=[9])
    with pytest.raises(TypeError, match=r"dtype"):
        ExactIndex(np.array([["a", "b"]]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_nan_and_infinity_are_refused_with_their_row(value):
    z = np.ones((5, 2))
    z[3, 1] = value
    with pytest.raises(ValueError, match=r"in 1 of 5 rows, first in row 3"):
        ExactIndex(z)
