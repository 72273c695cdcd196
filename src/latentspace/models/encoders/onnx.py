"""Any ONNX file as an encoder, through onnxruntime."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import UnsupportedError
from ...optional import require
from . import Pictures, Reads, tokenizer_beside


class OnnxEncoder:
    """A model of one input, whose first output is read; its size and channels are what the file says.

    Parameters
    ----------
    path : Path
        The .onnx file.
    """

    reads = Reads("features")

    def __init__(self, path: Path):
        name = f"onnx:{path}"
        self.session = session_of(path, name)
        self.digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{one.name} of {one.type}" for one in inputs)
            texts = " A network of texts needs its tokenizer.json beside it." if len(inputs) > 1 else ""
            raise ValueError(f"encoder={name!r} takes {found}; expected one input of float32.{texts}")
        self.name = inputs[0].name
        self.shape = [size if isinstance(size, int) else None for size in inputs[0].shape]
        self.pictures = _pictures(self.shape)
        self.about = {"weights": str(path), "bytes": path.stat().st_size, "licence": "not stated"}

    def run(self, x: Tensor) -> Tensor:
        """Items (n, ...) to the first output."""
        (first, *_) = self.session.run(None, {self.name: x.contiguous().numpy()})
        return torch.from_numpy(first)


def open_onnx(argument: str) -> Any:
    """Opens "onnx:FILE": a network of features, or of texts where a tokenizer.json lies beside it.

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
    if (folder := tokenizer_beside(path)) is not None:
        from .sentences import SentenceEncoder

        return SentenceEncoder(folder, f"onnx:{argument}", path)
    return OnnxEncoder(path)


def session_of(path: Path, name: str) -> Any:
    """Opens an ONNX file to be run on one thread.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    runtime = require("onnxruntime", "pretrained", f"encoder={name!r}")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # chunks are what threads share
    options.log_severity_level = 3
    try:
        # From bytes: a file cannot name other files to read.
        return runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own types, one for each kind of damage
        raise ValueError(f"encoder={name!r} cannot be read: {str(error).splitlines()[0]}") from None


def _pictures(shape: list[Any]) -> Pictures | None:
    """What an input of shape (n, c, h, w) takes; None stands for any number."""
    if len(shape) != 4:
        return None
    channels, height, width = shape[1:]
    return Pictures(size=height if height == width else None, channels=channels)
