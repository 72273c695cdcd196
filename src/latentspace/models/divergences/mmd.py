"""Maximum mean discrepancy: whether latents of all items together lie as draws of the prior do."""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from .base import Divergence, Penalty

Kernel = Literal["imq", "rbf"]

SCALES = (
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
)  # of the bandwidth: kernels of every width, as nothing tells which is right


def mmd(a: Tensor, b: Tensor, bandwidth: Tensor | float, kernel: Kernel = "imq", scales: Any = SCALES) -> Tensor:
    """Estimates MMD^2 without bias, a U-statistic: 0 for equal laws in the mean, and so at times below 0.

    E k(a, a') + E k(b, b') - 2 E k(a, b)  (Gretton et al., 2012), averaged over kernels of several scales c:
    "imq"  k = c / (c + |a - b|^2), whose tails still pull what lies far out (Tolstikhin et al., 2018)
    "rbf"  k = exp(-|a - b|^2 / c)

    Parameters
    ----------
    a, b : float tensors of shape (n, dims), (m, dims)
    bandwidth : float
        c is each of the scales times this; the mean squared distance between draws is a good one.
    kernel : {"imq", "rbf"}
    scales : sequence of float

    Returns
    -------
    scalar tensor
        At most 2. An item alone has no pair of its kind: that mean is left out.
    """
    aa, bb, ab = (torch.cdist(*pair).square() for pair in ((a, a), (b, b), (a, b)))
    total = a.new_zeros(())
    for scale in scales:
        c = scale * bandwidth
        total = total + _off_diagonal(_kernel(aa, c, kernel)) + _off_diagonal(_kernel(bb, c, kernel))
        total = total - 2 * _kernel(ab, c, kernel).mean()
    return total / len(scales)


def _kernel(squares: Tensor, c: Tensor | float, kernel: Kernel) -> Tensor:
    return c / (c + squares) if kernel == "imq" else torch.exp(-squares / c)


def _off_diagonal(k: Tensor) -> Tensor:
    n = len(k)
    return (k.sum() - k.diagonal().sum()) / max(1, n * (n - 1))


class MMD(Divergence):
    """weight * MMD^2 between draws of z over a batch and as many of the prior.

    It leaves every item's posterior free and asks that they fill the prior together, so a point is a posterior too
    (Tolstikhin et al., "Wasserstein auto-encoders", WAE-MMD, 2018). Any prior that can be drawn from will do; the
    bandwidth is the mean squared distance of its draws, 2 dims for a standard normal one.

    Parameters
    ----------
    dims, beta, warm_up, free_bits
        As for every `Divergence`; there are no free bits.
    kernel : {"imq", "rbf"}, default="imq"
    weight : float, default=10.0
        Nats that an MMD^2 of 1 costs an item, for each dimension. On digits of two sizes and a table of 30 columns 10
        kept to a plain autoencoder's error with latents as near to the prior as 30 brings them; 30 lost up to a third
        of the reconstruction.
    """

    name: ClassVar[str] = "mmd"

    def __init__(
        self, dims: int, beta: float = 1.0, warm_up: float = 0.0, free_bits: float = 0.0, *,
        kernel: Kernel = "imq", weight: float = 10.0,
    ):  # fmt: skip
        super().__init__(dims, beta, warm_up, free_bits=0.0)
        if kernel not in ("imq", "rbf"):
            raise ValueError(f"kernel={kernel!r} of divergence={self.name!r} must be 'imq' or 'rbf'.")
        self.kernel, self.strength = kernel, weight

    def discrepancy(self, z: Tensor, prior: Any, generator: torch.Generator) -> Tensor:
        """Returns MMD^2 between z (n, dims) and as many draws of the prior."""
        with torch.no_grad():
            drawn = prior.sample(len(z), generator)
            # Of neighbours in the list, no two alike: n pairs are enough for a width.
            bandwidth = (drawn - drawn.roll(1, 0)).square().sum(1).mean() if len(z) > 1 else drawn.new_tensor(1.0)
        return mmd(z, drawn, bandwidth, self.kernel)

    def penalty(self, q: Any, z: Tensor, prior: Any, generator: torch.Generator, progress: float) -> Penalty:
        """Returns the weighted discrepancy, and the plain one as "mmd"; see `Divergence.penalty`."""
        found = self.discrepancy(z, prior, generator)
        return self.weight(progress) * self.strength * self.dims * found, {"mmd": found.detach()}

    def refusal(self, posterior: Any, prior: Any, bound: Any) -> str | None:
        return self._needs_a_fixed_prior(prior)
