"""Two spaces beside one another, and drift: truths, closed forms, second roads."""

import json

import numpy as np
import pytest
from scipy.spatial import procrustes as scipy_procrustes

import latentspace as ls
from latentspace.evaluate import drift, geometry


@pytest.fixture(scope="module")
def cloud():
    return np.random.default_rng(0).normal(size=(300, 4)) * [4, 2, 1, 0.5]


@pytest.fixture(scope="module")
def spaces(cloud):
    x = cloud.astype(np.float32)
    label = np.where(cloud[:, 3] > 0, "up", "down").tolist()
    return {dims: ls.fit(x, "pca", dims=dims, metadata={"label": label}) for dims in (4, 2)}


def test_a_turned_shifted_scaled_cloud_is_alike_and_an_unrelated_one_is_not(cloud):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    same, other = 3 * cloud @ turn + 7, np.random.default_rng(2).normal(size=(300, 4))
    assert geometry.cka(cloud, same) == pytest.approx(1)
    assert geometry.procrustes(cloud, same) == pytest.approx(0, abs=1e-12)
    assert abs(geometry.cka(cloud, other)) < 0.05
    assert geometry.procrustes(cloud, other) > 0.9


def test_procrustes_is_scipys_and_takes_other_widths(cloud):
    other = cloud + np.random.default_rng(3).normal(size=cloud.shape)
    assert geometry.procrustes(cloud, other) == pytest.approx(scipy_procrustes(cloud, other)[2])
    wide = np.hstack([other, np.zeros((300, 500))])
    assert geometry.procrustes(cloud, wide) == pytest.approx(geometry.procrustes(cloud, other))


def test_unrelated_wide_features_have_no_cka_by_their_width():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(50, 400)), rng.normal(size=(50, 400))
    assert abs(geometry.cka(a, b)) < 0.1


def test_one_item_near_all_is_a_hub_and_a_ring_has_none():
    star = np.zeros((30, 1), int)
    ring = (np.arange(30)[:, None] + [1, 29]) % 30
    assert geometry.hubness(star, 30) > 4
    assert geometry.hubness(ring, 30) == 0


def test_distances_of_a_simplex_are_wholly_concentrated():
    pairs = np.array([(a, b) for a in range(6) for b in range(a)])
    assert geometry.concentration(geometry.pair_distances(np.eye(6), pairs)) == pytest.approx(0, abs=1e-12)


def test_a_space_agrees_with_itself_in_all(spaces):
    report = spaces[4].compare_features()
    assert report["neighbours"]["15"]["value"] == 1
    assert report["cka"] == pytest.approx(1, abs=1e-4)
    assert report["rank_agreement"] == pytest.approx(1, abs=1e-6)
    json.dumps(report.to_dict(), allow_nan=False)


def test_what_a_smaller_space_lost_is_told(spaces, tmp_path):
    report = spaces[4].compare(spaces[2], "label")
    assert report["task"]["a"]["low"] > 0.9
    assert report["task"]["b"]["high"] < 0.7
    assert report["neighbours"]["15"]["value"] < 0.9
    assert set(report["task"]["lost"]) == {"up", "down"}
    assert report["b"]["numbers"] == 2
    assert "2 numbers for 4" in report.verdict[0]
    assert len(report["changed_most"]) == 12
    page = report.save(tmp_path / "two.html").read_text()
    assert "Procrustes" in page


def test_spaces_without_items_in_common_are_told_of_drift(spaces):
    other = ls.fit(np.random.default_rng(5).normal(size=(40, 4)), "pca", dims=2, ids=[f"other {i}" for i in range(40)])
    with pytest.raises(ValueError, match=r"0 items of the same id.*drift"):
        spaces[4].compare(other)


def test_an_unknown_target_lists_the_columns(spaces):
    with pytest.raises(ValueError, match="'label'"):
        spaces[4].compare_features("size")


def test_moved_items_have_drifted_and_like_ones_have_not(spaces):
    rng = np.random.default_rng(6)
    like = (rng.normal(size=(100, 4)) * [4, 2, 1, 0.5]).astype(np.float32)
    moved = spaces[4].drift(like + np.float32(2))
    assert moved["drifted"]
    assert "differ" in moved.verdict[0]
    assert not spaces[4].drift(like)["drifted"]
    with pytest.raises(ValueError, match="20 and more"):
        spaces[4].drift(like[:3])


def test_alike_sets_seldom_count_as_drifted():
    rng = np.random.default_rng(7)
    p = [drift.kernel_test(*rng.normal(size=(2, 30, 2)), shuffles=39).p_value for _ in range(60)]
    assert 0.3 < np.mean(p) < 0.7
    assert np.mean(np.array(p) <= 0.05) < 0.15
