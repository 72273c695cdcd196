import numpy as np
import pytest

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
