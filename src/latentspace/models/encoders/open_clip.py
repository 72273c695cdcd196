"""open_clip's models, from a local file of weights: pictures, and words that find them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from . import Pictures, package
from .module import ModuleEncoder
from .timm import local_file


class ClipEncoder(ModuleEncoder):
    """The picture side of a model of both; `words` is the other side, in the same space."""

    def __init__(self, model: Any, tokenizer: Any, pictures: Pictures, about: dict[str, Any]):
        super().__init__(model.visual, pictures, about)
        self._both, self._tokenizer = model.eval().requires_grad_(False), tokenizer

    def words(self, texts: Sequence[str]) -> Tensor:
        """Texts to rows (n, width), near the pictures that they tell of."""
        with torch.inference_mode():
            return torch.cat([self._both.encode_text(self._tokenizer([text])) for text in texts]).float()


def open_clip(argument: str) -> ClipEncoder:
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
    model = library.create_model(name, pretrained=str(path))
    visual = model.visual
    side = visual.image_size[0] if isinstance(visual.image_size, tuple) else visual.image_size
    pictures = Pictures(side, tuple(visual.image_mean), tuple(visual.image_std), 3)
    return ClipEncoder(model, library.get_tokenizer(name), pictures, {"weights": str(path)})
