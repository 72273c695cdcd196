"""A network's weights as arrays for a file, and back, each of the shape that the network asks for."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def weights_of(network: nn.Module, under: str) -> dict[str, np.ndarray]:
    """The numbers that training moves, as float32 arrays named "under/layers.0.weight"."""
    return {f"{under}/{name}": np.array(value.float().numpy(), order="C") for name, value in _kept(network).items()}


def split_weights(arrays: Mapping[str, np.ndarray], under: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Splits a state's arrays into a network's weights, by their names in it, and all others."""
    prefix = f"{under}/"
    weights = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
    return weights, {name: value for name, value in arrays.items() if not name.startswith(prefix)}


def put_weights(network: Network, weights: Mapping[str, np.ndarray], whose: str) -> Network:
    """Puts weights into a network, which then only infers.

    Raises
    ------
    ValueError
        If one is missing, too many, not finite, or of another shape or type; the message names it.
    """
    kept = _kept(network)
    for name in sorted(kept.keys() | weights.keys()):
        found, wanted = weights.get(name), tuple(kept[name].shape) if name in kept else None
        if found is None or found.shape != wanted or found.dtype != np.float32 or not np.isfinite(found).all():
            said = "not there" if found is None else f"{found.dtype} of shape {found.shape}"
            raise ValueError(
                f"The stored {whose}'s weights {name!r} are {said}, expected finite float32 of shape {wanted}; "
                "the file is damaged."
            )
        kept[name].copy_(torch.from_numpy(np.array(found)))
    return network.eval().requires_grad_(False)


def _kept(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and averages; masks and orders follow from the network's shape."""
    return {name: value.detach() for name, value in network.state_dict().items() if value.is_floating_point()}
