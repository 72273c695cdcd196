"""A linear map as an ONNX file, written by hand: its format is protocol buffers, of which three kinds of field do."""

from pathlib import Path

import numpy as np


def write_linear(path: Path, weights: np.ndarray, item: tuple[int | None, ...]) -> Path:
    """Writes h = flatten(x) @ weights for float32 items of a shape; None stands for any size."""
    p, width = weights.shape
    tensor = b"".join(
        [_number(1, p), _number(1, width), _number(2, 1), _text(8, "W"), _bytes(9, weights.astype("<f4").tobytes())]
    )
    graph = b"".join(
        [
            _bytes(1, _text(1, "x") + _text(2, "rows") + _text(4, "Flatten")),
            _bytes(1, _text(1, "rows") + _text(1, "W") + _text(2, "h") + _text(4, "MatMul")),
            _text(2, "linear"),
            _bytes(5, tensor),
            _bytes(11, _value("x", (None, *item))),
            _bytes(12, _value("h", (None, width))),
        ]
    )
    model = _number(1, 8) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, 13))
    path.write_bytes(model)
    return path


def _value(name: str, shape: tuple[int | None, ...]) -> bytes:
    sizes = b"".join(_bytes(1, _text(2, "n") if size is None else _number(1, size)) for size in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, sizes)))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())
