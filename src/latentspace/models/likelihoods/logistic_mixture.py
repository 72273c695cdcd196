"""A mixture of logistics cut into levels: an exact probability for every value that an 8-bit pixel can have."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from .base import Likelihood

_LOG_SCALE, _LOG_SCALE_BOUND = -2.0, 6.0  # deviations of a logistic stay within e^-8 and e^4 of the range


class LogisticMixture(Likelihood):
    """P(x given z) = sum_k weight_k (s((x + half - mean_k) / scale_k) - s((x - half - mean_k) / scale_k)).

    s is the logistic function, x in [0, 1] in steps of 1 / (levels - 1); half is half a step, and the outermost levels
    take what lies beyond them (Salimans et al., "PixelCNN++", 2017; here the channels of a pixel are independent given
    z). A value between two levels counts as the nearer one. Unlike a Gaussian it can say "black or white, not grey".

    Parameters
    ----------
    shape, scale
        As for every `Likelihood`; there is no scale to fix.
    levels : int, default=256
        Values that a feature can have, 2 to 65536.
    components : int, default=5
        Logistics in the mixture, 1 or more.
    """

    name: ClassVar[str] = "logistic-mixture"
    unit: ClassVar[str] = "unit"

    def __init__(self, shape: tuple[int, ...], scale: float | None = None, *, levels: int = 256, components: int = 5):
        super().__init__(shape, scale)
        if not 2 <= levels <= 65536:
            raise ValueError(f"levels={levels!r} must be 2 to 65536: how many values a feature can have.")
        if components < 1:
            raise ValueError(f"components={components!r} must be at least 1.")
        self.levels, self.components = levels, components
        self.heads = 3 * components

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs (n, 3 * components * c, ...) and x (n, c, ...) to nats of shape (n,)."""
        log_weight, mean, log_scale = self._read(outputs)
        top = self.levels - 1
        x = (x.clamp(0, 1) * top).round().unsqueeze(1) / top  # (n, 1, c, ...)
        slope = torch.exp(-log_scale)
        above, below = (x + 0.5 / top - mean) * slope, (x - 0.5 / top - mean) * slope
        # s(a) - s(b) = s(a) s(-b) (1 - e^(b - a)): no difference of nearly equal numbers, far out in the tails either.
        inside = logsigmoid(above) + logsigmoid(-below) + torch.log(-torch.expm1(-slope / top))
        log_mass = torch.where(x <= 0, logsigmoid(above), torch.where(x >= 1, logsigmoid(-below), inside))
        return -torch.logsumexp(log_weight + log_mass, dim=1).flatten(1).sum(1)

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the expected x (n, c, ...) in [0, 1].

        The mean of a logistic whose tails are folded into 0 and 1, the integral of s((mean - t) / scale) over t in
        [0, 1], is scale (log(1 + e^(mean / scale)) - log(1 + e^((mean - 1) / scale))).
        """
        log_weight, mean, log_scale = self._read(outputs)
        scale = torch.exp(log_scale)
        folded = scale * (softplus(mean / scale) - softplus((mean - 1) / scale))
        return (log_weight.exp() * folded).sum(1).clamp(0, 1)

    def _read(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Outputs to logarithms of weights, means, and logarithms of scales, each (n, components, c, ...)."""
        k = self.components
        log_weight, mean, log_scale = outputs.unflatten(1, (3, k, self.shape[0])).unbind(1)
        # Spread over the range, or all would begin equal and stay so.
        begin = (torch.arange(k, dtype=outputs.dtype, device=outputs.device) + 0.5) / k
        mean = mean + begin.view(k, *[1] * len(self.shape))
        log_scale = _LOG_SCALE + _LOG_SCALE_BOUND * torch.tanh(log_scale / _LOG_SCALE_BOUND)
        return torch.log_softmax(log_weight, dim=1), mean, log_scale
