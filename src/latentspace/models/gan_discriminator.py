"""The network that tells real items from made ones: a family's encoder with a score on top."""

import torch
from torch import Tensor, nn

from .networks import Plan, initialise, plan

_FEATURES = 64
_SMOOTH = ("dense", "conv", "residual")  # networks whose slopes can be followed by a gradient on every device


class Discriminator(nn.Module):
    """features = encoder(x),  score = linear(leaky ReLU(features)): large where x looks real.

    Nothing inside reads the batch: its statistics would tie items together, and a gradient penalty is meant for each
    item alone (Gulrajani et al., 2017). Where the generator is a network of another kind, it is a convolutional one
    for pictures and sequences, and a dense one for vectors.

    Parameters
    ----------
    generator : Plan
        The networks that it plays against.
    """

    def __init__(self, generator: Plan):
        super().__init__()
        same = generator.kind in _SMOOTH
        other = "conv" if len(generator.shape) > 1 else "dense"
        self.features = (generator if same else plan(generator.shape, other)).encoder(_FEATURES)
        self.score = nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(_FEATURES, 1))

    def initialise(self, generator: torch.Generator) -> None:
        """Draws the starting weights."""
        initialise(self, generator)

    def forward(self, x: Tensor) -> Tensor:
        """x of shape (n, ...) to scores (n,)."""
        return self.score(self.features(x)).squeeze(1)
