"""z = f(x): one file a family. Families are found by name here, and only here, so a file can name no other code."""

import importlib
from typing import Any

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
    "autoencoder": ("latentspace.models.autoencoder", "Autoencoder"),
    "vae": ("latentspace.models.vae", "VAE"),
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


def make(name: str, **options: Any) -> Any:
    """Makes an unfitted estimator from a family's name and its options."""
    return family(name)(**options)
