"""How good a latent space of digits is, for whoever made it: error, what a line can read from z, clusters, samples.

Imports nothing of latentspace, so that a peer is judged by the same lines in its own environment.
"""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import frechet

Encode = Callable[[Tensor], tuple[Tensor, Tensor | None]]  # x to the mean and log-variance of q, or a point and None
Decode = Callable[[Tensor], Tensor]  # z to x_hat in [0, 1]

# What each test loss adds to the reconstruction's, beside a weight that both sides train with.
BETA = {"vae": 1.0, "beta": 4.0, "beta-tc": 4.0}
DRAWN = 1000  # samples that a density is judged by, as many as there are test digits


def judged(z: np.ndarray, y: np.ndarray, z_test: np.ndarray, y_test: np.ndarray) -> dict[str, float]:
    """Latents of training and test items and their digits, to a linear probe's accuracy and k-means' NMI.

    Both are learned on training items and read on test items; higher is better for both. NMI: normalised mutual
    information between digits and ten clusters, the tightest of ten starts.
    """
    from sklearn.cluster import KMeans
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import normalized_mutual_info_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(z, y)
    clusters = KMeans(10, n_init=10, random_state=0).fit(z).predict(z_test)
    return {"probe": float(probe.score(z_test, y_test)), "nmi": float(normalized_mutual_info_score(y_test, clusters))}


def distances(
    test: np.ndarray, decode: Callable[[np.ndarray], np.ndarray], draws: dict[str, Callable[[], np.ndarray]]
) -> dict[str, float]:
    """Frechet distance to test digits, by the density that latents are drawn from; lower is better."""
    judge = frechet.judge(test)
    return {f"frechet {name}": judge(np.clip(decode(draw()), 0, 1)) for name, draw in draws.items()}


class Book:
    """Writes down the losses of test items after each epoch; the time that this takes is not counted.

    Parameters
    ----------
    preset : str
        Whose loss: the reconstruction's and that of the latents, weighed as both sides train.
    x : float32 array of shape (n, 784)
        Test items in [0, 1].
    """

    def __init__(self, preset: str, x: np.ndarray):
        self.preset, self.x = preset, frechet.images(x)
        self.rows: list[dict[str, float]] = []
        self.began, self.off = _clocks(), np.zeros(2)

    def start(self) -> None:
        """Starts the clocks, imports done: torch's first optimiser alone imports for two seconds."""
        weight = torch.ones(1, requires_grad=True)
        optimizer = torch.optim.Adam([weight])
        weight.sum().backward()
        optimizer.step()
        self.began = _clocks()

    def note(self, encode: Encode, decode: Decode) -> None:
        """Adds an epoch's row: time since the start, the mean squared error of a pixel, and the loss."""
        now = _clocks()
        seconds, cpu = now - self.began - self.off
        with torch.no_grad():
            mean, log_var = encode(self.x)
            mse = F.mse_loss(decode(mean).reshape(self.x.shape), self.x)
            loss = test_loss(self.preset, self.x, mean, log_var, decode)
        self.rows.append({"seconds": float(seconds), "cpu": float(cpu), "mse": float(mse), "loss": float(loss)})
        self.off += _clocks() - now

    def finish(self) -> dict[str, Any]:
        """Stops the clocks; returns the time that training took, and its rows."""
        seconds, cpu = _clocks() - self.began - self.off
        return {"seconds": float(seconds), "cpu": float(cpu), "rows": self.rows}


def _clocks() -> np.ndarray:
    """Seconds on the wall, and of the processor for this process, which a busy machine does not stretch."""
    return np.array([time.perf_counter(), time.process_time()])


def test_loss(preset: str, x: Tensor, mean: Tensor, log_var: Tensor | None, decode: Decode) -> Tensor:
    """A loss that both sides are read by: nats an item where q is Gaussian, else the squared error of an item.

    The noise is the same for whoever asks. Total correlation is weighed as by Chen et al. (2018), with the test items
    as the population: KL(q(z given x) from p) + (beta - 1) TC, which equals the three terms with weights 1, beta, 1.
    """
    if log_var is None:
        return (decode(mean).reshape(x.shape) - x).pow(2).flatten(1).sum(1).mean()
    generator = torch.Generator().manual_seed(0)
    z = mean + torch.exp(0.5 * log_var) * torch.randn(mean.shape, generator=generator)
    nll = F.binary_cross_entropy(decode(z).reshape(x.shape).clamp(0, 1), x, reduction="sum") / len(x)
    kl = 0.5 * (mean.pow(2) + log_var.exp() - 1 - log_var).sum(1).mean()
    beta = BETA.get(preset, 1.0)
    return nll + kl + (beta - 1) * _total_correlation(z, mean, log_var) if preset == "beta-tc" else nll + beta * kl


def _total_correlation(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """E[log q(z) - sum_j log q(z_j)], q(z) being the average posterior of these items; n x n x dims numbers."""
    log_q = -0.5 * (log_var + (z[:, None] - mean).pow(2) * torch.exp(-log_var))  # (n, n, dims), less a constant
    joint = torch.logsumexp(log_q.sum(2), dim=1)
    apart = torch.logsumexp(log_q, dim=1).sum(1)
    log_n = float(np.log(len(z)))
    return (joint - log_n - apart + z.shape[1] * log_n).mean()


def until(rows: list[dict[str, float]], key: str, target: float, clock: str = "seconds") -> float:
    """Time until a loss was at most `target`; infinite if it never was."""
    return next((row[clock] for row in rows if row[key] <= target), float("inf"))


def reason(error: BaseException) -> str:
    """An error in a few words, for a cell of a table."""
    words = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {words[-1].strip()[:90]}" if words else type(error).__name__


@contextlib.contextmanager
def quiet() -> Any:
    """Keeps what a library prints and logs out of the answer."""
    import io
    import logging

    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
