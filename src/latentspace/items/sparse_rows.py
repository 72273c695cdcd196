"""Sparse matrices as rows: SciPy's own in any format, frames of sparse columns, and .npz files of them, never dense."""

import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from ..errors import CorruptFileError
from ..resources import refuse_if_too_large

FORMATS = ("csr", "csc", "coo")
_MOST_COLUMNS = 2**31  # what a file may ask for, past anything that could be fitted
MEMBERS = {"csr": ("indptr", "indices"), "csc": ("indptr", "indices"), "coo": ("row", "col")}


class Sparse:
    """Rows of a SciPy sparse matrix.

    Attributes
    ----------
    matrix : csr_array (n, p)
        Canonical: columns in order, each once; entries that came twice are summed, as SciPy reads them.
    names : list of str or None
        The columns' names, where they have any.
    """

    ndim = 2

    def __init__(self, matrix: Any, names: list[str] | None = None):
        rows = sparse.csr_array(matrix)  # shares the arrays of a CSR matrix
        if not rows.has_canonical_format:
            # Its order is the caller's, whose arrays these may be.
            rows = rows.copy() if matrix.format == "csr" else rows
            rows.sum_duplicates()
        self.matrix = rows
        self.names = names
        self.shape = rows.shape
        self.dtype = rows.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> sparse.csr_array:
        return self.matrix[rows]

    def select(self, positions: Sequence[int]) -> "Sparse":
        return Sparse(self.matrix[np.asarray(positions, dtype=np.int64)], self.names)


def is_pandas_frame(value: Any) -> bool:
    """Whether this is a pandas frame of at least one column."""
    return type(value).__module__.split(".")[0] == "pandas" and hasattr(value, "columns") and len(value.columns) > 0


def is_sparse_frame(value: Any) -> bool:
    """Whether this is a pandas frame whose columns are all sparse numbers with 0 for what is not stored."""
    return is_pandas_frame(value) and all(
        type(dtype).__name__ == "SparseDtype" and dtype.subtype.kind in "buif" and dtype.fill_value == 0
        for dtype in value.dtypes
    )


def of_frame(frame: Any) -> tuple[Sparse, list[str] | None]:
    """The rows of a pandas frame of numbers, and its index as ids where it is more than a count."""
    ids = None if type(frame.index).__name__ == "RangeIndex" else [str(label) for label in frame.index]
    values = frame.sparse.to_coo() if is_sparse_frame(frame) else frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return Sparse(sparse.csr_array(values), [str(name) for name in frame.columns]), ids


def of_archive(archive: zipfile.ZipFile, read: Callable[[str], np.ndarray], path: str) -> Sparse:
    """The matrix that `scipy.sparse.save_npz` wrote, its parts checked against one another before they are used.

    Parameters
    ----------
    archive : ZipFile
    read : callable
        A member's name to its array, of a size that has been checked.
    path : str
        For messages.

    Raises
    ------
    ValueError
        If it is of a format with other members; CSR, CSC and COO are read.
    CorruptFileError
        If its parts do not make a matrix.
    """
    name = read("format.npy").item()
    kind = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)
    if kind not in FORMATS:
        raise ValueError(
            f"{path} holds a sparse matrix of format {kind!r}; read are {', '.join(FORMATS)}. "
            "Write it as scipy.sparse.save_npz(path, matrix.tocsr())."
        )
    missing = [part for part in MEMBERS[kind] if f"{part}.npy" not in archive.namelist()]
    if missing:
        raise CorruptFileError(f"{path} is damaged: a sparse matrix of format {kind!r} lacks {missing[0]!r}.")
    shape, values = read("shape.npy"), read("data.npy")
    first, second = (read(f"{part}.npy") for part in MEMBERS[kind])
    try:
        if shape.shape != (2,) or shape.dtype.kind not in "iu" or (shape < 0).any():
            raise ValueError(f"the shape {shape.tolist()}")
        if values.ndim != 1 or any(part.ndim != 1 or part.dtype.kind not in "iu" for part in (first, second)):
            raise ValueError("values or places that are no lists of numbers")
        size = (int(shape[0]), int(shape[1]))
        if size[1] > _MOST_COLUMNS:
            raise ValueError(f"{size[1]:,} columns")
        refuse_if_too_large(16 * size[0], f"the {size[0]:,} rows of {path}", "Pass fewer rows.")
        if kind == "coo":
            return Sparse(sparse.coo_array((values, (first, second)), shape=size))
        made = getattr(sparse, f"{kind}_array")((values, second, first), shape=size)
        made.check_format(full_check=True)  # SciPy's products read wherever the places point
        return Sparse(made)
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        raise CorruptFileError(f"{path} is damaged: its parts make no {kind} matrix ({error}).") from None


def order_of(raw: Any, names: list[str] | None, origin: str) -> np.ndarray | None:
    """Which of the new columns stands for each fitted one, by name; None where they are in order, or have no names.

    Raises
    ------
    ValueError
        If both have names, and a fitted one is not there.
    """
    theirs = raw.names if isinstance(raw, Sparse) else None
    if names is None or theirs is None or theirs == names:
        return None
    place = {name: column for column, name in enumerate(theirs)}
    missing = [name for name in names if name not in place]
    if missing:
        shown = ", ".join(map(repr, missing[:5]))
        raise ValueError(f"{origin} lacks {len(missing):,} of the columns that were fitted on: {shown}. Add them.")
    return np.array([place[name] for name in names], dtype=np.int64)


def check_facts(is_sparse: Any, names: Any, shape: Sequence[int]) -> None:
    """Raises ValueError for what a file says of sparse rows and could not be so."""
    if not isinstance(is_sparse, bool) or (is_sparse and len(shape) != 1):
        raise ValueError(f"sparse {is_sparse!r} of items of shape {list(shape)}")
    if names is None:
        return
    if not is_sparse or not isinstance(names, list) or len(names) != shape[0]:
        raise ValueError("names that are not one a column")
    if not all(isinstance(name, str) for name in names):
        raise ValueError("names that are no texts")
