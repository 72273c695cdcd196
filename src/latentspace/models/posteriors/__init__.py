"""q(z given x): what an encoder's outputs mean. It draws z so that gradients reach the encoder, and has a mean.

A posterior is a module made from `dims`. It says how many `outputs` the encoder must give, in which `space` its latents
live ("euclidean", "sphere", "ball"), whether it is `factorised` over dimensions and `has_density`; called on the
encoder's outputs h (n, outputs) it gives q, which has

- `mean` (n, dims): what `transform` gives, the point that stands for the item;
- `rsample(generator, shared=False)`: draws z (n, dims); `shared` gives all items the same chance, so that what is drawn
  for an item does not depend on the items beside it;

and, where it has a density,

- `rsample_with_log_prob(generator, shared=False)`: z and its log-density (n,) in nats, which often share work;
- `log_prob(z)` (n,) at any z (n, dims);
- `log_prob_of_each(z)`: where it is factorised, of every z (m, dims) under every item's q by dimension, (m, n, dims);
- `kl(prior)`: the KL in nats where a closed form is known, by dimension (n, dims) or whole (n, 1); None where none is.
"""

from typing import Any

from .ball import BallPosterior
from .flows import IAFPosterior, MAFPosterior, PlanarPosterior
from .gaussian import Gaussian, GaussianPosterior
from .point import Point, PointPosterior
from .sphere import SpherePosterior

__all__ = ["POSTERIORS", "Gaussian", "Point"]

POSTERIORS: dict[str, Any] = {
    posterior.name: posterior
    for posterior in (
        GaussianPosterior, IAFPosterior, MAFPosterior, PlanarPosterior, SpherePosterior, BallPosterior, PointPosterior,
    )
}  # fmt: skip
