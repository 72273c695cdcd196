"""A `.lsz` container whose end is missing or damaged, with the index made anew from its blocks."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO, Protocol

from ..errors import CorruptFileError
from . import framing
from .varints import write_varints


class Sink(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> int: ...


def reindexed(source: BinaryIO, out: Sink) -> int:
    """Copies a container to its last whole frame, byte for byte, and writes an index and a trailer behind it.

    Returns
    -------
    int
        How many blocks the new index lists.

    Raises
    ------
    CorruptFileError
        If the prefix cannot be read, or a frame before the index is damaged or cut: what is left of it is not given up.
    """
    source.seek(0)
    _, end = framing.read_prefix(source)
    blocks: list[tuple[int, int]] = []
    number = 0
    size = source.seek(0, os.SEEK_END)
    while end < size:
        source.seek(end)
        frame = _frame(source, number, end, size)
        if frame is None or frame.tag == b"I":
            break
        if frame.tag == b"B":
            blocks.append((end, frame.items))
        end, number = frame.end, number + 1
    whole = framing.digest()
    source.seek(0)
    left = end
    while left:
        piece = framing.read_exactly(source, min(left, 2**20), "frames")
        out.write(piece)
        whole.update(piece)
        left -= len(piece)
    numbers, last = [len(blocks)], 0
    for at, items in blocks:
        numbers += [at - last, items]
        last = at
    index = write_varints(numbers)
    head = framing.pack_frame(b"I", number, b"", index, 0)
    whole.update(head + index)
    out.write(head + index + framing.pack_trailer(index, whole.digest()))
    return len(blocks)


def _frame(source: BinaryIO, number: int, at: int, size: int) -> framing.Frame | None:
    """The frame at a place; None where what is there can only be what is left of the index."""
    data = source.read(framing.FRAME_BYTES)
    try:
        frame = framing.unpack_frame(data, number, at)
        if frame.tag == b"I" or frame.end <= size:
            return frame
        raise CorruptFileError(f"it ends within frame {number}, of {frame.items:,} items.")
    except CorruptFileError:
        if data[:1] == b"I" or _leads_here(source, at, size):
            return None
        raise  # a block, and whatever follows it, would be lost


def _leads_here(source: BinaryIO, at: int, size: int) -> bool:
    """Whether the trailer, where it can be read, says that the index is at this place."""
    source.seek(max(size - framing.TRAILER_BYTES, 0))
    try:
        trailer = framing.unpack_trailer(source.read(framing.TRAILER_BYTES))
    except CorruptFileError:
        return False
    return size - framing.TRAILER_BYTES - trailer.index - framing.FRAME_BYTES == at


def reindex(path: Path) -> int:
    """Gives a container in a file a new index, written beside it and moved over it; see `reindexed`."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(number, "wb") as out, path.open("rb") as source:
            blocks = reindexed(source, out)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(name, path.stat().st_mode & 0o777)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    return blocks
