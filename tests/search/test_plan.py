"""Candidates from latents or from the vectors' own axes, and an index of either kind that lives."""

from types import SimpleNamespace

import numpy as np
import pytest

from latentspace.search.exact import ExactIndex
from latentspace.search.index import Index
from latentspace.search.mapped import is_mapped
from latentspace.search.plan import choose


def pictures(n, seed=0):
    """Vectors of 200 numbers of which 6 dims hold nearly all: clusters on a plane, and a little noise."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(30, 6))[rng.integers(30, size=n)] * 4 + rng.normal(size=(n, 6))
    axes = np.linalg.qr(np.random.default_rng(1).normal(size=(200, 6)))[0]
    return (z @ axes.T + rng.normal(size=(n, 200)) * 0.01).astype(np.float32), z.astype(np.float32)


def test_latents_that_hold_what_matters_are_searched_and_those_that_do_not_are_not():
    x, z = pictures(5000)
    good = choose(x, z, "euclidean")
    assert good.report["of"] == "latents"
    assert "taken is what comes from the latents" in good.report["plan"]
    true = good.exact.search(x[:200], 10, "euclidean")
    found = good.search(x[:200], 10, latents=z[:200])
    assert np.mean([len(np.intersect1d(a, b)) for a, b in zip(found.positions, true.positions, strict=True)]) > 9.3
    nonsense = np.random.default_rng(2).normal(size=(5000, 2)).astype(np.float32)
    poor = choose(x, nonsense, "euclidean")
    assert poor.report["of"] == "vectors"
    assert "candidates from the latents do not reach a recall of 0.95" in poor.report["plan"]


def test_latents_of_other_items_are_refused():
    x, z = pictures(2500)
    with pytest.raises(ValueError, match=r"there are 100 latents for 2500 vectors"):
        choose(x, z[:100])


def shares(found, true):
    return np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.positions, true.positions, strict=True)])


@pytest.mark.parametrize(("rerank", "frugal"), [("auto", False), (True, True), (False, True)])
def test_an_index_of_vectors_lives_through_coming_going_and_keeping_as_it_was_asked_for(rerank, frugal):
    x, z = pictures(4600)
    kept = {}

    def keep(name, facts, arrays, rows):
        kept[name] = SimpleNamespace(facts=facts, arrays=arrays, rows=rows)

    index = Index(x[:4000], z[:4000], keep=keep, name="index-features")
    index.build("euclidean", recall=0.95, rerank=rerank, frugal=frugal)
    of = "vectors" if rerank is False else "latents"
    rng = np.random.default_rng(0)
    keys = np.arange(4000)
    for step in range(4):
        new = slice(4000 + 150 * step, 4150 + 150 * step)
        keys = np.append(keys, np.arange(new.start, new.stop))
        index.add(x[new], z[keys])
        gone = rng.choice(len(index), 300, replace=False)
        keys = np.delete(keys, gone)
        np.testing.assert_array_equal(index.remove(gone, z[keys]), x[keys])
        mask = rng.random(len(keys)) < 0.7 if step % 2 else None
        found = index.search(x[::20], 10, "euclidean", mask, near=z[::20])
        true = ExactIndex(x[keys]).search(x[::20], 10, "euclidean", mask)
        assert shares(found, true) > 0.93
        # Candidates of latents can't be found for a query that comes without them: exactly right, not refused.
        lone = index.search(x[:5], 10, "euclidean", mask)
        right = ExactIndex(x[keys]).search(x[:5], 10, "euclidean", mask)
        assert of == "vectors" or np.array_equal(lone.positions, right.positions)
    index.tidy()
    report = index.report["euclidean"]
    assert (report["tail"], report["tombstones"], report["of"], report["frugal"]) == (0, 0, of, frugal)
    again = Index(x[keys], z[keys], find=kept.get, name="index-features")
    assert again.load("euclidean")
    assert again.report["euclidean"]["of"] == of
    assert is_mapped(again.z) == is_mapped(index.z) == frugal
    one, other = (each.search(x[::20], 10, "euclidean", near=z[::20]) for each in (index, again))
    np.testing.assert_array_equal(one.positions, other.positions)
    if frugal:
        kept["index-features-euclidean"].arrays["eight"] = kept["index-features-euclidean"].arrays["eight"][:-1]
        assert not Index(x[keys], z[keys], find=kept.get, name="index-features").load("euclidean")


def test_most_items_being_newer_the_index_is_learned_again_as_it_was_asked_for():
    x, z = pictures(4300)
    index = Index(x[:2100], z[:2100])
    index.build("cosine", rerank=True, frugal=True)
    index.add(x[2100:], z)
    for _ in range(3):
        index.search(x[:100], 10, near=z[:100])
    report = index.report["cosine"]
    assert (report["tail"], report["of"], report["frugal"], report["rerank"]) == (0, "latents", True, True)
    assert index._now.living["cosine"].learned == 4300
