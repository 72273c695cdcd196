"""Frames: arrays come back bit for bit, aligned so that a browser can view them without a copy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from latentspace.web.frames import pack, unpack

ARRAYS = st.dictionaries(
    st.text(max_size=8),
    st.sampled_from([np.float32, np.uint8, np.uint16, np.uint32, np.int32]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5))
    ),
    max_size=4,
)


@given(ARRAYS, st.text())
def test_arrays_and_header_come_back(arrays, words):
    header, back = unpack(pack(arrays, words=words))
    assert header == {"words": words}
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_arrays_lie_at_multiples_of_eight():
    frame = pack({"odd": np.zeros(3, np.uint8), "xy": np.ones(2, np.float32)}, name="x")
    assert frame.index(np.ones(2, np.float32).tobytes()) % 8 == 0


def test_other_dtypes_are_refused_by_name():
    with pytest.raises(TypeError, match="'z' has dtype float64"):
        pack({"z": np.zeros(2)})


@pytest.mark.parametrize("frame", [b"", b"\x05\0\0\0{}", b"\x02\0\0\0[]      ", b"\xff\xff\xff\xff{}"])
def test_what_is_no_frame_is_named_so(frame):
    with pytest.raises(ValueError, match="no frame"):
        unpack(frame)
