"""Whether a posterior means what it says: latents drawn, decoded and inferred again lie where it puts them."""

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

LEVELS = (0.5, 0.8, 0.95)


class Calibration(NamedTuple):
    """What a posterior's central intervals hold.

    Attributes
    ----------
    held : dict of level to float
        Share of true latents inside the interval of that level; the level itself is best. Less is overconfident.
    ranks : float64 array of shape (m, dims measured)
        Where each truth lies in its posterior, 0 to 1: evenly spread if it is calibrated.
    gap : float
        Mean over levels of held - level: negative is overconfident.
    spread : float
        Standard deviation of (truth - mean) / deviation: 1 is best, more is overconfident.
    """

    held: dict[float, float]
    ranks: np.ndarray
    gap: float
    spread: float


def calibration(model: Any, z: np.ndarray, x: np.ndarray, active: np.ndarray) -> Calibration:
    """Simulation-based calibration (Cook, Gelman and Rubin, 2006; Talts et al., 2018) of a Gaussian posterior.

    Parameters
    ----------
    model : estimator
        With `infer(x) -> mean, log_var`.
    z : float32 array of shape (m, dims)
        True latents, from the prior.
    x : float32 array of shape (m, ...)
        Features drawn from p(x given z).
    active : bool array of shape (dims,)
        Dimensions that carry something; the others' posterior is the prior, and calibrated whatever it means.
    """
    mean, log_var = (np.asarray(part, np.float64)[:, active] for part in model.infer(x))
    standard = (z[:, active] - mean) / np.exp(0.5 * log_var)
    ranks = stats.norm.cdf(standard)
    held = {level: float((np.abs(ranks - 0.5) <= level / 2).mean()) for level in LEVELS}
    gap = float(np.mean([held[level] - level for level in LEVELS]))
    return Calibration(held, ranks, gap, float(np.sqrt((standard**2).mean())))
