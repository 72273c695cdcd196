"""The picture side of open_clip's models, from a local file of weights."""

from typing import Any

from . import Pictures, package
from .module import ModuleEncoder
from .timm import local_file


def open_clip(argument: str) -> ModuleEncoder:
    """Opens "open_clip:NAME=FILE", as "open_clip:ViT-B-32=weights.safetensors".

    Raises
    ------
    MissingExtraError
        If open_clip is not installed.
    UnsupportedError
        If the file is not there.
    """
    library: Any = package("open_clip", "open-clip-torch", f"open_clip:{argument}")
    name, _, file = argument.partition("=")
    if not file or name not in library.list_models():
        raise ValueError(
            f"encoder='open_clip:{argument}' must name a model of open_clip and a local file of its weights: "
            "'open_clip:ViT-B-32=weights.safetensors'."
        )
    path = local_file(file, f"open_clip:{argument}")
    visual = library.create_model(name, pretrained=str(path)).visual
    side = visual.image_size[0] if isinstance(visual.image_size, tuple) else visual.image_size
    return ModuleEncoder(
        visual, Pictures(side, tuple(visual.image_mean), tuple(visual.image_std), 3), {"weights": str(path)}
    )
