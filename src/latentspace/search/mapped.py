"""Arrays that lie in a temporary file and are read as they are needed: memory that the system may take back."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np


def mapped(shape: tuple[int, ...], folder: Path | None = None) -> np.ndarray:
    """Returns a float32 array of zeros that lies in a file without a name, gone with the array.

    Parameters
    ----------
    shape : tuple of int
    folder : path, optional
        Where the file lies, if it can be written there; by default where temporary files do. Some systems keep those in
        memory, so the folder of the space's own file is the better place.

    Raises
    ------
    OSError
        If the disk has too little room: found out now, for a disk that is full later would end the program.
    """
    size = 4 * int(np.prod(shape, dtype=np.int64))
    if size == 0:
        return np.zeros(shape, np.float32)
    where = folder if folder is not None and os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    free = shutil.disk_usage(where).free
    if size > free:
        raise OSError(
            f"frugal search keeps {size / 2**30:.1f} GiB of vectors in a file, and {where} has {free / 2**30:.1f} GiB "
            "left. Make room there, or search without frugal."
        )
    with tempfile.TemporaryFile(dir=where) as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        return np.asarray(np.memmap(file, np.float32, "r+" if hasattr(os, "posix_fallocate") else "w+", shape=shape))


def is_mapped(z: np.ndarray) -> bool:
    """Whether an array lies in a file."""
    owner: object = z
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap):
        owner = owner.base
    return isinstance(owner, np.memmap)
