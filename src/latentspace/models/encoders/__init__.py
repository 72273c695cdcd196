"""Encoders that were trained before, by name: from installed packages and local files. Nothing is ever downloaded.

An encoder answers `run(x) -> h`, tensors (n, ...) to (n, width) or (n, width, ...), on one thread and without drawing;
it has the `pictures` that it was trained on (None for vectors), and a `digest` of its weights, by which a space knows
that it still is the same. What turns texts or sounds into numbers fits here as it is: `run` gets what their modality's
features are.
"""

import importlib
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from ...errors import MissingExtraError

# scheme -> where its opener lives; the only names that a file may ask for.
ENCODERS: dict[str, tuple[str, str]] = {
    "onnx": ("latentspace.models.encoders.onnx", "open_onnx"),
    "efficientnet-lite0": ("latentspace.models.encoders.efficientnet", "open_efficientnet"),
    "timm": ("latentspace.models.encoders.timm", "open_timm"),
    "open_clip": ("latentspace.models.encoders.open_clip", "open_clip"),
}


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
    """What `open_encoder` gives."""

    digest: str
    pictures: Pictures | None

    def run(self, x: Any) -> Any: ...


def open_encoder(given: Any) -> Encoder:
    """Opens an encoder from a name, "scheme:argument", or wraps an nn.Module.

    Raises
    ------
    ValueError
        If there is no such scheme; the message lists those there are.
    MissingExtraError
        If its package is not installed.
    UnsupportedError
        If its weights are not on this machine; the message says where they were looked for and how to get them.
    """
    if not isinstance(given, str):
        from .module import ModuleEncoder

        return ModuleEncoder(given)
    scheme, _, argument = given.partition(":")
    if scheme not in ENCODERS:
        raise ValueError(
            f"encoder={given!r} is not known. Known ones: 'onnx:FILE', 'efficientnet-lite0', 'timm:NAME', "
            "'timm:NAME=FILE', 'open_clip:NAME=FILE', or an nn.Module."
        )
    module, attribute = ENCODERS[scheme]
    return getattr(importlib.import_module(module), attribute)(argument)


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
