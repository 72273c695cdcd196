"""What a dimension does to the features, and which features move it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

_ANCHORS = 8  # items that the decoder is followed at
_PATHS = 16  # items whose attributions are averaged
_STEPS = 32  # of the path of integrated gradients; 64 changed the third digit


class Drivers(NamedTuple):
    """What moves with each dimension.

    Attributes
    ----------
    effects : float32 array of shape (dims, ...)
        The change of each feature when one dimension rises by its standard deviation, in the features' unit.
    size : float64 array of shape (dims,)
        Root mean square of that change over features and places in the space: 0 where the decode does not change.
    bent : float64 array of shape (dims,)
        0 where the change is the same wherever it begins, as in a linear model; near 1 where it is another everywhere,
        and `effects` are a mean that hides much.
    how : str
        "loadings", "decoder Jacobian" or "covariance with the features".
    """

    effects: np.ndarray
    size: np.ndarray
    bent: np.ndarray
    how: str


def decoder_effects(
    decode: Callable[[np.ndarray], np.ndarray], z: np.ndarray, linear: bool = False, seed: int = 0
) -> Drivers:
    """Follows the decoder along every dimension, at the mean and at some items.

    effects[d] = mean over places of (g(z + s_d e_d) - g(z - s_d e_d)) / 2,    s_d the standard deviation of z_d

    A difference over a standard deviation to both sides rather than a derivative: it is what a traversal shows, and an
    edge that saturates does not hide.

    Parameters
    ----------
    decode : callable of latents (m, dims) to features (m, ...)
    z : float array of shape (n, dims)
    linear : bool
        One place tells all then, and the effects are the model's loadings times the deviations.
    seed : int
        Draws the items.
    """
    spread = z.std(axis=0, dtype=np.float64)
    places = z.mean(axis=0, keepdims=True, dtype=np.float64)
    if not linear and len(z) > 1:
        rows = np.random.default_rng(seed).choice(len(z), min(_ANCHORS, len(z)), replace=False)
        places = np.concatenate([places, z[rows].astype(np.float64)])
    effects, size, bent = [], np.zeros(z.shape[1]), np.zeros(z.shape[1])
    for d in range(z.shape[1]):
        step = np.zeros(z.shape[1])
        step[d] = spread[d]
        both = np.asarray(decode(np.concatenate([places + step, places - step]).astype(np.float32)), np.float64)
        change = (both[: len(places)] - both[len(places) :]) / 2
        mean = change.mean(axis=0)
        size[d] = np.sqrt((change**2).mean())
        bent[d] = 1 - np.sqrt((mean**2).mean()) / size[d] if size[d] > 0 else 0.0
        effects.append(mean.astype(np.float32))
    return Drivers(np.stack(effects), size, np.clip(bent, 0, 1), "loadings" if linear else "decoder Jacobian")


def covariances(z: np.ndarray, blocks: Any) -> Drivers:
    """What goes along with a standard deviation of each dimension, where no decoder says what it does.

    Parameters
    ----------
    z : float array of shape (n, dims)
    blocks : iterable of float arrays (m, ...) or CSR matrices
        The same items' features, in order.
    """
    spread = z.std(axis=0, dtype=np.float64)
    unit = np.divide(z - z.mean(axis=0, dtype=np.float64), spread, out=np.zeros(z.shape), where=spread > 0)
    total: Any = 0.0
    start = 0
    shape: tuple[int, ...] = ()
    for x in blocks:
        shape = x.shape[1:]
        flat = x if hasattr(x, "tocsr") else x.reshape(len(x), -1).astype(np.float64)
        total = total + np.asarray((flat.T @ unit[start : start + x.shape[0]]).T)
        start += x.shape[0]
    effects = (total / max(start, 1)).astype(np.float32)
    size = np.sqrt((effects.astype(np.float64) ** 2).mean(axis=1))
    return Drivers(effects.reshape(z.shape[1], *shape), size, np.zeros(z.shape[1]), "covariance with the features")


def integrated_gradients(model: Any, x: np.ndarray, baseline: np.ndarray, dims: Sequence[int]) -> np.ndarray:
    """Attributes each of some dimensions of z to the features of x, against a baseline (Sundararajan et al., 2017).

    attribution_i = (x_i - b_i) * integral over a in [0, 1] of dz_d / dx_i at b + a (x - b)

    They add up to z_d(x) - z_d(b).

    Parameters
    ----------
    model : neural estimator
        With `differentiable()`: a torch function of scaled features, and the scaling.
    x : float32 array of shape (n, ...)
    baseline : float32 array of shape (...)
        What nothing looks like: the mean item.
    dims : sequence of int

    Returns
    -------
    float32 array of shape (len(dims), n, ...)

    Raises
    ------
    MissingExtraError
        If captum is not installed.

    References
    ----------
    Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", 2017; Kokhlikyan et al., "Captum", 2020.
    """
    from ..optional import require

    captum = require("captum.attr", "explain", "integrated gradients")
    import torch

    forward, scaled = model.differentiable()
    inputs = torch.from_numpy(scaled(np.concatenate([x, baseline[None]]).astype(np.float32)))
    items, blank = inputs[:-1], inputs[-1:]
    method = captum.IntegratedGradients(forward)
    told = []
    for d in dims:
        given = method.attribute(items, blank.expand_as(items), target=int(d), n_steps=_STEPS, internal_batch_size=64)
        told.append(given.detach().numpy().reshape(x.shape))
    return np.stack(told).astype(np.float32)


def pushed(model: Any, x: np.ndarray, baseline: np.ndarray, rows: Sequence[tuple[list[int], list[int]]]) -> np.ndarray:
    """Which features push items to a dimension's high end rather than its low one, by integrated gradients.

    Parameters
    ----------
    model, baseline
        As for `integrated_gradients`.
    x : float32 array of shape (n, ...)
    rows : for each dimension, the rows of x lowest and highest along it

    Returns
    -------
    float32 array of shape (dims, ...)
        Mean attribution at the high end less that at the low end, halved; in the latent's own unit.
    """
    told = []
    for d, (low, high) in enumerate(rows):
        low, high = low[: _PATHS // 2], high[: _PATHS // 2]
        given = integrated_gradients(model, x[[*low, *high]], baseline, [d])[0]
        told.append((given[len(low) :].mean(axis=0) - given[: len(low)].mean(axis=0)) / 2)
    return np.stack(told)
