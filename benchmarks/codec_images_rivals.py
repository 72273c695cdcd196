"""What the lossy image coder stands beside: JPEG, WebP, AVIF, JPEG XL, water-filled PCA, in files and mosaics."""

import io
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from latentspace.compressing.rivals import mosaic

Point = tuple[float, float, float]  # setting, bits a pixel, PSNR in dB over the whole set
DECIBELS = (25.0, 30.0, 35.0)

_JPEG = (5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 87, 93, 97)
_WEBP = (0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 87, 93, 97, 100)
_AVIF = (0, 4, 8, 12, 18, 25, 35, 45, 55, 65, 75, 85, 92)
_JXL = (7, 15, 30, 45, 60, 70, 80, 87, 93, 96)


def _saver(kind: str, colour: bool) -> tuple[tuple[int, ...], Callable[[int], dict]]:
    """A format's settings and what Pillow's `save` is told for one, chosen for the fewest bits of each."""
    if kind == "JPEG":
        return _JPEG, lambda q: {"format": "JPEG", "quality": q, "optimize": True, "subsampling": 0}
    if kind == "WebP":
        return _WEBP, lambda q: {"format": "WEBP", "quality": q, "method": 6}
    if kind == "AVIF":
        chroma = "4:4:4" if colour else "4:0:0"
        return _AVIF, lambda q: {"format": "AVIF", "quality": q, "speed": 5, "subsampling": chroma, "max_threads": 1}
    if kind == "JPEG XL":
        import pillow_jxl  # noqa: F401  # registers the format

        return _JXL, lambda q: {"format": "JXL", "quality": q, "effort": 7}
    raise ValueError(f"{kind!r} is no rival here.")


def apart(picture: np.ndarray, n: int, h: int, w: int) -> np.ndarray:
    """What `mosaic` was given, back."""
    down, across = picture.shape[0] // h, picture.shape[1] // w
    return (
        picture.reshape(down, h, across, w, *picture.shape[2:]).swapaxes(1, 2).reshape(-1, h, w, *picture.shape[2:])[:n]
    )


def coded(picture: np.ndarray, options: dict) -> tuple[int, np.ndarray]:
    """Bytes of a picture's file, and the picture that it holds."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, **options)
    opened = Image.open(file).convert("L" if picture.ndim == 2 else "RGB")
    return file.tell(), np.asarray(opened)


def decibels(x: np.ndarray, x_hat: np.ndarray) -> float:
    """PSNR over the whole set, in dB: from the mean squared error of all its values."""
    return float(10 * np.log10(255**2 / np.mean((x.astype(np.float64) - x_hat) ** 2)))


def curve(kind: str, way: str, x: np.ndarray) -> Iterator[tuple[Point, np.ndarray]]:
    """Each setting's bits a pixel and PSNR over the set, with what decoding gave; from coarse on, to 38 dB."""
    n, h, w = x.shape[:3]
    settings, options = _saver(kind, x.ndim == 4)
    for setting in settings:
        if way == "mosaic":
            size, whole = coded(mosaic(x), options(setting))
            x_hat = apart(whole, n, h, w)
        else:
            each = [coded(picture, options(setting)) for picture in x]
            size, x_hat = sum(size for size, _ in each), np.stack([picture for _, picture in each])
        point = (float(setting), 8 * size / (n * h * w), decibels(x, x_hat))
        yield point, x_hat
        if point[2] > 38:
            return


def pca_curve(train: np.ndarray, x: np.ndarray) -> list[Point]:
    """The points of `pca_pictures`."""
    return [point for point, _ in pca_pictures(train, x)]


def pca_pictures(train: np.ndarray, x: np.ndarray) -> list[tuple[Point, np.ndarray]]:
    """PCA of all axes, one step for all of them, each axis coded at its entropy: ideal bits, its basis not counted."""
    n, h, w = x.shape[:3]
    flat = train.reshape(len(train), -1).astype(np.float64)
    mean = flat.mean(0)
    _, axes = np.linalg.eigh(np.cov((flat - mean).T))
    z, points = (x.reshape(n, -1) - mean) @ axes, []
    for step in np.geomspace(10, 400, 16):
        k = np.round(z / step).astype(int)
        bits = 0.0
        for column in k.T:
            p = np.unique(column, return_counts=True)[1] / n
            bits -= float((p * np.log2(p)).sum())
        x_hat = np.clip(np.round(k * step @ axes.T + mean), 0, 255).reshape(x.shape)
        points.append(((step, bits / (h * w), decibels(x, x_hat)), x_hat.astype(np.uint8)))
    return points[::-1]


def bits_at(points: list[Point], decibel: float) -> float:
    """Bits a pixel at a PSNR, between the settings on a straight line; NaN outside of what was measured."""
    points = sorted(points, key=lambda point: point[2])
    psnr, bits = [point[2] for point in points], [point[1] for point in points]
    return float(np.interp(decibel, psnr, bits, left=np.nan, right=np.nan))
