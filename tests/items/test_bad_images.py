"""A folder of rubbish: each bad file is named with its reason, and what is good is read as if it lay there alone."""

import contextlib
import io
import os
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import latentspace as ls
from latentspace.errors import BadItemError, SkippedItemsWarning
from latentspace.items import decode, gather
from latentspace.items.images import Images


def encoded(one, kind, **options):
    held = io.BytesIO()
    one.save(held, kind, **options)
    return held.getvalue()


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(width, height, pixels=b"", depth=8, colour=2):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


@pytest.fixture
def rubbish(tmp_path):
    """Three good images and 29 bad ones; what each reason must hold."""
    folder = tmp_path / "rubbish"
    folder.mkdir()
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (48, 48, 3), dtype=np.uint8))
    for name in ("good-a.png", "good-b.jpg", "good-c.webp"):
        noise.save(folder / name)
    png, jpeg, gif = encoded(noise, "PNG"), encoded(noise, "JPEG"), encoded(noise, "GIF")
    webp, bmp, tiff = encoded(noise, "WEBP"), encoded(noise, "BMP"), encoded(noise, "TIFF")
    flipped = bytearray(png)
    flipped[60] ^= 0xFF
    files = {
        "empty.png": (b"", "empty: 0 bytes"),
        "empty.jpg": (b"", "empty: 0 bytes"),
        "text.png": (b"hello, this is no image", "not an image .* b'hello"),
        "page.jpg": (b"<html><body>404</body></html>", "not an image .* b'<html"),
        "nulls.png": (bytes(1000), "not an image"),
        "half.jpg": (jpeg[: len(jpeg) // 2], "damaged: .*truncated"),
        "tail.jpg": (jpeg[:-40], "damaged: .*truncated"),
        "half.png": (png[: len(png) // 2], "damaged: .*truncated"),
        "half.gif": (gif[: len(gif) // 2], "damaged"),
        "half.webp": (webp[: len(webp) // 2], "damaged|not an image"),
        "half.bmp": (bmp[: len(bmp) // 2], "damaged: .*truncated"),
        "half.tif": (tiff[: len(tiff) // 2], "damaged|not an image"),
        "header.png": (png[:20], "damaged|not an image"),
        "header.jpg": (jpeg[:12], "not an image|damaged"),
        "magic.png": (png[:8], "not an image|damaged"),
        "magic.gif": (b"GIF89a", "not an image|damaged"),
        "flipped.png": (bytes(flipped), "damaged"),
        "bomb.png": (png_of(30_000, 30_000), r"too large: its header says 900,000,000 pixels"),
        "large.png": (png_of(13_000, 11_000), "too large: its header says"),
        "bomb.bmp": (bmp[:18] + struct.pack("<ii", 60_000, 60_000) + bmp[26:], "too large|damaged|not an image"),
        "flat.png": (png_of(0, 10), "damaged|not an image"),
        "short.png": (png_of(64, 64, bytes(100)), "damaged"),
        "depth.png": (png_of(8, 8, bytes(500), depth=3), "damaged|not an image"),
        "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        "zip.jpg": (b"PK\x03\x04" + bytes(60), "not an image"),
    }
    for name, (body, _) in files.items():
        (folder / name).write_bytes(body)
    reasons = {name: reason for name, (_, reason) in files.items()}
    (folder / "folder.png").mkdir()
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    os.mkfifo(folder / "pipe.png")
    return folder, reasons | {
        "folder.png": "a folder, not a file",
        "gone.png": "a broken link",
        "loop.png": "cannot be reached",
        "pipe.png": "a pipe",
    }


def test_every_bad_file_is_named_with_its_reason_and_every_good_one_is_read(rubbish):
    folder, reasons = rubbish
    kind, gathered = gather(folder)
    modality = kind().learn(gathered)
    (batch,) = modality.read(gathered)
    skipped = [*gathered.skipped, *batch.skipped]
    assert batch.ids == ["good-a.png", "good-b.jpg", "good-c.webp"]
    assert sorted(item.id for item in skipped) == sorted(reasons)
    assert len(batch) + len(skipped) == len(os.listdir(folder))
    for item in skipped:
        assert re.match(reasons[item.id], item.reason), f"{item.id}: {item.reason}"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # of large.png, which is then too large
def test_a_space_of_a_folder_of_rubbish_holds_the_good_images_beside_their_ids(rubbish, tmp_path):
    folder, reasons = rubbish
    with pytest.warns(SkippedItemsWarning, match=f"skipped {len(reasons)} of {len(reasons) + 3} "):
        space = ls.fit(folder, "pca", dims=2, density="gaussian")
    space = ls.load(space.save(tmp_path / "rubbish.latent"))
    assert space.ids == ["good-a.png", "good-b.jpg", "good-c.webp"]
    assert {item.id for item in space.skipped} == set(reasons)
    np.testing.assert_allclose(space.encode([folder / id_ for id_ in space.ids]), space.latents, atol=1e-4)
    with pytest.raises(BadItemError, match=r"item '.*' of .*rubbish: "):
        ls.fit(folder, "pca", dims=2, on_error="raise")


@pytest.mark.parametrize("name", ["gone.png", "folder.png"])
def test_what_is_no_file_is_an_error_on_request(tmp_path, name):
    Image.new("RGB", (8, 8)).save(tmp_path / "good.png")
    (tmp_path / "folder.png").mkdir() if name == "folder.png" else (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(BadItemError, match=f"item '{name}' of .*: (a broken link|a folder, not a file)"):
        ls.fit(tmp_path, "pca", dims=1, on_error="raise")


def test_good_images_read_the_same_among_bad_ones(rubbish):
    folder, _ = rubbish
    gathered = Images.gather([folder / name for name in ("good-a.png", "half.jpg", "good-b.jpg", "good-c.webp")])
    modality = Images().learn(gathered)
    (batch,) = modality.read(gathered)
    for id_, row in zip(batch.ids, batch.x, strict=True):
        (alone,) = modality.read(Images.gather(folder / id_))
        np.testing.assert_array_equal(row, alone.x[0])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
def test_an_image_cut_off_anywhere_is_refused_or_whole(tmp_path, kind):
    rng = np.random.default_rng(1)
    one = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    body = encoded(one, kind)
    path = tmp_path / "cut"
    path.write_bytes(body)
    whole = decode.pixels(path, (16, 16), 3, "pad", (0, 1))[0]
    for length in [*range(0, len(body), 7), *range(max(0, len(body) - 20), len(body))]:
        path.write_bytes(body[:length])
        try:
            rows, _ = decode.pixels(path, (16, 16), 3, "pad", (0, 1))
        except BadItemError:
            continue
        np.testing.assert_array_equal(rows, whole, err_msg=f"{kind} cut to {length} of {len(body)} bytes")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_flipped_bytes_end_in_pixels_or_a_reason(tmp_path, kind):
    rng = np.random.default_rng(2)
    body = encoded(Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)), kind)
    path = tmp_path / "flipped"
    for _ in range(60):
        changed = bytearray(body)
        for place in rng.integers(0, len(body), 3):
            changed[place] = rng.integers(0, 256)
        path.write_bytes(changed)
        with contextlib.suppress(BadItemError):
            rows, _ = decode.pixels(path, (8, 8), 3, "pad", (0, 1))
            assert rows.shape == (3, 8, 8)


def test_a_file_that_vanished_after_it_was_listed_is_named(photos):
    gathered = Images.gather(photos)
    modality = Images().learn(gathered)
    os.remove(gathered.raw[3])
    (batch,) = modality.read(gathered)
    assert [(item.id, item.reason) for item in batch.skipped] == [(gathered.ids[3], "no such file")]
    assert batch.ids == gathered.ids[:3] + gathered.ids[4:]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_and_folders_without_permission_are_named(photos):
    gathered = Images.gather(photos)
    os.chmod(gathered.raw[0], 0)
    (batch,) = Images().learn(gathered).read(gathered)
    assert [item.reason for item in batch.skipped] == ["cannot be opened: Permission denied"]
    closed = photos / "label-1"
    os.chmod(closed, 0)
    try:
        skipped = Images.gather(photos).skipped
    finally:
        os.chmod(closed, 0o755)
    assert [(item.id, item.reason) for item in skipped] == [("label-1/", "folder cannot be read: Permission denied")]


def test_a_folder_of_nothing_but_rubbish_says_why(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "b.png").write_bytes(b"text")
    with pytest.raises(ValueError, match=r"none of the 2 files of .* can be read \(a.png: empty: 0 bytes\)"):
        Images().learn(Images.gather(tmp_path))


def test_one_good_image_is_found_among_many_bad_ones(tmp_path, monkeypatch):
    monkeypatch.setattr("latentspace.items.images._HEADERS", 3)
    for i in range(20):
        (tmp_path / f"{i:02}.png").write_bytes(b"text")
    Image.new("L", (12, 12)).save(tmp_path / "13.png")
    assert Images().learn(Images.gather(tmp_path)).size_ == (12, 12)


def test_float_pixels_that_are_nan_make_a_bad_item(tmp_path):
    Image.fromarray(np.ones((8, 8), np.float32)).save(tmp_path / "good.tif")
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(tmp_path / "nan.tif")
    gathered = Images.gather(tmp_path)
    (batch,) = Images().learn(gathered).read(gathered)
    assert [item.id for item in batch.skipped] == ["nan.tif"]
    assert "NaN or infinite pixels" in batch.skipped[0].reason


def test_a_picture_that_free_memory_cannot_decode_is_skipped_with_both_figures(tmp_path, monkeypatch):
    Image.new("L", (4200, 4200)).save(tmp_path / "large.png")
    monkeypatch.setattr(decode, "available_memory", lambda: 100 << 20)
    with pytest.raises(BadItemError, match=r"too large: to decode 4,200 x 4,200 pixels takes 0\.2 GiB, of which 0\.1"):
        decode.header(tmp_path / "large.png")
