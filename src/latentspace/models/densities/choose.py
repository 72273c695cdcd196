"""Which density suits some latents: each family is fitted to most of them and judged by the likelihood of the rest."""

from collections.abc import Callable, Sequence

import numpy as np

from .base import LatentDensity

_HELD_OUT_AT_MOST = 500  # latents: the mean log-likelihood of so many is known to a few hundredths of a nat
_LEVEL = 0.01  # nats an item: below this two densities are level and the simpler one is taken
_WORTH = 0.05  # nats an item and dimension that a learned one must gain: with half of it, digits were drawn no better


def choose(
    make: Callable[[str], LatentDensity], simple: Sequence[str], learned: Sequence[str], z: np.ndarray, seed: int
) -> LatentDensity:
    """Fits families, simplest first, to four fifths of the latents and returns the one that suits the rest best.

    A later one is taken if it is better by more than 0.01 nats, a learned one by more than 0.05 nats a dimension, and
    by more than a standard error of the difference. A learned one, which takes seconds, is tried only where some other
    has found what one Gaussian misses: where none has, so many latents could not show what is to be learned.

    Parameters
    ----------
    make : callable
        A family's name to an unfitted density.
    simple, learned : sequences of str
        Families in the order in which the simpler comes first.
    z : float array of shape (n, dims)
    seed : int
        Draws which latents are held out.

    Returns
    -------
    LatentDensity
        A simple one is fitted anew to all latents, a learned one is what the four fifths gave. Its `scores_` hold the
        mean log-likelihood of held-out latents by family, in nats an item; they are empty where none could be held out.
    """
    n_held_out = min(len(z) // 5, _HELD_OUT_AT_MOST)
    order = np.random.default_rng(seed).permutation(len(z))
    held_out, rest = z[order[:n_held_out]], z[order[n_held_out:]]
    best: LatentDensity = make("gaussian").fit(rest)
    scores: dict[str, float] = {}
    if n_held_out:
        best_log_prob = best.log_prob(held_out)
        scores = {"gaussian": float(best_log_prob.mean())}
        for name in (*simple, *learned):
            if name in learned and best.family == "gaussian":
                continue
            density = make(name).fit(rest)
            log_prob = density.log_prob(held_out)
            scores[name] = float(log_prob.mean())
            gain = log_prob - best_log_prob
            enough = _WORTH * z.shape[1] if name in learned else _LEVEL
            if gain.mean() > max(enough, gain.std() / np.sqrt(n_held_out)):
                best, best_log_prob = density, log_prob
    if best.family not in learned:
        best = make(best.family).fit(z)
    best.scores_ = scores
    return best
