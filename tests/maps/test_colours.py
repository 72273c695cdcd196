import numpy as np

from latentspace.maps.colours import MISSING, OTHER, PALETTE, RAMP, colouring


def test_categories_have_each_a_colour_and_a_count():
    tint = colouring("kind", ["cat", "dog", "cat", None])
    assert tint.groups == [("cat", PALETTE[0], 2), ("dog", PALETTE[1], 1), ("missing", MISSING, 1)]
    assert tint.group.tolist() == [0, 1, 0, 2]
    np.testing.assert_array_equal(tint.rgb[0], PALETTE[0])
    np.testing.assert_array_equal(tint.rgb[3], MISSING)


def test_few_whole_numbers_are_categories_in_their_own_order():
    assert [label for label, _, _ in colouring("label", [10, 9, 9, 2]).groups] == ["2", "9", "10"]


def test_past_twelve_categories_the_rarest_are_others_and_none_is_lost():
    values = [f"c{i}" for i in range(20) for _ in range(i + 1)]
    tint = colouring("c", values)
    assert len(tint.groups) == 12
    assert tint.groups[-1][:2] == ("9 others", OTHER)
    assert sum(count for _, _, count in tint.groups) == len(values)


def test_numbers_run_along_the_ramp_and_missing_ones_stand_apart():
    tint = colouring("price", [0.5, 1.5, None, 1.0])
    assert (tint.low, tint.high) == (0.5, 1.5)
    np.testing.assert_array_equal(tint.rgb[0], RAMP[0])
    np.testing.assert_array_equal(tint.rgb[1], RAMP[-1])
    np.testing.assert_array_equal(tint.rgb[2], MISSING)
    np.testing.assert_array_equal(tint.rgb[3], RAMP[4])


def test_mixed_booleans_equal_numbers_and_nothing_at_all_are_coloured():
    assert len(colouring("b", [True, False, True]).groups) == 2
    assert colouring("x", [0.1, 0.1]).low == 0.1
    assert colouring("x", [None, None]).groups == [("missing", MISSING, 2)]
    assert len(colouring("x", []).rgb) == 0
    assert len(colouring("x", ["a", 1, 2.5, True]).groups) == 3  # True == 1
