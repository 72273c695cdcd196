"""From which side a map in three dimensions is looked at."""

import numpy as np

_TURN, _TILT = 0.5, 0.35  # radians: so far off the widest side that all three axes are seen to differ


def side_of(coordinates: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) to right, up and towards the eye: across the two widest axes, turned a little off both."""
    centred = np.asarray(coordinates, dtype=np.float64)
    axes = np.eye(3)
    if len(centred) > 1:
        centred = centred - centred.mean(axis=0)
        axes = np.linalg.eigh(centred.T @ centred)[1].T[::-1].copy()
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
        axes *= np.where(largest < 0, -1.0, 1.0)
        axes[2] *= np.linalg.det(axes)  # a rotation: no side is mirrored
    cos, sin = np.cos(_TURN), np.sin(_TURN)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    cos, sin = np.cos(_TILT), np.sin(_TILT)
    tilt = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return tilt @ turn @ axes


def seen(coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Coordinates as they are looked at: (n, 2), and how near to the eye, 0 to 1, where they have three dimensions."""
    if coordinates.shape[1] < 3:
        return coordinates, None
    turned = np.asarray(coordinates, dtype=np.float64) @ side_of(coordinates).T
    depth = turned[:, 2]
    low, high = (depth.min(), depth.max()) if len(depth) else (0.0, 1.0)
    return turned[:, :2], (depth - low) / max(high - low, 1e-9)
