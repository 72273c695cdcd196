"""Files that someone made to hurt: every check sum in them is right, so only the checks of sizes and kinds stand."""

import io
import json
import os
import sqlite3
import struct
import zipfile
import zlib

import numpy as np
import pytest
from store_samples import contents

from latentspace import store
from latentspace.errors import CorruptFileError, UnsupportedError


@pytest.fixture
def path(tmp_path):
    store.write(tmp_path / "space.latent", contents(40))
    return str(tmp_path / "space.latent")


def run(path, *statements):
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(*((statement,) if isinstance(statement, str) else statement))
    connection.close()


def crc(label, data):
    return zlib.crc32(data, zlib.crc32(label.encode()))


def forge_document(path, name, change):
    """Rewrites a JSON document (or text) under a right check sum, its size listed rightly too."""
    connection = sqlite3.connect(path, isolation_level=None)

    def put(name, data):
        row = (data.decode(), crc(f"blobs/{name}/0", data), name)
        connection.execute("UPDATE blobs SET data = ?, crc = ? WHERE name = ?", row)

    (text,) = connection.execute("SELECT data FROM blobs WHERE name = ?", (name,)).fetchone()
    changed = change(json.loads(text))
    data = changed.encode() if isinstance(changed, str) else json.dumps(changed).encode()
    put(name, data)
    if name != "layout":
        (text,) = connection.execute("SELECT data FROM blobs WHERE name = 'layout'").fetchone()
        layout = json.loads(text)
        layout["blobs"][name] = len(data)
        put("layout", json.dumps(layout).encode())
    connection.close()


def forge_blob(path, table, key, data):
    """Rewrites a segment or an array under a right check sum."""
    run(path, (f"UPDATE {table} SET data = ?, crc = ? WHERE segment = ?", (data, crc(f"{table}/{key}", data), key)))


def refused(path, match):
    with pytest.raises(CorruptFileError, match=match) as caught:
        store.read(path)
    assert os.path.basename(path) in str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON items BEGIN DELETE FROM items; END",
        "CREATE VIEW v AS SELECT * FROM items",
        "CREATE VIRTUAL TABLE f USING fts5(x)",
        "CREATE TABLE more (x)",
        "CREATE INDEX i ON items (label)",
        "CREATE INDEX i ON items (abs(price))",
        "ALTER TABLE items ADD COLUMN g GENERATED ALWAYS AS (abs(price)) VIRTUAL",
        "ALTER TABLE latents ADD COLUMN more DEFAULT 1",
        "ALTER TABLE items RENAME COLUMN price TO cost",
        "DROP INDEX item_ids",
        "DROP TABLE thumbnails",
        "CREATE TABLE items_2 (position INTEGER PRIMARY KEY)",
    ],
)
def test_a_schema_with_anything_more_less_or_other_is_refused(path, statement):
    run(path, statement)
    refused(path, "schema holds|is not the one|does not have the columns|is missing|not one that the file lists")
    with pytest.raises(CorruptFileError):
        store.append(path, ["x"], {}, np.ones((1, 6)), np.zeros((1, 1, 6, 5), np.uint8), [b""])


def test_a_check_written_straight_into_the_schema_is_refused(path):
    run(
        path,
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_schema SET sql = replace(sql, '\"label\"', '\"label\" CHECK (1)')",
    )
    refused(path, "does not have the columns")


def nested(depth):
    return lambda _: "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("layout", lambda d: {**d, "next": 10**15, "items": 10**15}),
        ("layout", lambda d: {**d, "next": -1}),
        ("layout", lambda d: {**d, "items": True}),
        ("layout", lambda d: {**d, "items": 39}),
        ("layout", lambda d: {**d, "version": 1.5}),
        ("layout", lambda d: {**d, "more": 1}),
        ("layout", lambda d: {**d, "latents": {**d["latents"], "shape": [2**40]}}),
        ("layout", lambda d: {**d, "latents": {**d["latents"], "shape": [2**20]}}),
        ("layout", lambda d: {**d, "latents": {**d["latents"], "shape": [7]}}),
        ("layout", lambda d: {**d, "latents": {**d["latents"], "rows_per_segment": 0}}),
        ("layout", lambda d: {**d, "latents": {**d["latents"], "rows_per_segment": 2**40}}),
        ("layout", lambda d: {**d, "latents": {**d["latents"], "dtype": "object"}}),
        ("layout", lambda d: {**d, "features": {**d["features"], "shape": [2**30, 2**30]}}),
        ("layout", lambda d: {**d, "features": {**d["features"], "shape": []}}),
        ("layout", lambda d: {**d, "features": {**d["features"], "dtype": "float32"}}),
        ("layout", lambda d: {**d, "blobs": {**d["blobs"], "manifest": 2**50}}),
        ("layout", lambda d: {**d, "blobs": {**d["blobs"], "manifest": 5}}),
        ("layout", lambda d: {**d, "blobs": {"manifest": 5}}),
        ("layout", lambda d: {**d, "maps": ["pca", "pca"]}),
        ("layout", lambda d: {**d, "maps": ["tsne"]}),
        ("layout", lambda _: []),
        ("layout", nested(100_000)),
        ("manifest", nested(100_000)),
        ("manifest", lambda _: '{"a": NaN}'),
        ("manifest", lambda _: '{"a": ' + "9" * 5000 + "}"),
        ("manifest", lambda _: '{"a": '),
        ("manifest", lambda _: "[1]"),
        ("skipped", lambda _: '[["a"]]'),
        ("columns", lambda d: d[:-1]),
        ("columns", lambda d: [*d, ["more", "more", None]]),
        ("columns", lambda d: [[*one[:2], "yes"] for one in d]),
        ("columns", lambda d: [["label", 'label" FROM items; --', None], *d[1:]]),
        ("columns", lambda d: [d[0]] * len(d)),
        ("columns", lambda d: [[name, field, True] for name, field, _ in d]),
        ("map/pca/facts", lambda _: "7"),
    ],
)
def test_a_document_that_lies_is_refused(path, name, change):
    forge_document(path, name, change)
    refused(path, "is damaged: .* Restore it from a copy")


def test_a_segment_that_unpacks_to_more_than_its_rows_is_stopped_there(path):
    bomb = zlib.compress(bytes(64 << 20), 9)
    forge_blob(path, "features", 0, bomb)
    refused(path, "segment 0 of its features does not unpack")


@pytest.mark.parametrize("tail", [b"more", b"\0"])
def test_bytes_after_a_packed_segment_are_refused(path, tail):
    packed = zlib.compress(contents(40).features.tobytes()) + tail
    forge_blob(path, "features", 0, packed)
    refused(path, "segment 0 of its features does not unpack")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_latents_that_are_not_finite_are_refused(path, value):
    z = contents(40).latents
    z[3, 2] = value
    forge_blob(path, "latents", 0, z.tobytes())
    refused(path, "segment 0 of its latents holds NaN or infinity")


def test_segments_in_each_others_place_are_refused(tmp_path):
    path = str(tmp_path / "space.latent")
    space = contents(3000)
    space.latents = np.ones((3000, 200), np.float32)
    store.write(path, space)
    run(
        path, "UPDATE latents SET segment = -1 WHERE segment = 0", "UPDATE latents SET segment = 0 WHERE segment = 1",
        "UPDATE latents SET segment = 1 WHERE segment = -1",
    )  # fmt: skip
    refused(path, "segment 0 of its latents does not match")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM latents",
        "DELETE FROM features",
        "DELETE FROM thumbnails WHERE position = 7",
        "UPDATE thumbnails SET position = 99 WHERE position = 7",
        "DELETE FROM items WHERE position = 7",
        "UPDATE items SET position = -5 WHERE position = 7",
        "UPDATE items SET position = 2000 WHERE position = 39",
        "INSERT INTO items (position, id) VALUES (1000000, 'x')",
        "UPDATE items SET id = 7 WHERE position = 7",
        "UPDATE items SET label = 'dog' WHERE position = 0",
        "UPDATE items SET Label = NULL",
        "DELETE FROM item_checks",
        "UPDATE item_checks SET crcs = x'00'",
        "UPDATE item_checks SET crcs = 'text'",
        "UPDATE item_checks SET crcs = substr(crcs, 1, 8)",
        "DELETE FROM blobs WHERE name = 'layout'",
        "DELETE FROM blobs WHERE name = 'array/model/axes_'",
        "UPDATE blobs SET data = zeroblob(50000000) WHERE name = 'manifest'",
        "UPDATE blobs SET data = 7 WHERE name = 'manifest'",
        "UPDATE blobs SET data = CAST(x'fffe' AS TEXT) WHERE name = 'manifest'",
        "UPDATE latents SET data = zeroblob(200000000)",
        "UPDATE latents SET data = 'text'",
        "UPDATE latents SET crc = 'text'",
        "PRAGMA journal_mode=WAL",
        "PRAGMA application_id=7",
        "PRAGMA user_version=0",
    ],
)
def test_rows_that_do_not_add_up_are_refused(path, statement):
    run(path, statement)
    with pytest.raises(ValueError, match=r"space\.latent"):
        store.read(path)


def test_a_value_that_only_its_check_sum_can_vouch_for_is_checked_by_kind(path):
    for value in (b"x", b"b7", b"i12x", b"t\xff", b""):
        store.write(path, contents(1), overwrite=True)
        letters = b"I" + struct.pack("<q", 0) + b"B" + struct.pack("<I", len(value)) + value
        connection = sqlite3.connect(path, isolation_level=None)
        (old,) = connection.execute("SELECT crcs FROM item_checks").fetchone()
        forged = struct.pack("<I", crc("items/0/0", letters)) + old[4:]
        connection.execute("UPDATE item_checks SET crcs = ?", (forged,))
        connection.execute("UPDATE items SET id = ?", (value,))
        connection.close()
        refused(path, "an id is not a text|an id is damaged")


@pytest.mark.parametrize("junk", [b"", b"junk", struct.pack("<Q", 2**62) + b"{}", struct.pack("<Q", 2) + b"{}"])
def test_an_array_that_is_no_safetensors_is_refused(path, junk):
    name = "array/model/steps"
    run(path, ("UPDATE blobs SET data = ?, crc = ? WHERE name = ?", (junk, crc(f"blobs/{name}/0", junk), name)))
    forge_document(path, "layout", lambda d: {**d, "blobs": {**d["blobs"], name: len(junk)}})
    refused(path, "array/model/steps")


def test_a_newer_format_says_what_reads_it(path):
    run(path, "PRAGMA user_version=2")
    with pytest.raises(
        UnsupportedError, match=r"space\.latent is of format 2; .* reads format 1.*pip install --upgrade"
    ):
        store.read(path)


def test_a_file_in_utf_16_is_refused(path):
    os.unlink(path)
    run(
        path,
        "PRAGMA encoding='UTF-16'",
        f"PRAGMA application_id={0x4C41544E}",
        "PRAGMA user_version=1",
        "CREATE TABLE a (b)",
    )
    refused(path, "not UTF-8")


def npy() -> bytes:
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


def archive() -> bytes:
    out = io.BytesIO()
    zipfile.ZipFile(out, "w").close()
    return b"PK\x03\x04" + out.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG picture"),
        (b"\xff\xd8\xff\xe0" + bytes(99), "a JPEG picture"),
        (archive(), "a zip archive"),
        (npy(), r"a \.npy array"),
        (b"\x80\x04\x95" + bytes(600), "a Python pickle"),
        (b"label,price\ncat,3\n" * 50, "text, and begins 'label,price"),
        (b"\x01\x02\x03\x04" * 300, "begins with the bytes 01 02 03 04"),
        (bytes(4096), "all zeros"),
        (b"SQLite format 3\0" + bytes(20), "SQLite database"),
        (b"x", "text, and begins 'x'"),
    ],
)
def test_a_file_that_is_something_else_is_told_what_it_looks_like(tmp_path, data, what):
    path = tmp_path / "photo.latent"
    path.write_bytes(data)
    refused(str(path), what)


def test_another_programs_database_a_folder_and_nothing_are_told_apart(tmp_path):
    run(tmp_path / "other.db", "CREATE TABLE a (b)")
    refused(str(tmp_path / "other.db"), "other.db is not a .latent file: it is an SQLite database of another program")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        store.read(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none\.latent"):
        store.read(tmp_path / "none.latent")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        store.write(tmp_path / "none" / "a.latent", contents(1))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(CorruptFileError, match="no regular file"):
            store.read(tmp_path / "pipe")


def test_overwrite_replaces_even_a_broken_file(tmp_path):
    path = tmp_path / "space.latent"
    for junk in (b"", b"junk" * 99, b"SQLite format 3\0" + bytes(2000)):
        path.write_bytes(junk)
        with pytest.raises(FileExistsError, match="overwrite=True"):
            store.write(path, contents(1))
        assert path.read_bytes() == junk
        assert store.write(path, contents(1), overwrite=True) == 1
        assert len(store.read(path)) == 1
