"""Posteriors that a normalising flow bends: a Gaussian, then invertible steps that the encoder steers."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ...optional import require
from .gaussian import Gaussian

Carry = Callable[[Tensor], tuple[Tensor, Tensor]]  # points (n, dims) to points and log |det| of the way there (n,)

_LARGEST = 4096  # dims: a step's weights grow with their square


class Flowed:
    """z = push(u) for u from a Gaussian: log q(z) = log N(u) - log |det dz/du| (Rezende and Mohamed, 2015).

    Attributes
    ----------
    mean : float tensor of shape (n, dims)
        Where the Gaussian's mean goes: the centre, not exactly the expectation, which has no closed form.
    """

    def __init__(self, start: Gaussian, push: Carry, pull: Carry):
        self.start, self.push, self.pull = start, push, pull
        self.drawn: tuple[Tensor, Tensor] | None = None

    @property
    def mean(self) -> Tensor:
        return self.push(self.start.mean)[0]

    def rsample(self, generator: torch.Generator, shared: bool = False) -> Tensor:
        """Draws z of shape (n, dims); `shared` gives all items the same chance."""
        return self.rsample_with_log_prob(generator, shared)[0]

    def rsample_with_log_prob(self, generator: torch.Generator, shared: bool = False) -> tuple[Tensor, Tensor]:
        """Draws z (n, dims), with its log-density (n,) in nats."""
        u, log_normal = self.start.rsample_with_log_prob(generator, shared)
        z, log_det = self.push(u)
        self.drawn = z, log_normal - log_det
        return self.drawn

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z, in nats, (n,); the last draw's is remembered, as going back may cost a pass a dimension."""
        if self.drawn is not None and z is self.drawn[0]:
            return self.drawn[1]
        u, log_det = self.pull(z)
        return self.start.log_prob(u) + log_det

    def kl(self, prior: Any) -> Tensor | None:
        """None: there is no closed form."""
        return None


class FlowPosterior(nn.Module):
    """A Gaussian bent by autoregressive steps (zuko's), each an affine map of a dimension given those before it.

    Parameters
    ----------
    dims : int
    transforms : int
        Steps; the order of the dimensions turns around between them.
    width : int
        Of the one hidden layer of each step.
    context : int
        Numbers that the encoder gives to steer the steps with, beside the Gaussian's mean and log-variance.
    """

    space: ClassVar[str] = "euclidean"
    factorised: ClassVar[bool] = False
    has_density: ClassVar[bool] = True
    name: ClassVar[str]
    one_pass_down: ClassVar[bool]  # whether u -> z, or z -> u, takes a single pass; the other way takes one a dimension

    def __init__(self, dims: int, transforms: int = 2, width: int = 64, context: int = 16):
        super().__init__()
        if dims > _LARGEST:
            raise ValueError(f"posterior={self.name!r} takes at most {_LARGEST} dims, not {dims}. Take 'gaussian'.")
        zuko: Any = require("zuko", "neural", f"posterior={self.name!r}")
        orders = [torch.arange(dims, device="cpu"), torch.arange(dims, device="cpu").flip(0)]
        with torch.device("cpu"):  # its masks are worked out from values, which a network without memory has not
            self.steps = nn.ModuleList(
                zuko.flows.MaskedAutoregressiveTransform(
                    dims, context=context, hidden_features=(width,), order=orders[index % 2]
                )
                for index in range(transforms)
            )
        self.context = context
        self.outputs = 2 * dims + context

    def initialise(self, generator: torch.Generator) -> None:
        """Starts near the Gaussian: each step's last layer a hundredth of usual."""
        with torch.no_grad():
            for step in self.steps:
                step.hyper[-1].weight.mul_(0.01)  # type: ignore[union-attr, index]

    def forward(self, h: Tensor) -> Flowed:
        context = h[:, : self.context]
        ways = [step(context) for step in self.steps]
        back = [way.inv for way in reversed(ways)]
        push, pull = (_through(ways), _through(back)) if self.one_pass_down else (_through(back), _through(ways))
        return Flowed(Gaussian.of(h[:, self.context :]), push, pull)


class IAFPosterior(FlowPosterior):
    """Inverse autoregressive flow (Kingma et al., 2016): a draw and its density in one pass a step."""

    name: ClassVar[str] = "iaf"
    one_pass_down: ClassVar[bool] = True


class MAFPosterior(FlowPosterior):
    """Masked autoregressive flow (Papamakarios et al., 2017): any point's density in one pass, a draw in one a dim."""

    name: ClassVar[str] = "maf"
    one_pass_down: ClassVar[bool] = False


def _through(ways: list[Any]) -> Carry:
    def carry(u: Tensor) -> tuple[Tensor, Tensor]:
        log_det = u.new_zeros(len(u))
        for way in ways:
            u, more = way.call_and_ladj(u)
            log_det = log_det + more
        return u, log_det

    return carry


class PlanarPosterior(nn.Module):
    """A Gaussian bent by planar steps z + u tanh(w . z + b), all given by the encoder (Rezende and Mohamed, 2015).

    Parameters
    ----------
    dims : int
    transforms : int
        Steps.
    """

    name: ClassVar[str] = "planar"
    space: ClassVar[str] = "euclidean"
    factorised: ClassVar[bool] = False
    has_density: ClassVar[bool] = True

    def __init__(self, dims: int, transforms: int = 4):
        super().__init__()
        self.sizes = [2 * dims, *[2 * dims + 1] * transforms]
        self.outputs = sum(self.sizes)

    def forward(self, h: Tensor) -> Flowed:
        gaussian, *planes = h.split(self.sizes, dim=1)
        steps = [_Planar.of(plane) for plane in planes]
        return Flowed(Gaussian.of(gaussian), _through(steps), _through([_Back(step) for step in reversed(steps)]))


class _Planar(NamedTuple):
    """z -> z + u tanh(w . z + b): u, w of shape (n, dims), b and w . u of shape (n, 1)."""

    u: Tensor
    w: Tensor
    b: Tensor
    wu: Tensor

    @classmethod
    def of(cls, outputs: Tensor) -> "_Planar":
        """Reads u, w, b, and moves u along w until w . u > -1, without which the step has no inverse."""
        b, both = outputs[:, :1], outputs[:, 1:]
        u, w = both.chunk(2, dim=1)
        given = (w * u).sum(1, keepdim=True)
        # softplus(a + log(e - 1)) - 1 is above -1 and 0 at 0, so u stays as it is where w is small.
        wu = 0.999 * nn.functional.softplus(given + 0.541324855) - 0.999
        u = u + (wu - given) * w / (w.square().sum(1, keepdim=True) + 1e-6)
        return cls(u, w, b, (w * u).sum(1, keepdim=True).clamp_min(-0.999))

    def call_and_ladj(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Carries z, with log |det| = log(1 + w . u (1 - tanh^2))."""
        bent = torch.tanh((self.w * z).sum(1, keepdim=True) + self.b)
        return z + self.u * bent, torch.log1p(self.wu * (1 - bent.square())).squeeze(1)


class _Back(NamedTuple):
    """A planar step's inverse: a = w . z solves a + w . u tanh(a + b) = w . z', which rises in a."""

    step: _Planar

    def call_and_ladj(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Carries z' back, with log |det| of the way back."""
        step = self.step
        target = (step.w * z).sum(1, keepdim=True)
        with torch.no_grad():
            low, high = target - step.wu.abs(), target + step.wu.abs()
            for _ in range(40):
                a = 0.5 * (low + high)
                below = a + step.wu * torch.tanh(a + step.b) < target
                low, high = torch.where(below, a, low), torch.where(below, high, a)
            slope = 1 + step.wu * (1 - torch.tanh(a + step.b).square())
        a = a - (a + step.wu * torch.tanh(a + step.b) - target) / slope  # one step of Newton's carries the gradient
        bent = torch.tanh(a + step.b)
        return z - step.u * bent, -torch.log1p(step.wu * (1 - bent.square())).squeeze(1)
