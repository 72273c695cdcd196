"""A decoder trained on latents that stand still: g: z -> x_hat, for models whose encoder is given."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from . import training
from .networks import Plan, enough_steps, initialise

_FEW = 20  # items: below so many none are held out, a tenth of them would judge by chance


class LatentDecoder(nn.Module):
    """x_hat = likelihood.mean(decoder(z)), trained on pairs (x, z).

    Parameters
    ----------
    plan : Plan
        The network.
    dims : int
        Latent dimensions.
    likelihood : nn.Module
        One of `likelihoods`.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, plan: Plan, dims: int, likelihood: Any):
        super().__init__()
        # Latents come in any unit: whitened here, so that a decoder's first steps are as large for all.
        self.register_buffer("shift", torch.zeros(dims))
        self.register_buffer("scale", torch.ones(dims))
        self.decoder = plan.decoder(dims, likelihood.heads)
        self.likelihood = likelihood

    def start(self, x: Tensor, z: Tensor, generator: torch.Generator) -> None:
        """Draws the weights, and learns the latents' unit."""
        initialise(self, generator)
        self.likelihood.start(x, generator)
        self.shift.copy_(z.mean(0))
        std = z.std(0, correction=0)
        self.scale.copy_(torch.where(std > 1e-6 * std.max().clamp_min(1e-30), std, torch.ones_like(std)))

    def forward(self, z: Tensor) -> Tensor:
        """z (n, dims) to the expected x."""
        return self.likelihood.mean(self.decoder((z - self.shift) / self.scale))

    def loss(self, x: Any, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        """The mean nll of items given their latents, in nats."""
        items, z = x
        return self.likelihood.nll(self.decoder((z - self.shift) / self.scale), items).mean(), {}

    def activity(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Says that every dimension counts: they are not this network's to choose."""
        return torch.ones_like(self.scale), torch.ones_like(self.scale, dtype=torch.bool)


def train_decoder(
    decoder: LatentDecoder, plan: Plan, x: Tensor, z: Tensor, *, seed: int, epochs: int | str, batch_size: int,
    learning_rate: float, threads: int | None, callback: Callable[[dict[str, Any]], Any] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Trains a decoder in place by the one loop; returns its history.

    Parameters
    ----------
    decoder : LatentDecoder
    plan : Plan
        Its network's, by which "auto" epochs are counted.
    x, z : float32 tensors of shape (n, ...) and (n, dims)
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=generator)
    held = len(x) // 10 if len(x) >= _FEW else 0
    rows = order[held:]
    decoder.start(x[rows], z[rows], generator)
    enough = training.enough_epochs(len(rows), batch_size, enough_steps(plan))
    settings = training.Settings(
        epochs=enough if epochs == "auto" else int(epochs), batch_size=batch_size, learning_rate=learning_rate,
        weight_decay=0.01, patience=10, warm_up=0.0, threads=threads, device="cpu", seed=seed,
    )  # fmt: skip
    targets = training.Targets(z, z[order[:held]])
    return training.train(
        decoder, x, rows, x[order[:held]], settings, targets=targets, generator=generator, callback=callback
    )
