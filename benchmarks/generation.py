"""What a space makes: whether samples are memorised, what an axis moves, and how near to the data a way stays.

Spaces learn 4,000 real digits by their models' defaults, but for a dense network, 16 dims and 15 epochs, on one thread;
1,000 other digits are held out. Everything that is judged by a network is judged by one that no space has seen: a small
classifier (see `frechet`; its distance is not FID).
"""

import sys
from typing import Any

import numpy as np

from . import frechet
from .digits import split
from .harness import machine, publish, run, table

MODELS = ("pca", "factor-analysis", "nmf", "autoencoder", "vae", "wae-mmd", "vamp", "gan")
MOVED = ("pca", "autoencoder", "vae")
DRAWN, PAIRS, STEPS = 1000, 15, 9
NETWORK = {"network": "dense", "hidden": [512], "epochs": 15}
LINEAR = ("pca", "factor-analysis", "nmf")


def judge(model: str) -> dict[str, Any]:
    """Fits one space, and measures its samples; of some models its axes and ways too."""
    import latentspace as ls

    files = split(frechet.TRAIN)
    x, x_test = (np.load(path).reshape(-1, 28, 28) for path in (files.train, files.test))
    y, y_test = np.load(files.train_labels), np.load(files.test_labels)
    pixels = [(each * 255).round().astype(np.uint8) for each in (x, x_test)]
    known = marks(x), marks(x_test)
    metadata = {"label": [str(one) for one in y], **{name: mark.tolist() for name, mark in known[0].items()}}
    options = {} if model in LINEAR else {**NETWORK, "threads": 1}
    space = ls.fit(pixels[0], model, dims=16, metadata=metadata, seed=0, **options)
    z_test = space.encode(pixels[1])
    figures: dict[str, Any] = {"model": model, "memory": _memory(space, z_test, x_test)}
    if model in MOVED:
        figures |= {"moves": _moves(space, z_test, y_test, known[1]), "ways": _ways(space, z_test)}
    return figures


def marks(x: np.ndarray) -> dict[str, np.ndarray]:
    """How much ink a digit has, and how far it leans to the right: the slope of its columns' middle against rows."""
    ink = x.sum(axis=(1, 2))
    rows, columns = np.mgrid[:28, :28].astype(np.float64)
    weight = x / np.maximum(ink, 1e-9)[:, None, None]
    across, down = ((weight * places).sum(axis=(1, 2)) for places in (columns, rows))
    both = (weight * columns * rows).sum(axis=(1, 2)) - across * down
    return {"ink": ink, "lean": -both / ((weight * rows**2).sum(axis=(1, 2)) - down**2)}


def _decoded(space: Any, z: np.ndarray) -> np.ndarray:
    return np.stack([np.asarray(picture, dtype=np.float32) for picture in space.decode(z)]) / 255


# ---------------------------------------------------------------------- samples
def _memory(space: Any, z_test: np.ndarray, x_test: np.ndarray) -> dict[str, Any]:
    """Distances of samples and of held-out digits from the nearest of the 4,000, in latents and as decoded pixels."""
    made = space.sample(DRAWN, seed=1, report=True)
    drawn = np.stack([np.asarray(picture, dtype=np.float32) for picture in made]) / 255
    real, held = _decoded(space, space.latents), _decoded(space, z_test)
    own, other = made.distances, _nearest(space.latents, z_test)
    own_seen, other_seen = (
        _nearest(real.reshape(len(real), -1), each.reshape(len(each), -1)) for each in (drawn, held)
    )
    features = _features(x_test), _features(drawn), _features(held)
    return {
        "model": getattr(space.model, "family", ""), "density": space.density.family,
        "latents": float(np.median(own) / np.median(other)),
        "nearest 5%": float(np.quantile(own, 0.05) / np.quantile(other, 0.05)),
        "pixels": float(np.median(own_seen) / np.median(other_seen)),
        "copied": float(made.copied.mean()), "held out copied": float((other <= made.copy).mean()),
        "unusual": float(made.unusual.mean()), "held out unusual": float((other > made.usual).mean()),
        "frechet": frechet.judge(x_test)(drawn), "frechet held out": frechet.judge(x_test)(held),
        "precision": _covered(features[0], features[1]), "recall": _covered(features[1], features[0]),
    }  # fmt: skip


def _nearest(to: np.ndarray, these: np.ndarray) -> np.ndarray:
    from latentspace.search.exact import ExactIndex

    return ExactIndex(np.ascontiguousarray(to)).search(np.ascontiguousarray(these), 1, "euclidean").scores[:, 0]


def _features(x: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return frechet.classifier()[:-1](frechet.images(np.clip(x, 0, 1))).numpy()


def _covered(by: np.ndarray, these: np.ndarray, k: int = 3) -> float:
    """The share of some within reach of others' k-th neighbours (Kynkäänniemi et al., 2019)."""
    from latentspace.search.exact import ExactIndex

    index = ExactIndex(np.ascontiguousarray(by))
    reach = index.search(by, k, "euclidean", exclude=np.arange(len(by))).scores[:, -1]
    apart = np.linalg.norm(these[:, None] - by[None], axis=2)
    return float((apart <= reach).any(axis=1).mean())


# ---------------------------------------------------------------------- axes
def _moves(space: Any, z_test: np.ndarray, y_test: np.ndarray, marks: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Moves held-out digits by one unit along axes; probes that learned on half of the held-out ones judge the rest."""
    half = len(z_test) // 2
    probe_digit = _probe(z_test[:half], y_test[:half])
    z, y = z_test[half:], y_test[half:]
    names = {name: np.median(mark) for name, mark in marks.items()}
    probes = {name: _probe(z_test[:half], (marks[name] > middle)[:half]) for name, middle in names.items()}
    ink, lean = space.axis("ink"), space.axis("lean")
    space.axis("ink alone", number="ink", orthogonal_to=[lean])
    space.axis("lean alone", number="lean", orthogonal_to=[ink])
    rows = []
    for digit in range(10):
        axis = space.axis(f"label={digit}")
        alone = space.axis(f"{digit} alone", where={"label": str(digit)}, orthogonal_to=[ink, lean])
        own = _probe(z_test[:half], y_test[:half] == digit)
        for one in (axis, alone):
            flips = _flipped({"own": own, **probes}, own, z, one.step)
            seen = _named(_decoded(space, z[y != digit] + one.step)) == digit
            rows.append({"axis": one.name, **flips, "seen as it": float(seen.mean()), "alone": len(one.orthogonal_to)})
    for name in ("ink", "lean", "ink alone", "lean alone"):
        own = probes[name.split()[0]]
        flips = _flipped({"own": own, **probes, "digit": probe_digit}, own, z, 2 * space.axes[name].step)
        rows.append({"axis": name, **flips, "alone": "alone" in name})
    return rows


def _flipped(probes: dict[str, Any], own: Any, z: np.ndarray, step: np.ndarray) -> dict[str, float]:
    """The share of latents of which each probe changes its answer, moved to the side where `own` does not see them."""
    moved = z + np.where(own.predict(z), -1, 1)[:, None] * step
    return {name: float((probe.predict(moved) != probe.predict(z)).mean()) for name, probe in probes.items()}


def _probe(z: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced")).fit(z, y)


def _named(x: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return frechet.classifier()(frechet.images(np.clip(x, 0, 1))).argmax(1).numpy()


# ---------------------------------------------------------------------- ways
def _ways(space: Any, z_test: np.ndarray) -> list[dict[str, Any]]:
    """Ways between pairs of digits: how far from held-out digits, and how even the steps are that the eye sees."""
    rng = np.random.default_rng(0)
    pairs = [rng.choice(len(space), 2, replace=False) for _ in range(PAIRS)]
    usual = np.median(_nearest(z_test, space.latents))
    rows = []
    for path in ("linear", "spherical", "geodesic"):
        for even in ("latent", "seen"):
            far, spread, sure = [], [], []
            for a, b in pairs:
                ends = space.ids[a], space.ids[b]
                made = space.interpolate(*ends, steps=STEPS, path=path, even=even, report=True)
                x = np.stack([np.asarray(picture, dtype=np.float32) for picture in made]) / 255
                seen = np.linalg.norm(np.diff(x.reshape(STEPS, -1), axis=0), axis=1)
                far.append(_nearest(z_test, made.z[1:-1]).mean() / usual)
                spread.append(seen.std() / max(seen.mean(), 1e-9))
                sure.append(_sureness(x[1:-1]))
            figures = {"distance": far, "unevenness": spread, "sureness": sure}
            rows.append({"path": path, "even": even, **{name: float(np.mean(each)) for name, each in figures.items()}})
    return rows


def _sureness(x: np.ndarray) -> float:
    import torch

    with torch.no_grad():
        return float(frechet.classifier()(frechet.images(np.clip(x, 0, 1))).softmax(1).max(1).values.mean())


# ---------------------------------------------------------------------- known shapes
def curved(name: str) -> list[dict[str, Any]]:
    """Ways on a circle or a swiss roll whose geometry is known: how far off it, and how long for what it should be."""
    import latentspace as ls

    rng = np.random.default_rng(0)
    if name == "circle":
        turn = rng.uniform(0, 2 * np.pi, 600)
        clean = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        points = clean + 0.03 * rng.normal(size=clean.shape)
        fine = np.linspace(0, 2 * np.pi, 5000)
        curve, width = np.stack([np.cos(fine), np.sin(fine)], axis=1), None
    else:
        turn, height = 1.5 * np.pi * (1 + 2 * rng.random(1500)), 21 * rng.random(1500)
        points = np.stack([turn * np.cos(turn), height, turn * np.sin(turn)], axis=1) + 0.1 * rng.normal(size=(1500, 3))
        fine = np.linspace(1.5 * np.pi, 4.5 * np.pi, 5000)
        curve, width = np.stack([fine * np.cos(fine), fine * np.sin(fine)], axis=1), height
    space = ls.fit(points.astype(np.float32), None, density="gaussian")
    rows = []
    for path in ("linear", "spherical", "geodesic"):
        off, longer = [], []
        for _ in range(20):
            a, b = rng.choice(len(points), 2, replace=False)
            way = space.interpolate(space.ids[a], space.ids[b], steps=64, path=path)
            flat = way if width is None else way[:, [0, 2]]
            off.append(np.sqrt(((flat[:, None] - curve) ** 2).sum(2)).min(axis=1).mean())
            arc = _arc(name, turn[a], turn[b])
            true = arc if width is None else np.hypot(arc, width[a] - width[b])
            longer.append(np.linalg.norm(np.diff(way, axis=0), axis=1).sum() / true)
        rows.append({"set": name, "path": path, "off": float(np.mean(off)), "length": float(np.median(longer))})
    return rows


def _arc(name: str, a: float, b: float) -> float:
    if name == "circle":
        return float(min(abs(a - b), 2 * np.pi - abs(a - b)))
    spiral = [(t * np.hypot(1, t) + np.arcsinh(t)) / 2 for t in (a, b)]
    return float(abs(spiral[0] - spiral[1]))


# ---------------------------------------------------------------------- the page
def main(models: tuple[str, ...] = MODELS) -> None:
    """Prints and publishes samples, axes and ways."""
    curves: list[dict[str, Any]] = []
    for name in ("circle", "swiss roll"):
        curves += run("benchmarks.generation:shapes", threads=1, name=name)["rows"]
    found = []
    for model in models:
        found.append(run("benchmarks.generation:judge", threads=1, model=model))
        print(f"  {found[-1]}", file=sys.stderr, flush=True)
    intro = " ".join(__doc__.split("\n\n", 1)[1].split())
    publish("Samples and memory", f"{intro}\n\n{_samples(found)}\n\n{machine('torch')}; one thread.")
    publish("Moves along axes", f"{intro}\n\n{_axes(found)}")
    publish("Ways between items", f"{intro}\n\n{_roads(found, curves)}")


def shapes(name: str) -> dict[str, Any]:
    """`curved`, as a job."""
    return {"rows": curved(name)}


def _samples(found: list[dict[str, Any]]) -> str:
    rows = [{**each["memory"], "model": each["model"]} for each in found]
    columns = ["model", "density", "latents", "nearest 5%", "pixels", "copied", "held out copied", "unusual",
               "held out unusual", "frechet", "frechet held out", "precision", "recall"]  # fmt: skip
    return (
        f"{table(rows, columns)}\n\nlatents, pixels: median distance of 1,000 samples from the nearest of the 4,000 "
        "digits, over that of 1,000 held-out digits; both sides decoded for pixels, so that blur is the same. Below 1 "
        "would be memorising. nearest 5%: the same for the nearest twentieth, in latents. copied: the share nearer to "
        "a digit than 99% of digits are to one another. unusual: the share farther than 99% of digits. frechet: lower "
        "is better; held out: the digits' own reconstructions. precision, recall: by the reach of the third neighbour "
        "(Kynkäänniemi et al., 2019), on the classifier's features; higher is better."
    )


def _axes(found: list[dict[str, Any]]) -> str:
    rows = []
    for each in found:
        for kind, name in (((0,), "a digit"), ((2,), "a digit, orthogonal to ink and lean")):
            own = [row for row in each.get("moves", ()) if row["alone"] in kind and "seen as it" in row]
            if own:
                mean = {key: float(np.mean([row[key] for row in own])) for key in ("own", "ink", "lean", "seen as it")}
                rows.append({"model": each["model"], "axis": name, "lowest": min(row["own"] for row in own), **mean})
        rows += [{"model": each["model"], **row} for row in each.get("moves", ()) if "digit" in row]
    return (
        f"{table(rows, ['model', 'axis', 'own', 'lowest', 'ink', 'lean', 'digit', 'seen as it'])}\n\nShares of "
        "held-out digits whose probe changes its answer once they are moved by one unit to the other side (ink and "
        "lean, whether above the median: two standard deviations). Probes learned on half of the held-out digits, "
        "moves are of the other half, axes of the 4,000. own: the axis's own label, means of ten digits and the "
        "lowest; ink, lean, digit: other labels. seen as it: decoded pictures that the classifier names so."
    )


def _roads(found: list[dict[str, Any]], shapes: list[dict[str, Any]]) -> str:
    rows = [{"model": each["model"], **row} for each in found for row in each.get("ways", ())]
    return (
        f"{table(shapes, ['set', 'path', 'off', 'length'])}\n\n20 ways each. off: mean distance from the true "
        "curve, in its own units (the circle's radius is 1; turns of the roll are 6.3 apart); length: over the true "
        "geodesic's, 1 is right.\n\n"
        f"{table(rows, ['model', 'path', 'even', 'distance', 'unevenness', 'sureness'])}\n\n{PAIRS} pairs of digits, "
        f"{STEPS} steps, the ends left out. distance: from the nearest of 1,000 held-out digits, over the digits' own; "
        "unevenness: deviation of the steps seen, over their mean; sureness: the classifier's probability of the digit "
        "it names."
    )


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or MODELS)
