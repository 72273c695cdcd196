"""Arrays <-> features: vectors (n, p) as they are, stacks of images (n, h, w[, c]) as pixels (n, c, h, w) in [0, 1]."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_array, issparse

from ..errors import CorruptFileError
from . import array_files, sparse_rows
from .folders import Listing, check_ids, walk
from .protocol import Batch, Gathered, Modality, OnError, bad
from .rounding import to_whole
from .sparse_rows import Sparse

Layout = Literal["vectors", "nhw", "nhwc", "nchw"]

_LAYOUTS = ("vectors", "nhw", "nhwc", "nchw")
_COLOURS = (1, 3, 4)
_DTYPES = (
    "bool",
    *(f"{sign}int{bits}" for bits in (8, 16, 32, 64) for sign in ("", "u")),
    "float16",
    "float32",
    "float64",
)
_MAX_FEATURES = 2**31  # values in one item: a guard for what a file says, past anything that could be fitted


class Array(Modality):
    """Numeric arrays, in memory or on disk.

    `(n, p)` are vectors: the values themselves as float32, unscaled. `(n, h, w)`, `(n, h, w, c)` and `(n, c, h, w)`
    with 1, 3 or 4 channels are images: 8-bit values become exactly k / 255, floats in [0, 1] stay, and anything else
    is scaled to [0, 1] by the range found in the data. `restore` gives back the layout, the type and the range that
    came in, except that vectors of whole numbers come back as float32, for a reconstruction of a count is not one.

    Sparse rows stay sparse: x is a CSR matrix, and becomes dense a batch at a time in front of a model that reads no
    other. Items are CSR rows again; what a model decodes is dense, for a model gives no zeros.

    A row with NaN or infinity in it, or beyond what float32 holds, is a bad item.

    Parameters
    ----------
    layout : "auto", "vectors", "nhw", "nhwc" or "nchw", default="auto"
        What the axes mean. "auto" takes two axes for vectors and three for grey images; of four, the last for
        channels where it is 1, 3 or 4 long, otherwise the second where that is.

    Attributes
    ----------
    layout_ : str
    dtype_ : numpy dtype
        Of the source.
    range_ : (low, high)
        The values that became 0 and 1; (0, 1) for vectors.
    sparse_ : bool
        Whether the rows are sparse.
    names_ : list of str or None
        The columns' names, where a frame of sparse columns gave them.
    """

    kind = "array"

    def __init__(self, layout: str = "auto"):
        self.layout = layout

    # ------------------------------------------------------------------ sources
    @classmethod
    def gather(cls, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """Lists an array, a list of arrays or of numbers, a tensor, a sparse matrix, or a .npy, .npz or IDX file.

        An array of one axis is one item. A sparse matrix is SciPy's, the .npz file of one, or a pandas frame of sparse
        columns. Labels that come with a file (`y` in .npz, the labels beside IDX images) are the metadata column
        `label`.
        """
        if isinstance(source, str | os.PathLike) and os.path.isdir(source):
            source = walk(source)
        if isinstance(source, Listing):
            return cls._in_folder(source, ids)
        if isinstance(source, str | os.PathLike):
            path = os.fspath(source)
            if not array_files.is_array_file(path):
                return None
            found = array_files.load(path)
            return cls._gathered(found.values, path, ids, found.labels)
        if sparse_rows.is_sparse_frame(source):
            frame, index = sparse_rows.of_frame(source)
            return cls._gathered(frame, "", index if ids is None else ids, None)
        values = array_files.as_array(source)
        return None if values is None else cls._gathered(values, "", ids, None)

    @classmethod
    def _in_folder(cls, listing: Listing, ids: Sequence[str] | None) -> Gathered | None:
        paths = [path for path in listing.paths if array_files.is_array_file(path)]
        with_items = [path for path in paths if "labels" not in os.path.basename(path).lower()] or paths
        if not paths:
            return None
        if len(with_items) > 1:
            raise ValueError(
                f"{listing.root} holds {len(with_items):,} arrays: {', '.join(map(os.path.basename, with_items[:8]))}. "
                "Pass the one you mean."
            )
        gathered = cls.gather(with_items[0], ids=ids)
        if gathered is not None:
            gathered.origin = listing.root
        return gathered

    @classmethod
    def _gathered(cls, values: Any, path: str, ids: Sequence[str] | None, labels: np.ndarray | None) -> Gathered:
        what = "sparse matrix" if isinstance(values, Sparse) else "array"
        origin = path or f"{what} of shape {tuple(values.shape)}"
        if values.dtype.kind not in "buif":
            raise ValueError(
                f"{origin} has dtype {values.dtype}, which is not numbers. Pass a numeric array, or a DataFrame where "
                "columns hold words, dates or objects."
            )
        if values.ndim == 1 and len(values):
            values = values[None]
        if not 2 <= values.ndim <= 4:
            raise ValueError(
                f"{origin} has {values.ndim} axes. Items are rows of (n, p), or images (n, h, w), (n, h, w, c) or "
                "(n, c, h, w); reshape it first, such as array.reshape(len(array), -1)."
            )
        n = len(values)
        names = [str(position) for position in range(n)] if ids is None else check_ids(ids, n, origin)
        return Gathered(values, names, {} if labels is None else {"label": labels.tolist()}, origin)

    def gather_new(self, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """As `gather`; an array of the shape of one fitted item is one item."""
        if self.names_ and sparse_rows.is_pandas_frame(source):
            rows, index = sparse_rows.of_frame(source)
            return self._gathered(rows, "", index if ids is None else ids, None)
        if not isinstance(source, str | os.PathLike | Listing):
            values = array_files.as_array(source)
            source = values[None] if isinstance(values, np.ndarray) and values.shape == self._item_shape else source
        return type(self).gather(source, ids=ids)

    # ------------------------------------------------------------------ features
    def learn(self, items: Gathered) -> "Array":
        """Learns the layout and, for images, the range of the values, in one pass over them.

        Raises
        ------
        ValueError
            If the layout is unknown, does not fit the axes, or there is nothing to learn from.
        """
        raw = items.raw
        self.layout_ = _layout(raw.shape, self.layout, items.origin)
        dtype = np.dtype(raw.dtype).newbyteorder("=")
        self.dtype_ = dtype if dtype.name in _DTYPES else np.dtype(np.float64)  # long doubles differ by machine
        self._item_shape = tuple(int(side) for side in raw.shape[1:])
        if 0 in self._item_shape:
            raise ValueError(f"{items.origin} of shape {raw.shape} has items without values. Pass an array with some.")
        self.sparse_ = isinstance(raw, Sparse)
        self.names_ = raw.names if isinstance(raw, Sparse) else None
        images = self.layout_ != "vectors"
        if images and self.dtype_ == np.uint8:
            self.range_ = (0.0, 255.0)
        else:
            self.range_ = _range(raw) if images else (0.0, 1.0)
        self._settle()
        return self

    def _settle(self) -> None:
        is_bytes = self.layout_ != "vectors" and self.dtype_ == np.uint8
        self.stored_as = "sparse" if self.sparse_ else "uint8" if is_bytes else "float32"

    def read(self, items: Gathered, *, on_error: OnError = "skip", block: int = 1024) -> Iterator[Batch]:
        """Yields float32 (b, p), or (b, c, h, w); CSR rows (b, p) where they are sparse."""
        raw = items.raw
        order = sparse_rows.order_of(raw, self.names_, items.origin)
        if order is None and tuple(raw.shape[1:]) != self._item_shape:
            raise ValueError(
                f"{items.origin} has items of shape {tuple(raw.shape[1:])}, but the fitted ones have "
                f"{self._item_shape}. Pass items of that shape, or fit a new space on these."
            )
        for start in range(0, len(items), block):
            rows = raw[start : start + block]
            x = self._sparse(rows, order) if self.sparse_ else self._features(rows)
            finite = _finite(x)
            wrong = np.flatnonzero(~finite).tolist()
            skipped = [bad(items, start + place, _why(rows[[place]]), on_error) for place in wrong]
            good = np.flatnonzero(finite).tolist()
            metadata = {name: [column[start + place] for place in good] for name, column in items.metadata.items()}
            yield Batch(x[good] if wrong else x, [items.ids[start + i] for i in good], metadata, skipped)

    def _sparse(self, rows: Any, order: np.ndarray | None) -> csr_array:
        with np.errstate(over="ignore"):  # as in `_features`
            x = csr_array(rows).astype(np.float32)
        if order is not None:
            x = x[:, order]
            x.sort_indices()
        return x

    def _features(self, rows: Any) -> np.ndarray:
        rows = rows.toarray() if issparse(rows) else np.asarray(rows)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and the row a bad item
            if self.layout_ == "vectors":
                return np.ascontiguousarray(rows, dtype=np.float32)
            if self.stored_as == "uint8":
                scaled = np.divide(rows, np.float32(255), dtype=np.float32)
            else:
                low, high = self.range_
                scaled = ((rows.astype(np.float64) - low) / (high - low)).astype(np.float32)
        if self.layout_ == "nhw":
            return scaled[:, None]
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)) if self.layout_ == "nhwc" else scaled

    def restore(self, x: Any) -> np.ndarray:
        """Features to an array of the layout, type and range that came in; whole numbers are rounded and clipped."""
        x = np.asarray(x.toarray() if issparse(x) else x, dtype=np.float32)
        if x.shape[1:] != self.shape:
            raise ValueError(f"restore() got features of shape {x.shape}, but these items have {self.shape}.")
        if self.layout_ == "vectors":
            return self._of_dtype(x) if self.dtype_.kind == "f" else x
        low, high = self.range_
        values = self._of_dtype(x.astype(np.float64) * (high - low) + low)
        if self.layout_ == "nhw":
            return values[:, 0]
        return values.transpose(0, 2, 3, 1) if self.layout_ == "nhwc" else values

    def rebuild(self, x: Any, metadata: Mapping[str, list]) -> Any:
        """As `restore`; rows of a sparse matrix are CSR rows again, of the type that came in."""
        if not self.sparse_:
            return self.restore(x)
        rows = csr_array(x)
        if self.dtype_.kind == "f":
            return rows.astype(self.dtype_)
        rows.data = rows.data >= 0.5 if self.dtype_.kind == "b" else to_whole(rows.data, self.dtype_)
        return rows

    def _of_dtype(self, values: np.ndarray) -> np.ndarray:
        if self.dtype_.kind == "b":
            return values >= 0.5
        if self.dtype_.kind in "ui":
            return to_whole(values, self.dtype_)
        limits = np.finfo(self.dtype_)
        return np.clip(values, limits.min, limits.max).astype(self.dtype_)

    @property
    def shape(self) -> tuple[int, ...]:
        if self.layout_ == "nhw":
            return (1, *self._item_shape)
        if self.layout_ == "nhwc":
            height, width, channels = self._item_shape
            return (channels, height, width)
        return self._item_shape

    @property
    def feature_names(self) -> list[str] | None:
        return None if self.names_ is None else list(self.names_)

    # ------------------------------------------------------------------ looking and keeping
    def picture(self, x: np.ndarray) -> Any | None:
        """One image's features (c, h, w) as a PIL image, 0 black and 1 white; None for vectors and other channels."""
        if self.layout_ == "vectors" or self.shape[0] not in _COLOURS:
            return None
        from .images import to_picture

        return to_picture(x)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        learned = {
            "layout": self.layout_,
            "dtype": self.dtype_.name,
            "item_shape": list(self._item_shape),
            "range": list(self.range_),
        }
        if self.sparse_:  # facts that other arrays do not have, for files without them are as they were
            learned |= {"sparse": True, "names": self.names_}
        return {"options": {"layout": self.layout}, "learned": learned}, {}

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Array":
        """Rebuilds from `state`. Raises CorruptFileError for anything that `state` would not have given."""
        try:
            if arrays:
                raise ValueError(f"arrays {sorted(arrays)}, where none belong")
            learned = dict(facts["learned"])
            modality = cls(facts["options"]["layout"])
            shape, name = learned["item_shape"], learned["dtype"]
            if not isinstance(shape, list) or not all(type(side) is int and side >= 1 for side in shape):
                raise ValueError(f"item_shape {shape!r}")
            if not 1 <= len(shape) <= 3 or math.prod(shape) > _MAX_FEATURES:
                raise ValueError(f"item_shape {shape!r}")
            if name not in _DTYPES:
                raise ValueError(f"dtype {name!r}")
            modality._item_shape, modality.dtype_ = tuple(shape), np.dtype(name)
            modality.layout_ = learned["layout"]
            for layout in (modality.layout, modality.layout_):
                _layout((1, *shape), layout, "the file")
            if modality.layout_ == "auto":
                raise ValueError("layout 'auto'")
            low, high = (float(value) for value in learned["range"])
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(f"range {low}, {high}")
            modality.range_ = (low, high)
            modality.sparse_, modality.names_ = learned.get("sparse", False), learned.get("names")
            sparse_rows.check_facts(modality.sparse_, modality.names_, shape)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CorruptFileError(f"the array reader's state is damaged: {error}.") from None
        modality._settle()
        return modality


def _layout(shape: Sequence[int], wanted: Any, origin: str) -> str:
    """What the axes mean, from what was asked for and their lengths."""
    if wanted not in ("auto", *_LAYOUTS):
        raise ValueError(f"layout={wanted!r} is not known: choose 'auto', {', '.join(map(repr, _LAYOUTS))}.")
    axes = {2: ("vectors",), 3: ("nhw",), 4: ("nhwc", "nchw")}[len(shape)]
    if wanted != "auto":
        if wanted not in axes:
            raise ValueError(f"layout={wanted!r} does not fit {origin}, which has shape {tuple(shape)}: use {axes}.")
        return wanted
    if len(shape) < 4:
        return axes[0]
    if shape[3] in _COLOURS:
        return "nhwc"
    if shape[1] in _COLOURS:
        return "nchw"
    raise ValueError(
        f"{origin} has shape {tuple(shape)} and no axis of 1, 3 or 4 channels, last or second. Say which it is with "
        "layout='nhwc' or 'nchw', or reshape it to vectors (n, p)."
    )


def _range(raw: Any) -> tuple[float, float]:
    """Which values become 0 and 1. Zero stays black unless all values lie far from it; [0, 1] stays as it is."""
    low, high = math.inf, -math.inf
    for start in range(0, len(raw), 1024):
        values = np.asarray(raw[start : start + 1024])
        if values.dtype.kind == "f":
            values = values[np.abs(values) <= np.finfo(np.float32).max]  # others make their item a bad one
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low > high or (low >= 0 and high <= 1):
        return 0.0, 1.0
    if low == high or 0 <= low <= high / 2:
        low, high = min(low, 0.0), max(high, 0.0)
    return low, high


def _finite(x: Any) -> np.ndarray:
    """Which rows hold no NaN and no infinity, bool (n,)."""
    if not issparse(x):
        return np.isfinite(x).reshape(len(x), -1).all(axis=1)
    wrong = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))[~np.isfinite(x.data)]
    return np.bincount(wrong, minlength=x.shape[0]) == 0


def _why(row: Any) -> str:
    values = row.data if issparse(row) else np.asarray(row)
    wrong = int(np.count_nonzero(~np.isfinite(values)))
    if wrong:
        return f"{wrong:,} of {math.prod(row.shape):,} values are NaN or infinite"
    return f"a value of {np.abs(values).max():.3g} is beyond what float32 holds"
