"""Packs of ids and metadata: they say what the tables say, or nothing."""

import sqlite3

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latentspace import store
from latentspace.errors import CorruptFileError
from latentspace.store import LatentFile, packed
from latentspace.store.packed import is_plain, values_of
from latentspace.store.values import canonical

SIZE = packed.GROUP * 1024


def space(n, start=0):
    rng = np.random.default_rng(start)
    return store.Contents(
        {}, {}, [f"photos/{start + i}.jpg" for i in range(n)],
        {
            "label": [("cat", "dog", None)[i % 3] for i in range(n)],
            "price": [i / 7 for i in range(n)],
            "ok": [(True, None)[i % 2] for i in range(n)],
            "odd": [(1, 2.5, None, "x")[i % 4] for i in range(n)],
        },
        rng.normal(size=(n, 2)).astype(np.float32),
    )  # fmt: skip


def names(path):
    with LatentFile(path) as file:
        return [name for name in file._layout.blobs if name.startswith("packed/")]


def without_packs(path):
    """The file as it was before there were packs."""
    connection = sqlite3.connect(path, isolation_level=None)
    layout = store.blobs.get_layout(connection)
    for name in [name for name in layout.blobs if name.startswith("packed/")]:
        store.blobs.drop_blob(connection, layout, name)
    store.blobs.put_layout(connection, layout)
    connection.close()


def items_of(path):
    with LatentFile(path) as file:
        return file.items()


values = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)


@given(stored=st.lists(values | texts, min_size=1) | st.lists(values | st.binary(max_size=4), min_size=1))
def test_canonical_bytes_give_back_the_values(stored):
    data = canonical(stored)
    assert is_plain(data, len(stored))
    found = values_of(memoryview(data), len(stored))
    assert found == stored
    assert list(map(type, found)) == list(map(type, stored))


@given(data=st.binary(max_size=60), items=st.integers(0, 8))
def test_any_bytes_are_values_or_refused(data, items):
    try:
        assert len(values_of(memoryview(data), items)) == items
    except (CorruptFileError, UnicodeDecodeError):
        return


def test_large_files_have_packs_and_small_ones_do_not(tmp_path):
    path = tmp_path / "space.latent"
    store.write(path, space(3000))
    assert names(path) == []
    store.write(path, space(SIZE + 5000), overwrite=True)
    assert names(path) == ["packed/0", "packed/1"]
    with_packs = items_of(path)
    assert with_packs == (space(SIZE + 5000).ids, space(SIZE + 5000).metadata)
    without_packs(path)
    assert items_of(path) == with_packs


@given(data=st.data())
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_packs_say_what_the_tables_say_whatever_came_and_went(tmp_path, data):
    path = tmp_path / "space.latent"
    store.write(path, space(data.draw(st.sampled_from([3000, 9000, SIZE - 3]))), overwrite=True)
    ids = items_of(path)[0]
    for step in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            more = space(data.draw(st.sampled_from([1, 900, 5000])), start=10**6 * (step + 1))
            more.metadata[f"new {step}"] = [step] * len(more)
            store.append(path, more.ids, more.metadata, more.latents)
            ids = ids + more.ids
        else:
            begin = data.draw(st.integers(0, len(ids)))
            gone = ids[begin : begin + data.draw(st.sampled_from([1, 40, 3000]))]
            store.remove(path, gone, compact=False)
            ids = ids[:begin] + ids[begin + len(gone) :]
    found = items_of(path)
    with LatentFile(path) as file:
        later = file.items_later()
        places = sorted({0, len(ids) // 2, len(ids) - 1})
        positions = store.items.positions(file._connection, file._layout)
    assert found[0] == ids
    assert later.ids_at(places) == [ids[place] for place in places]
    assert np.array_equal(later.positions, positions)
    without_packs(path)
    assert items_of(path) == found


def test_items_that_come_one_by_one_are_packed_once_they_fill_a_group(tmp_path):
    path = tmp_path / "space.latent"
    store.write(path, space(1000))
    for step in range(1, 8):
        more = space(2500, start=10**5 * step)
        store.append(path, more.ids, more.metadata, more.latents)
    assert names(path) == ["packed/0"], "18,500 items in appends of three chunks, which alone are not worth a pack"
    with LatentFile(path) as file:
        assert len(packed.read(file._connection, file._layout, 0)) == packed.GROUP


def test_a_removed_item_leaves_the_packs_at_once(tmp_path):
    path = tmp_path / "space.latent"
    one = space(9000)
    one.ids[4321], one.metadata["label"][4321] = "secret id", "secret label"
    store.write(path, one)
    store.remove(path, ["secret id"], compact=False)
    data = path.read_bytes()
    assert b"secret id" not in data
    assert b"secret label" not in data
    assert names(path) == ["packed/0"]
    assert items_of(path)[0] == [*one.ids[:4321], *one.ids[4322:]]


def test_a_writer_that_knows_nothing_of_packs_is_read_rightly(tmp_path, monkeypatch):
    path = tmp_path / "space.latent"
    store.write(path, space(9000))
    monkeypatch.setattr(packed, "update", lambda *_, **__: None)
    monkeypatch.setattr(packed, "completed", lambda *_: range(0))
    ids = space(9000).ids
    store.remove(path, [ids[0], ids[5000]])
    more = space(6000, start=10**6)
    store.append(path, more.ids, more.metadata, more.latents)
    found = items_of(path)
    assert found[0] == [*ids[1:5000], *ids[5001:], *more.ids]
    without_packs(path)
    assert items_of(path) == found


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:10],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"\xff\xff\xff\xff" + data[4:],
        lambda data: data[:16] + b"\xff\xff\xff\xff" + data[20:],
        lambda data: data[:4] + b"\xff" * 8 + data[12:],
        lambda _: b"",
    ],
)
def test_a_forged_pack_is_passed_over(tmp_path, change):
    path = tmp_path / "space.latent"
    store.write(path, space(5000))
    connection = sqlite3.connect(path, isolation_level=None)
    layout = store.blobs.get_layout(connection)
    forged = change(store.blobs.get_blob(connection, layout, "packed/0"))
    store.blobs.put_blob(connection, layout, "packed/0", forged, text=False)
    store.blobs.put_layout(connection, layout)
    connection.close()
    assert items_of(path) == (space(5000).ids, space(5000).metadata)
    store.remove(path, space(5000).ids[:1])
    assert items_of(path)[0] == space(5000).ids[1:]
