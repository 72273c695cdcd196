"""A small factor data set: one bright shape on black, of known kind, size, rotation and place. Drawn, not fetched.

After dSprites (Matthey et al., 2017), smaller and with soft edges, so that a pixel's brightness is the share of it that
the shape covers and tells a place finer than a pixel.
"""

from typing import NamedTuple

import numpy as np

KINDS = ("square", "ellipse", "triangle")
_SOFT = 1.0  # pixels over which an edge fades


class Shapes(NamedTuple):
    """Pictures and what each was drawn from.

    Attributes
    ----------
    images : uint8 array of shape (n, size, size)
    factors : dict of name to array (n,)
        "shape" as words; "scale" (radius as a share of half the picture), "rotation" (0 to 1, a share of the turn
        after which the kind looks as before), "x" and "y" (-1 to 1) as float64. None depends on another.
    """

    images: np.ndarray
    factors: dict[str, np.ndarray]


def shapes(n: int | None = None, *, size: int = 32, steps: int = 8, seed: int = 0) -> Shapes:
    """Draws shapes over a grid of factors, or n of its points at random.

    Parameters
    ----------
    n : int, optional
        Points drawn from the grid with replacement; all of it by default: 3 kinds x 4 sizes x steps^3.
    size : int, default=32
        Pixels a side, from 8.
    steps : int, default=8
        Values of rotation, x and y each; 2 or more.
    seed : int, default=0
        Draws the points.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> drawn = shapes(5, size=16)
    >>> drawn.images.shape, sorted(drawn.factors)
    ((5, 16, 16), ['rotation', 'scale', 'shape', 'x', 'y'])
    """
    if size < 8 or steps < 2 or (n is not None and n < 0):
        raise ValueError(f"shapes(n={n}, size={size}, steps={steps}): n is from 0, size from 8, steps from 2.")
    counts = (len(KINDS), 4, steps, steps, steps)
    total = int(np.prod(counts))
    chosen = np.arange(total) if n is None else np.random.default_rng(seed).integers(0, total, n)
    kind, scale, turn, x, y = np.unravel_index(chosen, counts)
    factors = {
        "shape": np.array(KINDS)[kind],
        "scale": np.linspace(0.25, 0.5, 4)[scale],
        "rotation": turn / steps,
        "x": np.linspace(-1, 1, steps)[x],
        "y": np.linspace(-1, 1, steps)[y],
    }
    blocks = [_drawn(kind[at : at + 512], factors, slice(at, at + 512), size) for at in range(0, len(chosen), 512)]
    return Shapes(np.concatenate(blocks) if blocks else np.zeros((0, size, size), np.uint8), factors)


def _drawn(kind: np.ndarray, factors: dict[str, np.ndarray], rows: slice, size: int) -> np.ndarray:
    turned = np.array([np.pi / 2, np.pi, 2 * np.pi / 3])[kind][:, None, None]  # each looks as before after that
    radius, share, x, y = (factors[name][rows][:, None, None] for name in ("scale", "rotation", "x", "y"))
    turn = share * turned
    across = (np.arange(size) + 0.5) / size * 2 - 1
    # Centres keep half a picture: the largest shape stays inside.
    right, down = across[None, None, :] - 0.45 * x, across[None, :, None] - 0.45 * y
    a, b = np.cos(turn) * right + np.sin(turn) * down, np.cos(turn) * down - np.sin(turn) * right
    distance = np.select(
        [(kind == place)[:, None, None] for place in range(3)],
        [
            np.maximum(np.abs(a), np.abs(b)) - 0.8 * radius,
            (np.hypot(a, b / 0.5) - radius) * 0.6,
            np.maximum.reduce([b - 0.5 * radius, *(s * a * 0.8660254 - 0.5 * b - 0.5 * radius for s in (1, -1))]),
        ],
    )
    return np.rint(255 * np.clip(0.5 - distance * size / 2 / _SOFT, 0, 1)).astype(np.uint8)
