"""p(z): what the posterior is pulled towards, and what a model draws from when no density is fitted to its latents.

A prior is a module made from `dims`, with a `space` as posteriors have (None: the posterior's), `log_prob(z)` (n,) in
nats and `sample(n, generator)` (n, dims); a normal one around 0 says its `variance`. One that learns is a module with
parameters. What it needs besides it gets through two hooks: `attach(model, shape)`, called once the model for items of
a shape is put together, and `start(x, generator)`, called with the items before training.
"""

from torch import nn

from .ball import BallPrior
from .dirichlet import DirichletPrior
from .flow import FlowPrior
from .mixture import MixturePrior
from .normal import StandardNormal
from .sphere import UniformSphere
from .vamp import VampPrior

__all__ = ["PRIORS", "StandardNormal"]

PRIORS: dict[str, type[nn.Module]] = {
    prior.name: prior
    for prior in (StandardNormal, VampPrior, MixturePrior, FlowPrior, UniformSphere, BallPrior, DirichletPrior)
}
