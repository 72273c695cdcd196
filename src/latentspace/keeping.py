"""A space's life in its file: save, load, add, remove, and catching up with what other processes committed."""

import time
from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from . import __version__, axes, by_features, caches, fitting, looking, store
from .beside import for_added, shape_of
from .errors import CorruptFileError, UnsupportedError
from .features import Features, as_stored, comes_from_metadata, dense, fit_in_file
from .items import KINDS, gather_for
from .items.protocol import OnError, Skipped
from .models import FAMILIES, adapter, family
from .models.densities import DENSITIES, density_class
from .store.contents import check_metadata

if TYPE_CHECKING:
    from .verbs.living import OnExisting
    from .verbs.state import State

Space = TypeVar("Space", bound="State")


# ---------------------------------------------------------------------- save
def save(space: "State", path: str | Path | None, overwrite: bool) -> Path:
    """Writes the whole space; see `LatentSpace.save`."""
    if path is None and space.path is None:
        raise ValueError("save() needs a path: this space lives in no file yet. Call space.save('name.latent').")
    target = Path(path) if path is not None else Path(space.path or "")
    same = space.path is not None and target.resolve() == space.path.resolve()
    store.write(target, contents_of(space), overwrite=overwrite or same)
    with store.LatentFile(target) as file:
        space.path, space._version, space._anchor, space._caches = target, file.version, file.anchor(), {}
    return target


def contents_of(space: "State") -> store.Contents:
    """A space as plain data."""
    arrays: dict[str, np.ndarray] = {}
    manifest: dict[str, Any] = {
        "latentspace": __version__,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "modality": _put(arrays, "modality", *space.modality.state()) | {"kind": space.modality.kind},
        "model": _estimator(arrays, "model", space.model),
        "density": _estimator(arrays, "density", space.density) if space.density is not None else None,
        "facts": space.facts,
        "codec": {name: facts for name, (facts, _) in space._coders.items()},
    }
    for name, (_, own) in space._coders.items():
        arrays.update({f"codec/{name}/{key}": array for key, array in own.items()})
    if space._axes:
        manifest["axes"], own = axes.state_of(space._axes)
        arrays.update({name: array for name, array in own.items() if array is not None})
    features = _features_to_keep(space)
    pictures = None if features is not None else looking.all_thumbnails(space)
    return store.Contents(
        manifest=manifest, arrays=arrays, ids=list(space.ids), metadata=space.metadata, latents=space.latents,
        features=features, thumbnails=pictures, maps={name: _map_state(drawn) for name, drawn in space.maps.items()},
        skipped=[(item.id, item.reason) for item in space.skipped], caches=caches.all_of(space),
    )  # fmt: skip


def _put(arrays: dict[str, np.ndarray], room: str, facts: Mapping, own: Mapping[str, np.ndarray]) -> dict[str, Any]:
    arrays.update({f"{room}/{name}": array for name, array in own.items()})
    return {"facts": dict(facts)}


def _estimator(arrays: dict[str, np.ndarray], room: str, model: Any) -> dict[str, Any]:
    name = getattr(model, "family", None)
    if name is None or not hasattr(model, "get_state"):
        raise UnsupportedError(
            f"a space with model={type(model).__name__} cannot be saved: its state is not known, and a .latent file "
            f"never holds a pickle. Models that can be saved: {', '.join(sorted(FAMILIES))}."
        )
    params, facts, own = model.get_state()
    return _put(arrays, room, facts, own) | {"family": name, "params": params}


def _map_state(drawn: Any) -> dict[str, Any]:
    facts, arrays = drawn.state()
    return {"facts": facts, "arrays": arrays}


def _features_to_keep(space: "State") -> np.ndarray | None:
    features = space._features
    if features is None or comes_from_metadata(space.modality):
        return None
    kept = np.uint8 if space.modality.stored_as == "uint8" else np.float32
    if not fit_in_file(len(features), features.shape, space.modality.stored_as):
        return None
    return dense(features.kept) if features.kept is not None else as_stored(dense(features.whole()), kept)


# ---------------------------------------------------------------------- load
def load(make: "type[Space]", path: Path) -> "Space":
    """Opens a `.latent` file as a space."""
    with store.LatentFile(path) as file:
        manifest, arrays = file.manifest(), file.arrays()
        later = file.items_later()
        latents, version, skipped, anchor = file.latents(), file.version, file.skipped(), file.anchor()
        maps = {name: file.map(name) for name in file.map_names}
        has_features = file.feature_shape is not None
    try:
        space = _rebuilt(make, manifest, arrays, latents, skipped)
    except UnsupportedError:  # it needs something that is not here, and says what
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError) as error:
        raise CorruptFileError(
            f"{path} does not hold a whole space ({type(error).__name__}: {error}). "
            "It is damaged, or was written by a newer latentspace; restore it from a copy."
        ) from error
    space.path, space._version, space._anchor, space._later = path, version, anchor, later
    space._features = _features_of(space, has_features)
    space._maps = None
    space._maps_later = lambda: {
        name: looking.kept_map(space, state["facts"], state["arrays"]) for name, state in maps.items()
    }
    return space


def _rebuilt(
    make: "type[Space]", manifest: Mapping[str, Any], arrays: Mapping[str, np.ndarray], latents: np.ndarray,
    skipped: Sequence[tuple[str, str]],
) -> "Space":  # fmt: skip
    """A space of what a file says; whatever is wrong with that may be raised."""
    modality = KINDS[manifest["modality"]["kind"]].from_state(manifest["modality"]["facts"], _of(arrays, "modality"))
    model = _rebuild(family(manifest["model"]["family"]), manifest["model"], _of(arrays, "model"))
    if adapter.dims_of(model) != latents.shape[1]:
        raise ValueError(f"a model of {adapter.dims_of(model)} dims beside latents of {latents.shape[1]}")
    density = None
    if manifest["density"] is not None:
        if manifest["density"]["family"] not in DENSITIES:
            raise ValueError(f"density {manifest['density']['family']!r} is not known")
        density = _rebuild(density_class(manifest["density"]["family"]), manifest["density"], _of(arrays, "density"))
        if density.of_model:
            density.attach(model)
    space = make(
        modality, model, ids=None, metadata=None, latents=latents, features=None, density=density,
        skipped=[Skipped(*row) for row in skipped], facts=manifest.get("facts"),
    )  # fmt: skip
    shape_of(space)  # raises where it is none
    space._axes = axes.from_state(manifest.get("axes"), _of(arrays, "axes"), latents.shape[1])
    coders = manifest.get("codec") or {}
    space._coders = {name: (facts, _of(arrays, f"codec/{name}")) for name, facts in coders.items()}
    return space


def _of(arrays: Mapping[str, np.ndarray], room: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(room + "/"): array for name, array in arrays.items() if name.startswith(room + "/")}


def _rebuild(cls: Any, state: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
    return cls.from_state(state["params"], state["facts"], arrays)


def _features_of(space: "State", stored: bool) -> Features | None:
    return _stored_features(space) if stored else looking.features_again(space)


def _stored_features(space: "State") -> Features:
    """The features a file keeps, read on first use and matched by id, whatever other processes did meanwhile."""
    path, known, later = space.path, space._ids, space._later

    assert path is not None

    def read() -> np.ndarray:
        ids = known if known is not None or later is None else later.ids()
        with store.LatentFile(path) as file:
            there, rows = file.ids(), file.features()
        assert rows is not None
        assert ids is not None
        if there == ids:
            return rows
        place = {id_: row for row, id_ in enumerate(there)}
        gone = [id_ for id_ in ids if id_ not in place]
        if gone:
            raise ValueError(
                f"{path} was changed by another process: item {gone[0]!r} is no longer in it. Call space.refresh()."
            )
        return rows[[place[id_] for id_ in ids]]

    return Features(space.modality.shape, later=read, n=len(space))


def refresh(space: "State") -> bool:
    """Catches up with the file; returns whether anything had changed."""
    if space.path is None or store.version(space.path) == space._version:
        return False
    now = load(type(space), space.path)
    vars(space).update(vars(now))
    return True


# ---------------------------------------------------------------------- add and remove
def add(
    space: "State", items: Any, *, ids: Sequence[str] | None, metadata: Any,
    on_error: OnError, on_existing: "OnExisting", vectors: Any = None,
) -> list[str]:  # fmt: skip
    """Encodes items and appends them, to the file first; see `LatentSpace.add`.

    Of its own change the space reads nothing again: it follows it in memory, and so does its search index.
    """
    if on_existing not in ("raise", "skip", "replace"):
        raise ValueError(f"on_existing={on_existing!r} is not known; choose 'raise', 'skip' or 'replace'.")
    refresh(space)
    gathered = gather_for(space.modality, items, ids)
    gathered.metadata.update(fitting.columns_of(metadata, gathered.ids))
    beside = for_added(space, vectors, gathered, on_error)
    gathered = gathered if beside is None else beside.items
    known = [id_ for id_ in gathered.ids if id_ in space._positions]
    if known and on_existing == "raise":
        raise ValueError(
            f"{len(known):,} of the {len(gathered):,} items are in this space already ({known[0]!r} first). "
            "Pass ids= of their own, or on_existing='skip' or 'replace'."
        )
    if known and on_existing == "skip":
        gathered = gathered.select([row for row, id_ in enumerate(gathered.ids) if id_ not in space._positions])
    read = fitting.read_all(space.modality, gathered, on_error, keep=True, model=space.model)
    fitting.warn_of(read.skipped, len(read.ids) + len(read.skipped), "add()")
    z = fitting.encode_read(space.model, read, read.features if beside is None else beside.features(read.ids))
    replaced = [id_ for id_ in read.ids if id_ in space._positions]
    stays = np.ones(len(space), bool)
    stays[[space._positions[id_] for id_ in replaced]] = False
    version = _append_to_file(space, read, z, bool(replaced)) if space.path is not None else 0
    if space.path is None or _is_next(space, version):
        _part(space, stays)
        _append(space, read, z)
        _settle(space, version, stays, len(read.ids))
    else:
        refresh(space)
    return read.ids


def _append_to_file(space: "State", read: fitting.ReadItems, z: np.ndarray, replace: bool) -> int:
    assert space.path is not None
    with store.LatentFile(space.path) as file:  # what it has of its items it needs of these
        keeps_features, keeps_thumbnails = file.feature_shape is not None, file.has_thumbnails
    stored = dense(read.features.kept) if keeps_features else None
    pictures = looking.thumbnails_of(space, read.features) if keeps_thumbnails else None
    return store.append(space.path, read.ids, read.metadata, z, features=stored, thumbnails=pictures, replace=replace)


def _is_next(space: "State", version: int) -> bool:
    """Whether the file's version differs from the space's by the space's own change only."""
    return version <= space._version + 1


def _settle(space: "State", version: int, stays: np.ndarray, came: int) -> None:
    """Notes where a file has what the space, which has followed its own change to it, holds."""
    if space.path is None or space._anchor is None:
        return
    with store.LatentFile(space.path) as file:
        if file.version != version:  # another process was as quick
            space._version = -1
        else:
            space._anchor, space._version = file.anchor(space._anchor.after(stays, came)), version
            space._features = _features_of(space, file.feature_shape is not None)
    refresh(space)


def _append(space: "State", read: fitting.ReadItems, z: np.ndarray) -> None:
    before, more = len(space), len(read.ids)
    # As the file gives them back: plain values.
    new = read.metadata if space.path is None else check_metadata(read.metadata, read.ids)
    names = [*space.metadata, *(name for name in new if name not in space.metadata)]
    space.metadata = {name: space.metadata.get(name, [None] * before) + new.get(name, [None] * more) for name in names}
    space.ids = space.ids + read.ids
    space._later = None
    space.latents = space.index.add(z)
    by_features.follow_added(space, read.features)
    if space._features is not None and space.path is None:
        space._features = space._features.appended(read.features)
    space._raw = None  # the first source no longer holds every item; they come back from their features
    space._changed()


def remove(space: "State", ids: list[str]) -> int:
    """Removes items by id, from the file first; see `LatentSpace.remove`."""
    refresh(space)
    gone = {space.position(id_) for id_ in ids}
    stays = np.ones(len(space), bool)
    stays[list(gone)] = False
    version = 0
    if space.path is not None:
        version = space._version + bool(gone)
        store.remove(space.path, [space.ids[row] for row in sorted(gone)])
    _part(space, stays)
    _settle(space, version, stays, 0)
    return len(gone)


def _part(space: "State", stays: np.ndarray) -> None:
    """Lets items go from memory, where the boolean array `stays` of shape (n,) is false."""
    if stays.all():
        return
    for drawn in (space._maps or {}).values():
        drawn.settle()  # whoever holds it keeps the items that it is of
    mask = stays.tolist()
    space.ids = list(compress(space.ids, mask))
    space.metadata = {name: list(compress(column, mask)) for name, column in space.metadata.items()}
    space._later = None
    space.latents = space.index.remove(np.flatnonzero(~stays))
    by_features.follow_removed(space, np.flatnonzero(~stays))
    if space._features is not None and space.path is None:
        space._features = space._features.without(stays)
    space._raw = space._raw.select(np.flatnonzero(stays).tolist()) if space._raw is not None else None
    caches.follow(space, np.where(stays, np.cumsum(stays) - 1, -1))
    space.maps = {}  # their rows are no longer the items
    space._changed()
