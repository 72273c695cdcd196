"""Two moons: latents that bend, which one Gaussian cannot follow."""

import numpy as np


def two_moons(n: int, seed: int = 0, dims: int = 2, noise: float = 0.1) -> np.ndarray:
    """Float32 (n, dims); the dims past the second hold nothing but noise."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi, n)
    side = rng.integers(0, 2, n)
    z = np.column_stack([np.cos(angle) + side, np.where(side, -np.sin(angle), np.sin(angle))])
    return (np.pad(z, ((0, 0), (0, dims - 2))) + noise * rng.standard_normal((n, dims))).astype(np.float32)
