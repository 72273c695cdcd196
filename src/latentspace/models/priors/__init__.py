"""p(z): what the posterior is pulled towards, and what a model draws from when no density is fitted to its latents.

A prior is a module made from `dims`, with a `space` as posteriors have (None: the posterior's), `log_prob(z)` (n,) in
nats and `sample(n, generator)` (n, dims). One that learns is a module with parameters. What it needs besides it gets
through two hooks: `attach(model)`, called once the model is put together, and `start(x, generator)`, called with the
items before training.
"""

from torch import nn

from .normal import StandardNormal

__all__ = ["PRIORS", "StandardNormal"]

PRIORS: dict[str, type[nn.Module]] = {"normal": StandardNormal}
