import numpy as np
import pytest

from latentspace.search import approximate
from latentspace.search.approximate import Approximate
from latentspace.search.exact import ExactIndex
from latentspace.search.metrics import METRICS


def clustered(n=6000, dims=12, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(40, dims)) * 3
    return (centres[rng.integers(40, size=n)] + rng.normal(size=(n, dims))).astype(np.float32)


def recall_at_k(found, true):
    """Share of the true neighbours that were found; what is as near as the last of them counts."""
    return np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found.positions, true.positions, strict=True)])


@pytest.fixture(scope="module", params=METRICS)
def built(request):
    z = clustered()
    return Approximate.build(z[:5000], request.param), z[5000:]


def test_the_recall_that_was_measured_is_reached_by_new_queries(built):
    index, queries = built
    true = index.exact.search(queries, 10, index.metric)
    for asked in (0.8, 0.95, 0.99):
        found = index.search(queries, 10, recall=asked)
        assert recall_at_k(found, true) > asked - 0.015
        np.testing.assert_allclose(
            found.scores[found.positions == true.positions], true.scores[found.positions == true.positions], rtol=1e-5
        )
    assert index.report["recall"] >= 0.94


def test_a_full_recall_is_exact_search(built):
    index, queries = built
    found, true = index.search(queries, 7, recall=1), index.exact.search(queries, 7, index.metric)
    np.testing.assert_array_equal(found.positions, true.positions)


def test_what_a_file_kept_finds_the_same(built):
    index, queries = built
    facts, arrays = index.state()
    again = Approximate.from_state(index.exact.z, facts, {name: each.copy() for name, each in arrays.items()})
    for one, other in zip(index.search(queries, 10), again.search(queries, 10), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.report == index.report


def test_one_query_alone_finds_what_it_finds_among_others(built):
    index, queries = built
    own = np.arange(70)
    for asked in (index.exact.z[own], queries[:70]):
        blocks = index.search(asked, 10, exclude=own)
        alone = [index.search(query[None], 10, exclude=row[None]) for query, row in zip(asked, own, strict=True)]
        positions = np.concatenate([each.positions for each in alone])
        assert (positions == blocks.positions).mean() > 0.98  # codes at one distance are candidates by chance
        assert not (positions == own[:, None]).any()
        same = positions == blocks.positions
        np.testing.assert_allclose(
            np.concatenate([each.scores for each in alone])[same], blocks.scores[same], rtol=1e-6, atol=1e-6
        )


def test_one_query_alone_is_answered_whatever_its_length(built):
    index, queries = built
    for scale in (0, 1e-25, 1e-12, 1e18):
        query = queries[:1] * np.float32(scale)
        found, true = index.search(query, 10), index.exact.search(query, 10, index.metric)
        assert found.positions.shape == (1, 10)
        assert np.isfinite(found.scores).all()
        assert len(set(found.positions[0])) == 10
        if scale and index.metric == "cosine":
            np.testing.assert_allclose(found.scores, true.scores, atol=0.05)
    assert index.search(queries[:1], 200).positions.min() >= 0


def test_masked_and_excluded_items_are_never_found_and_none_is_missing(built):
    index, queries = built
    rng = np.random.default_rng(1)
    for share in (0.9, 0.3, 0.003):
        mask = rng.random(len(index)) < share
        exclude = rng.choice(len(index), size=(len(queries), 3))
        found = index.search(queries, 40, mask=mask, exclude=exclude)
        for positions, banned in zip(found.positions, exclude, strict=True):
            there = positions[positions >= 0]
            assert mask[there].all()
            assert not np.isin(there, banned).any()
            assert len(set(there)) == len(there) == min(40, (mask & ~np.isin(np.arange(len(mask)), banned)).sum())


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_mask_that_has_to_do_with_the_latents_does_not_cost_recall(share, monkeypatch):
    monkeypatch.setattr(approximate, "_KEPT_WORK", 0)
    z = clustered(12000)
    index = Approximate.build(z[:11000], "euclidean")
    order = np.sort(index.exact.z[:, 0])
    mask = index.exact.z[:, 0] > order[int(len(order) * (1 - share))]
    assert index.plan(10, mask) is not None
    found = index.search(z[11000:], 10, mask)
    assert recall_at_k(found, index.exact.search(z[11000:], 10, "euclidean", mask)) > 0.95


def test_vectors_of_zeros_are_found_where_all_else_points_away():
    z = np.abs(clustered(3000, 6)) + 0.1
    z[[5, 70]] = 0
    found = Approximate.build(z, "cosine").search(-np.ones((1, 6)), 3)
    assert found.positions[0, :2].tolist() == [5, 70]
    assert found.scores[0, :2].tolist() == [0, 0]


def test_damaged_state_is_refused():
    index = Approximate.build(clustered(2500, 5))
    facts, arrays = index.state()
    for name, value in (
        ("lists", np.full(2500, 10**6, np.int32)),
        ("lists", arrays["lists"][:-1]),
        ("codes", arrays["codes"][:, :1]),
        ("codebooks", arrays["codebooks"][:1]),
        ("centres", arrays["centres"] * np.nan),
        ("centres", arrays["centres"].astype(np.float64)),
        ("rotation", np.ones((3, 5), np.float32)),
    ):
        with pytest.raises(ValueError, match="stored search index"):
            Approximate.from_state(index.exact, facts, {**arrays, name: value})
    for wrong in (
        {},
        {**facts, "metric": "manhattan"},
        {**facts, "settings": [{"k": 10}]},
        {**facts, "settings": [{"k": 10, "probes": -1, "candidates": 5, "recall": 1, "sure": 1}]},
        {**facts, "report": {}},
    ):
        with pytest.raises(ValueError, match="stored search index"):
            Approximate.from_state(index.exact, wrong, arrays)
    with pytest.raises(ValueError, match="stored search index"):
        Approximate.from_state(index.exact.z[:100], facts, arrays)


def test_wrong_input_says_what_was_wrong():
    with pytest.raises(ValueError, match="5 items are too few"):
        Approximate.build(np.ones((5, 2)))
    index = Approximate.build(clustered(2000, 4))
    with pytest.raises(ValueError, match=r"recall=1.5 is out of range"):
        index.search(np.ones((1, 4)), 1, recall=1.5)
    with pytest.raises(ValueError, match=r"queries have 3 dims"):
        index.search(np.ones((1, 3)), 1)


@pytest.mark.parametrize("z", [np.ones((3000, 3)), np.zeros((3000, 4)), np.arange(4000.0)[:, None]])
def test_equal_items_and_one_dimension_are_searched(z):
    for metric in METRICS:
        index = Approximate.build(z, metric)
        found = index.search(z[:5], 10)
        assert (found.positions >= 0).all()
        np.testing.assert_allclose(found.scores, ExactIndex(z).search(z[:5], 10, metric).scores, rtol=1e-5)


def test_candidates_found_by_latents_are_ordered_by_the_vectors(tmp_path):
    x = clustered(6000, 24)
    z = x[:, :12] + 0
    index = Approximate.build(x[:5000], "euclidean", latents=z[:5000])
    true = index.exact.search(x[5000:], 10, "euclidean")
    if index.plan(10) is not None:
        assert recall_at_k(index.search(x[5000:], 10, latents=z[5000:]), true) > 0.93
    with pytest.raises(ValueError, match="pass those of the queries"):
        index.search(x[5000:], 10)
    with pytest.raises(ValueError, match=r"latents have shape \(3, 12\); expected \(1000, 12\)"):
        index.search(x[5000:], 10, latents=z[:3])
    facts, arrays = index.state()
    again = Approximate.from_state(index.exact, facts, arrays, latents=z[:5000])
    same = [each.search(x[5000:], 10, latents=z[5000:]).positions for each in (index, again)]
    np.testing.assert_array_equal(*same)


@pytest.mark.parametrize("metric", METRICS)
def test_a_frugal_index_takes_a_third_of_a_files_vectors_and_finds_as_many(metric, tmp_path):
    z = clustered(9000, 48)
    np.save(tmp_path / "z.npy", z[:8000])
    index = Approximate.build(np.load(tmp_path / "z.npy", mmap_mode="r"), metric, frugal=True)
    assert index.report["bytes"] < z[:8000].nbytes * 0.36  # centres weigh more among few items
    for k in (10, 30):
        found, true = index.search(z[8000:], k, recall=0.98), index.exact.search(z[8000:], k, metric)
        assert recall_at_k(found, true) > 0.965
        both = found.positions == true.positions
        np.testing.assert_allclose(found.scores[both], true.scores[both], rtol=1e-4, atol=1e-4)
    facts, arrays = index.state()
    again = Approximate.from_state(index.exact, facts, arrays)
    np.testing.assert_array_equal(again.search(z[8000:], 10).positions, index.search(z[8000:], 10).positions)
    with pytest.raises(ValueError, match="8-bit copies do not fit"):
        Approximate.from_state(index.exact, facts, {**arrays, "eight": arrays["eight"][:-1]})


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e-25, 1e-8, 1e8, 1e25])
def test_lengths_that_float32_cannot_square_are_searched_exactly(metric, scale):
    z = (clustered(2200, 6) * scale).astype(np.float32)
    index = Approximate.build(z[:2000], metric)
    found, true = index.search(z[2000:], 10), index.exact.search(z[2000:], 10, metric)
    assert recall_at_k(found, true) > 0.93
    facts, arrays = index.state()
    again = Approximate.from_state(index.exact, facts, arrays)
    np.testing.assert_array_equal(again.search(z[2000:], 10).positions, found.positions)
