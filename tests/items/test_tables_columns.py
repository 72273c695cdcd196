"""Columns of more than one scale: many levels, moments with their cycles, prose; and the plan that models read."""

import datetime
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import latentspace
from latentspace.errors import CorruptFileError
from latentspace.items.tables import Table


def fitted(source, **options):
    """A learned table whose state has been through JSON, and its features."""
    gathered = Table.gather(source)
    facts, arrays = Table(**options).learn(gathered).state()
    modality = Table.from_state(json.loads(json.dumps(facts)), arrays)
    return modality, np.concatenate([batch.x for batch in modality.read(gathered)])


# ---------------------------------------------------------------------- many levels
@given(st.lists(st.integers(0, 40) | st.none(), min_size=30, max_size=60), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_categories_past_the_features_come_back_exactly(values, levels):
    words = [None if value is None else f"city {value}" for value in values] * 4
    if len(set(words)) < 2:
        return
    modality, x = fitted(pd.DataFrame({"city": pd.Series(words, dtype="str"), "v": range(len(words))}), levels=levels)
    back = modality.restore(x)["city"]
    assert [None if missing else word for word, missing in zip(back, back.isna(), strict=True)] == words
    noise = np.random.default_rng(0).normal(scale=2, size=(200, x.shape[1]))
    assert set(modality.restore(noise)["city"].dropna()) <= set(words)


def test_the_most_frequent_levels_have_features_and_the_rest_a_code():
    words = [f"w{i}" for i in range(30) for _ in range(40 - i)]
    modality, x = fitted(pd.DataFrame({"w": words, "v": range(len(words))}), levels=3)
    assert modality.feature_names == [
        "w=w0", "w=w1", "w=w2", "w: another level", *(f"w: code {bit}" for bit in range(1, 6)), "v",
    ]  # fmt: skip
    first = [words.index(f"w{i}") for i in (0, 3, 29)]
    np.testing.assert_array_equal(
        x[first, :9], [[1, 0, 0, 0] + [0] * 5, [0, 0, 0, 1] + [0] * 5, [0, 0, 0, 1, 1, 1, 0, 1, 0]]
    )
    assert modality.plan[0] == {"kind": "category", "width": 4, "bits": 5}


# ---------------------------------------------------------------------- moments
DAYS = pd.date_range("2018-03-01", periods=1500, freq="D")


def test_a_date_has_its_place_in_the_year_and_the_week():
    modality, x = fitted(pd.DataFrame({"d": DAYS}))
    assert modality.feature_names == ["d", "d cosine of year", "d sine of year", "d cosine of week", "d sine of week"]
    np.testing.assert_allclose((x[:, 1:3] ** 2).sum(1), 0.49, rtol=1e-5)
    january, july = (x[DAYS.get_loc(day), 1] for day in ("2019-01-01", "2019-07-02"))
    assert january == pytest.approx(0.7)
    assert july == pytest.approx(-0.7, abs=0.01)
    mondays = x[DAYS.day_of_week == 0, 3:]
    np.testing.assert_allclose(mondays, mondays[:1].repeat(len(mondays), 0), atol=1e-5)


def test_a_trend_known_to_a_month_still_gives_the_right_weekday_and_month():
    modality, x = fitted(pd.DataFrame({"d": DAYS}))
    blurred = x.copy()
    blurred[:, 0] += np.random.default_rng(0).normal(scale=0.05, size=len(x))  # 22 days
    back = modality.restore(blurred)["d"]
    assert (back.dt.day_of_week == DAYS.day_of_week).mean() > 0.99
    near = np.abs((back - DAYS).dt.days.to_numpy())
    alone = np.abs(np.rint((blurred[:, 0] - x[:, 0]) * np.arange(1500).std()))
    assert np.median(near) < np.median(alone) / 2


@given(
    st.sampled_from(["s", "ms", "us", "ns"]), st.sampled_from([1, 60, 3600, 86_400]),
    st.lists(st.integers(0, 10**6), min_size=2, max_size=30, unique=True),
)  # fmt: skip
@settings(max_examples=20, deadline=None)
def test_moments_with_cycles_come_back_exactly(unit, step, counts):
    moments = (
        (np.array(counts) * step // (30 if step == 86_400 else 1) // step * step + 1_500_000_000)
        .astype("M8[s]")
        .astype(f"M8[{unit}]")
    )
    frame = pd.DataFrame({"t": moments, "v": range(len(counts))})
    modality, x = fitted(frame)
    pd.testing.assert_frame_equal(modality.restore(x), frame)


def test_moments_within_one_round_of_a_cycle_have_their_trend_alone():
    assert fitted(pd.DataFrame({"d": DAYS[:10]}))[0].feature_names == ["d"]
    hours = pd.date_range("2020-01-01", periods=80, freq="h")
    assert fitted(pd.DataFrame({"d": hours}))[0].feature_names == ["d", "d cosine of day", "d sine of day"]


# ---------------------------------------------------------------------- prose
TOPICS = ["fresh oysters and white wine by the harbour", "engine oil and brakes of an old lorry in the garage"]


def _reviews(n=60):
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, n)
    texts = [" ".join([*rng.permutation(TOPICS[kind].split()), f"number{i}"]) for i, kind in enumerate(kinds)]
    return pd.DataFrame({"stars": kinds + 1.5 * rng.random(n), "review": texts}), kinds


def test_texts_of_a_column_become_features_that_come_back_as_their_words():
    frame, kinds = _reviews()
    modality, x = fitted(frame)
    own = [name for name in modality.feature_names if name.startswith("review: ")]
    assert len(own) == modality.shape[0] - 1 <= 16
    assert abs(np.corrcoef(x[:, 1:3] @ np.linalg.lstsq(x[:, 1:3], kinds - 0.5, rcond=None)[0], kinds)[0, 1]) > 0.99
    back = modality.restore(x)["review"]
    for text, words in zip(frame["review"], back, strict=True):
        assert set(words.split()) <= set(text.split())
        assert len(words.split()) == 8
    assert modality.rebuild(x, {"review": frame["review"].tolist()})["review"].tolist() == frame["review"].tolist()


def test_texts_that_are_missing_are_missing_again_and_damaged_axes_are_refused():
    frame, _ = _reviews()
    frame.loc[5, "review"] = None
    modality, x = fitted(frame)
    assert modality.feature_names[-1] == "review missing"
    assert modality.restore(x)["review"].isna().tolist() == [i == 5 for i in range(60)]
    facts, arrays = modality.state()
    assert set(arrays) == {"1/axes", "1/rarity"}
    for damage in (
        {"1/axes": arrays["1/axes"][:, 1:], "1/rarity": arrays["1/rarity"]},
        {"1/axes": arrays["1/axes"] * np.nan, "1/rarity": arrays["1/rarity"]},
        {"1/axes": arrays["1/axes"]},
        arrays | {"0/axes": arrays["1/axes"]},
        arrays | {"7/axes": arrays["1/axes"]},
    ):
        with pytest.raises(CorruptFileError, match="table reader's state is damaged"):
            Table.from_state(facts, damage)


# ---------------------------------------------------------------------- the plan, and what models make of it
def test_the_plan_covers_every_feature_and_is_none_where_all_are_numbers():
    frame, _ = _reviews()
    frame = frame.assign(
        d=DAYS[:60],
        c=[f"c{i % 25}" for i in range(60)],
        t=[True, False] * 30,
        n=[None, *range(59)],
        city=list("ab") * 30,
    )
    modality, x = fitted(frame, levels=20)
    assert sum(b.get("width", 1) + b.get("bits", 0) + b.get("missing", False) for b in modality.plan) == x.shape[1]
    assert fitted(frame[["stars"]])[0].plan is None


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_rows_that_a_vae_draws_are_valid_rows_in_their_library_also_from_a_file(tmp_path, iris, library):
    frame = iris.assign(n=(iris["petal_length"] * 10).astype("int16"), c=[f"c{i % 60 // 3}" for i in range(150)])
    if library == "polars":
        source = pl.from_pandas(frame)
    elif library == "pyarrow":
        import pyarrow

        source = pyarrow.Table.from_pandas(frame)
    else:
        source = frame
    space = latentspace.fit(source, "vae", dims=2, epochs=3, seed=0, levels=8, density="gaussian")
    assert space.model.likelihood_["kind"] == "columns"
    space.save(tmp_path / "x.latent")
    drawn = latentspace.load(tmp_path / "x.latent").sample(200, seed=3)
    other = space.sample(200, seed=3)
    assert drawn.equals(other)
    rows = drawn.to_pandas() if library == "polars" else drawn
    assert list(rows) == list(frame)
    if library == "polars":
        assert drawn.schema == source.schema
    else:
        assert (rows.dtypes == frame.dtypes).all()
    assert set(rows["species"]) <= set(frame["species"])
    assert set(rows["c"]) <= set(frame["c"])
    assert set(rows["n"]) <= set(frame["n"])
    for name in ("sepal_length", "petal_width"):
        assert rows[name].between(frame[name].min() - 1e-5, frame[name].max() + 1e-5)[rows[name].notna()].all()
    assert rows["seen"].between(datetime.datetime(2020, 1, 1), frame["seen"].max()).all()
