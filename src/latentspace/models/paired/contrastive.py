"""Contrastive training: two networks that learn to tell each item's partner from all others."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch import Tensor, nn

from ...progress import Progress
from ..adamw import AdamW
from ..threads import in_chunks, torch_threads
from ..weights import put_weights, split_weights, weights_of
from .base import PairedModel, mean_reciprocal_rank
from .sides import Side, principal

_AXES = 256  # principal axes of each side that its network sees
_HELD, _MOST_HELD = 0.1, 1000  # pairs held out to stop on
_PATIENCE = 20  # epochs without a better rank of held-out partners
_FIRST_SCALE, _LARGEST_SCALE = 1 / 0.07, 100.0  # of likeness, as Radford et al. begin it and bound it
_ROWS = 256  # that are encoded at a time


class Contrastive(PairedModel):
    """Networks of two sides into one space, trained so that partners are alike and others are not (CLIP's loss).

        z = f(x) / |f(x)|     s_ij = exp(t) z_i . w_j     loss = - mean log softmax_j(s_ij)_i / 2 - the same over i

    f is a linear map plus a network with one hidden layer, on a side's coordinates along its 256 widest principal axes.
    The epoch is kept at which held-out partners, a tenth of them, ranked highest among each other. Features of
    pretrained encoders can be a side, as an array.

    Parameters
    ----------
    dims : int, default=64
    split : int or None, default=None
        How many features the first side has; `latentspace.fit(kind="pairs")` sets it.
    hidden : int, default=512
        Width of the hidden layer.
    epochs : int, default=200
        At most.
    batch_size : int, default=256
        Pairs a step; each is told from the others of its batch.
    learning_rate : float, default=0.001
    dropout : float, default=0.3
    weight_decay : float, default=0.1
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    history_ : list of dict
        `loss` in nats, and `validation_rank`, the mean of 1 / rank of held-out partners, epoch by epoch.
    scale_ : float
        exp(t).
    dims_, n_features_in_ : int

    References
    ----------
    Radford et al., "Learning transferable visual models from natural language supervision", 2021.
    """

    family = "contrastive"

    def __init__(
        self,
        dims: int = 64,
        *,
        split: int | None = None,
        hidden: int = 512,
        epochs: int = 200,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        dropout: float = 0.3,
        weight_decay: float = 0.1,
        random_state: Any = None,
    ):
        self.dims = dims
        self.split = split
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.random_state = random_state

    def _learn(self, left: np.ndarray, right: np.ndarray) -> None:
        self._check()
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._sides = principal(left, _AXES), principal(right, _AXES)
        for side, held in zip(("left", "right"), self._sides, strict=True):
            for name, value in held._asdict().items():
                setattr(self, f"{side}_{name}_", value)
        self.dims_ = self.dims
        x, y = (
            torch.from_numpy(side.along(rows).astype(np.float32))
            for side, rows in zip(self._sides, (left, right), strict=True)
        )
        with torch.random.fork_rng(devices=[]), torch_threads(1):  # layers and dropout draw from the global generator
            torch.manual_seed(seed)
            networks = self._built(x.shape[1], y.shape[1])
            self._train(networks, x, y)
        self._networks = networks.eval().requires_grad_(False)

    def _train(self, networks: nn.ModuleList, x: Tensor, y: Tensor) -> None:
        held = torch.randperm(len(x))
        count = min(max(2, int(_HELD * len(x))), _MOST_HELD)
        held, rest = held[:count], held[count:]
        scale = nn.Parameter(torch.tensor(float(np.log(_FIRST_SCALE))))
        decayed = AdamW(networks.parameters(), self.weight_decay)
        undecayed = AdamW([scale], 0.0)
        best, kept, waited = -1.0, networks.state_dict(), 0
        self.history_: list[dict[str, float]] = []
        with Progress("Training", self.epochs) as progress:
            for epoch in range(1, self.epochs + 1):
                losses = [
                    self._step(networks, scale, x[rows], y[rows], decayed, undecayed)
                    for rows in rest[torch.randperm(len(rest))].split(self.batch_size)
                    if len(rows) > 1 or len(rest) == 1
                ]
                rank = self._held_out(networks, x[held], y[held])
                self.history_.append({"epoch": epoch, "loss": float(np.mean(losses)), "validation_rank": rank})
                progress.advance()
                waited += 1
                if rank > best:
                    best, waited = rank, 0
                    kept = {name: value.clone() for name, value in networks.state_dict().items()}
                    self.scale_ = float(scale.detach().exp())
                if waited >= _PATIENCE:
                    break
        networks.load_state_dict(kept)

    def _step(
        self, networks: nn.ModuleList, scale: nn.Parameter, x: Tensor, y: Tensor, decayed: AdamW, undecayed: AdamW
    ) -> float:
        networks.train()
        likeness = scale.exp() * networks[0](x) @ networks[1](y).T
        own = torch.arange(len(x))
        loss = (nn.functional.cross_entropy(likeness, own) + nn.functional.cross_entropy(likeness.T, own)) / 2
        for parameter in [*networks.parameters(), scale]:
            parameter.grad = None
        loss.backward()
        decayed.step(self.learning_rate)
        undecayed.step(self.learning_rate)
        with torch.no_grad():
            scale.clamp_(max=float(np.log(_LARGEST_SCALE)))
        return loss.item()

    @staticmethod
    def _held_out(networks: nn.ModuleList, x: Tensor, y: Tensor) -> float:
        networks.eval()
        with torch.inference_mode():
            return mean_reciprocal_rank(networks[0](x).numpy(), networks[1](y).numpy())

    def _encode(self, x: np.ndarray, side: int) -> np.ndarray:
        if len(x) == 0:
            return np.empty((0, self.dims_), np.float32)

        def work(rows: Tensor) -> Tensor:
            return self._networks[side](torch.from_numpy(self._sides[side].along(rows.numpy()).astype(np.float32)))

        with torch.no_grad():
            return in_chunks(work, torch.from_numpy(x), _ROWS, 1).numpy()

    def _built(self, left: int, right: int) -> nn.ModuleList:
        return nn.ModuleList(_Tower(width, self.hidden, self.dims, self.dropout) for width in (left, right))

    def _check(self) -> None:
        for name in ("dims", "hidden", "epochs", "batch_size"):
            value = getattr(self, name)
            if type(value) is not int or value < (2 if name == "batch_size" else 1):
                least = 2 if name == "batch_size" else 1
                raise ValueError(f"{name}={value!r} must be a whole number of at least {least}.")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate={self.learning_rate!r} must be above 0.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout!r} must be from 0 to below 1.")
        if not 0 <= self.weight_decay < float("inf"):
            raise ValueError(f"weight_decay={self.weight_decay!r} must be at least 0.")

    # ------------------------------------------------------------------ keeping
    def get_state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
        """Returns `(params, facts, arrays)`, the networks' weights among the arrays."""
        params, facts, arrays = super().get_state()
        return params, facts, arrays | weights_of(self._networks, "networks")

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        weights, own = split_weights(arrays, "networks")
        super()._set_state(facts, own)
        self._sides = tuple(  # type: ignore[assignment]
            Side(*(own[f"{side}_{name}_"] for name in Side._fields)) for side in ("left", "right")
        )
        with torch.random.fork_rng(devices=[]):
            networks = self._built(*(len(side.spread) for side in self._sides))
        self._networks = put_weights(networks, weights, "networks")


class _Tower(nn.Module):
    """Coordinates (b, k) to unit vectors (b, dims): a linear map, plus what a hidden layer adds."""

    def __init__(self, width: int, hidden: int, dims: int, dropout: float):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.straight = nn.Linear(width, dims)
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, dims)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(x)
        return nn.functional.normalize(self.straight(x) + self.outer(self.drop(nn.functional.gelu(self.inner(x)))))
