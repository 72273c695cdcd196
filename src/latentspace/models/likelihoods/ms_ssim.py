"""Multi-scale structural similarity: how alike two pictures look, and a likelihood-like loss made of it."""

import math
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from .base import Likelihood

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, finest first (Wang et al., 2003, section 4.3)
_WINDOW, _SIGMA = 11, 1.5  # pixels
_C1, _C2 = 0.01**2, 0.03**2  # for values in [0, 1]


def scales_for(shape: tuple[int, ...]) -> int:
    """Returns how many scales pictures of shape (c, h, w) allow: 1 to 5, while the window fits the halved side."""
    return max(1, min(len(_WEIGHTS), 1 + int(math.log2(max(1, min(shape[1:]) / _WINDOW)))))


def ms_ssim(a: Tensor, b: Tensor, scales: int | None = None) -> Tensor:
    """Measures how alike pictures look, from luminance at the coarsest scale, contrast and structure at all.

    At every scale, with means, variances and a covariance under a Gaussian window:
    luminance = (2 ma mb + C1) / (ma^2 + mb^2 + C1),   contrast-structure = (2 cab + C2) / (va + vb + C2).

    Parameters
    ----------
    a, b : float tensors of shape (n, c, h, w)
        In [0, 1].
    scales : int or None
        Scales that the pictures are halved to; None takes as many as fit their size, 5 from 176 pixels up. The
        published weights of the first ones are rescaled to the sum of all.

    Returns
    -------
    float tensor of shape (n,)
        1 for equal pictures; near 0 for unlike ones.

    References
    ----------
    Wang, Simoncelli and Bovik, "Multiscale structural similarity for image quality assessment", 2003.
    """
    scales = scales_for(tuple(a.shape[1:])) if scales is None else scales
    whole = sum(_WEIGHTS) / sum(_WEIGHTS[:scales])
    weights = [weight * whole for weight in _WEIGHTS[:scales]]
    product = a.new_ones(len(a), a.shape[1])
    for scale, weight in enumerate(weights):
        if scale:
            a, b = (avg_pool2d(image, 2) for image in (a, b))
        luminance, structure = _statistics(a, b)  # (n, c) each
        alike = structure * luminance if scale == scales - 1 else structure
        # Pictures that run against each other have no real power; a little above 0 the gradient stays finite.
        product = product * alike.mean((2, 3)).clamp_min(1e-3) ** weight
    return product.mean(1)


def _statistics(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the maps of luminance and of contrast-structure, each (n, c, h', w')."""
    mean_a, mean_b, aa, bb, ab = _blur(torch.cat([a, b, a * a, b * b, a * b])).chunk(5)
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a.square() + mean_b.square() + _C1)
    covariance = ab - mean_a * mean_b
    structure = (2 * covariance + _C2) / (aa - mean_a.square() + bb - mean_b.square() + _C2)
    return luminance, structure


def _blur(x: Tensor) -> Tensor:
    """Weighs pixels by a Gaussian window, first along one axis and then the other, where it lies inside the picture."""
    c = x.shape[1]
    for axis in (2, 3):
        size = min(_WINDOW, x.shape[axis])
        place = torch.arange(size, dtype=x.dtype, device=x.device) - (size - 1) / 2
        window = torch.exp(-place.square() / (2 * _SIGMA**2))
        shape = (c, 1, size, 1) if axis == 2 else (c, 1, 1, size)
        kernel = (window / window.sum()).repeat(c).view(shape)
        x = conv2d(x, kernel, groups=c)
    return x


class MultiScaleSimilarity(Likelihood):
    """nll = p / 2 (d / s + log s),  d = 0.84 (1 - MS-SSIM(x_hat, x)) + 0.16 mean |x_hat - x|.

    Pictures judged as by eye. The mix is Zhao et al.'s ("Loss functions for image restoration with neural networks",
    2017): similarity alone does not hold colours and brightness. No density belongs to it. d stands where the mean
    square does in the Gaussian likelihood with a learned variance, and s follows d over batches just so: it is the
    weight that balances d against the divergence without tuning (Snell et al., "Learning to generate images with
    perceptual similarity metrics", 2017, leave it to the user).
    """

    name: ClassVar[str] = "ms-ssim"
    unit: ClassVar[str] = "unit"

    similarity: ClassVar[float] = 0.84
    memory: ClassVar[float] = 0.95
    smallest: ClassVar[float] = 1e-4

    usual: Tensor

    def __init__(self, shape: tuple[int, ...], scale: float | None = None):
        super().__init__(shape, scale)
        if len(shape) != 3:
            raise ValueError(
                f"likelihood='ms-ssim' compares pictures (c, h, w), but the items have shape {tuple(shape)}. "
                "Pass images (n, c, h, w), or take likelihood='laplace'."
            )
        self.register_buffer("usual", torch.ones(()))

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and x of shape (n, c, h, w) to something like nats, of shape (n,)."""
        x_hat = self.mean(outputs)
        d = self.similarity * (1 - ms_ssim(x_hat, x)) + (1 - self.similarity) * (x_hat - x).abs().mean((1, 2, 3))
        if self.training:
            self.usual.lerp_(d.detach().mean(), 1 - self.memory).clamp_(min=self.smallest)
        usual = self.usual.clone()
        return 0.5 * math.prod(self.shape) * (d / usual + usual.log())

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to x_hat, in [0, 1]."""
        return torch.sigmoid(outputs)
