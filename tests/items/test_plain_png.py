"""Plain PNG files: the short road gives Pillow's pixels, and whatever is not plain or not whole goes Pillow's way."""

import io
import struct
import zlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from latentspace.items import decode, plain_png

SHAPES = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}


def drawn(mode, width, height, seed, smooth=False):
    shape = (height, width, *SHAPES[mode])
    if smooth:  # a ramp makes the encoder use every filter of PNG
        steps = np.add.outer(np.arange(height), np.arange(width)) * 3 % 256
        rows = np.broadcast_to(steps.reshape(height, width, *[1] * len(SHAPES[mode])), shape).astype(np.uint8)
    else:
        rows = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return Image.fromarray(np.ascontiguousarray(rows))


def encoded(picture, **options):
    held = io.BytesIO()
    picture.save(held, "PNG", **options)
    return held.getvalue()


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@given(
    mode=st.sampled_from(sorted(SHAPES)), width=st.integers(1, 40), height=st.integers(1, 40),
    seed=st.integers(0, 2**31), smooth=st.booleans(), level=st.integers(0, 9),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_plain_files_decode_to_the_pixels_that_pillow_gives(tmp_path_factory, mode, width, height, seed, smooth, level):
    path = tmp_path_factory.mktemp("plain") / "x.png"
    path.write_bytes(encoded(drawn(mode, width, height, seed, smooth), compress_level=level))
    short = plain_png.read(path)
    with Image.open(path) as image:
        assert (short.mode, short.size) == (image.mode, image.size)
        assert short.tobytes() == image.tobytes()


def test_rows_in_several_chunks_are_put_together(tmp_path):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8))
    body = encoded(picture)
    assert body.count(b"IDAT") > 1
    (tmp_path / "x.png").write_bytes(body)
    assert plain_png.read(tmp_path / "x.png").tobytes() == picture.tobytes()


def test_a_turned_palette_transparent_deep_or_interlaced_file_is_left_to_pillow(tmp_path):
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    words = PngImagePlugin.PngInfo()
    words.add_text("Raw profile type exif", "x")
    body = encoded(grey)
    files = {
        "turned": encoded(grey, exif=exif),
        "words": encoded(grey, pnginfo=words),
        "palette": encoded(grey.convert("P")),
        "transparent": encoded(grey, transparency=3),
        "deep": encoded(Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16))),
        "one bit": encoded(grey.convert("1")),
        "interlaced": body[:28] + b"\1" + struct.pack(">I", zlib.crc32(body[12:28] + b"\1")) + body[33:],
        "unknown chunk": body[:33] + chunk(b"quIz", b"?") + body[33:],
        "no image": b"hello",
        "empty": b"",
    }
    for name, written in files.items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(written)
        assert plain_png.read(path) is None, name
    assert plain_png.read(tmp_path) is None
    assert plain_png.read(tmp_path / "not there.png") is None
    assert np.array_equal(np.asarray(decode.decoded(tmp_path / "turned.png")[0]), np.rot90(np.asarray(grey), -1))


def test_any_byte_that_is_changed_before_the_end_is_noticed(tmp_path):
    body = encoded(Image.fromarray(np.arange(100, dtype=np.uint8).reshape(10, 10)))
    path = tmp_path / "x.png"
    for place in range(len(body)):
        path.write_bytes(body[:place] + bytes([body[place] ^ 0x40]) + body[place + 1 :])
        assert plain_png.read(path) is None, place
    for length in range(len(body)):
        path.write_bytes(body[:length])
        assert plain_png.read(path) is None, length


def test_a_header_that_promises_far_more_than_the_file_holds_allocates_nothing(tmp_path):
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(body)
    assert plain_png.read(tmp_path / "bomb.png") is None


def test_white_shows_through_as_where_colours_are_blended():
    """Every grey under every alpha, as Pillow composites it."""
    value, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    image = Image.fromarray(np.stack([value, value, value, alpha], axis=-1))
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    assert decode.flattened(image, 3, (0, 1)).tobytes() == white.convert("RGB").tobytes()
