"""What shapes an autoencoder's latents besides the reconstruction: sparse ones, a flat encoder, a smooth decoder.

A regulariser is called with a `Pass`, what one forward pass gave, and returns nats an item that training adds to its
loss. `on_off` asks for latents from 0 to 1; `differentiates` says that it takes derivatives of the
networks, for which a pass must keep its graph even while an epoch is judged.
"""

from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from .parts import in_range
from .posteriors import Point
from .posteriors.point import PointPosterior

_EPS = 1e-6
_SMALLEST = 1e-3  # deviation of a latent from which its own unit is taken


class Pass(NamedTuple):
    """One forward pass over a batch.

    Attributes
    ----------
    x : float tensor of shape (n, ...)
        What the encoder saw.
    z : float tensor of shape (n, dims)
    outputs : float tensor of shape (n, ...)
        What the decoder gave, before the likelihood reads it.
    decoder : nn.Module
    """

    x: Tensor
    z: Tensor
    outputs: Tensor
    decoder: nn.Module


def jacobian_square(outputs: Tensor, inputs: Tensor, generator: torch.Generator, scale: Tensor | float = 1.0) -> Tensor:
    """Estimates |d (scale * outputs) / d inputs|^2, the squared Frobenius norm of each item's Jacobian: (n,), unbiased.

    E |v' J|^2 = |J|^2 for v of independent random signs (Hutchinson, 1989): one backward pass for any network. The
    result can be differentiated itself.
    """
    signs = torch.empty_like(outputs).bernoulli_(0.5, generator=generator).mul_(2).sub_(1)
    (product,) = torch.autograd.grad(outputs, inputs, signs * scale, create_graph=True)
    return product.flatten(1).square().sum(1)


class _Regulariser:
    on_off: ClassVar[bool] = False
    differentiates: ClassVar[bool] = False

    def __call__(self, made: Pass, generator: torch.Generator) -> Tensor:
        """Returns the penalty in nats an item, averaged over the batch."""
        raise NotImplementedError

    def hold(self, decoder: nn.Module, generator: torch.Generator) -> None:
        """Moves the decoder's weights to where they may be; called before every step."""


class L1(_Regulariser):
    """weight * sum_j mean |z_j| / root mean square z_j: few dimensions are far from 0 for an item.

    In each dimension's own unit, so that smaller latents and a larger decoder gain nothing. A ReLU before it would give
    exact zeros, and did give dimensions that were 0 for all items; for exact zeros take a `SparseAutoencoder`.

    Parameters
    ----------
    weight : float, default=1.0
    """

    def __init__(self, weight: float = 1.0):
        self.weight = in_range("weight", weight, 0, 1e6)

    def __call__(self, made: Pass, generator: torch.Generator) -> Tensor:
        sizes = made.z.abs().mean(0)
        return self.weight * (sizes / (made.z.square().mean(0) + _EPS**2).sqrt()).sum()


class Sparsity(_Regulariser):
    """weight * sum_j KL(Bernoulli(share) from Bernoulli(mean z_j)), with z = sigmoid(h) (Ng, 2011).

    Parameters
    ----------
    share : float, default=0.1
        Of the items, for which a dimension should be on.
    weight : float, default=1.0
    """

    on_off: ClassVar[bool] = True

    def __init__(self, share: float = 0.1, weight: float = 1.0):
        self.share = in_range("share", share, _EPS, 1 - _EPS)
        self.weight = in_range("weight", weight, 0, 1e6)

    def __call__(self, made: Pass, generator: torch.Generator) -> Tensor:
        on = made.z.mean(0).clamp(_EPS, 1 - _EPS)
        p = self.share
        return self.weight * (p * torch.log(p / on) + (1 - p) * torch.log((1 - p) / (1 - on))).sum()


class Contractive(_Regulariser):
    """weight * |d z / d x|^2: z changes only where the data does (Rifai, Vincent, Muller, Glorot and Bengio, 2011).

    Each dimension counts in its own deviation over the batch, so that smaller latents gain nothing; the paper ties the
    decoder's weights to the encoder's to that end.

    Parameters
    ----------
    weight : float, default=0.1
    """

    differentiates: ClassVar[bool] = True

    def __init__(self, weight: float = 0.1):
        self.weight = in_range("weight", weight, 0, 1e6)

    def __call__(self, made: Pass, generator: torch.Generator) -> Tensor:
        variance = made.z.var(0, correction=0)
        scale = variance / (variance + _SMALLEST**2) ** 1.5  # 1 / deviation, and 0 where there is none
        return self.weight * jacobian_square(made.z, made.x, generator, scale).mean()


class _SmoothDecoder(_Regulariser):
    """latent_weight * |z|^2 / 2 beside what keeps the decoder smooth (Ghosh et al., 2020).

    The first term keeps latents together, so that a density can be fitted to them; the second keeps the decoder from
    undoing it.
    """

    def __init__(self, weight: float, latent_weight: float):
        self.weight = in_range("weight", weight, 0, 1e6)
        self.latent_weight = in_range("latent_weight", latent_weight, 0, 1e6)

    def __call__(self, made: Pass, generator: torch.Generator) -> Tensor:
        near = self.latent_weight * 0.5 * made.z.square().sum(1).mean()
        return near + self.weight * self.roughness(made, generator)

    def roughness(self, made: Pass, generator: torch.Generator) -> Any:
        """What the weight multiplies."""
        return 0.0


class DecoderL2(_SmoothDecoder):
    """latent_weight * |z|^2 / 2 + weight * |W|^2 / 2, with W the decoder's weights (RAE-L2).

    Parameters
    ----------
    weight : float, default=0.001
    latent_weight : float, default=0.1
    """

    def __init__(self, weight: float = 0.001, latent_weight: float = 0.1):
        super().__init__(weight, latent_weight)

    def roughness(self, made: Pass, generator: torch.Generator) -> Any:
        return 0.5 * sum(w.square().sum() for w in made.decoder.parameters() if w.ndim > 1)


class DecoderGradient(_SmoothDecoder):
    """latent_weight * |z|^2 / 2 + weight * |d outputs / d z|^2 (RAE-GP).

    Parameters
    ----------
    weight : float, default=0.001
    latent_weight : float, default=0.1
    """

    differentiates: ClassVar[bool] = True

    def __init__(self, weight: float = 0.001, latent_weight: float = 0.1):
        super().__init__(weight, latent_weight)

    def roughness(self, made: Pass, generator: torch.Generator) -> Any:
        return jacobian_square(made.outputs, made.z, generator).mean()


class DecoderSpectral(_SmoothDecoder):
    """latent_weight * |z|^2 / 2, and no decoder layer stretches by more than `bound` (RAE-SN; Miyato et al., 2018).

    Parameters
    ----------
    bound : float, default=16.0
        The largest singular value that a layer's weights may have; a convolution's as a matrix of its kernel.
    latent_weight : float, default=0.1
    """

    def __init__(self, bound: float = 16.0, latent_weight: float = 0.1):
        super().__init__(0.0, latent_weight)
        self.bound = in_range("bound", bound, 1e-6, 1e6)

    @torch.no_grad()
    def hold(self, decoder: nn.Module, generator: torch.Generator) -> None:
        """Scales down the layers that stretch by more, found by a few power iterations from a new start each step."""
        for weight in decoder.parameters():
            if weight.ndim > 1:
                largest = spectral_norm(weight.flatten(1), generator)
                weight.mul_((self.bound / largest).clamp(max=1.0))


def spectral_norm(w: Tensor, generator: torch.Generator, rounds: int = 5) -> Tensor:
    """Estimates the largest singular value of a matrix, from below, by power iterations from a random start."""
    v = torch.empty(w.shape[1], device=w.device).normal_(generator=generator)
    for _ in range(rounds):
        v = nn.functional.normalize(w.T @ nn.functional.normalize(w @ v, dim=0), dim=0)
    return torch.linalg.vector_norm(w @ v).clamp_min(1e-12)


class OnOff(PointPosterior):
    """z = sigmoid(h): how far each dimension is on, from 0 to 1."""

    def forward(self, h: Tensor) -> Point:
        return Point(torch.sigmoid(h))

    def project(self, z: Tensor) -> Tensor:
        """Latents (n, dims) to the nearest that the encoder could give."""
        return z.clamp(0, 1)


REGULARISERS: dict[str, type[_Regulariser]] = {
    "l1": L1,
    "sparsity": Sparsity,
    "contractive": Contractive,
    "decoder-l2": DecoderL2,
    "decoder-gradient": DecoderGradient,
    "decoder-spectral": DecoderSpectral,
}
