"""How far the posterior, or what it adds up to over all items, is from the prior; and the weight training gives it.

A divergence is a module made from `dims` and the weights that all of them share (see `Divergence`). A new one is a file
here and a row in `DIVERGENCES`.
"""

from .adversarial import Adversarial
from .base import Divergence
from .capacity import Capacity
from .density_ratio import DensityRatio
from .info import Info
from .kl import KL
from .mmd import MMD
from .total_correlation import TotalCorrelation

DIVERGENCES: dict[str, type[Divergence]] = {
    kind.name: kind for kind in (KL, Capacity, TotalCorrelation, DensityRatio, MMD, Info, Adversarial)
}

__all__ = [
    "DIVERGENCES", "KL", "MMD", "Adversarial", "Capacity", "DensityRatio", "Divergence", "Info", "TotalCorrelation",
]  # fmt: skip
