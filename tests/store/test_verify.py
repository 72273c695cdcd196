"""`verify` finds every kind of damage, and `mend` never touches what is good."""

import random
import sqlite3
import struct

import numpy as np
import pytest
from store_samples import assert_same, contents

from latentspace import store
from latentspace.errors import CorruptFileError
from latentspace.store import packed

MANY = 4200  # items from which on a file keeps packs


def with_caches(n=60):
    space = contents(n)
    del space.arrays["cache/neighbours"]
    space.caches = {
        "graph": store.Cache({"k": 2}, {"positions": np.ones((n, 2), np.int32)}, np.arange(n)),
        "index": store.Cache({}, {"codes": np.zeros(5, np.uint8)}, np.arange(1, n)),
    }
    return space


@pytest.fixture
def path(tmp_path):
    store.write(tmp_path / "space.latent", with_caches())
    return tmp_path / "space.latent"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The bytes of a file with packs, and its contents."""
    path = tmp_path_factory.mktemp("many") / "many.latent"
    space = with_caches(MANY)
    space.metadata = {name: space.metadata[name] for name in ("label", "price")}  # else it takes no packs
    store.write(path, space)
    return path.read_bytes(), space


def run(path, sql, *values):
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(sql, values)
    connection.close()


def flip(path, traces):
    """Flips one bit within the first of these bytes that the file holds."""
    data = bytearray(path.read_bytes())
    at = next(data.find(trace) for trace in traces if trace in data)
    data[at + 3] ^= 16
    path.write_bytes(data)


def test_a_file_as_it_was_written_is_whole(path):
    found = store.verify(path)
    assert found.whole, found.findings
    assert found.counts["items"] == found.counts["thumbnails"] == 60
    assert found.counts["maps"] == 1
    assert found.counts["caches"] == 2
    assert store.mend(path) == []


def test_a_file_that_was_added_to_and_removed_from_is_whole(path):
    store.append(path, ["late"], {"later": [1.5]}, np.ones((1, 6)), np.zeros((1, 1, 6, 5), np.uint8), [b"late"])
    store.remove(path, [contents(60).ids[3], "late"])
    assert store.verify(path).whole


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_file_of_so_few_items_is_whole(tmp_path, n):
    store.write(tmp_path / "small.latent", contents(n))
    assert store.verify(tmp_path / "small.latent").whole


@pytest.mark.parametrize(
    ("sql", "part", "mend"),
    [
        ("UPDATE latents SET data = zeroblob(length(data))", "latents", None),
        ("UPDATE features SET crc = crc + 1", "features", None),
        ("DELETE FROM features", "features", None),
        ("UPDATE thumbnails SET data = x'00' WHERE position = 7", "thumbnails", None),
        ("DELETE FROM thumbnails WHERE position = 7", "thumbnails", None),
        ("UPDATE items SET label = 'cow' WHERE position = 4", "items", None),
        ("UPDATE items SET id = 'x' WHERE position = 4", "items", None),
        ("DELETE FROM items WHERE position = 4", "items", None),
        ("UPDATE item_checks SET items = 1", "items", None),
        ("UPDATE blobs SET data = '{}' WHERE name = 'manifest'", "documents", None),
        ("DELETE FROM blobs WHERE name = 'skipped'", "documents", None),
        ("UPDATE blobs SET crc = 0 WHERE name = 'array/model/axes_'", "arrays", None),
        ("UPDATE blobs SET crc = 0 WHERE name LIKE 'map/pca/%'", "maps", None),
        ("UPDATE blobs SET crc = 0 WHERE name = 'cache/graph/facts'", "caches", "drop"),
        ("UPDATE blobs SET crc = 0 WHERE name = 'cache/index/array/codes'", "caches", "drop"),
        ("DELETE FROM blobs WHERE name = 'cache/index/positions'", "caches", "drop"),
        ("INSERT INTO blobs VALUES ('lost', 0, x'00', 1)", "documents", "drop"),
        ("INSERT INTO latents VALUES (9, x'00', 1)", "latents", "drop"),
        ("INSERT INTO thumbnails VALUES (900, x'00', 1)", "thumbnails", "drop"),
    ],
)
def test_damage_is_named_and_mended_only_where_nothing_of_the_users_is_damaged(path, sql, part, mend):
    run(path, sql)
    found = store.verify(path)
    assert {(one.part, one.mend) for one in found.findings} == {(part, mend)}, found.findings
    assert all(len(one.problem) > 20 for one in found.findings)
    before = path.read_bytes()
    done = store.mend(path, found)
    if mend is None:
        assert (done, path.read_bytes()) == ([], before)
        return
    assert done
    assert store.verify(path).whole
    assert_same(store.read(path), with_caches())
    assert store.version(path) == 1


def test_a_cache_of_other_latents_is_left_out(tmp_path, path):
    other = with_caches()
    other.latents = other.latents + np.float32(0.25)
    store.write(tmp_path / "other.latent", other)
    tables = []
    for one in (path, tmp_path / "other.latent"):
        connection = sqlite3.connect(one)
        tables.append(connection.execute("SELECT data, crc FROM blobs WHERE name = 'cache/graph/facts'").fetchone())
        connection.close()
    assert len(tables[0][0]) == len(tables[1][0]), "else the layout would list another length"
    run(path, "UPDATE blobs SET data = ?, crc = ? WHERE name = 'cache/graph/facts'", *tables[1])
    (finding,) = store.verify(path).findings
    assert (finding.part, finding.mend) == ("caches", "drop")
    assert "of other latents" in finding.problem
    assert store.mend(path) == ["cache/graph was left out; it is made again when it is needed."]
    assert list(store.read(path).caches) == ["index"]


def test_a_damaged_table_is_written_anew_from_its_pack(tmp_path, many):
    path = tmp_path / "many.latent"
    path.write_bytes(many[0])
    assert store.verify(path).whole
    run(path, "UPDATE items SET id = 'not this one' WHERE position = 2000")
    run(path, "UPDATE items SET price = -1 WHERE position = 9")
    found = store.verify(path)
    assert [(one.part, one.mend) for one in found.findings] == [("items", "rewrite")] * 2
    assert len(store.mend(path)) == 1
    assert store.verify(path).whole
    assert_same(store.read(path), many[1])
    assert set(store.read(path).caches) == {"graph", "index"}


def test_a_damaged_pack_is_left_out_and_the_tables_are_read(tmp_path, many):
    path = tmp_path / "many.latent"
    path.write_bytes(many[0])
    run(path, "UPDATE blobs SET crc = 1 WHERE name = ?", packed.name_of(0))
    found = store.verify(path)
    assert [(one.part, one.mend, one.name) for one in found.findings] == [("packs", "drop", "packed/0")]
    store.mend(path)
    assert store.verify(path).whole
    assert_same(store.read(path), many[1])


def test_a_torn_index_over_ids_is_made_anew(tmp_path, many):
    path = tmp_path / "many.latent"
    path.write_bytes(many[0])
    connection = sqlite3.connect(path)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'item_ids'").fetchone()
    connection.close()
    data = bytearray(path.read_bytes())
    leaf = struct.unpack_from(">I", data, (page - 1) * 8192 + 8)[0]  # its right-most child
    data[leaf * 8192 - 300 : leaf * 8192 - 200] = bytes(100)
    path.write_bytes(data)
    found = store.verify(path)
    assert {one.mend for one in found.findings} == {"rewrite"}, found.findings
    store.mend(path)
    assert store.verify(path).whole
    assert_same(store.read(path), many[1])


def test_beside_damaged_latents_a_damaged_cache_goes_and_nothing_else_is_written(path):
    run(path, "UPDATE latents SET data = zeroblob(length(data))")
    run(path, "UPDATE blobs SET crc = 0 WHERE name = 'cache/graph/facts'")
    store.mend(path)
    assert {one.part for one in store.verify(path).findings} == {"latents"}
    with store.LatentFile(path) as file, pytest.raises(CorruptFileError):
        file.latents()


def test_a_repair_of_what_was_verified_before_a_change_is_refused(path):
    run(path, "UPDATE blobs SET crc = 0 WHERE name = 'cache/graph/facts'")
    found = store.verify(path)
    store.put(path, manifest={"new": 1})
    with pytest.raises(store.FileChangedError, match=r"space\.latent is at version 2, not 1"):
        store.mend(path, found)


def test_whatever_byte_is_flipped_a_file_that_is_called_whole_reads_right(tmp_path, path):
    whole, path, chance = path.read_bytes(), tmp_path / "copy.latent", random.Random(3)
    expected, called = with_caches(), []
    for _ in range(80):
        data = bytearray(whole)
        data[chance.randrange(100, len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        try:
            called.append(store.verify(path).whole)
        except CorruptFileError:
            called.append(False)
        if called[-1]:
            assert_same(store.read(path), expected)
            assert set(store.read(path).caches) == {"graph", "index"}
    assert called.count(False) > 15, "most bytes of a small file are free room in pages; not all"
