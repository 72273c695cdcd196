"""How well each item comes back from its latent."""

from collections.abc import Iterable

import numpy as np

from ..models import adapter


def reconstruction_errors(model: object, latents: np.ndarray, blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Mean squared error of each item's features against what is decoded from its latent.

    Parameters
    ----------
    model : estimator
        With `inverse_transform`.
    latents : float32 array of shape (n, dims)
    blocks : iterable of float32 arrays (m, ...)
        The items' features in their order, together n rows.

    Returns
    -------
    float32 array of shape (n,)

    Raises
    ------
    UnsupportedError
        If the model has no decoder.
    ValueError
        If the blocks do not hold n rows.
    """
    adapter.require_decoder(model)
    errors, start = np.empty(len(latents), np.float32), 0
    for x in blocks:
        z = latents[start : start + len(x)]
        if len(z) < len(x):
            raise ValueError(f"{start + len(x)} rows of features do not fit {len(latents)} latents.")
        back = adapter.decode(model, z, x.shape[1:])
        errors[start : start + len(x)] = ((x - back) ** 2).reshape(len(x), -1).mean(axis=1)
        start += len(x)
    if start != len(latents):
        raise ValueError(f"{start} rows of features do not fit {len(latents)} latents.")
    return errors
