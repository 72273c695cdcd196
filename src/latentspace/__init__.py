"""Turn a folder of images, a table or an array into a latent space z = f(x): one object and one file.

>>> import latentspace as ls
>>> space = ls.fit(numbers, model="pca", dims=2)  # doctest: +SKIP
"""

import importlib
from typing import Any

__version__ = "0.1.0.dev0"

# name -> (module, attribute); imported on first use, so that `import latentspace` costs nothing.
_LAZY: dict[str, tuple[str, str]] = {
    "Autoencoder": ("latentspace.models.autoencoder", "Autoencoder"),
    "GAN": ("latentspace.models.gan", "GAN"),
    "LatentFactors": ("latentspace.models.factors.latent_factors", "LatentFactors"),
    "LatentSpace": ("latentspace.space", "LatentSpace"),
    "PCA": ("latentspace.models.pca", "PCA"),
    "Pretrained": ("latentspace.models.pretrained", "Pretrained"),
    "SparseAutoencoder": ("latentspace.models.sparse_autoencoder", "SparseAutoencoder"),
    "TensorBoard": ("latentspace.models.tensorboard", "TensorBoard"),
    "VAE": ("latentspace.models.vae", "VAE"),
    "blocks": ("latentspace.items.blocks", "blocks"),
    "check": ("latentspace.checking", "check"),
    "choose": ("latentspace.choosing", "choose"),
    "declare_network": ("latentspace.models.networks", "declare_network"),
    "encode_blocks": ("latentspace.scale.scaled", "encode_blocks"),
    "evaluate_recommenders": ("latentspace.recommenders", "evaluate_recommenders"),
    "fit": ("latentspace.space", "fit"),
    "fit_blocks": ("latentspace.scale.fitting", "fit_blocks"),
    "load": ("latentspace.space", "load"),
    "presets": ("latentspace.models.presets", "presets"),
}

__all__ = [
    "GAN",
    "PCA",
    "VAE",
    "Autoencoder",
    "LatentFactors",
    "LatentSpace",
    "Pretrained",
    "SparseAutoencoder",
    "TensorBoard",
    "blocks",
    "check",
    "choose",
    "declare_network",
    "encode_blocks",
    "evaluate_recommenders",
    "fit",
    "fit_blocks",
    "load",
    "presets",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        module, attribute = _LAZY[name]
        value = getattr(importlib.import_module(module), attribute)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'latentspace' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
