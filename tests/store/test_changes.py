import os

import numpy as np
import pytest
from store_samples import assert_same, contents

from latentspace import store


@pytest.fixture
def path(tmp_path):
    store.write(tmp_path / "space.latent", contents(40))
    return tmp_path / "space.latent"


def rows(n, start=0):
    """Arguments of append for n items."""
    ids = [f"new-{start + i}" for i in range(n)]
    return (
        ids,
        {"label": ["bird"] * n},
        np.full((n, 6), start, np.float32),
        np.zeros((n, 1, 6, 5), np.uint8),
        [b"p"] * n,
    )


def test_every_change_grows_the_version_by_one(path):
    before = store.version(path)
    assert store.append(path, *rows(2)) == before + 1
    assert store.remove(path, ["new-0"]) == 1
    assert store.version(path) == before + 2
    assert store.put(path, manifest={"a": 1}) == before + 3
    assert store.put_map(path, "tsne", {}, {"coordinates": np.zeros((41, 2))}) == before + 4
    assert store.write(path, contents(3), overwrite=True) == store.version(path) == before + 5


def test_what_changes_nothing_leaves_the_version(path):
    before = store.version(path)
    assert store.append(path, *rows(0)) == before
    assert store.remove(path, ["nobody"]) == 0
    assert store.put(path) == store.version(path) == before


def test_a_whole_write_into_an_empty_space_then_one_item(tmp_path):
    path = tmp_path / "empty.latent"
    empty = contents(0)
    store.write(path, empty)
    assert_same(store.read(path), empty)
    store.append(path, *rows(1))
    assert store.read(path).ids == ["new-0"]
    store.remove(path, ["new-0"])
    assert len(store.read(path)) == 0


def test_put_replaces_only_what_it_names(path):
    store.put(path, manifest={"new": True}, arrays={"model/axes_": np.zeros(3), "model/steps": None})
    found, before = store.read(path), contents(40)
    assert found.manifest == {"new": True}
    assert set(found.arrays) == set(before.arrays) - {"model/steps"}
    assert np.array_equal(found.arrays["model/axes_"], np.zeros(3))
    assert np.array_equal(found.latents, before.latents)


def test_a_change_of_items_deletes_what_described_the_items_before(path):
    store.append(path, *rows(1))
    found = store.read(path)
    assert "cache/neighbours" not in found.arrays
    assert list(found.maps) == ["pca"], "rows of a map are the first items, so it stays"
    store.put(path, arrays={"cache/graph": np.zeros(3)})
    kept = {"facts": {}, "arrays": {"coordinates": np.zeros((40, 2))}}
    store.remove(path, ["new-0"], maps={"tsne": kept})
    found = store.read(path)
    assert "cache/graph" not in found.arrays
    assert list(found.maps) == ["tsne"]


def test_append_with_replace_puts_the_new_item_at_the_end_in_the_same_step(path):
    first = contents(40).ids[0]
    ids, metadata, z, x, pictures = rows(2)
    before = store.version(path)
    store.append(path, [first, *ids[1:]], metadata, z, x, pictures, replace=True)
    found = store.read(path)
    assert found.ids == [*contents(40).ids[1:], first, "new-1"]
    assert found.metadata["label"][-2:] == ["bird", "bird"]
    assert store.version(path) == before + 1


def test_everything_an_append_brings_is_one_step(path):
    before = store.version(path)
    new_map = {"facts": {"k": 5}, "arrays": {"coordinates": np.zeros((41, 2))}}
    store.append(
        path, *rows(1), manifest={"n": 41}, arrays={"model/steps": np.array(18)}, maps={"pca": None, "tsne": new_map},
        skipped=[("x", "y")],
    )  # fmt: skip
    found = store.read(path)
    assert (found.manifest, int(found.arrays["model/steps"]), list(found.maps)) == ({"n": 41}, 18, ["tsne"])
    assert found.skipped == [("x", "y")]
    assert store.version(path) == before + 1


def test_a_writer_that_expects_another_version_is_refused(path):
    known = store.version(path)
    store.append(path, *rows(1), expect=known)
    for change in (
        lambda: store.append(path, *rows(1, 5), expect=known),
        lambda: store.remove(path, ["new-0"], expect=known),
        lambda: store.put(path, {}, expect=known),
        lambda: store.put_map(path, "m", {}, {}, expect=known),
    ):
        with pytest.raises(store.FileChangedError, match=rf"is at version {known + 1}, not {known}"):
            change()
    assert store.version(path) == known + 1


def test_the_order_of_items_stays_through_removals_and_rewrites(path):
    expected = list(contents(40).ids)
    rng = np.random.default_rng(0)
    for step in range(8):
        store.append(path, *rows(200, 1000 * step))
        expected += rows(200, 1000 * step)[0]
        gone = set(rng.choice(expected, size=len(expected) * 2 // 3, replace=False).tolist())
        store.remove(path, gone)
        expected = [one for one in expected if one not in gone]
        found = store.read(path)
        assert found.ids == expected
        news = [(one, z) for one, z in zip(found.ids, found.latents, strict=True) if one.startswith("new-")]
        assert all((z == int(one[4:]) // 1000 * 1000).all() for one, z in news)
        assert len(found.features) == len(found.thumbnails) == len(expected)


def test_removing_most_items_gives_their_room_back(tmp_path):
    path = tmp_path / "space.latent"
    store.write(path, contents(5000))
    whole = os.path.getsize(path)
    before = store.version(path)
    store.remove(path, contents(5000).ids[:4900])
    assert os.path.getsize(path) < whole / 4
    assert store.version(path) == before + 1
    assert np.array_equal(store.read(path).features, contents(5000).features[4900:])


def test_compact_leaves_nothing_of_a_removed_item(tmp_path):
    path = tmp_path / "space.latent"
    space = contents(40)
    space.latents[7] = 123.456
    space.thumbnails[7] = b"secret picture"
    store.write(path, space)
    store.remove(path, [space.ids[7]], compact=True)
    data = path.read_bytes()
    for trace in (space.latents[7].tobytes(), b"secret picture", space.ids[7].encode()):
        assert trace not in data
    assert len(store.read(path)) == 39


def test_the_id_metadata_and_picture_of_a_removed_item_leave_the_file_at_once(tmp_path):
    path = tmp_path / "space.latent"
    space = contents(40)
    space.metadata["label"][7] = "secret label"
    space.thumbnails[7] = b"secret picture" * 1000
    store.write(path, space)
    store.remove(path, [space.ids[7]], compact=False)
    data = path.read_bytes()
    assert not any(trace in data for trace in (b"secret picture", b"secret label", space.ids[7].encode()))


def test_a_small_append_to_a_large_file_writes_little(tmp_path):
    path, page = tmp_path / "space.latent", 8192
    z = np.random.default_rng(0).normal(size=(100_000, 64)).astype(np.float32)
    store.write(
        path, store.Contents({}, {}, [f"photos/{i}.png" for i in range(len(z))], {"label": ["cat"] * len(z)}, z)
    )
    before = path.read_bytes()
    store.append(path, [f"new-{i}" for i in range(1000)], {"label": ["dog"] * 1000}, np.ones((1000, 64)))
    after = path.read_bytes()
    changed = sum(before[i : i + page] != after[i : i + page] for i in range(0, len(after), page))
    assert changed * page < 2 << 20, f"{changed * page:,} of {len(after):,} bytes written"
    assert len(store.read(path)) == 101_000


def test_a_link_is_written_through(tmp_path, path):
    link = tmp_path / "link.latent"
    link.symlink_to(path)
    store.write(link, contents(2), overwrite=True)
    store.append(link, *rows(1))
    assert link.is_symlink()
    assert len(store.read(path)) == 3


def test_a_rewrite_keeps_the_permissions(tmp_path):
    path = tmp_path / "space.latent"
    store.write(path, contents(600))
    os.chmod(path, 0o640)
    store.write(path, contents(600), overwrite=True)
    store.remove(path, contents(600).ids[:-1])
    assert os.stat(path).st_mode & 0o777 == 0o640
