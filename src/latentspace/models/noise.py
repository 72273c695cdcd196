"""What a denoising autoencoder's encoder sees: items with something missing, from which the whole is to be rebuilt."""

import torch
from torch import Tensor

from .parts import in_range


class GaussianNoise:
    """x + deviation * noise (Vincent et al., 2010).

    Parameters
    ----------
    deviation : float, default=0.3
        In the network's unit: shares of the range for images, standard deviations for columns.
    """

    def __init__(self, deviation: float = 0.3):
        self.deviation = in_range("deviation", deviation, 0, 1e6)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Items (n, ...) to noisy ones."""
        return x + self.deviation * torch.empty_like(x).normal_(generator=generator)


class Masking:
    """A share of each item's features set to 0: black, or a column's mean (Vincent et al., 2008).

    Parameters
    ----------
    share : float, default=0.3
        Of the features.
    """

    def __init__(self, share: float = 0.3):
        self.share = in_range("share", share, 0, 1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Items (n, ...) to items with holes."""
        return x * (_uniform(x, generator) >= self.share)


class SaltAndPepper:
    """A share of the features set to the batch's smallest or largest value, at even odds (Vincent et al., 2010).

    Parameters
    ----------
    share : float, default=0.2
        Of the features.
    """

    def __init__(self, share: float = 0.2):
        self.share = in_range("share", share, 0, 1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Items (n, ...) to items with specks."""
        u = _uniform(x, generator)
        specks = torch.where(u < self.share / 2, x.min(), x.max())
        return torch.where(u < self.share, specks, x)


def _uniform(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.empty_like(x).uniform_(generator=generator)


NOISES: dict[str, type] = {"gaussian": GaussianNoise, "masking": Masking, "salt-and-pepper": SaltAndPepper}
