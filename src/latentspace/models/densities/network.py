"""Densities that are networks: trained by the models' own loop on white latents, kept as weights."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...optional import require

require("torch", "neural", "a learned density")

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from .. import training  # noqa: E402
from ..threads import in_chunks  # noqa: E402
from ..weights import put_weights, split_weights, weights_of  # noqa: E402
from .whitened import WhitenedDensity  # noqa: E402

_BATCH = 256
_HELD_OUT = 0.1  # share of the latents that tells when to stop
_ROWS = 256  # latents at once when drawing and evaluating
_BLUR = 0.02  # deviations of noise on the latents it learns from: repeated latents ask for no infinite density


class DensityNetwork(nn.Module):
    """What a density's network answers; the loop of `training` trains it by `loss`."""

    def nll(self, u: Tensor, generator: torch.Generator) -> Tensor:
        """What training lowers, a scalar in nats a latent or another of which less is better."""
        raise NotImplementedError

    def log_prob(self, u: Tensor) -> Tensor:
        """Log-density of white latents (n, dims), of shape (n,)."""
        raise NotImplementedError

    def push(self, noise: Tensor) -> Tensor:
        """Carries standard normal noise (n, dims) to white latents."""
        raise NotImplementedError

    def loss(self, x: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        """`nll` of slightly blurred latents."""
        noise = torch.empty_like(x).normal_(generator=generator)
        return self.nll(x + _BLUR * noise, generator), {}

    def activity(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Says that every dimension counts."""
        return x.new_ones(x.shape[1]), torch.ones(x.shape[1], dtype=torch.bool)


class NetworkDensity(WhitenedDensity):
    """A density that a network learns; a family says which, and how long it takes."""

    rows_at_most = 20_000
    rebuilt = frozenset({"network_"})
    steps: int
    learning_rate: float
    warm_up: float = 0.0  # share of training over which the loss itself changes

    network_: DensityNetwork

    def fit(self, z: Any, y: Any = None) -> Any:
        """Fits the density to latents (n, dims)."""
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise ValueError(f"steps={self.steps!r} must be an integer of at least 1.")
        return super().fit(z)

    @abstractmethod
    def _network(self, dims: int) -> DensityNetwork:
        """The network for so many dims, its weights not yet drawn; its size follows from dims alone."""

    @abstractmethod
    def _start(self, network: DensityNetwork, generator: torch.Generator) -> None:
        """Draws the starting weights, such that the density is near the Gaussian."""

    def _learn(self, u: np.ndarray, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        network = self._built(u.shape[1])
        self._start(network, generator)
        order = torch.randperm(len(u), generator=generator)
        x, held = torch.from_numpy(u), round(_HELD_OUT * len(u))
        settings = training.Settings(
            epochs=training.enough_epochs(len(u) - held, _BATCH, self.steps), batch_size=_BATCH,
            learning_rate=self.learning_rate, weight_decay=0.01, patience=10, warm_up=self.warm_up, threads=1,
            device="cpu", seed=seed,
        )  # fmt: skip
        training.train(network, x, order[held:], x[order[:held]], settings, generator=generator)
        self.network_ = network.double().eval().requires_grad_(False)

    def _draw_white(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self._apply(self.network_.push, rng.standard_normal((n, self._dims)))

    def _log_prob_white(self, u: np.ndarray) -> np.ndarray:
        return self._apply(self.network_.log_prob, u)

    def _apply(self, work: Callable[[Tensor], Tensor], u: np.ndarray) -> np.ndarray:
        """In chunks of a fixed size, in float64: the integral of a density and its inverse show float32's rounding."""
        return in_chunks(work, torch.from_numpy(np.ascontiguousarray(u)), _ROWS, 1).numpy()

    def _built(self, dims: int) -> DensityNetwork:
        with torch.random.fork_rng(devices=[]):  # layers draw starting weights from the global generator, unasked
            return self._network(dims)

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
        """Returns `(params, facts, arrays)`; weights are arrays named as "network/layers.0.weight"."""
        params, facts, arrays = super().get_state()
        if self.learned_:
            arrays |= weights_of(self.network_, "network")
        return params, facts, arrays

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        weights, own = split_weights(arrays, "network")
        super()._set_state(facts, own)
        if self.learned_:
            self.network_ = put_weights(self._built(self._dims).double(), weights, f"{self.family} density")
