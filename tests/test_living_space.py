"""A space that items come to and go from, in its file: what it holds in memory is what the file would give."""

import numpy as np
import pytest

import latentspace as ls
from latentspace import caches, store


@pytest.fixture
def path(tmp_path, digits):
    images, labels = digits
    space = ls.fit(images[:300], model="pca", dims=6, metadata={"label": labels[:300]})
    return space.save(tmp_path / "digits.latent")


def assert_as_in_the_file(space):
    again = ls.load(space.path)
    assert space.ids == again.ids
    assert space.metadata == again.metadata
    assert all(list(map(type, column)) == list(map(type, again.metadata[k])) for k, column in space.metadata.items())
    assert np.array_equal(space.latents, again.latents)
    assert np.array_equal(space.index.z, again.latents)
    assert space._version == again._version
    for name in ("next", "positions", "sums"):
        assert np.array_equal(getattr(space._anchor, name), getattr(again._anchor, name)), name
    assert sorted(space.maps) == sorted(again.maps)
    assert len(space) == 0 or np.array_equal(space.items[len(space) - 1], again.items[len(space) - 1])
    assert [space.position(one) for one in space.ids] == list(range(len(space)))
    assert space.search(vector=again.latents[0], k=3).ids == again.search(vector=again.latents[0], k=3).ids


def test_a_space_follows_its_own_changes_without_reading_the_file_again(path, digits, monkeypatch):
    images, labels = digits
    space = ls.load(path)
    space.map("pca")
    space.save()
    monkeypatch.setattr("latentspace.keeping.load", None)  # reading everything again would be felt
    space.add(images[300:320], ids=[f"n{i}" for i in range(20)], metadata={"label": labels[300:320], "new": [1.5] * 20})
    space.remove([*space.ids[:40], "n3"])
    space.add(images[320:322], ids=["n4", "n30"], on_existing="replace")
    space.remove([])
    space.add(images[:0])
    monkeypatch.undo()
    assert len(space) == 280
    assert_as_in_the_file(space)


def test_a_space_follows_a_removal_that_rewrites_the_file(path, digits):
    images, _ = digits
    space = ls.load(path)
    space.add(images[300:800], ids=[f"n{i}" for i in range(500)])
    space.remove(space.ids[:700])
    assert len(space) == 100
    assert_as_in_the_file(space)
    space.remove(space.ids[50:])
    space.add(images[:3], ids=["a", "b", "c"])
    assert_as_in_the_file(space)
    space.remove(space.ids)
    space.add(images[:1], ids=["a"])
    assert_as_in_the_file(space)


def test_a_change_of_another_process_in_between_is_caught_up_with(path, digits, monkeypatch):
    images, _ = digits
    space, other = ls.load(path), ls.load(path)
    for change in (lambda: space.add(images[300:303], ids=["a", "b", "c"]), lambda: space.remove(["a"])):
        really, went = store.append, store.remove

        def between(path, *arguments, really=really, went=went, **options):
            monkeypatch.undo()
            other.remove(other.ids[:5])
            return (really if len(arguments) > 1 else went)(path, *arguments, **options)

        monkeypatch.setattr(store, "append", between)
        monkeypatch.setattr(store, "remove", between)
        change()
        monkeypatch.undo()
        assert_as_in_the_file(space)
        other.refresh()
    assert space.ids == other.ids == [*[str(i) for i in range(10, 300)], "b", "c"]


def test_what_is_kept_follows_the_items_in_memory_and_into_the_file(tmp_path, digits):
    images, _ = digits
    space = ls.fit(images[:50], model="pca", dims=4)
    assert not caches.keep(space, "x", {"k": 1}, {"a": np.arange(50)})
    space.remove(["0", "7"])
    space.add(images[60:61], ids=["new"])
    assert caches.find(space, "x").rows[[0, 1, 7, 8, 49]].tolist() == [-1, 0, -1, 6, 47]
    space.save(tmp_path / "x.latent")
    assert caches.find(space, "x").rows[[0, 1, 7, 8, 49]].tolist() == [-1, 0, -1, 6, 47]
    space.remove(["1"])
    assert caches.find(space, "x").rows[[0, 1, 2]].tolist() == [-1, -1, 0]
    assert caches.find(ls.load(space.path), "x").facts == {"k": 1}
    assert caches.keep(space, "y", {}, {})
    space.save()
    assert sorted(caches.all_of(space)) == ["x", "y"]
    caches.drop(space, "x")
    assert caches.find(space, "x") is None


def test_what_cannot_be_kept_in_the_file_is_kept_in_memory(path):
    space, other = ls.load(path), ls.load(path)
    other.remove(["0"])
    assert not caches.keep(space, "x", {}, {}), "the file holds other items by now"
    assert caches.find(space, "x").is_of_all(300)
    assert caches.find(other, "x") is None
    path.unlink()
    assert caches.find(space, "x").is_of_all(300)
    assert caches.find(other, "x") is None
