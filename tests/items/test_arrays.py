"""Arrays become features and come back in their layout, type and range; bad rows are named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from latentspace.errors import BadItemError, CorruptFileError
from latentspace.items.arrays import Array
from latentspace.items.rounding import to_whole


def fitted(values, **options):
    gathered = Array.gather(values)
    modality = Array(**options).learn(gathered)
    batches = list(modality.read(gathered))
    return modality, np.concatenate([batch.x for batch in batches]), [s for batch in batches for s in batch.skipped]


# ---------------------------------------------------------------------- round trips
@given(
    nps.arrays(
        st.sampled_from([np.float32, np.float64, np.float16]),
        st.tuples(st.integers(1, 6), st.integers(1, 5)),
        elements=st.floats(-1000, 1000, width=16),
    )
)
@settings(deadline=None)
def test_vectors_are_their_own_features_and_keep_their_float_type(values):
    modality, x, skipped = fitted(values)
    assert not skipped
    assert x.dtype == np.float32
    assert x.flags.c_contiguous
    np.testing.assert_array_equal(x, values.astype(np.float32))
    back = modality.restore(x)
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_vectors_of_whole_numbers_come_back_as_float32(dtype):
    modality, x, _ = fitted(np.eye(3, dtype=dtype))
    assert modality.restore(x).dtype == np.float32
    assert modality.stored_as == "float32"


layouts = st.sampled_from([("nhw", (5, 7)), ("nhwc", (5, 7, 3)), ("nhwc", (5, 7, 1)), ("nchw", (3, 5, 7))])


@given(layouts, st.sampled_from([np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64]), st.data())
@settings(deadline=None, max_examples=60)
def test_images_come_back_in_layout_type_and_range(layout, dtype, data):
    name, shape = layout
    limits = np.iinfo(dtype) if np.dtype(dtype).kind in "ui" else np.finfo(np.float16)
    low, high = max(int(limits.min), -(2**20)), min(int(limits.max), 2**20)
    kind = st.integers(low, high) if np.dtype(dtype).kind in "ui" else st.floats(low, high, width=32)
    values = data.draw(nps.arrays(dtype, (3, *shape), elements=kind))
    modality, x, skipped = fitted(values)
    assert modality.layout_ == name
    assert not skipped
    assert x.shape == (3, *modality.shape)
    assert x.min() >= 0
    assert x.max() <= 1
    back = modality.restore(x)
    assert (back.shape, back.dtype) == (values.shape, values.dtype)
    if values.dtype.kind in "ui":
        np.testing.assert_array_equal(back, values)
    else:
        reach = float(np.abs(values).max())
        np.testing.assert_allclose(back, values, atol=1e-6 * reach if reach else 0)
    again = Array.from_state(*modality.state())
    np.testing.assert_array_equal(again.restore(x), back)
    assert again.stored_as == modality.stored_as


def test_bytes_become_exact_255ths_that_a_byte_can_keep():
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    modality, x, _ = fitted(values)
    assert modality.stored_as == "uint8"
    np.testing.assert_array_equal(x[0, 0], values[0] / np.float32(255))
    np.testing.assert_array_equal(np.rint(x * 255).astype(np.uint8) / np.float32(255), x)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], (0, 1)),
        ([0.2, 0.3, 0.4], (0, 1)),
        ([0.0, 8.0, 16.0], (0, 16)),
        ([3.0, 8.0, 16.0], (0, 16)),
        ([1000.0, 1005.0, 1010.0], (1000, 1010)),
        ([-1.0, 0.0, 1.0], (-1, 1)),
        ([7.0, 7.0, 7.0], (0, 7)),
        ([-7.0, -7.0, -7.0], (-7, 0)),
        ([0.0, 0.0, 0.0], (0, 1)),
        ([np.nan, 2.0, 4.0], (0, 4)),
    ],
)
def test_the_range_of_images_follows_the_data(values, expected):
    assert Array().learn(Array.gather(np.array(values).reshape(3, 1, 1))).range_ == expected


# ---------------------------------------------------------------------- layouts
@pytest.mark.parametrize(
    ("shape", "layout", "features"),
    [
        ((4, 9), "vectors", (9,)),
        ((4, 1), "vectors", (1,)),
        ((4, 8, 9), "nhw", (1, 8, 9)),
        ((4, 8, 9, 3), "nhwc", (3, 8, 9)),
        ((4, 8, 9, 4), "nhwc", (4, 8, 9)),
        ((4, 3, 8, 9), "nchw", (3, 8, 9)),
        ((4, 3, 3, 3), "nhwc", (3, 3, 3)),
    ],
)
def test_the_layout_follows_the_axes(shape, layout, features):
    modality, x, _ = fitted(np.zeros(shape, np.uint8))
    assert (modality.layout_, modality.shape, x.shape) == (layout, features, (4, *features))


def test_a_layout_can_be_said_and_must_fit():
    assert fitted(np.zeros((4, 3, 3, 3)), layout="nchw")[0].layout_ == "nchw"
    assert fitted(np.zeros((4, 8, 9, 5)), layout="nhwc")[0].shape == (5, 8, 9)
    with pytest.raises(ValueError, match=r"no axis of 1, 3 or 4 channels, .* layout='nhwc'"):
        fitted(np.zeros((4, 8, 9, 5)))
    with pytest.raises(ValueError, match=r"layout='nhw' does not fit array of shape \(4, 9\)"):
        fitted(np.zeros((4, 9)), layout="nhw")
    with pytest.raises(ValueError, match=r"layout='rgb' is not known: choose 'auto', 'vectors'"):
        fitted(np.zeros((4, 9)), layout="rgb")


def test_one_item_of_a_fitted_shape_is_one_item():
    for shape in ((4, 5), (4, 8, 8), (4, 8, 8, 3)):
        values = np.random.default_rng(0).random(shape)
        modality, x, _ = fitted(values)
        (batch,) = modality.read(modality.gather_new(values[2]))
        np.testing.assert_array_equal(batch.x, x[2:3])


def test_items_of_another_shape_name_both_shapes():
    modality, _, _ = fitted(np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"items of shape \(6,\), but the fitted ones have \(5,\)"):
        list(modality.read(modality.gather_new(np.zeros((2, 6)))))


# ---------------------------------------------------------------------- bad rows
def test_rows_with_nan_infinity_or_more_than_float32_holds_are_named():
    values = np.zeros((6, 3))
    values[1, 0] = np.nan
    values[3] = [np.inf, -np.inf, 0]
    values[4, 2] = 1e300
    gathered = Array.gather(values)
    modality = Array().learn(gathered)
    batches = list(modality.read(gathered, block=4))
    assert [id_ for batch in batches for id_ in batch.ids] == ["0", "2", "5"]
    assert [(s.id, s.reason) for batch in batches for s in batch.skipped] == [
        ("1", "1 of 3 values are NaN or infinite"),
        ("3", "2 of 3 values are NaN or infinite"),
        ("4", "a value of 1e+300 is beyond what float32 holds"),
    ]
    with pytest.raises(BadItemError, match=r"item '1' of array of shape \(6, 3\): 1 of 3 values"):
        list(modality.read(gathered, on_error="raise"))


def test_masked_cells_are_missing_and_so_their_rows_are_bad():
    _, x, skipped = fitted(np.ma.array([[1, 2], [3, 4]], mask=[[0, 0], [1, 0]]))
    np.testing.assert_array_equal(x, [[1, 2]])
    assert [item.id for item in skipped] == ["1"]


def test_bad_images_do_not_stretch_the_range_of_good_ones():
    values = np.ones((3, 2, 2))
    values[1] = 1e300
    values[2] = 4
    modality, x, skipped = fitted(values)
    assert modality.range_ == (0, 4)
    assert [item.id for item in skipped] == ["1"]
    np.testing.assert_array_equal(x[:, 0, 0, 0], [0.25, 1])


# ---------------------------------------------------------------------- other libraries
def test_tensors_read_as_their_values():
    torch = pytest.importorskip("torch")
    values = torch.arange(6.0).reshape(3, 2)
    for tensor in (values, values.to(torch.bfloat16), values.clone().requires_grad_()):
        np.testing.assert_array_equal(fitted(tensor)[1], values.numpy())
    np.testing.assert_array_equal(fitted([values[0], values[1]])[1], values[:2].numpy())


# ---------------------------------------------------------------------- pictures and state
def test_images_have_pictures_and_vectors_have_none():
    values = np.linspace(0, 1000, 64).reshape(1, 8, 8)
    modality, x, _ = fitted(values)
    np.testing.assert_array_equal(np.asarray(modality.picture(x[0])), np.rint(x[0, 0] * 255))
    assert fitted(np.zeros((2, 8, 8, 3)))[0].picture(np.zeros((3, 8, 8))).mode == "RGB"
    assert fitted(np.zeros((2, 8, 8, 5)), layout="nhwc")[0].picture(np.zeros((5, 8, 8))) is None
    assert fitted(np.zeros((2, 5)))[0].picture(np.zeros(5)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.pop("options"),
        lambda facts: facts["options"].update(layout="x"),
        lambda facts: facts["learned"].update(layout="auto"),
        lambda facts: facts["learned"].update(layout="nhw"),
        lambda facts: facts["learned"].update(dtype="object"),
        lambda facts: facts["learned"].update(dtype="O"),
        lambda facts: facts["learned"].update(dtype=["f8"]),
        lambda facts: facts["learned"].update(item_shape=[2**40]),
        lambda facts: facts["learned"].update(item_shape=[0]),
        lambda facts: facts["learned"].update(item_shape=[True]),
        lambda facts: facts["learned"].update(item_shape=[1, 2, 3, 4]),
        lambda facts: facts["learned"].update(item_shape=5),
        lambda facts: facts["learned"].update(range=[0, "x"]),
        lambda facts: facts["learned"].update(range=[1, 0]),
        lambda facts: facts["learned"].update(range=[0, float("inf")]),
        lambda facts: facts["learned"].update(range=[0]),
    ],
)
def test_a_damaged_state_is_refused(change):
    facts, arrays = fitted(np.zeros((4, 5)))[0].state()
    change(facts)
    with pytest.raises(CorruptFileError, match="array reader's state is damaged"):
        Array.from_state(facts, arrays)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.uint64])
def test_whole_numbers_stay_in_the_range_of_their_type(dtype):
    limits = np.iinfo(dtype)
    low, high = to_whole(np.array([-1e30, 1e30]), dtype)
    assert low == limits.min
    assert limits.max - high <= limits.max // 2**52
