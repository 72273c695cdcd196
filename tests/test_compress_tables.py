"""Tables and arrays of numbers through the container: columns, order and types as they were; errors within bounds."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as from_pandas

import latentspace as ls
import processes
from latentspace import compressing
from latentspace.compressing.bare import bare_space
from latentspace.compressing.opening import decompress
from latentspace.errors import UnsupportedError

WORDS = {"quality": None, "psnr": None, "bpp": None, "max_bytes": None, "lossless": False, "seed": 0}


def packed(source, **asked):
    import io

    space, items = bare_space(source)
    out = io.BytesIO()
    compressing.compress(space, items, compressing.asked_for(**(WORDS | {"embed": True} | asked)), out)
    return out.getvalue()


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(
        {
            "count": rng.integers(0, 50, n),
            "price": rng.normal(100, 20, n).round(2),
            "noise": rng.normal(size=n),
            "small": rng.normal(size=n).astype(np.float32),
            "colour": rng.choice(["red", "green", "blue"], n),
            "name": [f"item {i} of {rng.integers(100)}, größe 雨" for i in range(n)],
            "is_new": rng.random(n) < 0.3,
            "day": pd.date_range("2020-01-01", periods=n, freq="D"),
            "took": pd.to_timedelta(rng.integers(0, 10**6, n), unit="s"),
            "class": pd.Categorical(rng.choice(["x", "y"], n), categories=["z", "y", "x"], ordered=True),
            "maybe": pd.array(np.where(rng.random(n) < 0.2, None, rng.integers(0, 9, n)), dtype="Int64"),
            "gap": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n).round(3)),
            "endless": np.where(rng.random(n) < 0.1, np.inf, -0.0),
            "large": np.full(n, 2**64 - 5, np.uint64) + rng.integers(0, 4, n).astype(np.uint64),
            "same": 7,
        }
    )
    frame.loc[3, "name"] = None
    frame["tag"] = pd.Series(np.where(rng.random(n) < 0.3, np.nan, 0), dtype=object).map(
        lambda v: v if v != v else "old"
    )
    return frame


@pytest.mark.parametrize("random_access", [True, False])
def test_every_type_of_column_comes_back_in_order(mixed, random_access):
    blob = packed(mixed, random_access=random_access)
    pd.testing.assert_frame_equal(decompress(blob), mixed)
    one = decompress(blob, only=["17", "3"])
    pd.testing.assert_frame_equal(one, mixed.iloc[[17, 3]].reset_index(drop=True), check_dtype=False)


def test_bits_of_numbers_are_kept(mixed):
    back = decompress(packed(mixed))
    for name in ("noise", "small", "endless"):
        bits = f"i{mixed[name].dtype.itemsize}"
        np.testing.assert_array_equal(back[name].to_numpy().view(bits), mixed[name].to_numpy().view(bits))


def test_polars_frames_come_back_as_such():
    frame = pl.DataFrame(
        {
            "a": [1, None, 3], "b": [0.5, float("nan"), None], "c": ["x", "y", None], "d": [True, None, False],
            "e": [1.25, float("inf"), -3.0],
        }
    )  # fmt: skip
    for random_access in (True, False):
        back = decompress(packed(frame, random_access=random_access))
        assert isinstance(back, pl.DataFrame)
        assert back.equals(frame, null_equal=True) or str(back) == str(frame)


@settings(deadline=None, max_examples=25)
@given(
    from_pandas.data_frames(
        [
            from_pandas.column("n", dtype=np.int64),
            from_pandas.column("x", dtype=np.float64),
            from_pandas.column("w", elements=st.text(max_size=5), dtype=object),
        ],
        index=from_pandas.range_indexes(min_size=1, max_size=30),
    )
)
def test_frames_of_anything_come_back(frame):
    if (frame["n"] == np.iinfo(np.int64).min).any():
        return
    back = decompress(packed(frame, random_access=False))
    pd.testing.assert_series_equal(back["n"], frame["n"])
    pd.testing.assert_series_equal(back["x"], frame["x"])
    assert back["w"].tolist() == frame["w"].tolist()


@settings(deadline=None, max_examples=25)
@given(st.floats(1e-6, 10), st.integers(0, 2**32 - 1), st.sampled_from(["f8", "f4", "f2", "i4", "u1"]))
def test_an_error_is_never_larger_than_was_allowed(bound, seed, dtype):
    values = (np.random.default_rng(seed).normal(50, 9, (40, 3))).astype(dtype)
    back = decompress(packed(values, max_error=bound, random_access=False))
    assert back.dtype == values.dtype
    assert np.abs(back.astype(np.float64) - values).max() <= bound


def test_an_array_may_have_an_error_a_column_and_infinities_come_back():
    values = np.random.default_rng(0).normal(size=(60, 3))
    values[4, 2], values[5, 2], values[6, 1] = np.inf, -np.inf, np.nan
    back = decompress(packed(values, max_error=[0.1, 0.5, 0.1]))
    apart = np.abs(back[:, :2] - values[:, :2])
    assert (np.nanmax(apart, axis=0) <= [0.1, 0.5]).all()
    assert np.isnan(back[6, 1])
    np.testing.assert_array_equal(back[:, 2], values[:, 2])
    with pytest.raises(ValueError, match="one a column"):
        packed(values, max_error=[0.1, 0.2])


def test_an_error_of_one_column_leaves_the_others_exact(mixed):
    back = decompress(packed(mixed, max_error={"price": 0.5, "gap": 0.01}))
    assert 0 < (back["price"] - mixed["price"]).abs().max() <= 0.5
    assert (back["gap"] - mixed["gap"]).abs().max() <= 0.01
    assert back["gap"].isna().equals(mixed["gap"].isna())
    rest = [name for name in mixed if name not in ("price", "gap")]
    pd.testing.assert_frame_equal(back[rest], mixed[rest])
    assert len(packed(mixed, max_error={"price": 0.5})) < len(packed(mixed))
    with pytest.raises(ValueError, match="'prize', which is no column"):
        packed(mixed, max_error={"prize": 1})
    with pytest.raises(ValueError, match="have no error"):
        packed(mixed, max_error={"colour": 1})
    with pytest.raises(ValueError, match="above 0"):
        packed(mixed, max_error=0)
    with pytest.raises(ValueError, match="exclude one another"):
        packed(mixed, max_error=1, bpp=2.0)


@pytest.mark.parametrize("dtype", ["int16", "uint8", "int64", "float32", "float64", "float16", "bool"])
def test_arrays_of_numbers_come_back(dtype):
    values = (
        np.random.default_rng(0).normal(0, 9, (50, 4)) > 3 if dtype == "bool" else np.arange(200).reshape(50, 4)
    ).astype(dtype)
    back = decompress(packed(values))
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


def test_what_cannot_be_told_apart_is_refused():
    with pytest.raises(UnsupportedError, match="Python objects"):
        packed(pd.DataFrame({"a": [1, 2], "b": [[1], "x"]}))
    with pytest.raises(UnsupportedError, match="max_error is for tables"):
        packed(["some", "texts that are", "no numbers"] * 5, max_error=1.0)


def test_a_space_keeps_its_coder_and_takes_rows_it_never_saw(iris, tmp_path):
    space = ls.fit(iris[:100], "pca", dims=3)
    path = space.save(tmp_path / "iris.latent")
    opened = ls.load(path)
    rows = iris[100:].reset_index(drop=True).copy()
    rows["species"] = ["newly found"] * len(rows)
    blob = opened.compress(rows, lossless=True)
    back = ls.load(path).decompress(blob)
    pd.testing.assert_frame_equal(back, rows, check_dtype=False)
    assert len(blob) < len(opened.compress(rows, lossless=True, embed=True))
    with pytest.raises(ValueError, match="lacks column"):
        opened.compress(rows.drop(columns="species"), lossless=True)


def test_ways_to_compress_in_one_space_do_not_disturb_one_another(iris):
    space = ls.fit(iris, "pca", dims=3)
    numbers = iris.columns[:4]
    blobs = [
        space.compress(lossless=True),
        space.compress(lossless=True, random_access=False),
        space.compress(max_error=0.05),
        space.compress(lossless=True),
    ]
    for blob, bound in zip(blobs, (0, 0, 0.05, 0), strict=True):
        back = space.decompress(blob)
        assert (back[numbers] - iris[numbers]).abs().max().max() <= bound
        assert back["species"].tolist() == iris["species"].tolist()
    assert blobs[0] == blobs[3]


def test_the_commands_bring_a_file_back_and_say_what_others_take(mixed, tmp_path):
    source, out, back = tmp_path / "rows.parquet", tmp_path / "rows.lsz", tmp_path / "again.parquet"
    mixed.to_parquet(source)
    report = tmp_path / "report.json"
    done = processes.latentspace("compress", str(source), "-o", str(out), "--solid", "--report", str(report), "--json")
    facts = json.loads(done.stdout)
    assert facts["coder"] == "table"
    assert facts["bytes"] == out.stat().st_size
    told = json.loads(report.read_text())
    assert {"Parquet, zstd -22", "CSV, xz -9e"} <= set(told["rivals"])
    assert told["rivals"]["Parquet, zstd -22"] > facts["bytes"]
    processes.latentspace("decompress", str(out), "-o", str(back))
    pd.testing.assert_frame_equal(pd.read_parquet(back), pd.read_parquet(source), check_dtype=False)
    processes.latentspace(
        "compress", str(source), "-o", str(out), "--force", "--max-error", "price=1", "--max-error", "gap=0.1"
    )
    processes.latentspace("decompress", str(out), "-o", str(back), "--force")
    assert (pd.read_parquet(back)["price"] - mixed["price"]).abs().max() <= 1
