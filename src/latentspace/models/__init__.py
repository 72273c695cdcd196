"""z = f(x): one file a family. Families are found by name here, and only here, so a file can name no other code."""

import importlib
from typing import Any

from .encoders import ENCODERS, is_encoder
from .presets import PRESETS, presets

__all__ = ["FAMILIES", "PRESETS", "class_of", "family", "make", "presets"]

# family name -> where its class lives; imported when asked for, so that linear models need no torch.
FAMILIES: dict[str, tuple[str, str]] = {
    "pca": ("latentspace.models.pca", "PCA"),
    "lsa": ("latentspace.models.linear.lsa", "LSA"),
    "nmf": ("latentspace.models.linear.nmf", "NMF"),
    "ica": ("latentspace.models.linear.ica", "ICA"),
    "factor-analysis": ("latentspace.models.linear.factor_analysis", "FactorAnalysis"),
    "sparse-pca": ("latentspace.models.linear.sparse_pca", "SparsePCA"),
    "lda": ("latentspace.models.linear.lda", "LDA"),
    "pls": ("latentspace.models.linear.pls", "PLS"),
    "nca": ("latentspace.models.linear.nca", "NCA"),
    "latent-factors": ("latentspace.models.factors.latent_factors", "LatentFactors"),
    "identity": ("latentspace.models.identity", "Identity"),
    "cca": ("latentspace.models.paired.cca", "CCA"),
    "contrastive": ("latentspace.models.paired.contrastive", "Contrastive"),
    "autoencoder": ("latentspace.models.autoencoder", "Autoencoder"),
    "vae": ("latentspace.models.vae", "VAE"),
    "sparse-autoencoder": ("latentspace.models.sparse_autoencoder", "SparseAutoencoder"),
    "gan": ("latentspace.models.gan", "GAN"),
    "pretrained": ("latentspace.models.pretrained", "Pretrained"),
}


def family(name: str) -> type:
    """Returns the estimator class of a family.

    Raises
    ------
    ValueError
        If there is no such family; the message lists those there are.
    """
    if name not in FAMILIES:
        raise ValueError(f"model={name!r} is not known. Known models: {', '.join(sorted(FAMILIES))}.")
    module, attribute = FAMILIES[name]
    return getattr(importlib.import_module(module), attribute)


def class_of(name: str) -> type:
    """Returns the estimator class that the name of a family, a preset or an encoder stands for.

    Raises
    ------
    ValueError
        If it is none of these; the message lists them.
    """
    if name in PRESETS:
        return family(PRESETS[name].family)
    if name not in FAMILIES and is_encoder(name):
        return family("pretrained")
    if name not in FAMILIES:
        more = ", ".join(sorted(PRESETS.keys() - FAMILIES.keys()))
        raise ValueError(
            f"model={name!r} is not known. Known models: {', '.join(sorted(FAMILIES))}. Presets: {more}. Encoders "
            f"trained before: {', '.join(row.written for row in ENCODERS.values())}."
        )
    return family(name)


def make(name: str, **options: Any) -> Any:
    """Makes an unfitted estimator from the name of a family, a preset or an encoder; options go before its own."""
    own = PRESETS[name].options if name in PRESETS else {}
    if name not in PRESETS and name not in FAMILIES and is_encoder(name):
        own = {"encoder": name}
    return class_of(name)(**{**own, **options})
