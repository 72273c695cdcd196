"""All mass on one point: the deterministic latent of a plain autoencoder."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn


@dataclass
class Point:
    """A point, which is its own mean and draw; it has no density.

    Attributes
    ----------
    mean : float tensor of shape (n, dims)
    """

    mean: Tensor

    def rsample(self, generator: torch.Generator, shared: bool = False) -> Tensor:
        """Returns the point."""
        return self.mean


class PointPosterior(nn.Module):
    """The encoder gives z itself."""

    name: ClassVar[str] = "point"
    space: ClassVar[str] = "euclidean"
    factorised: ClassVar[bool] = True
    has_density: ClassVar[bool] = False

    def __init__(self, dims: int):
        super().__init__()
        self.outputs = dims

    def forward(self, h: Tensor) -> Point:
        return Point(h)
