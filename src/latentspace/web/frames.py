"""Arrays over HTTP: a JSON header and the arrays' bytes, so that a million numbers are never written out as text.

4 bytes little-endian length of the header, the header, zeros to a multiple of 8, then each array, padded likewise.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

MEDIA_TYPE = "application/x-latentspace-frame"
_DTYPES = {"f4": np.float32, "u1": np.uint8, "u2": np.uint16, "u4": np.uint32, "i4": np.int32}
_ALIGN = 8


def pack(arrays: Mapping[str, np.ndarray], **header: Any) -> bytes:
    """Packs arrays and a header into one frame.

    Parameters
    ----------
    arrays : mapping of name to array
        float32, uint8, uint16, uint32 or int32, of any shape.
    **header
        JSON-able facts that belong to them.

    Raises
    ------
    TypeError
        For an array of another dtype.
    """
    listed, parts = [], []
    for name, array in arrays.items():
        code = next((code for code, dtype in _DTYPES.items() if array.dtype == dtype), None)
        if code is None:
            raise TypeError(f"array {name!r} has dtype {array.dtype}; a frame holds {', '.join(_DTYPES)}.")
        listed.append({"name": name, "dtype": code, "shape": list(array.shape)})
        parts.append(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes())
    head = json.dumps({**header, "arrays": listed}, allow_nan=False, separators=(",", ":")).encode()
    first = len(head).to_bytes(4, "little") + head
    return b"".join(_padded(part) for part in [first, *parts])


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % _ALIGN)


def unpack(frame: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Returns a frame's header and its arrays; ValueError for what is no frame."""
    try:
        length = int.from_bytes(frame[:4], "little")
        header = json.loads(frame[4 : 4 + length])
        at, arrays = 4 + length, {}
        for one in header.pop("arrays"):
            at += -at % _ALIGN
            dtype, shape = np.dtype(_DTYPES[one["dtype"]]).newbyteorder("<"), tuple(one["shape"])
            count = int(np.prod(shape, dtype=np.int64))
            arrays[one["name"]] = np.frombuffer(frame, dtype, count, at).reshape(shape)
            at += count * dtype.itemsize
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"this is no frame ({type(error).__name__}: {error}).") from None
    return header, arrays
