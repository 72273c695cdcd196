"""A compressive model's networks, in torch: what a block's coefficients may be, and what smooths decoded blocks."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import BINS, LEAK, RING, SIDE, ring_size

MIXTURE = 3  # logistics of a coefficient's distribution
CEILING = 1023 / 64  # of hidden units: ten bits where they are whole numbers
LOW_SCALE, HIGH_SCALE = -7.0, 3.0  # logarithms of a logistic's scale


class Context(nn.Module):
    """p(coefficients of a block | what is above and left of it, its place, the step), one coefficient after the other.

    A coefficient is seen in units of 64 grey levels. Its distribution is a mixture of logistics (Salimans et al.,
    2017),
    whose parameters follow from the ring of decoded pixels and from the block's coefficients before it.
    """

    def __init__(self, channels: int, wide: int, narrow: int, generator: torch.Generator):
        super().__init__()
        p = SIDE**2 * channels
        self.p, self.narrow = p, narrow

        def normal(*shape: int, fan: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * (1.5 / fan) ** 0.5)

        ring = ring_size(channels)
        self.first, self.first_bias = normal(ring, wide, fan=ring), nn.Parameter(torch.zeros(wide))
        self.row, self.column = nn.Parameter(torch.zeros(BINS, wide)), nn.Parameter(torch.zeros(BINS, wide))
        self.step = normal(2, wide, fan=16)
        self.second, self.second_bias = normal(wide, wide, fan=wide), nn.Parameter(torch.zeros(wide))
        self.third, self.third_bias = normal(wide, p * narrow, fan=wide), nn.Parameter(torch.zeros(p * narrow))
        self.before: Tensor
        self.chain = nn.Parameter(torch.randn(p, p, narrow, generator=generator) * 0.03)
        self.last = nn.Parameter(torch.randn(p, narrow, 3 * MIXTURE, generator=generator) * 0.1)
        bias = torch.zeros(p, 3 * MIXTURE)
        bias[:, MIXTURE : 2 * MIXTURE] = torch.linspace(-0.3, 0.3, MIXTURE)
        bias[:, 2 * MIXTURE :] = -2.0
        self.last_bias = nn.Parameter(bias)
        # A coefficient sees those before it.
        self.register_buffer("before", torch.triu(torch.ones(p, p), 1)[:, :, None], persistent=False)

    def forward(self, ring: Tensor, rows: Tensor, columns: Tensor, step: Tensor, c: Tensor) -> Tensor:
        """Parameters (m, p, 9) of blocks' coefficients c (m, p), from rings (m, r), places (m,) and steps (m, 2)."""
        h = ring @ self.first + self.first_bias + self.row[rows] + self.column[columns] + step @ self.step
        h = h.clamp(0, CEILING)
        h = (h @ self.second + self.second_bias).clamp(0, CEILING)
        h = (h @ self.third + self.third_bias).reshape(-1, self.p, self.narrow)
        h = h + (c @ (self.chain * self.before).reshape(self.p, -1)).reshape(-1, self.p, self.narrow)
        return torch.einsum("mjh,jho->mjo", h.clamp(0, CEILING), self.last) + self.last_bias


def bits(parameters: Tensor, c: Tensor, step: Tensor) -> Tensor:
    """Bits of coefficients c, quantised with a step, under mixtures with these parameters (..., 9); in units of 64."""
    log_weights = F.log_softmax(parameters[..., :MIXTURE], -1)
    mean = parameters[..., MIXTURE : 2 * MIXTURE]
    inverse = torch.exp(-parameters[..., 2 * MIXTURE :].clamp(LOW_SCALE, HIGH_SCALE))
    low = ((c - step / 2)[..., None] - mean) * inverse
    high = ((c + step / 2)[..., None] - mean) * inverse
    sign = torch.where(low + high > 0, -1.0, 1.0)  # the tail where a difference of sigmoids is exact
    mass = (torch.sigmoid(sign * high) - torch.sigmoid(sign * low)).abs()
    return -torch.log2((log_weights.exp() * mass).sum(-1) + 2.0**-16)


class Smooth(nn.Module):
    """Adds to decoded blocks (n, p, rows, columns), in units of 64 grey levels, what their neighbours tell of them."""

    def __init__(self, channels: int, width: int, generator: torch.Generator):
        super().__init__()
        p = SIDE**2 * channels
        sizes = [(p + 2, width), (width, width), (width, p)]
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(b, a, 3, 3, generator=generator) * (1.5 / (9 * a)) ** 0.5 * (b != p))
            for a, b in sizes
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(b)) for _, b in sizes)

    def forward(self, blocks: Tensor, step: Tensor) -> Tensor:
        """Blocks (n, p, rows, columns) and steps (n, 2) to blocks."""
        told = step[:, :, None, None].expand(-1, -1, *blocks.shape[2:])
        h = torch.cat([blocks, told], 1)
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = F.conv2d(h if place == 0 else F.leaky_relu(h, LEAK), weight, bias, padding=1)
        return blocks + h


def rings(pictures: Tensor) -> Tensor:
    """The ring of each block of pictures (n, c, h, w), whose sides are multiples of 4: (n, rows, columns, r).

    Above: RING rows, from RING pixels left of the block to RING right of it; then RING columns on its left. Outside is
    0.
    """
    n, _, h, w = pictures.shape
    rows, columns = h // SIDE, w // SIDE
    padded = F.pad(pictures, (RING, RING, RING, 0))
    above = padded[:, :, :h].unfold(2, RING, SIDE).unfold(3, SIDE + 2 * RING, SIDE)
    left = padded[:, :, RING:, : w + RING].unfold(2, SIDE, SIDE).unfold(3, RING, SIDE)[:, :, :, :columns]
    return torch.cat([part.permute(0, 2, 3, 4, 5, 1).reshape(n, rows, columns, -1) for part in (above, left)], -1)
