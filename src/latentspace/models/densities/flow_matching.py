"""Flow matching over the latents: a field that carries noise to them, learned by regression, followed step by step."""

import itertools
import math
from typing import Any

from ...optional import require

require("torch", "neural", "density='flow-matching'")

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from ..networks import initialise  # noqa: E402
from .network import DensityNetwork, NetworkDensity  # noqa: E402

_WIDTH = 128
_WAVES = 4  # frequencies that the field sees time by
_STEPS = 12  # of the fourth-order Runge-Kutta rule: on latents of digits 40 change log_prob by 0.0002 nats
_EXACT = 32  # dims up to which the divergence is exact
_PROBES = 16  # directions that stand for all of them past that


class FlowMatchingDensity(NetworkDensity):
    """A continuous flow trained by flow matching (Lipman et al., 2023) on white latents.

    du/dt = v(u, t) from noise at t = 0 to latents at t = 1;    v regresses u_1 - u_0 on u_t = (1 - t) u_0 + t u_1

    Samples follow the field by 12 Runge-Kutta steps. `log_prob` follows it backwards and integrates its divergence:
    exactly up to 32 dims, past that by 16 random directions (Hutchinson's estimate), the same ones for all latents and
    calls, so scores repeat, and are right on average.

    Parameters
    ----------
    steps : int, default=2000
        Of training, 256 latents each.
    manifold : {"euclidean", "sphere", "ball"}, default="euclidean"
        Where the latents live.
    random_state : int, RandomState or None, default=None
        Draws the 20,000 items that stand for all when there are more, weights, order and noise.
    """

    family = "flow-matching"
    learning_rate = 4e-3

    def __init__(self, *, steps: int = 2000, manifold: str = "euclidean", random_state: Any = None):
        self.steps = steps
        self.manifold = manifold
        self.random_state = random_state

    def _network(self, dims: int) -> "VectorField":
        return VectorField(dims)

    def _start(self, network: Any, generator: torch.Generator) -> None:
        initialise(network, generator)
        network.layers[-1].weight.data.zero_()  # no field: the density is the Gaussian


class VectorField(DensityNetwork):
    """v(u, t): dense layers on u and on waves of t."""

    judged = False  # chance in times and noises outweighs what an epoch gains: it would say when to stop

    def __init__(self, dims: int):
        super().__init__()
        self.dims = dims
        widths = [dims + 1 + 2 * _WAVES, _WIDTH, _WIDTH, _WIDTH]
        layers: list[nn.Module] = []
        for into, out in itertools.pairwise(widths):
            layers += [nn.Linear(into, out), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(_WIDTH, dims))

    def forward(self, u: Tensor, t: Tensor) -> Tensor:
        """The field at u (n, dims) and times t (n, 1)."""
        return self.layers(self._seen(u, t))

    def _seen(self, u: Tensor, t: Tensor) -> Tensor:
        phase = t * (math.pi * 2.0 ** torch.arange(_WAVES, dtype=u.dtype))
        return torch.cat([u, t, phase.sin(), phase.cos()], dim=1)

    def nll(self, u: Tensor, generator: torch.Generator) -> Tensor:
        """The regression's squared error: not a likelihood, but it falls with one."""
        noise = torch.empty_like(u).normal_(generator=generator)
        # Stratified times: one in each of n equal parts of [0, 1], for a fraction of the variance of independent ones.
        t = torch.rand(1, generator=generator, dtype=u.dtype) + torch.arange(len(u), dtype=u.dtype) / len(u)
        t = (t % 1)[:, None]
        return (self(torch.lerp(noise, u, t), t) - (u - noise)).square().sum(1).mean()

    def push(self, noise: Tensor) -> Tensor:
        with torch.no_grad():
            return _integrate(lambda u, t: self(u, t), noise, 0.0, 1.0)

    def log_prob(self, u: Tensor) -> Tensor:
        """log N(u_0; 0, 1) minus the integral of the divergence along the way from u_0 to u."""
        state = _integrate(self._with_divergence, torch.cat([u, torch.zeros_like(u[:, :1])], dim=1), 1.0, 0.0)
        start, gained = state[:, :-1], state[:, -1]  # integrated backwards, so `gained` is minus the integral
        return -0.5 * (start.square().sum(1) + self.dims * math.log(2 * math.pi)) + gained

    def _with_divergence(self, state: Tensor, t: Tensor) -> Tensor:
        """The field and its divergence, the sum over probes of probe . (J probe), at state (n, dims + 1)."""
        probes = self._probes(state.dtype)  # (k, dims)
        h = self._seen(state[:, :-1], t)
        moved = torch.nn.functional.pad(probes, (0, h.shape[1] - self.dims)).expand(len(h), -1, -1)  # (n, k, inputs)
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                h, moved = layer(h), moved @ layer.weight.T
            else:
                gate = torch.sigmoid(h)
                h, moved = h * gate, moved * (gate * (1 + h * (1 - gate)))[:, None]  # SiLU and its slope
        return torch.cat([h, (moved * probes).sum((1, 2))[:, None]], dim=1)

    def _probes(self, dtype: torch.dtype) -> Tensor:
        """Directions whose squared sum is the identity, exactly or on average."""
        if self.dims <= _EXACT:
            return torch.eye(self.dims, dtype=dtype)
        signs = torch.randint(0, 2, (_PROBES, self.dims), generator=torch.Generator().manual_seed(0))
        return (2 * signs - 1).to(dtype) / math.sqrt(_PROBES)


def _integrate(field: Any, u: Tensor, begin: float, end: float) -> Tensor:
    """Follows a field from time `begin` to `end` by the classical Runge-Kutta rule."""
    h = (end - begin) / _STEPS
    for step in range(_STEPS):
        t = u.new_full((len(u), 1), begin + step * h)
        a = field(u, t)
        b = field(u + 0.5 * h * a, t + 0.5 * h)
        c = field(u + 0.5 * h * b, t + 0.5 * h)
        d = field(u + h * c, t + h)
        u = u + h / 6 * (a + 2 * b + 2 * c + d)
    return u
