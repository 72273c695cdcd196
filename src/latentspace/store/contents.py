"""A whole space as plain data, and the checks at the store's door: what is refused here never reaches a file."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .values import check_column

_MAX_DEPTH = 64  # nesting of a manifest; Python's own JSON reader stops somewhere near 1,000, other languages earlier
_EMPTY = 80_000  # bytes of a file without items
_MAX_NAME = 200  # characters of an array's or a map's name


@dataclass
class Cache:
    """What can be computed again from latents, of the items that were there when it was made; opaque to the store.

    Attributes
    ----------
    facts : dict
        JSON.
    arrays : dict of name to ndarray
    rows : int64 array of shape (m,)
        Where the items that it describes are now in the order of the items, ascending; -1 for one that is gone. Items
        that came since are in none of them.
    """

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]
    rows: np.ndarray

    def is_of_all(self, n: int) -> bool:
        """Returns whether it describes just the n items that there are."""
        return len(self.rows) == n and bool((self.rows == np.arange(n)).all())


@dataclass
class Contents:
    """A whole space as plain data: what `write` takes and `read` gives back.

    Attributes
    ----------
    manifest : dict
        JSON: modality, model, density, origin, versions, seed, report. The store keeps it and does not read it.
    arrays : dict of name to ndarray
        Weights and whatever else was learned: "model/axes_", "modality/scale". Numbers or booleans of any shape.
    ids : list of str
        One stable and unique name an item. Paths with undecodable bytes (surrogateescape) come back unchanged.
    metadata : dict of column name to list
        Columns aligned with `ids`. Values are str, int, float, bool or None, and come back as what they were.
    latents : float32 array of shape (n, dims)
    features : float32 or uint8 array of shape (n, ...), or None
        Feature space, where it is small enough to keep; uint8 is x * 255.
    thumbnails : list of bytes, or None
        An encoded picture for each item.
    maps : dict of name to {"facts": dict, "arrays": dict}
        2-d maps: JSON facts and arrays, opaque to the store.
    skipped : list of (id, reason)
        Items that could not be read.
    caches : dict of name to Cache
        What can be computed again from the latents: a search index, a neighbour graph.
    """

    manifest: dict[str, Any]
    arrays: dict[str, np.ndarray]
    ids: list[str]
    metadata: dict[str, list]
    latents: np.ndarray
    features: np.ndarray | None = None
    thumbnails: list[bytes] | None = None
    maps: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    caches: dict[str, Cache] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)


def dump_json(value: Any, what: str) -> bytes:
    """Returns `value` as ASCII JSON; `what` names it in errors ("manifest").

    Raises
    ------
    TypeError
        For what JSON has no word for; the message gives its place.
    ValueError
        For NaN or infinity, and nesting deeper than 64.
    """
    _check_json(value, what, 0)
    # ASCII: lone surrogates, which UTF-8 cannot hold, survive as \udcXX escapes.
    return json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def _check_json(value: Any, where: str, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError(f"{where[:200]} is nested deeper than {_MAX_DEPTH}; a .latent file keeps flatter facts.")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where} has the key {key!r}; JSON keys are strings. Pass {str(key)!r}.")
            _check_json(inner, f"{where}[{key!r}]", depth + 1)
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            _check_json(inner, f"{where}[{number}]", depth + 1)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}; a .latent file holds finite numbers. Use None for a missing one.")
    elif value is not None and not isinstance(value, (str, int)):  # bool is an int
        raise TypeError(
            f"{where} is a {type(value).__name__}, which JSON cannot hold. "
            "Pass strings, Python numbers, booleans, None, lists or dicts (an ndarray belongs in arrays)."
        )


def check_dict(value: Any, what: str) -> None:
    """Raises TypeError unless `value` is a dict."""
    if not isinstance(value, dict):
        raise TypeError(f"{what} must be a dict, not {type(value).__name__}.")


def check_name(name: Any, what: str) -> None:
    """Raises unless `name` can name an array or a map: printable, 1 to 200 characters."""
    if not isinstance(name, str):
        raise TypeError(f"{what} is named {name!r}; names are strings.")
    if not (0 < len(name) <= _MAX_NAME and name.isprintable()):
        raise ValueError(f"{what} is named {name[:80]!r}; names are printable and have 1 to {_MAX_NAME} characters.")


def check_ids(ids: Sequence[str]) -> list[str]:
    """Returns ids as a list of plain str.

    Raises
    ------
    TypeError
        If one is no string.
    ValueError
        If one occurs twice.
    """
    for position, one in enumerate(ids):
        if not isinstance(one, str):
            raise TypeError(f"ids[{position}] is {one!r}, a {type(one).__name__}; ids are strings. Pass {str(one)!r}.")
    plain = [str(one) for one in ids]
    if len(set(plain)) != len(plain):
        seen: set[str] = set()
        twice = next(one for one in plain if one in seen or seen.add(one))  # type: ignore[func-returns-value]
        raise ValueError(f"id {twice!r} occurs more than once; ids must be unique.")
    return plain


def check_latents(latents: Any, ids: Sequence[str], dims: int | None = None) -> np.ndarray:
    """Returns latents as float32 (n, dims), C-ordered.

    Raises
    ------
    ValueError
        If the shape does not fit the ids (or `dims`), or a number is NaN or infinite; the message names the item.
    """
    z = np.asarray(latents)
    wanted = f"({len(ids)}, {'dims' if dims is None else dims})"
    if z.ndim != 2 or len(z) != len(ids) or z.shape[1] < 1 or (dims is not None and z.shape[1] != dims):
        raise ValueError(f"latents have shape {z.shape}; expected {wanted}, one row an id.")
    if z.dtype.kind not in "fiu":
        raise TypeError(f"latents have dtype {z.dtype}; expected float32.")
    with np.errstate(over="ignore"):
        z = np.ascontiguousarray(z, dtype=np.float32)
    refuse_not_finite(z, ids, "latents")
    return z


def check_features(features: Any, ids: Sequence[str], shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Returns features as float32 or uint8 of shape (n, ...), C-ordered; refuses all else, and NaN or infinity."""
    x = np.asarray(features)
    if x.dtype not in (np.float32, np.uint8):
        raise TypeError(f"features have dtype {x.dtype}; a .latent file keeps float32, or uint8 for pictures.")
    if x.ndim < 2 or len(x) != len(ids) or (shape is not None and x.shape[1:] != shape) or 0 in x.shape[1:]:
        wanted = ", ".join(map(str, shape)) if shape is not None else "..."
        raise ValueError(f"features have shape {x.shape}; expected ({len(ids)}, {wanted}), one row an id.")
    x = np.ascontiguousarray(x)
    if x.dtype == np.float32:
        refuse_not_finite(x, ids, "features")
    return x


def refuse_not_finite(rows: np.ndarray, ids: Sequence[str], what: str, block: int = 4096) -> None:
    """Raises ValueError naming the first id whose row holds NaN or infinity."""
    for begin in range(0, len(rows), block):  # in blocks: the mask of a large array would cost a quarter of it
        fine = np.isfinite(rows[begin : begin + block])
        if not fine.all():
            bad = begin + int(np.argmin(fine.reshape(len(fine), -1).all(axis=1)))
            value = rows[bad][~np.isfinite(rows[bad])].flat[0]
            raise ValueError(
                f"{what} of item {ids[bad]!r} hold {value}; a .latent file holds finite numbers. "
                "Leave that item out, or find what made it so."
            )


def check_thumbnails(thumbnails: Any, ids: Sequence[str]) -> list[bytes]:
    """Returns thumbnails as a list of bytes, one an id; raises TypeError or ValueError otherwise."""
    pictures = list(thumbnails)
    if len(pictures) != len(ids):
        raise ValueError(f"there are {len(pictures)} thumbnails for {len(ids)} ids; expected one each.")
    for one, name in zip(pictures, ids, strict=True):
        if not isinstance(one, (bytes, bytearray, memoryview)):
            raise TypeError(f"the thumbnail of item {name!r} is a {type(one).__name__}; expected an encoded picture.")
    return [bytes(one) for one in pictures]


def check_arrays(arrays: Mapping[str, Any], what: str = "arrays") -> None:
    """Raises unless every value is an ndarray of numbers or booleans under a fit name."""
    check_dict(arrays, what)
    for name, array in arrays.items():
        check_name(name, f"one of {what}")
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{what}[{name!r}] is a {type(array).__name__}; expected a numpy array.")
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(
                f"{what}[{name!r}] has dtype {array.dtype}; a .latent file keeps booleans, integers and floats "
                "of up to 64 bits. Strings and facts belong in the manifest."
            )


def check_maps(maps: Any) -> None:
    """Raises unless this is a dict of maps that can be kept."""
    check_dict(maps, "maps")
    for name, one in maps.items():
        check_name(name, "a map")
        if "/" in name:
            raise ValueError(f"a map is named {name!r}; a map's name has no '/'.")
        if not isinstance(one, dict) or set(one) != {"facts", "arrays"}:
            raise TypeError(f"map {name!r} must be a dict with 'facts' and 'arrays'.")
        check_manifest(one["facts"], f"facts of map {name!r}")
        check_arrays(one["arrays"], f"arrays of map {name!r}")


def check_caches(caches: Any, n: int) -> None:
    """Raises unless this is a dict of caches of n items that can be kept."""
    check_dict(caches, "caches")
    for name, cache in caches.items():
        check_name(name, "a cache")
        if "/" in name:
            raise ValueError(f"a cache is named {name!r}; a cache's name has no '/'.")
        if not isinstance(cache, Cache):
            raise TypeError(f"cache {name!r} is a {type(cache).__name__}; expected a Cache.")
        check_manifest(cache.facts, f"facts of cache {name!r}")
        check_arrays(cache.arrays, f"arrays of cache {name!r}")
        rows = cache.rows
        if not isinstance(rows, np.ndarray) or rows.dtype != np.int64 or rows.ndim != 1:
            raise TypeError(f"rows of cache {name!r} must be an int64 array of one axis.")
        there = rows[rows != -1]
        if len(there) and (there[0] < 0 or there[-1] >= n or not (np.diff(there) > 0).all()):
            raise ValueError(f"rows of cache {name!r} must ascend from 0 to {n - 1} at most, or be -1.")


def check_manifest(manifest: Any, what: str = "manifest") -> None:
    """Raises unless this is a dict that JSON can hold."""
    check_dict(manifest, what)
    dump_json(manifest, what)


def check_skipped(skipped: Any) -> list[list[str]]:
    """Returns skipped items as [id, reason] pairs."""
    pairs = []
    for one in skipped:
        if not (isinstance(one, (tuple, list)) and len(one) == 2 and all(isinstance(part, str) for part in one)):
            raise TypeError(f"skipped holds {one!r}; expected pairs (id, reason) of strings.")
        pairs.append([str(one[0]), str(one[1])])
    return pairs


def check_path(path: str | os.PathLike) -> str:
    """Returns the path as an absolute str with symbolic links resolved, so that a link is written through."""
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"path must be a str or a Path, not {type(path).__name__}.")
    if not text or "\0" in text:
        raise ValueError(f"{text!r} is not a path to a .latent file.")
    return os.path.realpath(text)


def size_of(contents: Contents) -> int:
    """Returns about how many bytes contents take in a file: what is counted in arrays and pictures, and names."""
    groups = [contents.arrays, *(one["arrays"] for one in contents.maps.values())]
    groups += [cache.arrays for cache in contents.caches.values()]
    arrays = [contents.latents, contents.features, *(array for group in groups for array in group.values())]
    pictures = sum(map(len, contents.thumbnails or ()))
    named = sum(map(len, contents.ids)) + 9 * len(contents.ids) * (1 + len(contents.metadata))
    return sum(array.nbytes for array in arrays if array is not None) + pictures + 3 * named + _EMPTY


def check(contents: Contents) -> Contents:
    """Returns contents as they will be stored, or raises TypeError or ValueError for what cannot be; writes nothing."""
    check_manifest(contents.manifest)
    check_arrays(contents.arrays)
    check_maps(contents.maps)
    ids = check_ids(contents.ids)
    check_caches(contents.caches, len(ids))
    return Contents(
        contents.manifest,
        contents.arrays,
        ids,
        check_metadata(contents.metadata, ids),
        check_latents(contents.latents, ids),
        None if contents.features is None else check_features(contents.features, ids),
        None if contents.thumbnails is None else check_thumbnails(contents.thumbnails, ids),
        contents.maps,
        [(one, reason) for one, reason in check_skipped(contents.skipped)],
        contents.caches,
    )


def check_metadata(metadata: Any, ids: list[str]) -> dict[str, list]:
    """Returns metadata as plain Python values, each column as long as the ids."""
    check_dict(metadata, "metadata")
    return {name: check_column(name, values, ids) for name, values in metadata.items()}
