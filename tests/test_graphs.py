import numpy as np
import pytest

import latentspace as ls
from latentspace import graphs


@pytest.fixture
def space():
    return ls.fit(np.random.default_rng(0).normal(size=(60, 5)), model="pca", dims=3, density="gaussian")


def test_a_smaller_graph_is_a_part_of_a_larger_one(space):
    large = space.graph(20)
    np.testing.assert_array_equal(space.graph(4).positions, large.positions[:, :4])
    assert space._graphs["euclidean"] is large
    assert space.graph(100).k == 59
    assert space.graph(100).positions is space.graph(200).positions


def test_a_graph_is_of_the_items_that_are_there_now(space):
    space.graph(3)
    space.add(np.zeros((1, 5)), ids=["new"])
    assert len(space.graph(3)) == 61
    space.remove(["0", "1"])
    assert len(space.graph(3)) == 59
    assert space.graph(3).positions.max() < 59


def test_the_file_keeps_the_graph_and_a_changed_space_does_not_take_it(space, tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, "_WORTH_KEEPING", 0)
    space.save(tmp_path / "a.latent")
    whole = space.graph(40)
    monkeypatch.setattr(graphs, "neighbour_graph", lambda *_: pytest.fail("it was computed again"))
    opened = ls.load(tmp_path / "a.latent")
    np.testing.assert_array_equal(opened.graph(30).positions, whole.positions[:, :30])
    np.testing.assert_array_equal(opened.graph(5).distances, whole.distances[:, :5])
    monkeypatch.undo()
    monkeypatch.setattr(graphs, "_WORTH_KEEPING", 0)
    opened = ls.load(tmp_path / "a.latent")
    opened.remove(["3"])
    assert len(opened.graph(5)) == 59
    assert len(ls.load(tmp_path / "a.latent").graph(5)) == 59


def test_a_kept_graph_follows_items_that_come_and_go(tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, "_WORTH_KEEPING", 0)
    x = np.random.default_rng(1).normal(size=(900, 4))
    first = ls.fit(x, model=None, density="gaussian")
    first.save(tmp_path / "a.latent")
    for space in (first, ls.fit(x, model=None, density="gaussian")):  # one in its file, one in memory
        space.graph(6)
        space.add(np.concatenate([x[:1], x[5:6] + 0.01]), ids=["same", "near"])
        space.remove(["5"])
        truth = graphs.neighbour_graph(space.latents, 6)
        monkeypatch.setattr(graphs, "neighbour_graph", lambda *_: pytest.fail("it was computed again"))
        np.testing.assert_array_equal(space.graph(6).positions, truth.positions)
        if space.path is not None:
            np.testing.assert_array_equal(ls.load(space.path).graph(6).positions, truth.positions)
        monkeypatch.undo()
        monkeypatch.setattr(graphs, "_WORTH_KEEPING", 0)


def test_a_dot_product_and_no_neighbours_are_refused(space):
    with pytest.raises(ValueError, match="dot"):
        space.graph(3, "dot")
    with pytest.raises(ValueError, match="k=0"):
        space.graph(0)
