"""Rows in blocks on disk read as one array, whatever they lie in; what is damaged or unlike is named."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

import latentspace as ls


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).normal(size=(97, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def sources(x, tmp_path_factory):
    """The same rows in every form that is read."""
    folder = tmp_path_factory.mktemp("rows")
    (folder / "npy").mkdir()
    for part, (start, stop) in enumerate([(0, 40), (40, 41), (41, 97)]):
        np.save(folder / "npy" / f"{part}.npy", x[start:stop])
    np.save(folder / "one.npy", x)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), 5)
    parquet.write_table(pa.table({"id": np.arange(97), "z": lists}), folder / "lists.parquet", row_group_size=30)
    columns = {"id": np.arange(97), **{f"c{place}": x[:, place] for place in range(5)}}
    parquet.write_table(pa.table(columns), folder / "columns.parquet", row_group_size=20)
    return {
        "folder": ls.blocks(folder / "npy"),
        "file": ls.blocks(folder / "one.npy"),
        "files": ls.blocks([folder / "npy" / f"{part}.npy" for part in range(3)]),
        "mapped": ls.blocks(np.load(folder / "one.npy", mmap_mode="r")),
        "array": ls.blocks(x),
        "lists": ls.blocks(folder / "lists.parquet"),
        "columns": ls.blocks(folder / "columns.parquet"),
        "stream": ls.blocks(x[start : start + 13] for start in range(0, 97, 13)),
    }


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["folder", "file", "files", "mapped", "array", "lists", "columns", "stream"]),
    start=st.integers(-100, 100), stop=st.integers(-100, 100), step=st.sampled_from([1, 2, -1, 7]),
    places=st.lists(st.integers(0, 96), max_size=20),
)  # fmt: skip
def test_rows_are_those_of_the_array(x, sources, name, start, stop, step, places):
    rows = sources[name]
    assert rows.shape == x.shape
    np.testing.assert_array_equal(rows[start:stop:step], x[start:stop:step])
    np.testing.assert_array_equal(rows[np.array(places, int)], x[np.array(places, int)])
    np.testing.assert_array_equal(rows.select(places)[:], x[np.array(places, int)])
    if places:
        np.testing.assert_array_equal(rows[places[0]], x[places[0]])


def test_a_part_of_a_map_begins_where_it_should(tmp_path, x):
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(ls.blocks(mapped[10:50])[3:6], x[13:16])


def test_missing_cells_are_rows_that_no_fit_uses(tmp_path, x):
    lists = pa.array([None if row == 4 else values.tolist() for row, values in enumerate(x)], pa.list_(pa.float32()))
    parquet.write_table(pa.table({"z": lists}), tmp_path / "x.parquet")
    done = ls.fit_blocks(tmp_path / "x.parquet", tmp_path / "job", dims=2)
    assert done.skipped == [("4", "NaN or infinite values")]
    with pytest.raises(ValueError, match="NaN"):
        ls.fit_blocks(tmp_path / "x.parquet", tmp_path / "other", dims=2, on_error="raise")


def test_a_stream_that_stopped_goes_on_and_another_is_refused(tmp_path, x):
    spool = tmp_path / "spool"

    def broken():
        yield x[:40]
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        ls.blocks(broken(), spool=spool)
    rows = ls.blocks([x[:40], x[40:]], spool=spool)
    np.testing.assert_array_equal(rows[:], x)
    with pytest.raises(ValueError, match="another block"):
        ls.blocks([x[:40] + 1, x[40:]], spool=spool)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda f: f / "nowhere", "there is no file"),
        (lambda f: f, "holds no .npy"),
        (lambda _: [np.zeros((2, 3)), np.zeros((2, 4))], "rows of shape"),
        (lambda _: [np.zeros(3)], "numbers of shape"),
        (lambda _: np.array([["a"]]), "numbers of shape"),
        (lambda _: iter(()), "no rows"),
        (lambda f: _written(f / "x.parquet", b"rubbish"), "not a readable Parquet"),
        (lambda f: _written(f / "x.npy", b"rubbish"), "x.npy"),
        (lambda f: _written(f / "x.txt", b"1 2"), "neither .npy nor .parquet"),
    ],
)
def test_what_cannot_be_rows_is_said(tmp_path, make, said):
    with pytest.raises((ValueError, OSError), match=said):
        ls.blocks(make(tmp_path))
    with pytest.raises(TypeError, match="int"):
        ls.blocks(3)


def test_a_file_that_was_cut_off_meanwhile_is_named(tmp_path, x):
    np.save(tmp_path / "x.npy", x)
    rows = ls.blocks(tmp_path / "x.npy")
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:700])
    with pytest.raises(ValueError, match="cut off"):
        rows[60:90]


def _written(path, data):
    path.write_bytes(data)
    return path
