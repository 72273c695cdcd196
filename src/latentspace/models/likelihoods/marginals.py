"""Columns of numbers as normal scores: each value by the share of items below it, and back."""

import math

import torch
from torch import Tensor, nn

_KNOTS = (
    257  # of a column's quantiles, evenly in scores: 0.03 apart, so that a value of 1% of all has a step of its own
)
LEVELS = 64  # different values up to which a column has a step for each
_FAR = 1e3  # a score beyond all: its probability is 0 in float32, and its gradient finite
_MOST = 5.0


class Marginals(nn.Module):
    """t = F^-1(share of items below x), F the standard normal distribution, for each of m columns on its own.

    Whatever a column's distribution is, scores are standard normal, so that one scale suits prices, counts and shares,
    and no outlier rules. The way back gives nothing outside the range seen, and of a column with few different values
    (up to 64, each twice on average) only values that were there. Such a value covers an interval of scores.
    """

    knots: Tensor
    marks: Tensor
    most: Tensor
    levels: Tensor
    edges: Tensor
    medians: Tensor
    sizes: Tensor

    def __init__(self, m: int):
        super().__init__()
        self.register_buffer("knots", torch.linspace(-1, 1, _KNOTS).repeat(m, 1))  # values at even scores
        self.register_buffer("marks", torch.linspace(-1, 1, _KNOTS).repeat(m, 1))  # scores of values that are a knot
        self.register_buffer("most", torch.ones(m))  # the largest score
        self.register_buffer("levels", torch.zeros(m, LEVELS))  # values, where they are few; padded with the last
        self.register_buffer("edges", torch.full((m, LEVELS + 1), _FAR))  # scores between them
        self.register_buffer("medians", torch.zeros(m, LEVELS))  # scores that stand for each
        self.register_buffer("sizes", torch.zeros(m))  # how many levels; 0 where values are many

    @torch.no_grad()
    def start(self, x: Tensor, there: Tensor) -> None:
        """Learns from values x (n, m), of which those where `there` (n, m) is false say nothing."""
        for column in range(x.shape[1]):
            values = x[there[:, column], column].sort().values
            if not len(values):
                values = x.new_zeros(1)
            levels, counts = torch.unique_consecutive(values, return_counts=True)
            few = len(levels) == 1 or (len(levels) <= LEVELS and 2 * len(levels) <= len(values))
            self.sizes[column] = len(levels) if few else 0
            if few:
                self._take_levels(column, levels, counts.double().cumsum(0)[:-1] / len(values))
            self._take_knots(column, values)

    def _take_levels(self, column: int, levels: Tensor, below: Tensor) -> None:
        """Keeps the different values of a column and, of all but the last, the share of items up to them."""
        self.levels[column] = levels[-1]
        self.levels[column, : len(levels)] = levels
        self.edges[column] = _FAR
        self.edges[column, 0] = -_FAR
        self.edges[column, 1 : len(levels)] = torch.special.ndtri(below).float()
        self.medians[column] = _middle(self.edges[column, :-1], self.edges[column, 1:]).clamp(-_MOST, _MOST)

    def _take_knots(self, column: int, values: Tensor) -> None:
        """Keeps quantiles of sorted values at even scores, the least and the largest among them."""
        most = min(max(float(torch.special.ndtri(torch.tensor(1 - 0.5 / len(values)))), 1.0), _MOST)
        scores = torch.linspace(-most, most, _KNOTS, dtype=torch.float64)
        place = torch.special.ndtr(scores) * (len(values) - 1)
        place[0], place[-1] = 0, len(values) - 1
        low = place.floor().long()
        high = (low + 1).clamp_max(len(values) - 1)
        knots = values[low].lerp(values[high], (place - low).to(values.dtype))
        first = torch.searchsorted(knots, knots)
        last = torch.searchsorted(knots, knots, right=True) - 1
        self.knots[column], self.most[column] = knots, most
        self.marks[column] = torch.where(first < last, _middle(scores[first], scores[last]), scores)

    def interval(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Values (n, m) to the scores (n, m) between which each lies: twice the same where a column has many."""
        one, place, few = self._score(x), self._level(x), self.sizes > 0
        low, high = (torch.where(few, self.edges.gather(1, place + step).T, one) for step in (0, 1))
        return low, high

    def scores(self, x: Tensor) -> Tensor:
        """Values (n, m) to one score each: the median of those in its interval."""
        return torch.where(self.sizes > 0, self.medians.gather(1, self._level(x)).T, self._score(x))

    def values(self, t: Tensor) -> Tensor:
        """Scores (n, m) to values (n, m)."""
        place = torch.searchsorted(self.edges, t.T.contiguous()).sub_(1).clamp_(0, LEVELS - 1)
        level = self.levels.gather(1, place).T
        at = ((t / self.most + 1) / 2 * (_KNOTS - 1)).clamp(0, _KNOTS - 1).T
        low = at.floor().clamp_max(_KNOTS - 2)
        below, above = (self.knots.gather(1, low.long() + step) for step in (0, 1))
        return torch.where(self.sizes > 0, level, below.lerp(above, at - low).T)

    def _level(self, x: Tensor) -> Tensor:
        """Values (n, m) to the nearest level of each, (m, n)."""
        middles = (self.levels[:, 1:] + self.levels[:, :-1]) / 2
        last = (self.sizes - 1).clamp_min(0).long()[:, None]
        return torch.minimum(torch.searchsorted(middles, x.T.contiguous()), last)

    def _score(self, x: Tensor) -> Tensor:
        """Values (n, m) to scores between the knots; where knots are equal, the median of theirs."""
        x = x.T.contiguous()  # (m, n)
        left = torch.searchsorted(self.knots, x)
        right = torch.searchsorted(self.knots, x, right=True)
        high = left.clamp(1, _KNOTS - 1)
        below, above = self.knots.gather(1, high - 1), self.knots.gather(1, high)
        between = high - 1 + ((x - below) / (above - below).clamp_min(1e-30)).clamp(0, 1)
        between = ((2 * between / (_KNOTS - 1)) - 1) * self.most[:, None]
        return torch.where(right > left, self.marks.gather(1, left.clamp_max(_KNOTS - 1)), between).T


def _middle(low: Tensor, high: Tensor) -> Tensor:
    """The score that halves the probability between two."""
    return torch.special.ndtri((torch.special.ndtr(low) + torch.special.ndtr(high)) / 2)


def log_mass(low: Tensor, high: Tensor) -> Tensor:
    """Logarithm of the standard normal probability between `low` and `high`, without differences of near equals.

    >>> round(float(log_mass(torch.tensor(-1.0), torch.tensor(1.0)).exp()), 4)
    0.6827
    """
    above = low > 0  # by symmetry, the two are always taken on the side where the smaller numbers are
    upper, lower = torch.where(above, -low, high), torch.where(above, -high, low)
    log_upper, log_lower = torch.special.log_ndtr(upper), torch.special.log_ndtr(lower)
    return log_upper + torch.log(-torch.expm1((log_lower - log_upper).clamp_max(-1e-7)))


def log_density(t: Tensor) -> Tensor:
    """Logarithm of the standard normal density."""
    return -0.5 * (t.square() + math.log(2 * math.pi))
