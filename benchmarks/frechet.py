"""How near drawn digits are to real ones: Frechet distance on a small classifier's features, which is not FID.

The classifier learns 4,000 real digits once, from a fixed seed, and is kept in .cache/; both sides of every comparison
meet the same one. FID would ask for Inception's weights, which no package carries.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .digits import CACHE, split

TRAIN = 4000
FEATURES = 64
EPOCHS = 12


def classifier() -> nn.Sequential:
    """Two convolutions and `FEATURES` numbers, from which ten digits are told; trained, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(1568, FEATURES), nn.ReLU(), nn.Linear(FEATURES, 10),
        )  # fmt: skip
        kept = CACHE / f"classifier-{TRAIN}.pt"
        if kept.exists():
            network.load_state_dict(torch.load(kept, weights_only=True))
        else:
            _learn(network)
            torch.save(network.state_dict(), kept)
    return network.eval()


@torch.enable_grad()
def _learn(network: nn.Module) -> None:
    files = split(TRAIN)
    x, y = images(np.load(files.train)), torch.from_numpy(np.load(files.train_labels)).long()
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=EPOCHS * -(-TRAIN // 100))
    for _ in range(EPOCHS):
        for rows in torch.randperm(TRAIN).split(100):
            loss = F.cross_entropy(network(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def images(x: np.ndarray) -> Tensor:
    """Features in [0, 1] as a float32 tensor of shape (n, 1, 28, 28)."""
    return torch.from_numpy(np.asarray(x, dtype=np.float32)).reshape(-1, 1, 28, 28)


@torch.no_grad()
def accuracy() -> float:
    """The classifier's share of right answers on the 1,000 digits that it never saw."""
    files = split(TRAIN)
    return float((classifier()(images(np.load(files.test))).argmax(1).numpy() == np.load(files.test_labels)).mean())


def judge(real: np.ndarray) -> Callable[[np.ndarray], float]:
    """Takes real digits in [0, 1], and returns a function from drawn ones to their distance; lower is better."""
    encoder = classifier()[:-1]

    @torch.no_grad()
    def features(x: np.ndarray) -> np.ndarray:
        return encoder(images(x)).numpy().astype(np.float64)

    to = features(real)
    return lambda drawn: distance(features(drawn), to)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance between Gaussians fitted to rows: |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)).

    The root's trace is taken from the symmetric S^(1/2) S' S^(1/2), whose eigenvalues cannot turn complex.
    """
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)
