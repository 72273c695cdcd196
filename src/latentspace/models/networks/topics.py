"""Networks of topics: z says how much of each a text has, and a topic is what it does to every word's share.

Topics multiply in `TopicDecoder` ("topics") and add in `MixtureDecoder` ("mixture").
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from .dense import DenseEncoder, Shape
from .starting import Starts

_NEVER = 1e-8  # how often, of as often as in the data, a topic has a word at least: logarithms of 0 have no gradient


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

    spread = 0.3  # of the logarithms at the start; a tenth of it left a fifth of topics as copies of others

    def __init__(self, shape: Shape, hidden: tuple[int, ...], dims: int, heads: int):
        super().__init__()
        self.shape = (heads * shape[0], *shape[1:])
        self.beta = nn.Parameter(torch.empty(dims, math.prod(self.shape)))

    def settle(self, generator: torch.Generator) -> None:
        """Draws beta normally."""
        nn.init.normal_(self.beta, std=self.spread, generator=generator)

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
