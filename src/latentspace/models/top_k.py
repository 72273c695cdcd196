"""The top-k network: a wide layer of which an item may use k features, read by one linear layer."""

import torch
from torch import Tensor, nn

from .posteriors import Point

_REVIVAL = 1 / 32  # weight of the dead features' loss


class TopK(nn.Module):
    """z = the k largest of max(0, W_e (x - b) + c), all others 0        x_hat = W_d z + b

    Trained on |x - x_hat|^2 as a share of |x|^2 (Gao et al., "Scaling and evaluating sparse autoencoders", 2024). The
    columns of W_d have norm 1, so that features cannot hide in small activations and large directions. A feature that
    no item has used for a whole pass is dead; the dead together learn to rebuild what the others leave.

    Parameters
    ----------
    shape : tuple of int
        Of one item; it is flattened to p values.
    dims : int
        Features.
    k : int
        Features that an item may use.
    """

    idle: Tensor  # (dims,): items since each feature was last used

    def __init__(self, shape: tuple[int, ...], dims: int, k: int):
        super().__init__()
        self.shape, self.k = shape, k
        p = int(torch.Size(shape).numel())
        self.encoder = nn.Linear(p, dims)
        self.decoder = nn.Linear(dims, p)
        self.register_buffer("idle", torch.zeros(dims))
        self.pass_length = 1

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draws directions; the encoder starts as the decoder's transpose."""
        self.decoder.weight.normal_(generator=generator)
        self.after_step()
        self.encoder.weight.copy_(self.decoder.weight.T)
        self.encoder.bias.zero_()
        self.decoder.bias.zero_()

    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Learns how long a pass over the items x (n, ...) is."""
        self.pass_length = len(x)

    def infer(self, x: Tensor) -> Point:
        """x of shape (n, ...) to z (n, dims), of which at most k are above 0."""
        return Point(_largest(self._features(x), self.k))

    def decode(self, z: Tensor) -> Tensor:
        """z of shape (n, dims) to x_hat."""
        return self.decoder(z).unflatten(1, self.shape)

    def loss(self, x: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns what training lowers for a batch, and its terms: squares as shares of the items' own."""
        h = self._features(x)
        z = _largest(h, self.k)
        left = x.flatten(1) - self.decoder(z)
        size = x.square().sum() + 1e-12
        unexplained = left.square().sum() / size
        terms = {"unexplained": unexplained.detach()}
        dead = self.idle >= self.pass_length
        if not self.training:
            return unexplained, terms
        terms["dead"] = dead.sum()
        with torch.no_grad():
            self.idle.add_(len(x)).mul_(~(z > 0).any(0))
        if not dead.any():
            return unexplained, terms
        revived = _largest(h.masked_fill(~dead, -torch.inf), min(int(dead.sum()), max(1, h.shape[1] // 2)))
        revival = (left.detach() - revived @ self.decoder.weight.T).square().sum() / size
        return unexplained + _REVIVAL * revival, terms

    @torch.no_grad()
    def after_step(self) -> None:
        """Brings every feature's direction back to norm 1."""
        self.decoder.weight.div_(torch.linalg.vector_norm(self.decoder.weight, dim=0).clamp_min(1e-12))

    @torch.no_grad()
    def activity(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns each feature's variance over items x (n, ...), and whether any of them uses it: (dims,) both."""
        z = self.infer(x).mean
        return z.var(0, correction=0), (z > 0).any(0)

    def _features(self, x: Tensor) -> Tensor:
        return self.encoder(x.flatten(1) - self.decoder.bias)


def _largest(h: Tensor, k: int) -> Tensor:
    """Keeps the k largest values of every row where they are above 0, and sets all others to 0."""
    values, places = h.topk(k, dim=1)
    return torch.zeros_like(h).scatter(1, places, torch.relu(values))
