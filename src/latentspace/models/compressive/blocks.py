"""Pictures <-> rows of block coefficients: 4 x 4 pixels and their channels at a time, along axes learned from them.

Pixels count from the ground, the set's usual border value: what lies outside of a picture is ground, and so is 0.
"""

import numpy as np

SIDE = 4  # pixels of a block; 8 gave more weights and worse rates on 28 x 28 and 64 x 64
RING = 4  # pixels above and beside a block that its context sees
UNIT = 64  # values of a pixel or a coefficient that the networks call 1
FINEST, COARSEST = 6.0, 160.0  # steps of coefficients, in grey levels
LEAK = 0.1  # slope of the smoothing's units below 0, so that none dies
BINS = 16  # rows and columns of blocks that a network tells apart


def grid(h: int, w: int) -> tuple[int, int]:
    """Blocks down and across a picture of h x w pixels.

    >>> grid(28, 29)
    (7, 8)
    """
    return -(-h // SIDE), -(-w // SIDE)


def ring_size(channels: int) -> int:
    """How many values the ring around a block has: above it, then on its left."""
    return channels * RING * (2 * SIDE + 2 * RING)


def to_blocks(x: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Pictures uint8 (n, h, w, c) as pixels of blocks, float32 (n, rows, columns, 16 c), counted from the ground.

    At the right and lower edge the last pixels are repeated.
    """
    n, h, w, c = x.shape
    rows, columns = grid(h, w)
    x = np.pad(x, ((0, 0), (0, rows * SIDE - h), (0, columns * SIDE - w), (0, 0)), mode="edge")
    x = x.astype(np.float32) - ground.astype(np.float32)
    return x.reshape(n, rows, SIDE, columns, SIDE, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, rows, columns, -1)


def to_pixels(blocks: np.ndarray) -> np.ndarray:
    """Pixels of blocks (n, rows, columns, 16 c) as pictures (n, 4 rows, 4 columns, c), counted from the ground."""
    n, rows, columns, values = blocks.shape
    c = values // SIDE**2
    blocks = blocks.reshape(n, rows, columns, SIDE, SIDE, c)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(n, rows * SIDE, columns * SIDE, c)


def from_ground(pixels: np.ndarray, ground: np.ndarray, h: int, w: int) -> np.ndarray:
    """Pictures (n, h, w, c) uint8 of pixels counted from the ground, cut to their size."""
    return np.clip(np.rint(pixels[:, :h, :w] + ground.astype(np.float32)), 0, 255).astype(np.uint8)


def usual_border(x: np.ndarray) -> np.ndarray:
    """The middle value of the border pixels of pictures (n, h, w, c), a channel: int16 (c,); 0 where there are none."""
    if x.size == 0:
        return np.zeros(x.shape[-1], np.int16)
    edges = np.concatenate([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], axis=1).reshape(-1, x.shape[-1])
    return np.median(edges, axis=0).astype(np.int16)


def block_axes(blocks: np.ndarray) -> np.ndarray:
    """Orthonormal axes (p, p) of blocks' pixels (m, p), by falling energy: the Karhunen-Loeve transform.

    Energy counts from the ground, not from the mean, so that ground has no coefficients. Where there is nothing to
    learn from, a few
    smooth patterns (a cosine transform) go before the rest.
    """
    p = blocks.shape[1]
    smooth = _cosines(p // SIDE**2)
    moment = blocks.T.astype(np.float64) @ blocks / max(1, len(blocks))
    # A little of the cosines' own energy orders what these blocks never vary in.
    falling = smooth.T * (1e-3 * 0.8 ** np.arange(p)) @ smooth
    axes = np.linalg.eigh(moment + falling)[1].T[::-1]
    signs = np.sign(axes.sum(axis=1))
    return np.ascontiguousarray(axes * np.where(signs == 0, 1, signs)[:, None])


def _cosines(channels: int) -> np.ndarray:
    """The orthonormal 4 x 4 cosine transform of each channel, by rising frequency: (16 c, 16 c)."""
    at = np.arange(SIDE)
    one = np.cos(np.pi * (at + 0.5) * at[:, None] / SIDE) * np.sqrt(np.where(at == 0, 1, 2)[:, None] / SIDE)
    both = np.einsum("ab,cd->acbd", one, one).reshape(SIDE**2, SIDE**2)
    both = both[np.argsort((at[:, None] + at).ravel(), kind="stable")]
    # Pixels are stored with their channels together.
    return np.einsum("ij,cd->icjd", both, np.eye(channels)).reshape(SIDE**2 * channels, -1)


def bins(count: int) -> np.ndarray:
    """Which of 16 bins each of `count` rows (or columns) of blocks is in: its own, where there are so few.

    >>> bins(3).tolist(), bins(32)[:4].tolist()
    ([0, 1, 2], [0, 0, 1, 1])
    """
    at = np.arange(count)
    return at if count <= BINS else at * BINS // count


def step_features(eighths: int | np.ndarray) -> np.ndarray:
    """What the networks are told of a step, in eighths of a grey level: itself and its logarithm, in 64ths, int
    (..., 2).

    The logarithm is straight between powers of two, so that whole numbers give it exactly.

    >>> step_features(8 * 64).tolist()  # a step of 64
    [64, 64]
    """
    eighths = np.asarray(eighths, np.int64)
    power = np.frexp(eighths.astype(np.float64))[1] - 1  # exact: 2^power <= eighths < 2^(power + 1)
    part = (eighths * 64 >> power) - 64
    return np.stack([(eighths + 4) >> 3, (power - 3) * 64 + part - 5 * 64], axis=-1)
