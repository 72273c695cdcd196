import sqlite3

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latentspace import store
from latentspace.store import Cache, LatentFile


def space(n, start=0, dims=300):  # 873 rows a segment, so that a few hundred items fill more than one
    z = np.random.default_rng(start).normal(size=(n, dims)).astype(np.float32)
    return store.Contents({}, {}, [f"{start + i}" for i in range(n)], {}, z)


def of(n):
    return Cache({"k": 3}, {"graph": np.arange(3 * n).reshape(n, 3)}, np.arange(n))


def kept(path):
    with LatentFile(path) as file:
        return file.cache("graph")


@pytest.fixture
def path(tmp_path):
    store.write(tmp_path / "space.latent", space(2000))
    return tmp_path / "space.latent"


def test_a_cache_comes_back_and_leaves_the_version(path):
    assert kept(path) is None
    store.put_cache(path, "graph", of(2000))
    found = kept(path)
    assert found.facts == {"k": 3}
    assert found.is_of_all(2000)
    assert np.array_equal(found.arrays["graph"], of(2000).arrays["graph"])
    with LatentFile(path) as file:
        assert (file.version, file.cache_names, file.array_names) == (1, ["graph"], [])
    store.put_cache(path, "graph", None)
    assert kept(path) is None


def test_a_cache_says_where_its_items_are_after_some_came_and_went(path):
    store.put_cache(path, "graph", of(2000))
    more = space(500, start=5000)
    store.append(path, more.ids, {}, more.latents)
    store.remove(path, ["0", "7", "5003"])
    rows = kept(path).rows
    assert len(rows) == 2000
    assert rows[[0, 1, 6, 7, 8, 1999]].tolist() == [-1, 0, 5, -1, 6, 1997]
    store.put_cache(path, "graph", Cache({}, {}, np.arange(2497)))  # of the items that are there now
    assert kept(path).is_of_all(2497)
    store.remove(path, ["1"])
    assert kept(path).rows[:3].tolist() == [-1, 0, 1]


def test_a_cache_outlives_the_rewrite_that_gives_room_back(path):
    store.put_cache(path, "graph", of(2000))
    store.remove(path, [str(i) for i in range(1500)], compact=True)
    assert kept(path).rows.tolist() == [-1] * 1500 + list(range(500))
    store.remove(path, ["1500", "1999"])
    assert kept(path).rows[1499:].tolist() == [-1, -1, *range(498), -1]


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_and_goes_a_cache_describes_the_same_items(tmp_path, data):
    path = tmp_path / "space.latent"
    first = space(data.draw(st.integers(0, 1000)), dims=500)
    store.write(path, first, overwrite=True)
    store.put_cache(path, "graph", of(len(first)))
    for step in range(data.draw(st.integers(1, 5))):
        with LatentFile(path) as file:
            ids = file.ids()
        if data.draw(st.booleans()):
            more = space(data.draw(st.integers(0, 600)), start=10_000 * (step + 1), dims=500)
            store.append(path, more.ids, {}, more.latents)
        elif ids:
            low, high = sorted(data.draw(st.tuples(*[st.integers(0, len(ids))] * 2)))
            store.remove(path, ids[low:high])
    with LatentFile(path) as file:
        ids, rows = file.ids(), file.cache("graph").rows
    place = {one: row for row, one in enumerate(ids)}
    assert rows.tolist() == [place.get(one, -1) for one in first.ids]


def test_a_cache_is_matched_with_an_earlier_state_after_the_file_has_changed(path):
    store.put_cache(path, "graph", of(2000))
    store.remove(path, ["5"])
    with LatentFile(path) as file:
        anchor = file.anchor()
    store.remove(path, ["0"])
    more = space(3, start=5000)
    store.append(path, more.ids, {}, more.latents)
    with LatentFile(path) as file:
        assert file.cache("graph", anchor).rows[:7].tolist() == [0, 1, 2, 3, 4, -1, 5]
    store.put_cache(path, "graph", of(2001))
    with LatentFile(path) as file:
        assert file.cache("graph", anchor) is None, "it describes items that the earlier state does not have"


def test_a_cache_of_other_latents_counts_as_absent(path):
    store.put_cache(path, "graph", of(2000))
    other = space(2000, start=3)
    connection = sqlite3.connect(path, isolation_level=None)
    for segment in range(3):  # a writer that knows nothing of caches rewrites the latents
        data = other.latents[873 * segment : 873 * (segment + 1)].tobytes()
        crc = store.values.checksum(f"latents/{segment}", data)
        connection.execute("UPDATE latents SET data = ?, crc = ? WHERE segment = ?", (data, crc, segment))
        assert kept(path) is None
    connection.close()
    assert len(store.read(path)) == 2000


@pytest.mark.parametrize("what", ["facts", "array/graph", "positions"])
def test_a_damaged_cache_counts_as_absent_and_harms_nothing_else(path, what):
    store.put_cache(path, "graph", Cache({}, {"graph": np.arange(3)}, np.array([0, 5, -1, 7])))
    assert kept(path).rows.tolist() == [0, 5, -1, 7]
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE blobs SET crc = crc + 1 WHERE name = ?", (f"cache/graph/{what}",))
    connection.close()
    assert kept(path) is None
    assert store.read(path).caches == {}
    store.put_cache(path, "graph", of(2000))
    assert kept(path).is_of_all(2000)


@pytest.mark.parametrize(
    "positions",
    [np.array([3, 2]), np.array([0, 0]), np.array([-2]), np.array([8]), np.array([1], "i4"), np.array([[1]])],
)
def test_forged_positions_count_as_damage(path, positions):
    store.put_cache(path, "graph", Cache({}, {}, np.array([0, 7])))
    connection = sqlite3.connect(path, isolation_level=None)
    layout = store.blobs.get_layout(connection)
    store.blobs.put_arrays(connection, layout, "cache/graph/", {"positions": positions})
    store.blobs.put_layout(connection, layout)
    connection.close()
    assert kept(path) is None


def test_a_cache_that_cannot_be_kept_says_why(path):
    for cache, error, match in (
        (Cache({}, {}, np.array([2000])), ValueError, "must ascend from 0 to 1999"),
        (Cache({}, {}, np.array([1, 1])), ValueError, "must ascend"),
        (Cache({}, {}, np.array([-2])), ValueError, "must ascend"),
        (Cache({}, {}, np.array([1.0])), TypeError, "int64"),
        (Cache({"x": np.nan}, {}, np.arange(1)), ValueError, "finite"),
        (Cache({}, {"x": [1]}, np.arange(1)), TypeError, "numpy array"),
        ({}, TypeError, "expected a Cache"),
    ):
        with pytest.raises(error, match=match):
            store.put_cache(path, "graph", cache)
    with pytest.raises(ValueError, match="has no '/'"):
        store.put_cache(path, "a/b", of(1))
    with pytest.raises(store.FileChangedError):
        store.put_cache(path, "graph", of(2000), expect=7)
    with LatentFile(path) as file:
        assert file.cache_names == []


def test_caches_are_written_and_read_with_the_whole_contents(tmp_path, path):
    store.put_cache(path, "graph", of(2000))
    store.remove(path, ["1"])
    whole = store.read(path)
    assert whole.caches["graph"].rows[:3].tolist() == [0, -1, 1]
    store.write(tmp_path / "copy.latent", whole)
    assert kept(tmp_path / "copy.latent").rows[:3].tolist() == [0, -1, 1]


def test_a_space_of_no_items_has_caches_too(tmp_path):
    path = tmp_path / "empty.latent"
    store.write(path, space(0))
    store.put_cache(path, "graph", of(0))
    assert kept(path).is_of_all(0)
    more = space(5)
    store.append(path, more.ids, {}, more.latents)
    assert len(kept(path).rows) == 0
