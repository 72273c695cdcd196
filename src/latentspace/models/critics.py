"""Critics: networks that tell two kinds of things apart, which a part of a model learns in a turn of its own.

At its best a critic's score is the log-ratio of the two densities, log p_first - log p_second, in nats
(Goodfellow et al., 2014; Sugiyama et al., 2012), so what it has learned can be weighed against a likelihood.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

BETAS = (0.5, 0.9)  # AdamW's, for a critic whose task changes under it
_WIDTH = 256


class Critic(nn.Sequential):
    """z of shape (n, dims) to a score (n, 1), through two layers; no normalisation, which would tie items together."""

    def __init__(self, dims: int):
        super().__init__(
            nn.Linear(dims, _WIDTH), nn.LeakyReLU(0.2),
            nn.Linear(_WIDTH, _WIDTH), nn.LeakyReLU(0.2),
            nn.Linear(_WIDTH, 1),
        )  # fmt: skip


def two_class_loss(score: Callable[[Tensor], Tensor], first: Tensor, second: Tensor, slope: float = 0.0) -> Tensor:
    """Returns the cross-entropy, in nats, of telling `first` (score high) from `second`: log 4 where nothing does.

    Parameters
    ----------
    score : callable
        (n, ...) to (n, 1).
    first, second : float tensors of shape (n, ...)
        Detached inside: they learn nothing here.
    slope : float
        Weight of R1 and R2, half the squared slope of the score at things of either kind: without it the game of
        critic and model need not settle (Mescheder, Geiger and Nowozin, 2018).
    """
    first, second = first.detach(), second.detach()
    if slope == 0:
        return softplus(-score(first)).mean() + softplus(score(second)).mean()
    both = torch.cat([first, second]).requires_grad_()
    scores = score(both)
    (gradient,) = torch.autograd.grad(scores.sum(), both, create_graph=True)
    ours, theirs = scores.split([len(first), len(second)])
    squares = gradient.flatten(1).square().sum(1)
    return softplus(-ours).mean() + softplus(theirs).mean() + slope * squares.mean()
