"""The bytes of a `.lsz` container: a prefix, frames with checksums, a trailer. docs/format-lsz.md has the layout.

    prefix    magic (8)  version u16  flags u16  header length u32  header  crc32
    frame     tag (1)  directory length u32  payload length u32  items u32  crc32 of the directory  crc32 of the payload
              crc32 of these fields and the frame's number  directory  payload
    trailer   index length u32  crc32 of the index  blake2b-8 of all before the trailer  crc32 of these three  end (4)

Each byte is under a crc32, which finds every change of up to 32 bits in a row, and the whole under BLAKE2b. Numbers are
little-endian. Frames come in order: a model where one is embedded ("M"), blocks ("B"), the index ("I").
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from ..errors import CorruptFileError

MAGIC = b"\x89LSZ\r\n\x1a\n"  # as PNG's: a transfer as text, or cut to seven bits, breaks it at once
END = b"LSZ\x1a"
VERSION = 1
MAX_HEADER = 2**24
MAX_DIRECTORY = 2**26
MAX_ITEMS = 2**20  # of one block

_PREFIX = struct.Struct("<8sHHI")
_FRAME = struct.Struct("<cIIIII")
_CRC = struct.Struct("<I")
_TRAILER = struct.Struct("<II8s")
FRAME_BYTES = _FRAME.size + _CRC.size
TRAILER_BYTES = _TRAILER.size + _CRC.size + len(END)
_PIECE = 2**20  # bytes read at a time: a length that a file only claims is never allocated


class Frame(NamedTuple):
    """What the fields of a frame say, checked."""

    tag: bytes
    number: int
    at: int  # the place of its directory
    directory: int  # bytes
    payload: int  # bytes
    items: int
    directory_crc: int
    payload_crc: int

    @property
    def end(self) -> int:
        return self.at + self.directory + self.payload


@dataclass
class Trailer:
    """Where the index is, and the checksum of all before the trailer."""

    index: int  # bytes of the index's payload
    index_crc: int
    digest: bytes


def crc(data: bytes, start: int = 0) -> int:
    return zlib.crc32(data, start)


def digest() -> "hashlib.blake2b":
    """A running checksum of a whole container."""
    return hashlib.blake2b(digest_size=8)


# ---------------------------------------------------------------------- prefix
def pack_prefix(header: bytes) -> bytes:
    start = _PREFIX.pack(MAGIC, VERSION, 0, len(header)) + header
    return start + _CRC.pack(crc(start))


def read_prefix(stream: BinaryIO) -> tuple[bytes, int]:
    """Reads the prefix; returns the header's bytes and how many bytes were read."""
    start = _read_up_to(stream, _PREFIX.size)
    if start[: len(MAGIC)] != MAGIC[: len(start)] or len(start) < len(MAGIC):
        raise CorruptFileError(f"it does not begin as a .lsz container does, but with {start[:8]!r}.")
    if len(start) < _PREFIX.size:
        raise CorruptFileError(f"it ends after {len(start)} bytes, within its prefix.")
    _, version, flags, length = _PREFIX.unpack(start)
    if length > MAX_HEADER:
        raise CorruptFileError(
            f"its prefix is damaged: a header of {length:,} bytes, where {MAX_HEADER:,} are the most."
        )
    header = read_exactly(stream, length, "header")
    (found,) = _CRC.unpack(read_exactly(stream, _CRC.size, "header"))
    if crc(start + header) != found:
        raise CorruptFileError("its header is damaged: the checksum does not agree.")
    if version != VERSION or flags:
        raise CorruptFileError(
            f"it has version {version} (flags {flags}) of the format; this latentspace reads version {VERSION}. "
            "Install a newer one."
        )
    return header, _PREFIX.size + length + _CRC.size


# ---------------------------------------------------------------------- frames
def pack_frame(tag: bytes, number: int, directory: bytes, payload: bytes, items: int) -> bytes:
    """A frame's fields, to be followed by its directory and its payload."""
    if len(directory) > MAX_DIRECTORY or len(payload) >= 2**32 or items > MAX_ITEMS:
        raise ValueError(
            f"a block of {items:,} items and {len(payload):,} bytes (directory {len(directory):,}) is too large. "
            "Write fewer items a block."
        )
    fields = _FRAME.pack(tag, len(directory), len(payload), items, crc(directory), crc(payload))
    return fields + _CRC.pack(crc(fields, number))


def unpack_frame(data: bytes, number: int, at: int) -> Frame:
    """The fields of the frame of this number, which lies at this place."""
    if len(data) < FRAME_BYTES:
        raise CorruptFileError(f"it ends within the fields of frame {number}, at byte {at + len(data):,}.")
    fields = data[: _FRAME.size]
    if crc(fields, number) != _CRC.unpack(data[_FRAME.size : FRAME_BYTES])[0]:
        raise CorruptFileError(f"the fields of frame {number} at byte {at:,} are damaged.")
    tag, directory, payload, items, directory_crc, payload_crc = _FRAME.unpack(fields)
    if tag not in (b"M", b"B", b"I") or directory > MAX_DIRECTORY or items > MAX_ITEMS:
        raise CorruptFileError(f"frame {number} at byte {at:,} is none that this format has.")
    return Frame(tag, number, at + FRAME_BYTES, directory, payload, items, directory_crc, payload_crc)


# ---------------------------------------------------------------------- trailer
def pack_trailer(index: bytes, whole: bytes) -> bytes:
    fields = _TRAILER.pack(len(index), crc(index), whole)
    return fields + _CRC.pack(crc(fields)) + END


def unpack_trailer(data: bytes) -> Trailer:
    """The trailer from the last bytes of a container."""
    fields = data[: _TRAILER.size]
    if len(data) != TRAILER_BYTES or data[-len(END) :] != END:
        raise CorruptFileError("it does not end as a .lsz container does: bytes at its end are missing or damaged.")
    if crc(fields) != _CRC.unpack(data[_TRAILER.size : _TRAILER.size + _CRC.size])[0]:
        raise CorruptFileError("its trailer is damaged: the checksum does not agree.")
    return Trailer(*_TRAILER.unpack(fields))


def read_exactly(stream: BinaryIO, length: int, what: str) -> bytes:
    """So many bytes of a stream, a megabyte at a time.

    Raises
    ------
    CorruptFileError
        If it ends before.
    """
    data = _read_up_to(stream, length)
    if len(data) < length:
        raise CorruptFileError(f"it ends within its {what}, {length - len(data):,} bytes of {length:,} too early.")
    return data


def _read_up_to(stream: BinaryIO, length: int) -> bytes:
    pieces = []
    while length and (piece := stream.read(min(length, _PIECE))):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
