"""What a space shows of itself: its items, their thumbnails, what it is, and its maps."""

import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from . import beside, store, thumbnails
from . import items as items_room
from .errors import UnsupportedError
from .features import Features, dense
from .models import adapter

if TYPE_CHECKING:
    from .verbs.state import State

_WITNESSES = 5  # texts that tell what a point between them is about
_FAINT = 0.02  # share of the nearest one's weight below which a text tells nothing
_NEAR = 0.05  # of cosine: a text that much farther than the nearest weighs a third of it


# ---------------------------------------------------------------------- items
def items_at(space: "State", positions: Sequence[int]) -> Any:
    """The items at some positions in their own form, from the features that the space keeps."""
    if space._features is None:
        raise UnsupportedError(
            "the items of this space are not at hand: it was loaded from a file without their features, and their "
            f"source {space.facts.get('origin')!r} is not there. Bring the source back and load the space again."
        )
    rows = list(positions)
    metadata = {name: [column[row] for row in rows] for name, column in space.metadata.items()}
    return space.modality.rebuild(space._features.rows(rows), metadata)


def item_at(space: "State", position: int) -> Any:
    """One item in its own form."""
    several = items_at(space, [position])
    if issparse(several):
        return several.toarray()[0]
    return several.iloc[0].to_dict() if hasattr(several, "iloc") else several[0]


def feature_shape(space: "State") -> tuple[int, ...]:
    """The shape of what the model was fitted on: vectors that stand beside the items, or the items' features."""
    return beside.shape_of(space) or space.modality.shape


def by_neighbours(space: "State") -> bool:
    """Whether latents are decoded by real items near them: texts, of a model that has no way back itself."""
    return (
        space.modality.kind == "texts"
        and beside.shape_of(space) is None
        and not hasattr(space.model, "inverse_transform")
        and space._features is not None
        and len(space) > 0
    )


def require_way_back(space: "State") -> None:
    """Raises UnsupportedError where latents cannot be decoded."""
    if not by_neighbours(space):
        adapter.require_decoder(space.model)


def decoded(space: "State", z: np.ndarray) -> Any:
    """Latents in the items' own form: by the model, or as what the texts nearest to them have in common."""
    if not by_neighbours(space):
        return given_back(space, z, adapter.decode(space.model, z, feature_shape(space)))
    assert space._features is not None  # as `by_neighbours` says
    near = space.index.search(z, _WITNESSES, metric="cosine")
    x = np.zeros((len(z), *space.modality.shape), np.float32)
    for row, (positions, scores) in enumerate(zip(near.positions, near.scores, strict=True)):
        there = positions >= 0
        weights = np.exp((scores[there] - scores[there].max()) / _NEAR)
        weights[weights < _FAINT] = 0
        x[row] = (weights / weights.sum()) @ dense(space._features.rows(positions[there]))
    return given_back(space, z, x)


def given_back(space: "State", z: np.ndarray, x: np.ndarray) -> Any:
    """What was decoded from latents z, in the items' own form; vectors as they are, texts with a real sentence each."""
    if beside.shape_of(space) is not None:
        return x
    items = space.modality.restore(x)
    texts = space.metadata.get("text")
    if space.modality.kind == "texts" and texts:
        for row, words in enumerate(items):
            words.testify = partial(_sentence_near, space, z[row : row + 1])
    return items


def _sentence_near(space: "State", z: np.ndarray, words: Any) -> str:
    from .items.words import best_sentence

    nearest = int(space.index.search(z, 1, metric="cosine").positions[0, 0])
    return best_sentence(space.metadata["text"][nearest], words)


def features_again(space: "State") -> Features | None:
    """Features read again from metadata that holds the whole items, or from their source; None when that is gone."""
    items = space.modality.from_metadata(space.ids, space.metadata)
    if items is not None:
        modality = space.modality

        def remade(positions: Sequence[int]) -> Any:
            for batch in modality.read(items.select(list(positions)), on_error="raise"):
                yield batch.x

        return Features(modality.shape, reread=remade, n=len(space))
    return source_features(space)


def source_features(space: "State") -> Features | None:
    """Features read again from where the space's items came from; None when that is no longer there."""
    origin = space.facts.get("origin")
    if not isinstance(origin, str) or not Path(origin).exists():
        return None

    def again(positions: Sequence[int]) -> Any:
        gathered = space.modality.pieces(items_room.gather(origin, kind=space.modality.kind)[1])
        place = {id_: row for row, id_ in enumerate(gathered.ids)}
        try:
            chosen = [place[space.ids[position]] for position in positions]
        except KeyError as missing:
            raise ValueError(f"item {missing} is no longer in {origin}, where this space reads its items.") from None
        for batch in space.modality.read(gathered.select(chosen), on_error="raise"):
            yield batch.x

    return Features(space.modality.shape, reread=again, n=len(space))


# ---------------------------------------------------------------------- pictures
def all_thumbnails(space: "State") -> list[bytes] | None:
    """Every item's thumbnail as an encoded picture, made only if none were yet; None where the modality has none."""
    features = space._features
    if features is not None and features.thumbnails is not None:
        return features.thumbnails
    kept = _thumbnails_in_file(space)
    if features is None:
        return kept
    features.thumbnails = kept if kept is not None else thumbnails_of(space, features)
    return features.thumbnails


def _thumbnails_in_file(space: "State") -> list[bytes] | None:
    """What the space's file keeps, where it holds just these items."""
    if space.path is None or not space.path.exists():
        return None
    with store.LatentFile(space.path) as file:
        return file.thumbnails() if file.ids() == space.ids else None


def thumbnails_of(space: "State", features: Features) -> list[bytes] | None:
    """Thumbnails of features; None where the modality has no pictures."""
    if features.thumbnails is not None:
        return features.thumbnails
    encoded: list[bytes] = []
    for block in features.blocks(512):
        some = thumbnails.made(space.modality, block)
        if some is None:
            return None
        encoded += some
    return encoded


def pictures(space: "State", items: Any) -> list[Any]:
    """Items in their own form as pictures for a sheet.

    Raises
    ------
    UnsupportedError
        If items of this modality have no picture.
    """
    if isinstance(items, list) and items and hasattr(items[0], "save") and hasattr(items[0], "size"):
        return items  # pictures already
    x = space.features(items, on_error="raise")
    drawn = [space.modality.picture(row) for row in x]
    if any(picture is None for picture in drawn):
        raise UnsupportedError(
            f"{space.modality.kind} have no picture; write them as rows instead (a .csv or .npy ending)."
        )
    return drawn


# ---------------------------------------------------------------------- what it is
def describe(space: "State") -> dict[str, Any]:
    """What a space is, as plain data; see `LatentSpace.info`."""
    from . import upkeep

    active = getattr(space.model, "active_dims_", None)
    return {
        "path": str(space.path) if space.path is not None else None,
        "kind": space.modality.kind,
        "items": len(space),
        "skipped": len(space.skipped),
        "features": list(space.modality.shape),
        "model": getattr(space.model, "family", type(space.model).__name__),
        "dims": space.dims,
        "active_dims": None if active is None else int(np.sum(active)),
        "density": getattr(space.density, "family", None),
        "density_scores": getattr(space.density, "scores_", None) or None,
        "metadata": sorted(space.metadata),
        "maps": sorted(space.maps),
        **{name: space.facts.get(name) for name in ("origin", "fingerprint", "target", "seed", "seconds")},
        "encoder": getattr(space.model, "about_", None),
        "reconstruction": space.facts.get("reconstruction"),
        "index": upkeep.describe_index(space) or None,
        "file": upkeep.describe_file(space),
        "notes": space.modality.notes,
    }


# ---------------------------------------------------------------------- maps
def make_map(
    space: "State", method: str, seed: int, options: dict[str, Any], dims: int = 2, stability: int = 0,
    landmarks: int | None = None,
) -> Any:  # fmt: skip
    """Draws a map on the shared neighbour graph; see `LatentSpace.map`."""
    from .maps.fit import fit_map, graph_size
    from .maps.honesty import honesty
    from .maps.landmarks import landmarks_for
    from .maps.map import Map

    if stability < 0:
        raise ValueError(f"stability={stability} is out of range: how many more maps to draw by other seeds, from 0.")
    k = graph_size(method, len(space), **options)
    landmarks = landmarks_for(method, len(space), landmarks)
    graph = space.graph(k) if k and landmarks is None else None

    def lay_out(seed: int) -> Any:
        return fit_map(space.latents, method, graph, seed, dims=dims, landmarks=landmarks, **options)

    fitted = lay_out(seed)
    told = honesty(space.latents, fitted.coordinates, graph=graph, seed=seed)
    others = [lay_out(seed + 1 + more).coordinates for more in range(stability)]
    told = told.with_stability(fitted.coordinates, others)
    drawn = Map(fitted, told, ground_of(space, len(space)))
    if dims == 2:  # those that the space keeps are what searches by region and the page work on: maps in the plane
        space.maps[method] = drawn
    return drawn


def kept_map(space: "State", facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """A map from what the store kept: of the space's first items, where some were added after it was made."""
    from .maps.map import Map

    return Map.from_state(facts, arrays, ground_of(space, len(arrays.get("coordinates", ()))))


def ground_of(space: "State", n: int | None = None) -> Any:
    """What a map of the space's first n items, by default of all, needs of the space."""
    n = len(space) if n is None else n
    from .items.tokens import words_of
    from .maps.map import Ground

    return Ground(
        read_ids=lambda: space.ids[:n],
        z=space.latents[:n],
        read_metadata=lambda: {name: column[:n] for name, column in space.metadata.items()},
        encode=space.encode,
        decode=space.decode,
        picture=pictures_of(space, n),
        words=words_of,
    )


def pictures_of(space: "State", n: int) -> Callable[[int], Any] | None:
    """A function from one of the first n rows to its picture; None where there are none."""
    modality, features = space.modality, space._features
    if n == 0:
        return None
    if features is not None and features.at_hand:
        if modality.picture(np.zeros(features.shape, np.float32)) is None:  # of no item: reading all takes seconds
            return None
        return lambda position: modality.picture(features.rows([position])[0])
    encoded = all_thumbnails(space)
    if encoded is None:
        return None
    from PIL import Image

    return lambda position: Image.open(io.BytesIO(encoded[position]))
