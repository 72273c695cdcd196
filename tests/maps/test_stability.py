"""Maps by other seeds: what is fixed by the data is told from what chance has put there."""

import numpy as np
import pytest

import latentspace as ls
from latentspace.maps.honesty import Honesty
from latentspace.maps.stability import stability


def test_a_map_agrees_with_itself_however_it_is_turned():
    rng = np.random.default_rng(0)
    xy = rng.normal(size=(200, 2)).astype(np.float32)
    angle = 1.0
    turned = 3 * xy @ np.float32([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) + 5
    found = stability(xy, [turned, xy[:, ::-1].copy()], np.arange(200), k=10)
    assert found.stability == pytest.approx(1, abs=0.01)  # rounding may swap two that are equally near
    assert found.moved == pytest.approx(0, abs=1e-5)
    assert found.maps == 2


def test_maps_that_have_nothing_in_common_agree_as_often_as_chance_does():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 2000, 2)).astype(np.float32)
    found = stability(one, [other], np.arange(2000), k=20)
    assert found.stability == pytest.approx(20 / 1999, rel=0.3)
    assert found.moved > 0.7  # two Gaussians that were drawn apart


def planted():
    """Two sheets, each of whose items has its own place, and a ball in 60 dims where all are equally far."""
    rng = np.random.default_rng(1)
    u = rng.uniform(0, 4, (300, 2))
    sheets = np.zeros((300, 64))
    sheets[:, :2], sheets[:, 2] = u, np.where(np.arange(300) < 150, 0, 30)
    ball = np.zeros((300, 64))
    ball[:, 4:] = rng.normal(size=(300, 60)) * 0.5
    ball[:, 3] = 30
    return np.float32(np.concatenate([sheets, ball]))


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_items_whose_place_is_chance_are_told_from_those_that_the_data_fixes(method, tmp_path):
    space = ls.fit(planted(), model="pca", dims=60)
    drawn = space.map(method, stability=1)
    shares = drawn.honesty.per_item["stability"]
    assert shares[:300].mean() > shares[300:].mean() + 0.4
    assert drawn.honesty.stability == pytest.approx(shares.mean())
    assert "another seed" in str(drawn.honesty)
    facts, arrays = drawn.state()
    again = Honesty.from_state(facts["honesty"], {n.removeprefix("honesty "): a for n, a in arrays.items()})
    assert again.stability == drawn.honesty.stability
    np.testing.assert_array_equal(again.per_item["stability"], shares)
    drawn.save(tmp_path / "stable.png", colour="stability")


def test_pca_does_not_depend_on_the_seed():
    assert ls.fit(planted(), model="pca", dims=8).map("pca", stability=2).honesty.stability == 1
    with pytest.raises(ValueError, match="stability=-1"):
        ls.fit(planted(), model="pca", dims=8).map("pca", stability=-1)
