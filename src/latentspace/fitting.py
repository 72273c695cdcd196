"""From a source to a fitted space: gather, learn, read, fit, encode, and measure what was kept."""

import hashlib
import inspect
import math
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from . import items as items_room
from . import thumbnails
from .beside import Beside
from .errors import SkippedItemsWarning
from .features import BLOCK, Features, as_stored, dense, fit_in_file, joined, rows_at_once, worth_keeping
from .hearing import heard
from .items.protocol import Gathered, Modality, OnError, Skipped, refuse_skipped
from .models import adapter, class_of, make
from .progress import Progress, say

_MEASURED_ON = 2048  # items: the reconstruction error of more would not change its third digit
_MEASURED_AT_ONCE = 2**22  # of their values, so that arithmetic in float64 takes some 100 MB


@dataclass
class ReadItems:
    """All items of a source as features, aligned with ids and metadata."""

    features: Features
    ids: list[str]
    metadata: dict[str, list]
    skipped: list[Skipped]
    raw: Gathered  # the items that could be read, for reading them again
    fingerprint: str
    rows: np.ndarray | None = None  # what the encoder gave, float32 (n, width), where the model reads items as they are


def gather(
    source: Any, kind: str | None, ids: Sequence[str] | None, metadata: Any, likely: str | None = None
) -> tuple[type[Modality], Gathered]:
    """Lists a source's items and joins the user's own metadata columns to theirs."""
    modality, gathered = items_room.gather(source, kind=kind, ids=ids, likely=likely)
    gathered.metadata.update(columns_of(metadata, gathered.ids))
    return modality, gathered


def columns_of(metadata: Any, ids: Sequence[str]) -> dict[str, list]:
    """Metadata as a user gives it (a mapping of columns or a frame) to plain columns aligned with `ids`.

    Raises
    ------
    ValueError
        If a column's length is not the number of items.
    """
    columns: dict[str, list] = {}
    if metadata is None:
        return columns
    names = list(metadata.keys()) if isinstance(metadata, Mapping) else list(metadata.columns)
    for name in names:
        values = [_plain(value) for value in metadata[name]]
        if len(values) != len(ids):
            raise ValueError(
                f"metadata column {name!r} has {len(values):,} values, but the source has {len(ids):,} items. "
                "Give one value an item, in the items' order."
            )
        columns[str(name)] = values
    return columns


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return None if value != value else value  # NaN is a missing value
    return None if str(value) in ("NaT", "<NA>") else str(value)


def read_all(
    modality: Modality, gathered: Gathered, on_error: OnError, label: str = "Reading", keep: bool | None = None,
    model: Any = None,
) -> ReadItems:  # fmt: skip
    """Reads every item once: its features are kept where memory allows, and read again later where it does not.

    Where a model is given that reads items as they are, it encodes them meanwhile, each once.
    """
    n, shape = len(gathered), modality.shape
    sparse = modality.stored_as == "sparse"
    keep = sparse or (worth_keeping(n, shape, modality.stored_as) if keep is None else keep)
    kept: Any = None
    if keep and not sparse:
        kept = np.empty((n, *shape), np.uint8 if modality.stored_as == "uint8" else np.float32)
    parts: list[Any] = []
    ids: list[str] = []
    metadata: dict[str, list] = {}
    refuse_skipped(gathered, on_error)
    skipped = list(gathered.skipped)
    rows: list[np.ndarray] = []
    pictures: list[bytes] | None = None if sparse or fit_in_file(n, shape, modality.stored_as) else []
    digest = hashlib.blake2b(digest_size=16)
    with Progress(label, n) as progress:
        for batch in modality.read(gathered, on_error=on_error):
            done = 0
            if model is not None and batch.raw is not None:
                done = len(batch)
                batch, h = heard(model, batch, on_error, progress.advance)
                rows.append(h)
            rows_read: Any = batch.x if sparse else as_stored(batch.x, np.dtype(modality.stored_as))
            if kept is not None:
                kept[len(ids) : len(ids) + len(batch)] = rows_read
            elif sparse:
                parts.append(rows_read)
            if pictures is not None:
                some = thumbnails.made(modality, rows_read)
                pictures = None if some is None else [*pictures, *some]
            for values in (rows_read.data, rows_read.indices) if sparse else (rows_read,):
                digest.update(np.ascontiguousarray(values).data)
            for name, values in batch.metadata.items():
                metadata.setdefault(name, [None] * len(ids)).extend(values)
            ids.extend(batch.ids)
            skipped.extend(batch.skipped)
            progress.advance(len(batch) + len(batch.skipped) - done)
    if sparse:
        kept = joined(parts) if parts else csr_array((0, *shape), dtype=np.float32)
    raw = _only(gathered, ids)
    if kept is not None:
        features = Features(shape, kept[: len(ids)])
    else:
        features = Features(shape, reread=lambda positions: _again(modality, raw, positions), n=len(ids))
    features.thumbnails = pictures
    heard_rows = np.concatenate(rows) if rows else None
    return ReadItems(features, ids, metadata, skipped, raw, digest.hexdigest(), heard_rows)


def _only(gathered: Gathered, ids: list[str]) -> Gathered:
    if len(ids) == len(gathered):
        return gathered
    place = {id_: position for position, id_ in enumerate(gathered.ids)}
    return gathered.select([place[id_] for id_ in ids])


def _again(modality: Modality, raw: Gathered, positions: Sequence[int]) -> Iterator[np.ndarray]:
    chosen = raw if len(positions) == len(raw) else raw.select(positions)
    for batch in modality.read(chosen, on_error="raise", block=BLOCK):
        yield batch.x


def warn_of(skipped: Sequence[Skipped], of: int, doing: str) -> None:
    """Warns once that items were skipped, with their count and the first reasons."""
    if not skipped:
        return
    first = "; ".join(f"{item.id}: {item.reason}" for item in skipped[:3])
    more = f"; and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
    warnings.warn(
        f"{doing} skipped {len(skipped):,} of {of:,} items that could not be read ({first}{more}). "
        "on_error='raise' makes the first one an error.",
        SkippedItemsWarning,
        stacklevel=3,
    )


def share_options(modality: type[Modality], model: Any, options: Mapping[str, Any]) -> tuple[dict, dict]:
    """Splits `fit`'s keyword options between the modality and the model by their constructors' own names.

    Raises
    ------
    TypeError
        If neither knows an option; the message lists what each takes.
    """
    for_items, for_model = {}, {}
    items_take = _takes(modality)
    model_takes = _takes(model) if isinstance(model, type) else []
    for name, value in options.items():
        if name in items_take:
            for_items[name] = value
        elif name in model_takes:
            for_model[name] = value
        else:
            raise TypeError(
                f"fit() got an unknown option {name!r}. {modality.__name__} takes: {', '.join(items_take) or 'none'}; "
                f"the model takes: {', '.join(model_takes) or 'none of its own (it is an estimator already)'}."
            )
    return for_items, for_model


def _takes(cls: type) -> list[str]:
    skip = ("self", "args", "kwargs")
    return [name for name in inspect.signature(cls).parameters if name not in skip]


def make_model(model: Any, dims: Any, seed: int, options: Mapping[str, Any]) -> Any:
    """An unfitted estimator from a family's or preset's name, or a clone of the estimator that was given."""
    if isinstance(model, str):
        options = dict(options)
        if dims is not None:
            options["dims"] = dims
        if "random_state" in _takes(class_of(model)):
            options.setdefault("random_state", seed)
        return make(model, **options)
    if isinstance(model, type) or not hasattr(model, "fit") or not hasattr(model, "transform"):
        raise TypeError(f"model={model!r} is neither a name nor an estimator with fit and transform.")
    from sklearn.base import clone

    model = clone(model)
    if dims is not None:
        if "dims" not in model.get_params():
            raise ValueError(f"dims={dims!r} cannot be set on {type(model).__name__}; set its own parameter instead.")
        model.set_params(dims=dims)
    return model


@dataclass
class Fitted:
    """What fitting produced, for the space to hold."""

    modality: Modality
    model: Any
    read: ReadItems
    latents: np.ndarray
    density: Any
    facts: dict[str, Any] = field(default_factory=dict)


def fit_parts(
    source: Any,
    model: Any,
    *,
    dims: Any,
    target: Any,
    kind: str | None,
    ids: Sequence[str] | None,
    metadata: Any,
    vectors: Any,
    density: str,
    seed: int,
    on_error: OnError,
    options: Mapping[str, Any],
    training: Mapping[str, Any],
) -> Fitted:
    """Runs the whole road from a source to latents; see `latentspace.fit` for the parameters."""
    from .models.densities import density_class, fit_density

    if density != "auto":
        density_class(density)  # a name that is not known, or a package that is not there, before the model is trained
    began = time.monotonic()
    model = "identity" if model is None else model
    likely = "interactions" if adapter.is_of_interactions(model) else None
    read_as = None if kind else adapter.kind_read(model, options)
    try:
        modality_class, gathered = gather(source, kind or read_as, ids, metadata, likely)
    except ValueError as error:
        if read_as is None:
            raise
        raise ValueError(f"model={model!r} reads {read_as}, and {error}") from None
    beside = None if vectors is None else Beside(vectors, gathered, on_error)
    gathered = gathered if beside is None else beside.items
    model_class = class_of(model) if isinstance(model, str) else model
    for_items, for_model = share_options(modality_class, model_class, options)
    if isinstance(target, str) and modality_class.kind == "table":
        for_items["exclude"] = [*(for_items.get("exclude") or []), target]
    estimator = make_model(model, dims, seed, for_model)
    training = {name: value for name, value in training.items() if value is not None}
    adapter.require_training(estimator, training)
    say(lambda: f"{gathered.origin}: {items_room.found(modality_class.kind, gathered)}")
    modality = modality_class(**for_items)
    modality.suit(
        counts=beside is None and adapter.wants_counts(estimator),
        sparse=beside is not None or adapter.is_at_ease_in_sparse(estimator),
        raw=adapter.raw_for(estimator, modality.kind, beside is not None),
    )
    modality.learn(gathered)
    say(lambda: f"features of shape {' x '.join(map(str, modality.shape))}{''.join(f'; {n}' for n in modality.notes)}")
    gathered = modality.pieces(gathered)
    if adapter.tell_pairs(estimator, modality):
        target = "pair"
    read = read_all(modality, gathered, on_error, model=estimator)
    if not read.ids:
        raise ValueError(_nothing_read(gathered, read.skipped))
    y = target_values(target, read, gathered)
    features = read.features if beside is None else beside.features(read.ids)
    adapter.tell_columns(estimator, modality.plan if beside is None else None)
    made = adapter.fit_model(estimator, features, y, training, read.rows)
    latents = encode_features(estimator, features) if made is None else made
    facts = {
        "origin": gathered.origin,
        "items": len(read.ids),
        "skipped": len(read.skipped),
        "fingerprint": read.fingerprint,
        "seed": seed,
        "target": target if isinstance(target, str) else None,
        "reconstruction": reconstruction(estimator, features, seed, latents),
        "vectors": None if beside is None else beside.shape[0],
    }
    fitted_density = fit_density(latents, density, seed=seed, model=estimator)
    facts["seconds"] = round(time.monotonic() - began, 3)
    return Fitted(modality, estimator, read, latents, fitted_density, facts)


def _nothing_read(gathered: Gathered, skipped: Sequence[Skipped]) -> str:
    reasons = "; ".join(f"{item.id}: {item.reason}" for item in skipped[:5])
    return (
        f"none of the {len(gathered) + len(gathered.skipped):,} items of {gathered.origin} could be read"
        f"{' (' + reasons + ')' if reasons else ''}. A space needs at least one item."
    )


def target_values(target: Any, read: ReadItems, gathered: Gathered) -> list | None:
    """The labels to fit with: a metadata column by name, or one value an item of the source.

    Raises
    ------
    ValueError
        If there is no such column, or the count is not the items'.
    """
    if target is None:
        return None
    if isinstance(target, str):
        if target not in read.metadata:
            known = ", ".join(read.metadata) or "none"
            raise ValueError(f"target={target!r} is not a metadata column of this source. Its columns: {known}.")
        return read.metadata[target]
    values = [_plain(value) for value in target]
    if len(values) != len(gathered):
        raise ValueError(f"target has {len(values):,} values, but the source has {len(gathered):,} items.")
    by_id = dict(zip(gathered.ids, values, strict=True))
    return [by_id[id_] for id_ in read.ids]


def encode_features(model: Any, features: Features) -> np.ndarray:
    """Latents (n, dims) of all rows, block by block."""
    with Progress("Encoding", len(features)) as progress:
        parts = []
        for block in features.blocks():
            parts.append(adapter.encode(model, block))
            progress.advance(block.shape[0])
    return np.concatenate(parts) if parts else adapter.encode(model, np.empty((0, *features.shape), np.float32))


def encode_read(model: Any, read: ReadItems, features: Features) -> np.ndarray:
    """Latents (n, dims) of items that were read for a fitted model."""
    return encode_features(model, features) if read.rows is None else model.reduce(read.rows)


def encode_items(
    modality: Modality, model: Any, gathered: Gathered, on_error: OnError
) -> tuple[list[str], np.ndarray, list[Skipped]]:
    """Latents of gathered items, block by block, their features forgotten: ids, z (n, dims), and who was skipped."""
    ids: list[str] = []
    parts = [adapter.encode(model, np.empty((0, *modality.shape), np.float32))]
    refuse_skipped(gathered, on_error)
    skipped = list(gathered.skipped)
    with Progress("Encoding", len(gathered)) as progress:
        for batch in modality.read(gathered, on_error=on_error, block=BLOCK):
            done = 0
            if batch.raw is not None:
                done = len(batch)
                batch, h = heard(model, batch, on_error, progress.advance)
                parts.append(model.reduce(h))
            else:
                parts.append(adapter.encode(model, batch.x))
            ids.extend(batch.ids)
            skipped.extend(batch.skipped)
            progress.advance(len(batch) + len(batch.skipped) - done)
    return ids, np.concatenate(parts), skipped


def reconstruction(model: Any, features: Features, seed: int, latents: np.ndarray) -> dict[str, float] | None:
    """How well a model gives features back, on a sample of its own items; None where it cannot decode.

    Returns
    -------
    dict
        `mse`: mean squared error a feature, in the features' own squared unit (lower is better); `variance_kept`:
        1 - mse / variance (1 is perfect, 0 no better than the mean); `items`: how many it was measured on.
    """
    if not hasattr(model, "inverse_transform"):
        return None
    chosen = np.random.default_rng(seed).permutation(len(features))[: min(_MEASURED_ON, rows_at_once(features.shape))]
    chosen = np.sort(chosen)
    x = features.rows(chosen)
    origin = dense(x[:1]).astype(np.float64)  # the variance is summed about an item, so that a far mean costs no digits
    errors = total = squares = 0.0
    size = rows_at_once(features.shape, _MEASURED_AT_ONCE)
    for start in range(0, x.shape[0], size):
        block = dense(x[start : start + size])
        x_hat = adapter.decode(model, latents[chosen[start : start + size]], features.shape)
        errors += float(np.sum((block.astype(np.float64) - x_hat) ** 2))
        about = block - origin
        total = total + about.sum(axis=0)
        squares += float(np.sum(about**2))
    values = x.shape[0] * math.prod(features.shape)
    mse = errors / values
    variance = squares / values - float(np.mean((total / x.shape[0]) ** 2))
    return {"mse": mse, "variance_kept": 1 - mse / variance if variance > 0 else 1.0, "items": len(chosen)}
