"""Sounds: notes of instruments encoded, decoded to sounds again, and found by how they sound."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .data import first_of

NEEDS = (("soundfile", "audio"),)
FILES = {
    "space": "notes.latent",
    "original": "original.wav",
    "decoded": "decoded.wav",
    "interpolation": "interpolation.wav",
    "spectrograms": "spectrograms.png",
    "map_picture": "map.png",
}
_SHOWN = 5  # held-out notes that are written, original and decoded
_HELD_OUT = 50


def run(paths: dict[str, Path], seed: int, say: Callable[[str], None]) -> tuple[dict[str, Any], list[str]]:
    """Fits principal components of log-mel spectrograms on single notes; see `demo.run`."""
    import latentspace as ls

    notes = first_of("notes")
    assert notes.labels is not None
    order = np.random.default_rng(seed).permutation(len(notes))
    test, train = order[:_HELD_OUT], order[_HELD_OUT:]
    files = [Path(notes.x) / path for path in notes.metadata["path"]]
    names = [f"{label} {note}" for label, note in zip(notes.labels, notes.metadata["note"], strict=True)]
    say(f"{notes.name}: {len(train)} notes to fit, {len(test)} held out ({notes.licence})")
    space = ls.fit(
        [files[i] for i in train], model="pca", dims=64, seed=seed, ids=_unique([names[i] for i in train]),
        metadata={"instrument": [str(notes.labels[i]) for i in train]},
    )  # fmt: skip
    space.save(paths["space"], overwrite=True)
    instruments = space.metadata["instrument"]
    held = [files[i] for i in test]
    same = [
        np.mean([instruments[space.position(id_)] == notes.labels[i] for id_ in hits.ids])
        for i, hits in zip(test, space.search(held, k=5), strict=True)
    ]
    x = space.features(held)
    x_hat = space.model.inverse_transform(space.encode(held)).reshape(x.shape)
    figures = {
        "variance_kept": float(1 - np.mean((x - x_hat) ** 2) / np.mean((x - x.mean(axis=0)) ** 2)),
        "neighbours_same_instrument": float(np.mean(same)),
        "seconds_to_fit": space.facts["seconds"],
    }
    say(
        f"fitted {space.dims} dims in {figures['seconds_to_fit']:.0f} s\n"
        f"of held-out spectrograms' variance {figures['variance_kept']:.0%} comes back\n"
        f"of the 5 notes nearest to a held-out one, {figures['neighbours_same_instrument']:.0%} are of its instrument"
    )
    _write(space, held[:_SHOWN], x[:_SHOWN], x_hat[:_SHOWN], paths)
    for i in test[:3]:
        say(f"nearest to {names[i]}: {', '.join(space.search(files[i], k=3).ids)}")
    space.map("tsne", seed=seed).save(paths["map_picture"], colour="instrument", overwrite=True)
    space.save()
    return figures, [f"search {paths['space']} --id '{space.ids[0]}' -k 5", f"info {paths['space']}"]


def _unique(names: list[str]) -> list[str]:
    """Names with a number behind those that came before."""
    seen: dict[str, int] = {}
    given = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        given.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return given


def _write(space: Any, held: list[Path], x: np.ndarray, x_hat: np.ndarray, paths: dict[str, Path]) -> None:
    """The held-out notes as they were and as decoded, their spectrograms one above the other, and a way between two."""
    from ..generate.sheet import sheet
    from ..writing import write_items

    pictures = [space.modality.picture(row).resize((192, 192)) for row in (*x, *x_hat)]
    sheet(pictures, columns=len(held)).save(paths["spectrograms"])
    write_items(space, space.modality.restore(x), paths["original"], overwrite=True)
    write_items(space, space.reconstruct(held), paths["decoded"], overwrite=True)
    way = space.interpolate(space.ids[0], space.ids[1], steps=5)
    write_items(space, way, paths["interpolation"], overwrite=True)
