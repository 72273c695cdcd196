"""Rows become scaled columns and come back with their columns, order, types and values."""

import datetime
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from latentspace.errors import BadItemError, CorruptFileError
from latentspace.items.tables import Table


def fitted(source, **options):
    """A learned table, all of its features, metadata and what was skipped; its state has been through JSON."""
    gathered = Table.gather(source)
    modality = Table(**options).learn(gathered)
    facts, arrays = modality.state()
    modality = Table.from_state(json.loads(json.dumps(facts)), arrays)
    batches = list(modality.read(gathered))
    x = np.concatenate([batch.x for batch in batches])
    metadata = {name: [v for batch in batches for v in batch.metadata[name]] for name in batches[0].metadata}
    return modality, x, metadata, [item for batch in batches for item in batch.skipped]


# ---------------------------------------------------------------------- round trips
N = 8
words = st.sampled_from(["a", "b", "ü", "", " ", "None", "nan"])
moments = st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2030, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, second=0, minute=0)
)


def column(values, missing):
    """N values, with holes where a column may have them."""
    return st.lists(st.none() | values if missing else values, min_size=N, max_size=N)


@st.composite
def pandas_columns(draw):
    whole = st.integers(-1_000_000, 1_000_000)
    small = st.integers(0, 255)
    kinds = {
        "int64": lambda: pd.array(draw(column(whole, False)), dtype="int64"),
        "uint8": lambda: pd.array(draw(column(small, False)), dtype="uint8"),
        "Int32": lambda: pd.array(draw(column(whole, True)), dtype="Int32"),
        "bool": lambda: pd.array(draw(column(st.booleans(), False)), dtype="bool"),
        "boolean": lambda: pd.array(draw(column(st.booleans(), True)), dtype="boolean"),
        "str": lambda: pd.Series(draw(column(words, True)), dtype="str"),
        "object": lambda: pd.Series(draw(column(words, False)), dtype=object),
        "category": lambda: pd.Categorical(draw(column(st.sampled_from("xyz"), True)), list("zyxw"), ordered=True),
        "datetime": lambda: pd.Series(draw(column(moments, True)), dtype="datetime64[us]"),
        "zoned": lambda: pd.Series(draw(column(moments, False)), dtype="datetime64[us, Asia/Tokyo]"),
        "timedelta": lambda: pd.Series(draw(column(st.integers(-9999, 9999), False))).astype("timedelta64[s]"),
    }
    names = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=6))
    return pd.DataFrame({f"{name} {place}": kinds[name]() for place, name in enumerate(names)})


@given(pandas_columns())
@settings(max_examples=30, deadline=None)
def test_pandas_rows_come_back_exactly_from_features_and_from_metadata(frame):
    assume(frame.notna().any().any())
    modality, x, metadata, skipped = fitted(frame)
    kept = frame.loc[[i for i in frame.index if str(i) not in {item.id for item in skipped}]].reset_index(drop=True)
    for item in skipped:
        assert frame.loc[int(item.id)].isna().any()
        assert item.reason == "every cell is missing"
    pd.testing.assert_frame_equal(modality.rebuild(x, metadata), kept)
    assert np.isfinite(x).all()
    pd.testing.assert_frame_equal(modality.restore(x), kept)


@st.composite
def polars_columns(draw):
    whole = st.integers(-1_000_000, 1_000_000)
    kinds = {
        "Int64": lambda: pl.Series(draw(column(whole, True)), dtype=pl.Int64),
        "UInt8": lambda: pl.Series(draw(column(st.integers(0, 255), False)), dtype=pl.UInt8),
        "Boolean": lambda: pl.Series(draw(column(st.booleans(), True)), dtype=pl.Boolean),
        "String": lambda: pl.Series(draw(column(words, True)), dtype=pl.String),
        "Categorical": lambda: pl.Series(draw(column(words, True)), dtype=pl.Categorical),
        "Enum": lambda: pl.Series(draw(column(st.sampled_from("xyz"), True)), dtype=pl.Enum(list("wzyx"))),
        "Date": lambda: pl.Series(draw(column(moments.map(datetime.datetime.date), True)), dtype=pl.Date),
        "Datetime": lambda: pl.Series(draw(column(moments, True)), dtype=pl.Datetime("ms")),
        "zoned": lambda: pl.Series(draw(column(moments, False)), dtype=pl.Datetime("us", "Europe/Paris")),
        "Duration": lambda: pl.Series(
            [datetime.timedelta(seconds=s) for s in draw(column(st.integers(-9999, 9999), False))]
        ),
    }
    names = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=6))
    return pl.DataFrame({f"{name} {place}": kinds[name]() for place, name in enumerate(names)})


@given(polars_columns())
@settings(max_examples=30, deadline=None)
def test_polars_rows_come_back_exactly_from_features_and_from_metadata(frame):
    assume(not all(column.null_count() == N for column in frame))
    modality, x, metadata, skipped = fitted(frame)
    bad = {int(item.id) for item in skipped}
    kept = frame[[row for row in range(N) if row not in bad]]
    for rows in (modality.rebuild(x, metadata), modality.restore(x)):
        assert rows.schema == frame.schema
        assert rows.equals(kept)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64) | st.just(1e6), min_size=2, max_size=20))
@settings(deadline=None)
def test_floats_of_any_size_come_back_to_float32_precision_of_their_spread(values):
    modality, x, metadata, skipped = fitted(pd.DataFrame({"v": values}))
    assert not skipped
    assert np.isfinite(x).all()
    with np.errstate(over="ignore"):
        reach = min(float(np.max(values)) - float(np.min(values)), float(np.finfo(np.float64).max))
    np.testing.assert_allclose(modality.restore(x)["v"], values, rtol=1e-15, atol=1e-6 * reach)
    assert modality.rebuild(x, metadata)["v"].tolist() == values


def test_features_are_standardised_and_named():
    frame = pd.DataFrame({"v": [1.0, 2, 3, np.nan], "c": ["b", "a", None, "b"], "t": [True, False, True, True]})
    modality, x, _, _ = fitted(frame)
    assert modality.feature_names == ["v", "v missing", "c=a", "c=b", "c missing", "t"]
    assert modality.shape == (6,)
    np.testing.assert_allclose(x[:3, 0], np.array([-1, 0, 1]) / np.sqrt(2 / 3), rtol=1e-6)
    np.testing.assert_array_equal(x[:, 1:], [[0, 0, 1, 0, 1], [0, 1, 0, 0, 0], [0, 0, 0, 1, 1], [1, 0, 1, 0, 1]])
    assert x[3, 0] == 0


def test_decoded_values_are_whole_where_they_were_and_categories_exist():
    frame = pd.DataFrame({"n": [1, 2, 3], "c": ["a", "b", "c"], "t": [True, False, True], "u": np.uint8([0, 9, 255])})
    modality, x, _, _ = fitted(frame)
    rows = modality.restore(np.random.default_rng(0).normal(scale=3, size=(50, x.shape[1])))
    assert (rows.dtypes == frame.dtypes).all()
    assert set(rows["c"]) <= {"a", "b", "c"}
    assert rows["u"].between(0, 255).all()


def test_decoded_prices_have_no_more_decimals_than_real_ones():
    frame = pd.DataFrame({"price": [1.25, 30.5, 999.99], "share": [0.1, 1 / 3, 0.5], "w": [0.5, 1.5, 4.0]})
    modality, x, _, _ = fitted(frame)
    pd.testing.assert_frame_equal(modality.restore(x)[["price", "w"]], frame[["price", "w"]], check_exact=True)
    rows = modality.restore(np.random.default_rng(0).normal(size=(50, 3)))
    assert (rows["price"] == rows["price"].round(2)).all()
    assert (rows["w"] == rows["w"].round(1)).all()
    assert not (rows["share"] == rows["share"].round(6)).any()


def test_columns_named_by_numbers_keep_their_labels():
    frame = pd.DataFrame(np.arange(6).reshape(3, 2) ** 2)
    modality, x, _, _ = fitted(frame)
    assert modality.feature_names == ["0", "1"]
    pd.testing.assert_frame_equal(modality.restore(x), frame, check_column_type=False)


@pytest.mark.parametrize("values", [[2**60, 2**60 + 1, 2**60 + 5], [2**63 - 1, 2**63 - 9], [-(2**63), 5 - 2**63]])
def test_integers_beyond_float64_keep_their_differences(values):
    modality, x, metadata, _ = fitted(pd.DataFrame({"v": values}))
    assert modality.restore(x)["v"].tolist() == values
    assert modality.rebuild(x, metadata)["v"].tolist() == values


def test_integers_that_spread_too_far_for_float32_come_back_to_its_precision():
    for values, dtype in (([0, 2**63, 2**64 - 1], "uint64"), ([-(2**63), 0, 2**63 - 1], "int64")):
        modality, x, metadata, _ = fitted(pd.DataFrame({"v": pd.Series(values, dtype=dtype)}))
        back = modality.restore(x)["v"]
        assert back.dtype == dtype
        np.testing.assert_allclose(back.astype(float), np.array(values, dtype=float), atol=2**64 * 1e-6)
        assert modality.rebuild(x, metadata)["v"].tolist() == values


def test_decoded_dates_stay_in_the_calendar():
    day = [datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)]
    for frame in (
        pl.DataFrame({"d": day, "t": pl.Series(day).cast(pl.Datetime("ns"))}),
        pd.DataFrame({"d": day, "t": pd.Series(day, dtype="datetime64[us]")}),
    ):
        modality, x, _, _ = fitted(frame)
        rows = modality.restore(np.full_like(x, 1e30))
        assert str(rows["d"][0]) == "9999-12-31"


# ---------------------------------------------------------------------- what is a feature
def test_columns_that_are_no_features_are_noted_and_come_back_from_metadata():
    n = 60
    frame = pd.DataFrame({
        "v": np.arange(n) ** 2.0,
        "user_id": np.arange(n) + 7,
        "name": [f"person {i}" for i in range(n)],
        "many": [f"kind {i % 55}" for i in range(n)],
        "text": ["a long review of something, as long as it has to be to be text" + str(i % 2) for i in range(n)],
        "same": 5,
        "lists": [[i] for i in range(n)],
        "none": [None] * n,
    })  # fmt: skip
    modality, x, metadata, skipped = fitted(frame)
    assert not skipped
    assert modality.feature_names == ["v"]
    assert modality.notes == [
        "column 'user_id' left out: an identifier: no value comes twice",
        "column 'name' left out: 60 different words in 60 rows",
        "column 'many' left out: 55 different words in 60 rows",
        "column 'text' left out: long text",
        "column 'lists' left out: what it holds is neither numbers, words nor dates",
        "column 'same' is always 5",
        "column 'none' is always None",
    ]
    assert list(modality.restore(x)) == ["v", "same", "none"]
    back = modality.rebuild(x, metadata)
    assert list(back) == list(frame)
    same = [name for name in frame if name != "lists"]
    pd.testing.assert_frame_equal(back[same], frame[same])


def test_columns_can_be_excluded_and_included():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [3, 5, 1], "id": [5, 6, 9]})
    assert fitted(frame)[0].feature_names == ["a", "b"]
    assert fitted(frame, exclude="a", include=["id"])[0].feature_names == ["b", "id"]
    assert fitted(frame, exclude=["id"], include=["id"])[0].feature_names == ["a", "b"]
    with pytest.raises(ValueError, match=r"exclude= names 'c', which is not a column of frame of .* It has: a, b, id"):
        fitted(frame, exclude="c")
    with pytest.raises(ValueError, match=r"no column of frame .* can be a feature: column 'a' left out: excluded"):
        fitted(frame, exclude=["a", "b"])
    with pytest.raises(ValueError, match="levels=0 is not a count"):
        fitted(frame, levels=0)


@pytest.mark.parametrize("frame", [pd.DataFrame({"a": [3], "b": ["x"]}), pd.DataFrame({"a": [3, 3], "b": ["x", "x"]})])
def test_one_row_and_rows_that_are_all_equal_still_have_features(frame):
    modality, x, _, _ = fitted(frame)
    np.testing.assert_array_equal(x, [[0, 1]] * len(frame))
    pd.testing.assert_frame_equal(modality.restore(x), frame)


def test_wide_tables_keep_their_numbers_in_the_features_alone():
    values = np.random.default_rng(0).normal(size=(5, 300))
    frame = pd.DataFrame(values, columns=[f"g{i}" for i in range(300)]).assign(label=list("aabbb"))
    modality, x, metadata, _ = fitted(frame, exclude="label")
    assert list(metadata) == ["label"]
    back = modality.rebuild(x, metadata)
    assert list(back) == list(frame)
    np.testing.assert_allclose(back.to_numpy()[:, :300].astype(float), values, atol=1e-5)


# ---------------------------------------------------------------------- bad rows
def test_bad_rows_are_named_and_nothing_is_made_up_in_their_place():
    known = pd.DataFrame({"v": [1.0, 2, 3], "w": [1.0, np.nan, 2], "c": ["a", "b", "a"], "t": [True, False, True]})
    modality = Table().learn(Table.gather(known))
    new = pd.DataFrame({
        "v": [1.0, np.inf, np.nan, 1, 1, None, 1e300],
        "w": [1.0, 1, 1, 1, np.nan, None, 1],
        "c": ["a", "a", "a", "z", "a", None, "a"],
        "t": pd.Series([True, True, True, True, False, None, True], dtype=object),
    })  # fmt: skip
    (batch,) = modality.read(Table.gather(new))
    assert batch.ids == ["0", "4"]
    reasons = {item.id: item.reason for item in batch.skipped}
    assert reasons == {
        "1": "column 'v' holds 'inf', where a finite number belongs",
        "2": "column 'v' is missing, which it never was where this was fitted",
        "3": "column 'c' holds 'z', which is none of its 2 categories: 'a', 'b'",
        "5": "every cell is missing",
        "6": "column 'v' holds '1e+300', where a finite number belongs",
    }
    with pytest.raises(BadItemError, match=r"item '1' of frame of 7 rows and 4 columns: column 'v' holds 'inf'"):
        list(modality.read(Table.gather(new), on_error="raise"))


def test_bad_rows_teach_nothing():
    frame = pd.DataFrame({"v": [1.0, 3, np.inf, np.nan], "c": ["a", "b", "only here", None]})
    modality, x, _, skipped = fitted(frame)
    assert modality.feature_names == ["v", "c=a", "c=b"]
    np.testing.assert_array_equal(x, [[-1, 1, 0], [1, 0, 1]])
    assert [item.id for item in skipped] == ["2", "3"]


def test_a_table_of_bad_rows_alone_is_refused():
    with pytest.raises(ValueError, match=r"no row of frame of 2 rows and 1 columns can be read"):
        fitted(pd.DataFrame({"v": [np.inf, -np.inf]}))


def test_blocks_keep_rows_ids_and_metadata_aligned(monkeypatch):
    monkeypatch.setattr("latentspace.items.tables._CHUNK", 16)
    frame = pd.DataFrame({"v": np.arange(50.0), "c": ["a", "b"] * 25})
    frame.loc[[3, 17, 40], "v"] = np.inf
    gathered = Table.gather(frame)
    modality = Table().learn(gathered)
    blocks = list(modality.read(gathered, block=5))
    assert sum(len(block) + len(block.skipped) for block in blocks) == 50
    assert [item.id for block in blocks for item in block.skipped] == ["3", "17", "40"]
    for block in blocks:
        assert len(block) + len(block.skipped) <= 5
        assert block.ids == [str(int(v)) for v in block.metadata["v"]]
        np.testing.assert_allclose(modality.restore(block.x)["v"], block.metadata["v"], atol=1e-4)


# ---------------------------------------------------------------------- new rows
def test_new_rows_may_spell_numbers_and_dates_and_be_one_dict():
    frame = pd.DataFrame({"v": [1.0, 2, 4], "d": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-02-01"])})
    modality, x, metadata, _ = fitted(frame)
    for row in ({"v": "2", "d": "2020-01-02"}, {"d": datetime.datetime(2020, 1, 2), "v": 2, "more": "x"}):
        (batch,) = modality.read(modality.gather_new(row))
        np.testing.assert_array_equal(batch.x, x[1:2])
    (batch,) = modality.read(modality.gather_new(pd.DataFrame(metadata)))
    np.testing.assert_array_equal(batch.x, x)
    (batch,) = modality.read(modality.gather_new({"v": ["x", "1"], "d": ["2020-01-02", "yesterday"]}))
    assert [item.reason for item in batch.skipped] == [
        "column 'v' holds 'x', where a finite number belongs",
        "column 'd' holds 'yesterday', where a moment belongs",
    ]


def test_a_missing_column_or_another_type_is_named():
    frame = pd.DataFrame({"v": [1.0, 2], "d": pd.to_datetime(["2020-01-01", "2020-01-02"])})
    modality, _, _, _ = fitted(frame)
    with pytest.raises(ValueError, match=r"lacks 1 of the columns: 'd'. It has: v"):
        list(modality.read(Table.gather(frame[["v"]])))
    with pytest.raises(ValueError, match=r"column 'd' holds numbers, where dates and times belong"):
        list(modality.read(Table.gather(frame.assign(d=[1, 2]))))
    with pytest.raises(ValueError, match=r"column 'v' holds moments, where numbers belong"):
        list(modality.read(Table.gather(frame.assign(v=frame["d"]))))


# ---------------------------------------------------------------------- ids and metadata
def test_rows_are_named_by_ids_an_id_column_the_index_or_their_place():
    frame = pd.DataFrame({"v": [1, 2, 2], "key": ["x", "y", "z"]})
    assert Table.gather(frame).ids == ["0", "1", "2"]
    assert Table.gather(frame.iloc[[2, 0]]).ids == ["2", "0"]
    assert Table.gather(frame.set_index("key")).ids == ["x", "y", "z"]
    assert Table.gather(frame.assign(ID=[7, 8, 9])).ids == ["7", "8", "9"]
    assert Table.gather(frame.assign(ID=[7, 7, 9])).ids == ["0", "1", "2"]
    assert Table.gather(frame, ids="key").ids == ["x", "y", "z"]
    assert Table.gather(frame, ids=["p", "q", "r"]).ids == ["p", "q", "r"]
    with pytest.raises(ValueError, match="ids= names '2' more than once"):
        Table.gather(frame, ids="v")
    with pytest.raises(ValueError, match=r"ids='nokey' is not a column of frame .* Its columns: v, key"):
        Table.gather(frame, ids="nokey")


def test_metadata_is_plain_words_numbers_and_none():
    frame = pd.DataFrame({
        "i": [1, 2],
        "f": [1.5, np.nan],
        "b": [True, False],
        "d": pd.to_datetime(["2020-01-01", None]),
        "t": pd.to_datetime(["2020-01-01 10:30", None]),
        "z": pd.to_datetime(["2020-01-01 10:30", None]).tz_localize("Asia/Tokyo"),
        "s": pd.to_timedelta(["90s", None]),
        "u": np.array([2**63, 1], dtype=np.uint64),
        "c": pd.Categorical(["x", None]),
    })  # fmt: skip
    assert Table.gather(frame).metadata == {
        "i": [1, 2], "f": [1.5, None], "b": [True, False], "d": ["2020-01-01", None],
        "t": ["2020-01-01T10:30:00", None], "z": ["2020-01-01T01:30:00Z", None], "s": [90.0, None],
        "u": [str(2**63), 1], "c": ["x", None],
    }  # fmt: skip


def test_columns_that_come_twice_or_in_levels_are_refused():
    with pytest.raises(ValueError, match=r"columns \['a'\] come more than once"):
        Table.gather(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(ValueError, match="several levels of column labels"):
        Table.gather(pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])))


# ---------------------------------------------------------------------- state
@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.pop("columns"),
        lambda facts: facts.update(columns=[]),
        lambda facts: facts.update(columns={"a": 1}),
        lambda facts: facts.update(backend="os"),
        lambda facts: facts["columns"][0].update(role="eval"),
        lambda facts: facts["columns"][0].update(name=3),
        lambda facts: facts["columns"][0].update(label=["x"]),
        lambda facts: facts["columns"][0].update(scale=0),
        lambda facts: facts["columns"][0].update(scale=float("nan")),
        lambda facts: facts["columns"][0].update(mean="1"),
        lambda facts: facts["columns"][0].update(step=-1),
        lambda facts: facts["columns"][0].update(origin=2**80),
        lambda facts: facts["columns"][0].update(indicator="yes"),
        lambda facts: facts["columns"][0].update(decimals=400),
        lambda facts: facts["columns"][0]["dtype"].update(name="Sparse[int]"),
        lambda facts: facts["columns"][0]["dtype"].update(kind="category"),
        lambda facts: facts["columns"][1].update(levels=[]),
        lambda facts: facts["columns"][1].update(levels=["a", "a"]),
        lambda facts: facts["columns"][1].update(levels=[["a"]]),
        lambda facts: facts["columns"][1]["dtype"].update(categories=[{}]),
        lambda facts: facts["columns"][2]["dtype"].update(unit="fortnight"),
        lambda facts: facts["columns"][2]["dtype"].update(tz="../../etc/passwd"),
        lambda facts: facts["columns"][3].update(value=[1]),
        lambda facts: facts["columns"].append(facts["columns"][0]),
    ],
)
def test_a_damaged_state_is_refused(change):
    frame = pd.DataFrame({
        "v": [1, 2, 4], "c": pd.Categorical(["a", "b", "a"]), "d": pd.to_datetime(["2020-01-01"] * 2 + ["2021-01-01"]),
        "k": 5,
    })  # fmt: skip
    facts, arrays = Table().learn(Table.gather(frame)).state()
    facts = json.loads(json.dumps(facts))
    change(facts)
    with pytest.raises(CorruptFileError, match="table reader's state is damaged"):
        Table.from_state(facts, arrays)


def test_features_of_another_width_and_nan_are_no_rows():
    modality, x, _, _ = fitted(pd.DataFrame({"v": [1, 2]}))
    with pytest.raises(ValueError, match=r"features of shape \(2, 3\), but these rows have \(n, 1\)"):
        modality.restore(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        modality.restore(x * np.nan)
    assert modality.restore(x[:0]).shape == (0, 1)
    assert modality.picture(x[0]) is None
