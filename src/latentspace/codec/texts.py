"""Texts, exactly: DEFLATE behind a dictionary of what many of them hold, so that short ones are not alone."""

# ruff: noqa: ARG003 - a coder takes what the protocol gives it
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from .protocol import Coder, Items, Shapes, State
from .varints import read_varints, write_varints

_WINDOW = 32_768  # bytes that DEFLATE looks back: the longest dictionary
_PIECE = 64  # bytes of text that enter the dictionary together
_GRAM = 6  # bytes in a row that count as having been seen
_SAMPLE = 2**22  # bytes of texts that the dictionary is chosen from
_SLOTS = 2**20


class TextCoder(Coder):
    """Bytes of text, each item on its own behind a shared dictionary, or all in one stream by LZMA.

    The dictionary is chosen as COVER does (Liao, Petri, Moffat and Wirth, "Effective construction of relative
    Lempel-Ziv dictionaries", 2016): pieces whose runs of six bytes come in most other texts, each run counted once,
    the best last, where it is nearest.

    Attributes
    ----------
    dictionary_ : bytes
    """

    name = "text"
    reads = "text"
    lossless = True

    def __init__(self, dictionary: bytes = b""):
        self.dictionary_ = dictionary

    @classmethod
    def fit(cls, items: Items, *, model: Any = None, seed: int = 0, **options: Any) -> "TextCoder":
        """Chooses the dictionary from up to 4 MB of texts; of fewer than 8 texts, none."""
        texts = [np.asarray(item, np.uint8) for item in items]
        total = sum(map(len, texts))
        if len(texts) < 8 or total < 4 * _WINDOW // 16:
            return cls()
        if total > _SAMPLE:
            order = np.random.default_rng(seed).permutation(len(texts))
            sizes = np.cumsum([len(texts[row]) for row in order])
            texts = [texts[row] for row in order[: max(1, int(np.searchsorted(sizes, _SAMPLE)))]]
        return cls(_dictionary(texts, min(_WINDOW, max(1024, total // 16))))

    def get_state(self) -> State:
        return {}, {"dictionary": np.frombuffer(self.dictionary_, np.uint8)}

    @classmethod
    def from_state(
        cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, model: Any = None
    ) -> "TextCoder":
        dictionary = arrays["dictionary"]
        if dictionary.dtype != np.uint8 or dictionary.ndim != 1 or len(dictionary) > _WINDOW:
            raise ValueError(f"a dictionary of type {dictionary.dtype} and shape {dictionary.shape}")
        return cls(dictionary.tobytes())

    def encode(self, items: Items, step: float = 1.0) -> list[bytes]:
        return [self._packed(np.asarray(item, np.uint8).tobytes()) for item in items]

    def _packed(self, data: bytes) -> bytes:
        if self.dictionary_:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zdict=self.dictionary_)
        else:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
        return packer.compress(data) + packer.flush()

    def decode(self, parts: Sequence[bytes], shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        return [self._unpacked(part, _length(shape)) for part, shape in zip(parts, shapes, strict=True)]

    def _unpacked(self, part: bytes, length: int) -> np.ndarray:
        unpacker = zlib.decompressobj(-15, zdict=self.dictionary_) if self.dictionary_ else zlib.decompressobj(-15)
        try:
            data = unpacker.decompress(part, length + 1)
        except zlib.error as error:
            raise CorruptFileError(f"a text cannot be unpacked ({error}).") from None
        if len(data) != length or not unpacker.eof:
            raise CorruptFileError(f"a text has {len(data):,} bytes, where {length:,} are told.")
        return np.frombuffer(data, np.uint8)

    def encode_block(self, items: Items, step: float = 1.0) -> bytes:
        from .state import pack_bytes

        data = b"".join(np.asarray(item, np.uint8).tobytes() for item in items)
        return write_varints([len(data)]) + pack_bytes(data)

    def decode_block(self, data: bytes, shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        from .state import unpack_bytes

        lengths = [_length(shape) for shape in shapes]
        (total,), at = read_varints(data, 1)
        if total != sum(lengths):
            raise CorruptFileError(f"texts of {total:,} bytes, where {sum(lengths):,} are told.")
        whole = np.frombuffer(unpack_bytes(data[at:], total), np.uint8)
        return np.split(whole, np.cumsum(lengths)[:-1]) if lengths else []


def _length(shape: tuple[int, ...]) -> int:
    if len(shape) != 1:
        raise CorruptFileError(f"a text has the shape {shape}.")
    return shape[0]


# ---------------------------------------------------------------------- the dictionary
def _dictionary(texts: Sequence[np.ndarray], size: int) -> bytes:
    """The pieces of 64 bytes that cover most of what other texts hold, the best last."""
    data = np.concatenate(texts)
    of_text = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    if len(data) < _PIECE:
        return data.tobytes()
    grams = _hashes(data)
    # A run counts once a text: what only one text repeats helps no other.
    pairs = np.unique(grams.astype(np.int64) * len(texts) + of_text[: len(grams)])
    seen = np.bincount(pairs // len(texts), minlength=_SLOTS)
    value = np.where(seen > 1, seen, 0).astype(np.float64)
    chosen: list[bytes] = []
    starts = np.arange(0, len(grams) - _PIECE + _GRAM, _PIECE // 4)
    worth = _worth(value, grams, starts)
    order = np.argsort(-worth, kind="stable")
    taken = 0
    for place in order:
        if taken + _PIECE > size:
            break
        start = int(starts[place])
        own = np.unique(grams[start : start + _PIECE - _GRAM + 1])
        now = float(value[own].sum())
        if now < 0.5 * worth[place] or now <= 0:  # most of it is in the dictionary already
            continue
        chosen.append(data[start : start + _PIECE].tobytes())
        value[own] = 0
        taken += _PIECE
    return b"".join(reversed(chosen))


def _hashes(data: np.ndarray) -> np.ndarray:
    wide = data.astype(np.uint64)
    code = np.zeros(len(data) - _GRAM + 1, np.uint64)
    for place in range(_GRAM):
        code = code << np.uint64(8) | wide[place : place + len(code)]
    return (code * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(44)).astype(np.int64)


def _worth(value: np.ndarray, grams: np.ndarray, starts: np.ndarray) -> np.ndarray:
    total = np.concatenate([[0.0], np.cumsum(value[grams])])
    ends = np.minimum(starts + _PIECE - _GRAM + 1, len(grams))
    return total[ends] - total[starts]
