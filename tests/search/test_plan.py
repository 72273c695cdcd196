import numpy as np
import pytest

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
