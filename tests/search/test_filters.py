import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.search import columns
from latentspace.search.filters import mask_of

METADATA = {
    "label": ["cat", "dog", None, "Catfish"],
    "price": [5, 10.0, float("nan"), 20],
    "new": [True, False, None, True],
    "day": ["2024-01-01", "2024-03-01", "2025-01-01", None],
    "empty": [None, None, None, None],
}


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        (None, [0, 1, 2, 3]),
        ({}, [0, 1, 2, 3]),
        ({"label": "cat"}, [0]),
        ({"label": "horse"}, []),
        ({"label": None}, [2]),
        ({"price": None}, [2]),
        ({"price": 10}, [1]),
        ({"price": np.float32(10)}, [1]),
        ({"new": True}, [0, 3]),
        ({"label": ["cat", "dog"]}, [0, 1]),
        ({"label": {"cat", None}}, [0, 2]),
        ({"label": []}, []),
        ({"price": (5, 10)}, [0, 1]),
        ({"price": (None, 9)}, [0]),
        ({"price": (10, None)}, [1, 3]),
        ({"price": (None, None)}, [0, 1, 3]),
        ({"day": ("2024-02-01", None)}, [1, 2]),
        ({"label": {"contains": "CAT"}}, [0, 3]),
        ({"label": {"like": "c?t"}}, [0]),
        ({"label": {"like": "cat*"}}, [0, 3]),
        ({"label": {"not": "cat"}}, [1, 2, 3]),
        ({"label": {"not": {"contains": "cat"}}}, [1, 2]),
        ({"price": lambda value: value == 20}, [3]),
        ({"label": {"contains": "cat"}, "price": (None, 6)}, [0]),
        ({"empty": "anything"}, []),
        ({"empty": None}, [0, 1, 2, 3]),
    ],
)
def test_a_condition_keeps_the_items_that_fulfil_it(where, kept):
    assert np.flatnonzero(mask_of(METADATA, 4, where)).tolist() == kept


def test_an_unknown_column_lists_those_there_are():
    with pytest.raises(
        ValueError, match=r"column 'colour', which is not there. Columns: day, empty, label, new, price"
    ):
        mask_of(METADATA, 4, {"colour": "red"})
    with pytest.raises(ValueError, match=r"Columns: none"):
        mask_of({}, 4, {"colour": "red"})


@pytest.mark.parametrize(
    "where",
    [
        {"price": "5"},
        {"label": 3},
        {"price": True},
        {"new": 1},
        {"price": ["5"]},
        {"price": ("a", None)},
        {"price": {"contains": "5"}},
        {"label": {"contains": 5}},
        {"label": ("a", 5)},
    ],
)
def test_text_is_never_compared_with_numbers(where):
    with pytest.raises(TypeError, match=r"text|number"):
        mask_of(METADATA, 4, where)


def test_conditions_that_cannot_be_read_say_how_to_write_them():
    with pytest.raises(ValueError, match=r"a tuple is a range of two ends.*pass a list"):
        mask_of(METADATA, 4, {"label": ("cat", "dog", "cow")})
    with pytest.raises(ValueError, match=r"one of these keys: contains, like, not"):
        mask_of(METADATA, 4, {"label": {"regex": ".*"}})
    with pytest.raises(ValueError, match=r"can't be the end of a range"):
        mask_of(METADATA, 4, {"price": (float("nan"), 3)})
    with pytest.raises(ValueError, match=r"column 'label' has 4 values for 5 items"):
        mask_of(METADATA, 5, {"label": "cat"})


def test_a_pattern_is_text_and_not_a_regular_expression():
    assert mask_of({"name": ["a.png", "aXpng", "(a"]}, 3, {"name": {"like": "a.png"}}).tolist() == [True, False, False]
    assert mask_of({"name": ["a.png", "aXpng", "(a"]}, 3, {"name": {"contains": "("}}).tolist() == [False, False, True]


def plainly(values, condition):
    """What the table in filters.py says, value by value."""

    def kind(value):
        return "b" if isinstance(value, bool) else "t" if isinstance(value, str) else "n"

    def missing(value):
        return value is None or value != value

    def holds(value, condition):
        if callable(condition):
            return bool(condition(value))
        if isinstance(condition, dict):
            (word, wanted), *_ = condition.items()
            if word == "not":
                return not holds(value, wanted)
            return isinstance(value, str) and wanted.casefold() in value.casefold()
        if isinstance(condition, tuple):
            ends = [end for end in condition if end is not None]
            if missing(value) or any(kind(end) != kind(value) for end in ends):
                return False
            return all(
                low is None or high is None or low <= high
                for low, high in ((condition[0], value), (value, condition[1]))
            )
        wanted = condition if isinstance(condition, list) else [condition]
        return any(
            missing(value) if missing(one) else not missing(value) and kind(one) == kind(value) and one == value
            for one in wanted
        )

    return [holds(value, condition) for value in values]


numbers = st.sampled_from([0, 1, -1, 2, 0.0, -0.0, 1.5, 2**53, 2**53 + 1, 2.0**53, 10**30, float("inf"), np.pi])
texts = st.sampled_from(["", "cat", "Cat", "STRASSE", "stra\u00dfe", "a*b", "\udc80"])
cells = {
    "n": numbers | st.none() | st.just(float("nan")),
    "t": texts | st.none(),
    "b": st.booleans() | st.none(),
    "mixed": numbers | texts | st.booleans() | st.none() | st.just(float("nan")),
}


@given(data=st.data(), kind=st.sampled_from(sorted(cells)), prepared=st.booleans())
@settings(max_examples=200, deadline=None)
def test_prepared_columns_tell_what_a_look_at_every_value_tells(data, kind, prepared):
    values = data.draw(st.lists(cells[kind], max_size=30))
    some = {"n": numbers, "t": texts, "b": st.booleans()}.get(kind, numbers | texts | st.booleans())
    ends = some.filter(lambda end: not isinstance(end, bool)) if kind != "b" else st.none()
    condition = data.draw(
        some
        | st.none()
        | st.lists(some | st.none(), max_size=4)
        | st.tuples(st.none() | ends, st.none() | ends)
        | some.map(lambda wanted: {"not": wanted})
        | texts.map(lambda part: {"contains": part})
        | st.just(lambda value: value == 1)
    )
    with pytest.MonkeyPatch.context() as patch:
        if prepared:
            patch.setattr(columns, "_FEW", 0)
            patch.setattr(columns, "_REPEATS", 2.0)
        try:
            found = mask_of({"a": values}, len(values), {"a": condition})
        except TypeError:  # of another kind than the column: refused, see above
            return
    assert found.tolist() == plainly(values, condition)


def test_a_column_is_prepared_once_and_anew_when_it_is_another(monkeypatch):
    known, metadata = {}, {"label": ["cat", "dog"] * 2000, "price": [1, 2.5] * 2000}
    asked = []
    assert mask_of(metadata, 4000, {"label": lambda value: asked.append(value) or value == "cat"}, known).sum() == 2000
    assert asked == ["cat", "dog"], "values that repeat are looked at once"
    first = known["label"]
    mask_of(metadata, 4000, {"label": "dog", "price": (2, 3)}, known)
    assert known["label"] is first
    assert sorted(known) == ["label", "price"]
    metadata["label"] = ["cow"] * 4000
    assert mask_of(metadata, 4000, {"label": "cow"}, known).all()
