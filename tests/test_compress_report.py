"""The honest report: other formats on the same items, the model's bytes counted, losses said; what survives."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import latentspace as ls
import processes
from latentspace import compressing
from latentspace.compressing import honest, rivals
from latentspace.errors import UnsupportedError


@pytest.fixture(scope="module")
def space(digits):
    images, labels = digits
    return ls.fit(images[:400], dims=24, metadata={"label": labels[:400].tolist()}, density="gaussian")


@pytest.fixture(autouse=True)
def few_settings(monkeypatch):
    """Three settings of two formats, so that a test takes a second."""
    few = {name: ((5, 50, 95), options) for name, (_, options) in rivals._LOSSY.items() if name != "AVIF"}
    monkeypatch.setattr(rivals, "_LOSSY", few)


def report_of(space, target=None, **asked):
    words = {"quality": None, "psnr": None, "bpp": None, "max_bytes": None, "lossless": False} | asked
    wanted = compressing.asked_for(**words)
    written = compressing.compress(space, None, wanted, io.BytesIO())
    return written, compressing.report(space, None, wanted, written, target)


def test_it_stands_beside_other_formats_at_the_same_psnr(space):
    written, report = report_of(space, quality=60)
    facts = report.to_dict()
    assert set(facts["rivals"]) >= {"JPEG", "WebP"}
    assert facts["model_bytes"] == written.model_bytes
    jpeg = facts["rivals"]["JPEG"]
    again = sum(_jpeg(picture) for picture in _originals(space)) / 400
    assert again > 0
    assert jpeg is None or jpeg > facts["bytes_an_item"]  # 8 x 8 pixels behind a header of hundreds of bytes
    assert "the best other" in report.verdict[0]
    assert "from " in report.verdict[1]
    assert all(block.meaning for section in report.sections for block in section.blocks)


def _originals(space):
    return [np.asarray(item) for item in space.items]


def _jpeg(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=50)
    return file.tell()


def test_what_survives_is_a_classifiers_accuracy_on_items_it_has_not_seen(space):
    _, fine = report_of(space, target="label", quality=95)
    _, coarse = report_of(space, target="label", quality=1)
    fine, coarse = (report["target"]["label"] for report in (fine, coarse))
    assert fine["originals"] == coarse["originals"] > 0.8
    assert fine["ours"] > fine["originals"] - 0.03
    assert coarse["ours"] < fine["ours"]
    assert coarse["bytes_an_item"] < fine["bytes_an_item"]


def test_where_another_is_smaller_that_is_the_verdict(digits):
    images = np.zeros((30, 64, 64), np.uint8)
    images[:, 20:40, 20:40] = 200
    noisy = images + np.random.default_rng(0).integers(0, 40, images.shape).astype(np.uint8)
    space = ls.fit(noisy, dims=2, density="gaussian")
    written, report = report_of(space, quality=100)
    assert written.model_bytes > 10_000
    said = " ".join(report.verdict)
    assert "Take " in said or "which no other format" in said or "from " in said
    model = honest.pays(written, ours=50.0, best=40.0, name="WebP")
    assert "no number of items pays" in model
    assert "Take WebP" in honest.beside(50.0, 40.0, "WebP", "at 30 dB")


@given(
    points=st.lists(st.tuples(st.floats(1, 1e6), st.floats(5, 60)), min_size=1, max_size=8), psnr=st.floats(0, 70),
)  # fmt: skip
def test_bytes_at_a_psnr_lie_between_the_settings(points, psnr):
    found = honest.bytes_at(points, psnr)
    if psnr > max(db for _, db in points):
        assert found is None
    else:
        assert min(size for size, _ in points) <= found * (1 + 1e-9)
        assert found <= max(size for size, _ in points) * (1 + 1e-9)


@settings(deadline=None, max_examples=20)
@given(n=st.integers(1, 9), side=st.integers(1, 12), colour=st.booleans())
def test_a_mosaic_holds_every_picture(n, side, colour):
    x = np.random.default_rng(n).integers(0, 256, (n, side, side + 1, *([3] if colour else []))).astype(np.uint8)
    whole = rivals.mosaic(x)
    across = int(np.ceil(np.sqrt(n)))
    for place in range(n):
        row, column = divmod(place, across)
        cut = whole[row * side : (row + 1) * side, column * (side + 1) : (column + 1) * (side + 1)]
        np.testing.assert_array_equal(cut, x[place])


def test_texts_without_loss_stand_beside_zlib_and_xz():
    texts = [f"The {place}th letter about the cat, the dog and the weather in town {place % 7}." for place in range(60)]
    space = ls.fit(texts, "lsa", dims=3)
    _, report = report_of(space, lossless=True)
    assert set(report["rivals"]) == {"zlib, files", "xz, files", "xz, one stream"}
    assert report["best_rival"] in report["rivals"]


def test_what_has_no_report_is_refused(space, iris):
    with pytest.raises(ValueError, match="no such column"):
        report_of(space, target="colour", quality=50)
    table = ls.fit(iris, dims=3, density="gaussian")
    with pytest.raises(UnsupportedError, match="give --lossless or --max-error"):
        report_of(table, quality=50)


def test_it_is_written_on_the_command_line(space, tmp_path):
    space.save(tmp_path / "d.latent")
    space.path = None
    np.save(tmp_path / "few.npy", np.stack(_originals(space))[:12])
    command = ["compress", "few.npy", "--model", "d.latent", "-o", "d.lsz", "--quality", 50, "--report"]
    done = processes.latentspace(*command, "r.json", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    held = json.loads((tmp_path / "r.json").read_text())
    assert held["verdict"] == json.loads(done.stdout)["verdict"]
    page = processes.latentspace(*command, "r.html", "-f", cwd=tmp_path)
    assert page.returncode == 0, page.stderr
    assert "<svg" in (tmp_path / "r.html").read_text()
    alone = processes.latentspace("compress", "few.npy", "-o", "e.lsz", "--target", "label", cwd=tmp_path)
    assert alone.returncode == 2
