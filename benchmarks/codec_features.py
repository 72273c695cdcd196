"""What a classifier still sees: Fashion-MNIST at a twentieth of its raw size, by ours and by other formats.

    python -m benchmarks.codec_features          # trains the classifier once, measures, publishes

The classifier is trained on the original training part alone, and is never told of any codec. Each format is taken at
its best setting that keeps within the bytes; where none does, at its smallest, and its bytes are shown.
"""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from benchmarks import codec_images_rivals as rivals
from benchmarks.codec_images import CACHE, coder_of
from benchmarks.harness import machine, publish, table

NAME, SHARE, HELD = "fashion-mnist", 20, 2000
FILES = 300  # pictures of which others' files are made
WORDS = (
    "Points of accuracy that classifiers lose on decoded held-out pictures of Fashion-MNIST (2,000; files of other "
    "formats: 300), plus or minus one standard error of the paired difference. They were trained on original training"
    " pictures alone: a convolutional network on all 60,000, the five nearest and a linear one on 10,000. A twentieth"
    " of the raw size is 39.2 bytes a picture: each format is at its best setting within it, or at its coarsest. Ours"
    " counts a byte for each string's length, and not its model of 124 kB."
)


def classifier(train: np.ndarray, labels: np.ndarray) -> Any:
    """A convolutional network trained on originals: three epochs, kept."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(48, 96, 3, padding=1), nn.BatchNorm2d(96), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(),
        nn.Dropout(0.3), nn.Linear(96 * 9, 10),
    )  # fmt: skip
    path = CACHE / "classifier.pt"
    if path.exists():
        net.load_state_dict(torch.load(path, weights_only=True))
        return net.eval()
    x = torch.from_numpy(train[:, None].astype(np.float32) / 255)
    y = torch.from_numpy(labels.astype(np.int64))
    epochs, size = 3, 128
    steps = epochs * len(x) // size
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    fall = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    order, generator = torch.empty(0, dtype=torch.long), torch.Generator().manual_seed(0)
    for _ in range(steps):
        if len(order) < size:
            order = torch.randperm(len(x), generator=generator)
        rows, order = order[:size], order[size:]
        some = torch.where(torch.rand(size, 1, 1, 1, generator=generator) < 0.5, x[rows], x[rows].flip(3))
        loss = nn.functional.cross_entropy(net(some), y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        fall.step()
    torch.save(net.state_dict(), path)
    return net.eval()


def classifiers(train: np.ndarray, labels: np.ndarray) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """What tells a picture's label, each trained on originals alone."""
    import torch
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    net = classifier(train, labels)

    def convolutional(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            told = [net(torch.from_numpy(some[:, None].astype(np.float32) / 255)) for some in np.array_split(x, 8)]
        return torch.cat(told).argmax(1).numpy()

    def flat(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1).astype(np.float32) / 255

    found: dict[str, Callable[[np.ndarray], np.ndarray]] = {"convolutional": convolutional}
    for name, model in (
        ("5 nearest", KNeighborsClassifier(5)),
        ("linear", LogisticRegression(C=0.1, max_iter=60)),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 60 rounds are enough, and not all that there could be
            model.fit(flat(train[:10_000]), labels[:10_000])
        found[name] = lambda x, model=model: model.predict(flat(x))
    return found


def within(points: Iterable[tuple[rivals.Point, np.ndarray]], bits: float) -> tuple[rivals.Point, np.ndarray]:
    """The last setting, from coarse on, that keeps within so many bits a pixel, or the coarsest."""
    best = None
    for point in points:
        if best is not None and point[0][1] > bits:
            break
        best = point
        if point[0][1] > bits:
            break
    assert best is not None
    return best


def ours(x: np.ndarray, bits: float, solid: bool) -> tuple[rivals.Point, np.ndarray]:
    """Our finest step within so many bits a pixel: all of it counted but the model."""
    coder, shapes, pixels = coder_of(NAME), [item.shape for item in x], x.size
    low, high = coder.span
    for _ in range(10):
        step = (low * high) ** 0.5
        coded: Any = coder.encode_block(x, step) if solid else coder.encode(x, step)
        size = len(coded) if solid else sum(len(part) + 1 for part in coded)
        low, high = (low, step) if 8 * size / pixels <= bits else (step, high)
    coded = coder.encode_block(x, high) if solid else coder.encode(x, high)
    size = len(coded) if solid else sum(len(part) + 1 for part in coded)
    x_hat = np.stack(coder.decode_block(coded, shapes, high) if solid else coder.decode(coded, shapes, high))
    return (high, 8 * size / pixels, rivals.decibels(x, x_hat)), x_hat


def main() -> None:
    """Measures and publishes."""
    from latentspace import datasets

    data = datasets.load(NAME)
    y = np.unique(np.asarray(data.labels), return_inverse=True)[1]
    train, x = data.x[: data.n_train], data.x[data.n_train :][:HELD]
    labels = y[data.n_train :][:HELD]
    tell = classifiers(train, y[: data.n_train])
    bits, whole = 8 / SHARE, {name: told(x) == labels for name, told in tell.items()}
    rows: list[dict[str, Any]] = [
        {"by": "originals: accuracy, %", "bytes a picture": 784.0, "PSNR, dB": ""}
        | {name: f"{100 * right.mean():.1f}" for name, right in whole.items()}
    ]

    def row(by: str, point: rivals.Point, x_hat: np.ndarray) -> None:
        rows.append({"by": by, "bytes a picture": round(point[1] * 98, 1), "PSNR, dB": point[2]})
        for name, told in tell.items():
            lost = whole[name][: len(x_hat)].astype(float) - (told(x_hat) == labels[: len(x_hat)])
            rows[-1][name] = f"{100 * lost.mean():.1f} ± {100 * lost.std() / len(lost) ** 0.5:.1f}"
        print(rows[-1], flush=True)

    row("**ours**, files", *ours(x, bits, solid=False))
    row("**ours**, one stream", *ours(x, bits, solid=True))
    for kind in ("JPEG", "WebP", "AVIF", "JPEG XL"):
        for way, some in (("mosaic", x), ("files", x[:FILES])):
            try:
                row(f"{kind}, {way}", *within(rivals.curve(kind, way, some), bits))
            except ImportError:
                break
    row("PCA, ideal, without its basis", *within(rivals.pca_pictures(train[:10_000], x), bits))
    publish(
        "What a classifier still sees", WORDS + "\n\n" + table(rows, list(rows[0])) + "\n\nMeasured on "
        + machine("numpy", "Pillow", "torch") + ".",
    )  # fmt: skip


if __name__ == "__main__":
    main()
