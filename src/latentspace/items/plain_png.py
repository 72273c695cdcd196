"""Plain PNG files to PIL images by the shortest road: Pillow's own decoder, without its way through the file.

Of a small PNG's time Pillow spends most on finding out what the file is, chunk by chunk. Nearly all files are plain: 8
bits a channel, no palette, not interlaced, nothing that turns pixels or makes them transparent. Those are walked here
with every checksum compared, and their compressed rows given to Pillow's decoder: the same pixels in half of the time.
Anything else, and anything that is not in order, is left to Pillow, which knows what to do or what to say.
"""

import os
import struct
import zlib

from PIL import Image

_MOST = 2**18  # bytes: of larger files the decoder takes nearly all of the time, whoever walks the chunks
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MODES = {0: "L", 2: "RGB", 4: "LA", 6: "RGBA"}  # by colour type
# Chunks that change no pixel and turn none. EXIF and texts, which may hold an orientation, are not among them.
_HARMLESS = {b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"pHYs", b"bKGD", b"tIME", b"sBIT"}
_CHUNK = struct.Struct(">I4s")
_HEADER = struct.Struct(">IIBBBBB")
_WHOLE = _CHUNK.size + 4  # bytes of a chunk besides what it holds
_OPEN = os.O_RDONLY | getattr(os, "O_BINARY", 0)


def read(path: str | os.PathLike) -> Image.Image | None:
    """Decodes a plain PNG file of mode L, LA, RGB or RGBA; None for any other file, good or bad."""
    try:
        file = os.open(path, _OPEN)
        try:
            body = os.read(file, _MOST)
        finally:
            os.close(file)
        return None if len(body) == _MOST else _decoded(body)
    except (OSError, ValueError, struct.error):
        return None


def _decoded(body: bytes) -> Image.Image | None:
    if not body.startswith(_SIGNATURE):
        return None
    rows, at, mode, size = [], len(_SIGNATURE), None, (0, 0)
    while True:
        length, name = _CHUNK.unpack_from(body, at)
        inner = body[at + 4 : at + 8 + length]  # the name and what the chunk holds: what its checksum is of
        if zlib.crc32(inner) != int.from_bytes(body[at + 8 + length : at + _WHOLE + length], "big"):
            return None
        if name == b"IDAT":
            rows.append(inner[4:])
        elif name == b"IHDR" and mode is None and length == _HEADER.size:
            width, height, depth, colour, *rest = _HEADER.unpack_from(inner, 4)
            mode, size = _MODES.get(colour), (width, height)
            # A header that promises more than a thousandfold of the file's size is Pillow's to judge.
            if depth != 8 or any(rest) or mode is None or not 0 < width * height <= 1000 * len(body):
                return None
        elif name == b"IEND":
            break
        elif name not in _HARMLESS:
            return None
        at += _WHOLE + length
    return Image.frombytes(mode, size, b"".join(rows), "zip", mode, 0) if mode is not None and rows else None
