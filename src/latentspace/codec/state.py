"""What a coder learned, as bytes: its facts as JSON and its arrays as safetensors, compressed; and its fingerprint."""

import hashlib
import json
import lzma
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from .varints import read_varints, write_varints

State = tuple[dict[str, Any], dict[str, np.ndarray]]
_LARGEST = 2**31  # bytes of an embedded model, unpacked
# A raw stream without headers: the container has checksums of its own.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6 | lzma.PRESET_EXTREME}]


def plain_state(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Facts and arrays as bytes that are the same for the same state: keys in order."""
    from safetensors.numpy import save

    words = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    return write_varints([len(words)]) + words + save(ordered)


def packed_state(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The same, compressed."""
    plain = plain_state(facts, arrays)
    return write_varints([len(plain)]) + pack_bytes(plain)


def unpacked_state(data: bytes, largest: int = _LARGEST) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `packed_state` was given, of at most so many bytes unpacked.

    Raises
    ------
    CorruptFileError
        If the bytes are not such, or would take more.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    (size,), at = read_varints(data, 1)
    if size > largest:
        raise CorruptFileError(f"its model would take {size:,} bytes; {largest:,} are the most.")
    plain = unpack_bytes(data[at:], size)
    try:
        (length,), at = read_varints(plain, 1)
        facts = json.loads(plain[at : at + length])
        arrays = load(plain[at + length :])
    except (ValueError, SafetensorError, RecursionError) as error:
        raise CorruptFileError(f"its model cannot be read ({error}).") from error
    if not isinstance(facts, dict):
        raise CorruptFileError("its model's facts are not an object.")
    return facts, arrays


def pack_bytes(data: bytes) -> bytes:
    """Any bytes, by LZMA without a header."""
    return lzma.compress(data, format=lzma.FORMAT_RAW, filters=_FILTERS)


def unpack_bytes(data: bytes, size: int) -> bytes:
    """What `pack_bytes` was given, which has so many bytes.

    Raises
    ------
    CorruptFileError
        If it has not.
    """
    if size == 0:
        return b""
    try:
        plain = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=_FILTERS).decompress(data, max_length=size)
    except lzma.LZMAError as error:
        raise CorruptFileError(f"bytes cannot be unpacked ({error}).") from None
    if len(plain) != size:
        raise CorruptFileError(f"bytes end after {len(plain):,} of {size:,}.")
    return plain


def fingerprint(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """32 hexadecimal digits that name a state."""
    return hashlib.blake2b(plain_state(facts, arrays), digest_size=16).hexdigest()
