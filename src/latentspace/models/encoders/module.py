"""Any nn.Module as an encoder, frozen."""

import copy
import hashlib
from typing import Any

import torch
from torch import Tensor, nn

from . import Pictures, Reads


class ModuleEncoder:
    """A copy of a module in evaluation mode; what it gives is read as an encoder's output.

    Parameters
    ----------
    module : nn.Module
    pictures : Pictures or None
        What it was trained on.
    about : dict or None
        Where its weights are, and their licence.

    Raises
    ------
    TypeError
        If it is no module.
    """

    reads = Reads("features")

    def __init__(self, module: Any, pictures: Pictures | None = None, about: dict[str, Any] | None = None):
        if not isinstance(module, nn.Module):
            raise TypeError(
                f"encoder={module!r} is neither a name nor an nn.Module. Pass 'onnx:FILE', or a module that maps "
                "tensors (n, ...) to (n, width)."
            )
        self.module = copy.deepcopy(module).cpu().eval().requires_grad_(False)
        self.pictures = pictures
        self.digest = digest_of(self.module)
        size = sum(value.nbytes for value in self.module.state_dict().values())
        self.about = {"weights": "given as a module", "bytes": size, "licence": "not stated", **(about or {})}

    def run(self, x: Tensor) -> Tensor:
        """Items (n, ...) to what the module gives for them."""
        with torch.no_grad():
            return self.module(x)


def digest_of(module: nn.Module) -> str:
    """A hash of a module's weights and of their names."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
