"""`.lsz`: items as bytes in one file, with names, sizes, metadata and checksums; written and read as a stream.

Reading goes two ways. By the index at the end, any item is reached without reading the others. Without it, frame after
frame from the start: from a pipe, or where the end of a file is missing. What is damaged is named, and all else reads.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from ..errors import CorruptFileError
from . import directory as directories
from . import framing
from .directory import Directory
from .varints import read_varints, write_varints


@dataclass(frozen=True)
class Damage:
    """A part of a container that cannot be read.

    Attributes
    ----------
    where : str
        "header", "model", "block 3", "index", "trailer".
    reason : str
    items : list of str
        The names of the items that are lost with it, as far as they can still be read.
    count : int
        How many are lost.
    """

    where: str
    reason: str
    items: list[str] = field(default_factory=list)
    count: int = 0

    def __str__(self) -> str:
        lost = f" {self.count:,} items are lost" if self.count else ""
        named = (
            f": {', '.join(map(repr, self.items[:5]))}{', ...' if len(self.items) > 5 else ''}" if self.items else ""
        )
        return f"{self.where}: {self.reason}{lost}{named}{'.' if lost else ''}"


# ---------------------------------------------------------------------- writing
class Writer:
    """Writes a container to a stream that need not seek; memory holds one block.

    Parameters
    ----------
    stream : binary stream
    header : dict
        JSON: what is needed to decode, and whatever else shall be known.
    model : bytes, optional
        What was learned, to be embedded.
    """

    def __init__(self, stream: BinaryIO, header: Mapping[str, Any], model: bytes | None = None):
        self._stream = stream
        self._digest = framing.digest()
        self._frames = 0
        self._blocks: list[tuple[int, int]] = []  # place of the frame, items
        self.bytes = 0
        words = json.dumps(dict(header), ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()
        if len(words) > framing.MAX_HEADER:
            raise ValueError(f"the header has {len(words):,} bytes; {framing.MAX_HEADER:,} are the most.")
        self._write(framing.pack_prefix(words))
        if model is not None:
            self._frame(b"M", b"", model, 0)

    def block(
        self,
        names: Sequence[str],
        shapes: Sequence[tuple[int, ...]],
        parts: Sequence[bytes] | bytes,
        metadata: Mapping[str, list] | None = None,
    ) -> int:
        """Writes a block; `parts` is one string an item, or one for all. Returns the bytes that it took."""
        lengths = None if isinstance(parts, bytes) else [len(part) for part in parts]
        plain = [tuple(int(side) for side in shape) for shape in shapes]
        packed = directories.pack(Directory(list(names), plain, lengths, dict(metadata or {})))
        payload = parts if isinstance(parts, bytes) else b"".join(parts)
        before = self.bytes
        self._blocks.append((self.bytes, len(names)))
        self._frame(b"B", packed, payload, len(names))
        return self.bytes - before

    def close(self) -> int:
        """Writes the index and the trailer; returns the bytes of the whole container. The stream stays open."""
        numbers = [len(self._blocks)]
        last = 0
        for at, items in self._blocks:
            numbers += [at - last, items]
            last = at
        index = write_varints(numbers)
        self._frame(b"I", b"", index, 0)
        self._stream.write(framing.pack_trailer(index, self._digest.digest()))
        self.bytes += framing.TRAILER_BYTES
        return self.bytes

    def _frame(self, tag: bytes, packed: bytes, payload: bytes, items: int) -> None:
        for piece in (framing.pack_frame(tag, self._frames, packed, payload, items), packed, payload):
            self._write(piece)
        self._frames += 1

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._digest.update(data)
        self.bytes += len(data)


# ---------------------------------------------------------------------- reading
@dataclass
class Block:
    """One block: what its items are, and its bytes when asked for."""

    number: int
    directory: Directory
    payload: Callable[[], bytes]

    def parts(self) -> list[bytes]:
        """Each item's own string.

        Raises
        ------
        CorruptFileError
            If the block is damaged, or its items share one string.
        """
        lengths = self.directory.lengths
        if lengths is None:
            raise CorruptFileError(f"block {self.number} has no strings of single items.")
        data = self.payload()
        if sum(lengths) != len(data):
            raise CorruptFileError(f"block {self.number} has {len(data):,} bytes, its items {sum(lengths):,}.")
        ends, at = [], 0
        for length in lengths:
            ends.append(data[at : at + length])
            at += length
        return ends


class Reader:
    """Reads a container.

    Parameters
    ----------
    source : bytes or binary stream
        A stream need not seek; then blocks can be gone through once, in order.

    Attributes
    ----------
    header : dict
    model : bytes or None
        What is embedded.
    damage : list of Damage
        What was found damaged so far; `blocks` goes on past it.

    Raises
    ------
    CorruptFileError
        If the header cannot be read, without which nothing can.
    """

    def __init__(self, source: bytes | BinaryIO):
        self._stream: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source
        self._seeks = self._stream.seekable()
        self.damage: list[Damage] = []
        self._begin = self._stream.tell() if self._seeks else 0
        words, self._at = framing.read_prefix(self._stream)
        try:
            header = json.loads(words)
        except (ValueError, RecursionError) as error:
            raise CorruptFileError(f"its header cannot be read ({error}).") from None
        if not isinstance(header, dict):
            raise CorruptFileError("its header is no object.")
        self.header: dict[str, Any] = header
        self.model: bytes | None = None
        self._first = 0  # the number of the first block's frame
        self._size = self._length() if self._seeks else None
        self._index = self._read_index() if self._seeks else None
        if self.header.get("embedded"):
            self._read_model()

    def _length(self) -> int:
        end = self._stream.seek(0, io.SEEK_END) - self._begin
        self._stream.seek(self._begin + self._at)
        return end

    # ------------------------------------------------------------------ index and model
    def _read_index(self) -> list[tuple[int, int]] | None:
        """The place and item count of each block, None where that cannot be read."""
        assert self._size is not None
        try:
            if self._size < self._at + framing.TRAILER_BYTES:
                raise CorruptFileError("it ends too early.")
            trailer = framing.unpack_trailer(self._read_at(self._size - framing.TRAILER_BYTES, framing.TRAILER_BYTES))
            start = self._size - framing.TRAILER_BYTES - trailer.index
            if start < self._at:
                raise CorruptFileError(f"an index of {trailer.index:,} bytes does not fit into it.")
            data = self._read_at(start, trailer.index)
            if framing.crc(data) != trailer.index_crc:
                raise CorruptFileError("the checksum of its index does not agree.")
            (count,), at = read_varints(data, 1)
            numbers, at = read_varints(data, 2 * count, at)
            if at != len(data):
                raise CorruptFileError("its index has bytes too many.")
        except CorruptFileError as error:
            self._note(Damage("trailer", str(error)))
            return None
        finally:
            self._stream.seek(self._begin + self._at)
        places, place = [], 0
        for step, items in zip(numbers[::2], numbers[1::2], strict=True):
            place += step
            places.append((place, items))
        return places

    def _read_model(self) -> None:
        try:
            frame = self._frame_at(self._at, 0)
            if frame.tag != b"M":
                raise CorruptFileError("the model that its header promises is not there.")
            self.model = self._checked_payload(frame)
            self._at = frame.end
        except CorruptFileError as error:
            self._note(Damage("model", str(error)))
        self._first = 1

    # ------------------------------------------------------------------ blocks
    def __len__(self) -> int:
        """How many items the index lists.

        Raises
        ------
        CorruptFileError
            If there is no index to read: in a stream, or where it is damaged.
        """
        if self._index is None:
            raise CorruptFileError("its index cannot be read; go through its blocks.")
        return sum(items for _, items in self._index)

    def blocks(self) -> Iterator[Block]:
        """Yields the blocks whose directory is whole, in order; the others are in `damage`."""
        if self._index is None:
            yield from self._scanned()
            return
        for number, (at, items) in enumerate(self._index):
            block = self._block(at, number, items)
            if block is not None:
                yield block

    def _block(self, at: int, number: int, items: int) -> Block | None:
        try:
            frame = self._frame_at(at, number + self._first)
            if frame.tag != b"B" or frame.items != items:
                raise CorruptFileError(f"at byte {at:,} is no block of {items:,} items.")
            directory = self._directory(frame)
        except CorruptFileError as error:
            self._note(Damage(f"block {number}", str(error), count=items))
            return None
        return Block(number, directory, lambda: self._checked_payload(frame))

    def _scanned(self) -> Iterator[Block]:
        """Blocks one after the other, as a pipe gives them."""
        number, at = 0, self._at
        try:
            if self._seeks:
                self._stream.seek(self._begin + at)
            while True:
                frame = self._frame_at(at, number + self._first)
                packed = framing.read_exactly(self._stream, frame.directory, f"block {number}")
                payload = framing.read_exactly(self._stream, frame.payload, f"block {number}")
                at = frame.end
                if frame.tag == b"I":
                    return
                if frame.tag == b"B":
                    yield from self._block_of(frame, number, packed, payload)
                    number += 1
                if self._seeks:
                    self._stream.seek(self._begin + at)
        except CorruptFileError as error:
            self._note(Damage(f"block {number}", f"{error} What follows cannot be found without the index."))

    def _block_of(self, frame: framing.Frame, number: int, packed: bytes, payload: bytes) -> Iterator[Block]:
        if framing.crc(packed) != frame.directory_crc:
            reason = "the checksum of its directory does not agree."
            self._note(Damage(f"block {number}", reason, count=frame.items))
            return
        try:
            directory = directories.unpack(packed, frame.items)
        except CorruptFileError as error:
            self._note(Damage(f"block {number}", str(error), count=frame.items))
            return

        def checked() -> bytes:
            if framing.crc(payload) != frame.payload_crc:
                raise CorruptFileError("the checksum of its items does not agree.")
            return payload

        yield Block(number, directory, checked)

    def lost(self, block: Block, error: Exception) -> None:
        """Notes that a block whose directory is whole has items that are not."""
        names = block.directory.names
        self._note(Damage(f"block {block.number}", str(error), list(names), len(names)))

    def verify(self) -> list[Damage]:
        """Reads everything that has a checksum, and returns what does not agree; empty where all does."""
        for block in self.blocks():
            try:
                block.payload()
            except CorruptFileError as error:
                self.lost(block, error)
        self.check_whole()
        return self.damage

    def check_whole(self) -> None:
        """Compares the checksum of the whole container, and notes where it does not agree; of a stream, nothing."""
        if self._size is None or self._index is None:
            return
        whole = framing.digest()
        self._stream.seek(self._begin)
        left = self._size - framing.TRAILER_BYTES
        while left and (piece := self._stream.read(min(left, 2**20))):
            whole.update(piece)
            left -= len(piece)
        trailer = framing.unpack_trailer(self._read_at(self._size - framing.TRAILER_BYTES, framing.TRAILER_BYTES))
        if whole.digest() != trailer.digest and not self.damage:
            self._note(Damage("index", "the checksum of the whole does not agree, though that of each block does."))

    # ------------------------------------------------------------------ pieces
    def _frame_at(self, at: int, number: int) -> framing.Frame:
        frame = framing.unpack_frame(self._read_at(at, framing.FRAME_BYTES), number, at)
        if self._size is not None and frame.end > self._size:
            raise CorruptFileError(f"it ends {frame.end - self._size:,} bytes before frame {number} does.")
        return frame

    def _directory(self, frame: framing.Frame) -> Directory:
        packed = self._read_at(frame.at, frame.directory)
        if framing.crc(packed) != frame.directory_crc:
            raise CorruptFileError("the checksum of its directory does not agree.")
        return directories.unpack(packed, frame.items)

    def _checked_payload(self, frame: framing.Frame) -> bytes:
        data = self._read_at(frame.at + frame.directory, frame.payload)
        if framing.crc(data) != frame.payload_crc:
            what = "its items" if frame.tag == b"B" else "the model"
            raise CorruptFileError(f"the checksum of {what} does not agree.")
        return data

    def _read_at(self, at: int, length: int) -> bytes:
        if self._seeks:
            self._stream.seek(self._begin + at)
        return framing.read_exactly(self._stream, length, f"bytes from {at:,} on")

    def _note(self, damage: Damage) -> None:
        if damage not in self.damage:
            self.damage.append(damage)
