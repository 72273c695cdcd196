"""Any ONNX file as an encoder, through onnxruntime."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import UnsupportedError
from ...optional import require
from . import Pictures


class OnnxEncoder:
    """A model of one input, whose first output is read; its size and channels are what the file says.

    Parameters
    ----------
    path : Path
        The .onnx file.
    """

    def __init__(self, path: Path):
        runtime = require("onnxruntime", "pretrained", f"encoder='onnx:{path}'")
        held = path.read_bytes()
        self.digest = hashlib.blake2b(held, digest_size=16).hexdigest()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # chunks are what threads share
        options.log_severity_level = 3
        try:
            # From bytes: a file cannot name other files to read.
            self.session = runtime.InferenceSession(held, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own types, one for each kind of damage
            raise ValueError(f"encoder='onnx:{path}' cannot be read: {str(error).splitlines()[0]}") from None
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{one.name} of {one.type}" for one in inputs)
            raise ValueError(f"encoder='onnx:{path}' takes {found}; expected one input of float32.")
        self.name = inputs[0].name
        self.pictures = _pictures(inputs[0].shape)

    def run(self, x: Tensor) -> Tensor:
        """Items (n, ...) to the first output."""
        (first, *_) = self.session.run(None, {self.name: x.contiguous().numpy()})
        return torch.from_numpy(first)


def open_onnx(argument: str) -> OnnxEncoder:
    """Opens "onnx:FILE".

    Raises
    ------
    UnsupportedError
        If there is no such file.
    """
    path = Path(argument).expanduser()
    if not argument or not path.is_file():
        raise UnsupportedError(
            f"encoder='onnx:{argument}' needs the file {str(path)!r}, which is not there. Put it there, or name where "
            "it is: encoder='onnx:/path/model.onnx'."
        )
    return OnnxEncoder(path)


def _pictures(shape: list[Any]) -> Pictures | None:
    """What an input of shape (n, c, h, w) takes; names and None stand for any number."""
    if len(shape) != 4:
        return None
    channels, height, width = (size if isinstance(size, int) else None for size in shape[1:])
    return Pictures(size=height if height == width else None, channels=channels)
