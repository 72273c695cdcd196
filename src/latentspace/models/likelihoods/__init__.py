"""p(x given z): what a decoder's outputs mean, as nats of negative log-likelihood and as the reconstruction they give.

A likelihood reads `heads` numbers a feature, laid out along the first axis of an item: outputs (n, heads * c, ...) for
x of shape (n, c, ...). Each works in one unit of x (see `scaling`), which the data tells.
"""

from .base import Likelihood
from .bernoulli import Bernoulli
from .categorical import Categorical
from .columns import Columns
from .counts import Multinomial, NegativeBinomial, Poisson
from .feature_matching import FeatureMatching
from .logistic_mixture import LogisticMixture
from .ms_ssim import MultiScaleSimilarity
from .scaled import Gaussian, GaussianPerDim, Laplace
from .spherical import VonMisesFisher

LIKELIHOODS: dict[str, type[Likelihood]] = {
    kind.name: kind
    for kind in (
        Bernoulli, Gaussian, GaussianPerDim, Laplace, LogisticMixture, Multinomial, Poisson, NegativeBinomial,
        MultiScaleSimilarity, FeatureMatching, Columns, Categorical, VonMisesFisher,
    )
}  # fmt: skip

__all__ = [
    "LIKELIHOODS", "Bernoulli", "Categorical", "Columns", "FeatureMatching", "Gaussian", "GaussianPerDim", "Laplace",
    "Likelihood", "LogisticMixture", "MultiScaleSimilarity", "Multinomial", "NegativeBinomial", "Poisson",
    "VonMisesFisher",
]  # fmt: skip
