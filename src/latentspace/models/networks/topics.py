"""Networks of topics: z says how much of each a text has, and a topic is what it does to every word's share.

Topics multiply in `TopicDecoder` ("topics") and add in `MixtureDecoder` ("mixture").
"""

import math
import warnings
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn

from .dense import DenseEncoder, Shape
from .starting import Starts

_NEVER = 1e-8  # how often, of as often as in the data, a topic has a word at least: logarithms of 0 have no gradient
_LOOKED_AT = 8192  # items that topics begin from
_ROUNDS = 50  # of the factorisation
_EVENLY = 0.1  # of each topic, at the beginning, is as the data: what it has none of could never enter it


class TopicDecoder(Starts):
    """outputs = norm(theta @ beta),  theta = softmax(z): the product of experts of ProdLDA.

    Each word's output is a mixture of the topics', before the likelihood's softmax, so that topics multiply rather than
    add: they can be sharper than the texts. Batch normalisation of the outputs keeps topics from collapsing into one
    another at the start (Srivastava and Sutton, "Autoencoding variational inference for topic models", 2017).
    """

    def __init__(self, shape: Shape, hidden: tuple[int, ...], dims: int, heads: int):
        super().__init__()
        self.shape = (heads * shape[0], *shape[1:])
        self.beta = nn.Parameter(torch.empty(dims, math.prod(self.shape)))
        self.norm = Norm(math.prod(self.shape))

    def settle(self, generator: torch.Generator) -> None:
        """Draws beta uniformly, with the variance of a layer that keeps its input's (Glorot and Bengio, 2010)."""
        bound = math.sqrt(6 / sum(self.beta.shape))
        nn.init.uniform_(self.beta, -bound, bound, generator=generator)

    def forward(self, z: Tensor) -> Tensor:
        return self.norm(torch.softmax(z, 1) @ self.beta).unflatten(1, self.shape)

    def topics(self) -> Tensor:
        """Each topic alone, (dims, p): what it gives when a text holds nothing else."""
        return self.norm(self.beta)


class MixtureDecoder(Starts):
    """outputs = log(theta @ exp(topics)),  theta = softmax(z): a text's words are shared out among its topics.

    The mixture of LDA (Blei, Ng and Jordan, 2003). A topic is how many times as often as in the data it has each word,
    in logarithms, with a mean of 1 over words: softmax(beta) * p. Added, topics are no sharper than the texts, and each
    must stand for words that are in texts together; multiplied, they need not.
    """

    spread = 0.1  # of the logarithms at the start, which tells apart topics that begin with the same parts

    def __init__(self, shape: Shape, hidden: tuple[int, ...], dims: int, heads: int):
        super().__init__()
        self.shape = (heads * shape[0], *shape[1:])
        self.beta = nn.Parameter(torch.empty(dims, math.prod(self.shape)))

    def settle(self, generator: torch.Generator) -> None:
        """Draws beta normally."""
        nn.init.normal_(self.beta, std=self.spread, generator=generator)

    @torch.no_grad()
    def start(self, likelihood: Any, x: Tensor, generator: torch.Generator) -> None:
        """Begins with the parts of a short non-negative factorisation of the items' directions.

        Topics that begin alike share out the texts by chance, and some end as copies of others.
        """
        if not hasattr(likelihood, "parts") or not (x > 0).any():
            return
        rows = nn.functional.normalize(x[:_LOOKED_AT].flatten(1), dim=1).cpu().numpy()
        seed = int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", ConvergenceWarning)  # a beginning is enough
            parts = NMF(len(self.beta), max_iter=_ROUNDS, random_state=seed).fit(csr_array(rows)).components_
        if not np.isfinite(parts).all():  # singular vectors of rows that are all alike
            return
        parts = torch.from_numpy(parts).to(self.beta)
        shares = parts / parts.sum(1, keepdim=True).clamp_min(1e-12)
        lift = shares / torch.softmax(likelihood.log_base, 0)
        self.beta.add_(torch.log((1 - _EVENLY) * lift + _EVENLY))

    def forward(self, z: Tensor) -> Tensor:
        mixed = torch.softmax(z, 1) @ self.topics().exp()
        return torch.log(mixed + _NEVER).unflatten(1, self.shape)

    def topics(self) -> Tensor:
        """Each topic alone, (dims, p): what it gives when a text holds nothing else."""
        return torch.log_softmax(self.beta, 1) + math.log(self.beta.shape[1])


class Norm(nn.Module):
    """(h - mean) / deviation for every output: over the batch in training, then as training left them on average.

    No scale is learned: it would undo what the norm is for. A shift is.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, outputs: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(outputs))
        self.register_buffer("variance", torch.ones(outputs))
        self.shift = nn.Parameter(torch.zeros(outputs))

    def forward(self, h: Tensor) -> Tensor:
        of_batch = self.training and len(h) > 1  # one item alone has no deviation
        return nn.functional.batch_norm(h, self.mean, self.variance, bias=self.shift, training=of_batch)


class TopicEncoder(DenseEncoder):
    """Dense layers, whose outputs are normalised too."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...], outputs: int):
        super().__init__(shape, hidden, outputs)
        self.norm = Norm(outputs)

    def forward(self, x: Tensor) -> Any:
        return self.norm(super().forward(x))
