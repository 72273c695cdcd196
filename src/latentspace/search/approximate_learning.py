"""What inverted lists are learned from a sample: main axes, centres, and the values that codes stand for."""

import numpy as np
from scipy.linalg import eigh

from ..models.workers import workers
from .approximate_lists import CODES, Coded, Frame, encode, residual
from .approximate_threads import faiss, one_thread
from .exact import ExactIndex

_LISTS = 0.8  # times the root of n
_ROUNDS = 8  # of k-means: on GloVe more than eight moved recall by less than its own noise
_TRAIN = 64  # rows a centre to learn the centres from
_CODEBOOK_ROWS = 16384
_AXES_ROWS = 10_000
_THIRD = 0.331  # of the vectors' memory: what codes, ids and 8-bit copies may take where memory counts
_MOSTLY = 0.85  # of the variance; 128 axes hold 93% of 784 pixels of clothes, 74% of 384 numbers of a sentence


def learn_frame(near: ExactIndex, metric: str, seed: int, together: int = 1) -> tuple[Frame, Coded]:
    """Learns a frame, centres and codebooks from a sample, `together` dims to a code, and codes all."""
    n, dims = near.z.shape
    if near.form(metric).wide:
        wide = dims + (metric == "dot")
        nothing = np.zeros((n, (wide + 1) // 2), np.uint8)
        centres, codebooks = np.zeros((1, wide), np.float32), np.zeros((wide, 16, 1), np.float32)
        return Frame(metric, None), Coded(centres, codebooks, np.zeros(n, np.int32), nothing)
    nlist = int(2 ** round(np.log2(_LISTS * n**0.5)))
    sample = np.random.default_rng(seed).choice(n, size=min(n, sample_size(nlist)), replace=False)
    centre = near.form(metric).centre
    with workers():  # small steps, in which threads would mostly wait for one another
        reach = float(near.norms.max()) if metric == "dot" else 0.0
        rows = Frame(metric, None, centre, reach)(near.z[np.sort(sample)])
        turn = mixed_axes(rows, seed, together) if rows.shape[1] > 1 else None
        frame = Frame(metric, turn, centre, reach)
        if frame.rotation is not None:
            rows = rows @ frame.rotation.T
        centres, codebooks = learn(rows, nlist, seed, together)
    return frame, encode(near.z, None, frame, centres, codebooks)


def mixed_axes(rows: np.ndarray, seed: int, together: int = 1) -> np.ndarray:
    """The directions of most variance of rows (m, dims), turned among themselves at random: float32 (r, dims).

    As many as there are codes where those hold most of the variance, or else twice as many, two to a code. All codes
    have as many bits, so all should have as much to tell: on 784 pixels of clothes, turning took half of the candidates
    for the same recall.
    """
    some = rows[:: max(1, len(rows) // max(_AXES_ROWS, 4 * rows.shape[1]))]
    some = some - some.mean(axis=0, dtype=np.float64).astype(np.float32)
    dims = rows.shape[1]
    r = min(dims, 2 * CODES)
    scatter = (some.T @ some).astype(np.float64)
    variances, axes = eigh(scatter, subset_by_index=(dims - r, dims - 1))
    if r > CODES:
        enough = variances[-CODES:].sum() >= _MOSTLY * np.trace(scatter)
        r = CODES if enough else r - r % 2
    r -= r % together if r <= CODES else 0
    axes = axes[:, -r:]
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(r, r)))
    return np.ascontiguousarray((axes @ turn).T, dtype=np.float32)


def together(dims: int, full: int | None = None) -> int:
    """How many dims share a code, 1 to 4, so that codes, ids and 8-bit copies take a third of the vectors' memory.

    Parameters
    ----------
    dims : int
        Of what is coded.
    full : int, optional
        Of the vectors that are copied, where those are others.
    """
    full = dims if full is None else full
    room = 4 * full * _THIRD - 8 - full
    return next((each for each in (1, 2, 3) if (min(dims, CODES) // each + 1) // 2 <= room), min(4, dims))


def sample_size(nlist: int) -> int:
    """How many rows all is learned from."""
    return max(_TRAIN * nlist, _CODEBOOK_ROWS)


def learn(rows: np.ndarray, nlist: int, seed: int, together: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Learns centres (nlist, r) and codebooks (m, 16, r / m) from framed rows."""
    r = rows.shape[1]
    m = r // together if r <= CODES else r // 2
    means = faiss().Kmeans(
        r, nlist, niter=_ROUNDS, seed=seed, min_points_per_centroid=1, max_points_per_centroid=_TRAIN, gpu=False
    )
    with one_thread():
        means.train(rows)
    centres = np.ascontiguousarray(means.centroids)
    if residual(r):
        with one_thread():
            rows = rows - centres[means.index.search(rows, 1)[1][:, 0]]
    quantiser = faiss().ProductQuantizer(r, m, 4)
    quantiser.cp.niter, quantiser.cp.seed, quantiser.cp.min_points_per_centroid = _ROUNDS, seed, 1
    with one_thread():
        quantiser.train(rows)
    books = faiss().vector_to_array(quantiser.centroids).reshape(m, 16, r // m)
    return centres, np.ascontiguousarray(books)
