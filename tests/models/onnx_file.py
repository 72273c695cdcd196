"""Small ONNX files, written by hand: their format is protocol buffers, of which three kinds of field do."""

from pathlib import Path

import numpy as np

_FLOAT, _INT64 = 1, 7


def write_linear(path: Path, weights: np.ndarray, item: tuple[int | None, ...]) -> Path:
    """Writes h = flatten(x) @ weights for float32 items of a shape; None stands for any size."""
    width = weights.shape[1]
    graph = b"".join(
        [
            _bytes(1, _text(1, "x") + _text(2, "rows") + _text(4, "Flatten")),
            _bytes(1, _text(1, "rows") + _text(1, "W") + _text(2, "h") + _text(4, "MatMul")),
            _text(2, "linear"),
            _bytes(5, _tensor(weights)),
            _bytes(11, _value("x", (None, *item))),
            _bytes(12, _value("h", (None, width))),
        ]
    )
    return _write(path, graph)


def write_embedding(path: Path, weights: np.ndarray) -> Path:
    """Writes h = weights[input_ids], of shape (n, t, width), for texts; its attention_mask is not looked at."""
    graph = b"".join(
        [
            _bytes(1, _text(1, "W") + _text(1, "input_ids") + _text(2, "h") + _text(4, "Gather")),
            _text(2, "embedding"),
            _bytes(5, _tensor(weights)),
            _bytes(11, _value("input_ids", (None, None), _INT64)),
            _bytes(11, _value("attention_mask", (None, None), _INT64)),
            _bytes(12, _value("h", (None, None, weights.shape[1]))),
        ]
    )
    return _write(path, graph)


def _write(path: Path, graph: bytes) -> Path:
    path.write_bytes(_number(1, 8) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, 13)))
    return path


def _tensor(weights: np.ndarray) -> bytes:
    sizes = b"".join(_number(1, size) for size in weights.shape)
    return sizes + _number(2, _FLOAT) + _text(8, "W") + _bytes(9, weights.astype("<f4").tobytes())


def _value(name: str, shape: tuple[int | None, ...], kind: int = 1) -> bytes:
    sizes = b"".join(_bytes(1, _text(2, "n") if size is None else _number(1, size)) for size in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, sizes)))


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
