"""Latents in a steady unit, whatever the encoder's: what a codebook can follow and a bound cannot saturate on."""

import torch
from torch import Tensor, nn

DEVIATION = 3.0  # of every dimension: latents of size 1 take a decoder three times as long to read
_MEMORY = 0.95  # share of the old averages that a batch leaves


class Steady(nn.Module):
    """3 (h - mean) / deviation, by moving averages over batches.

    Without it an encoder drifts faster than codes follow: with finite scalar codes, all of the first steps' outputs
    landed where the bound is flat, and every item had the same code. On 3,000 MNIST digits, 16 dimensions, 16 epochs,
    a deviation of 3 in place of 1 took the test error of vector codes from 0.0253 to 0.0180.

    Parameters
    ----------
    dims : int
    """

    mean: Tensor
    square: Tensor
    batches: Tensor

    def __init__(self, dims: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(dims))
        self.register_buffer("square", torch.ones(dims))  # mean of (h - mean)^2
        self.register_buffer("batches", torch.zeros(()))

    def forward(self, h: Tensor) -> Tensor:
        """The encoder's outputs (n, dims) in the steady unit."""
        return (h - self.mean) * (DEVIATION / (self.square + 1e-8).sqrt())

    @torch.no_grad()
    def learn(self, steady: Tensor) -> None:
        """Follows a batch, given in the unit that it had."""
        h = steady * ((self.square + 1e-8).sqrt() / DEVIATION) + self.mean
        self.batches += 1
        share = torch.clamp(1 / self.batches, min=1 - _MEMORY)  # the first batches by their plain average
        self.mean.lerp_(h.mean(0), share)
        self.square.lerp_((h - self.mean).square().mean(0), share)
