"""Compressing and decompressing as verbs of a space and as commands: pictures, arrays, texts."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image
from scipy import sparse

import latentspace as ls
import processes
from latentspace.errors import CorruptFileError, UnsupportedError

TEXTS = [f"The {word} rose after {n} days of rain; Größe, 雨." for n, word in enumerate(["river", "sea", "moon"] * 8)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits):
    where = tmp_path_factory.mktemp("compress")
    for i in range(60):
        (where / "photos" / str(digits[1][i])).mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits[0][i]).save(where / "photos" / str(digits[1][i]) / f"{i:02d} é.png")
    return where


@pytest.fixture(scope="module")
def pictures(folder):
    return ls.fit(folder / "photos", "pca", dims=16)


def pixels(images):
    return np.stack([np.asarray(image.convert("L")) for image in images]).astype(int)


def test_latents_bring_back_what_the_model_decodes_but_for_their_steps(pictures):
    blob = pictures.compress(quality=100)
    back = pictures.decompress(blob)
    kept = pixels(pictures.decode(pictures.latents))
    assert np.abs(pixels(back) - kept).mean() < 2
    assert len(pictures.compress(quality=10)) < len(pictures.compress(quality=60)) < len(blob)


def test_a_rate_or_a_size_that_was_asked_for_is_met(pictures):
    assert len(pictures.compress(max_bytes=3000)) <= 3000
    with pytest.raises(ValueError, match="max_bytes"):
        pictures.compress(max_bytes=20)
    with pytest.raises(ValueError, match="quality"):
        pictures.compress(quality=50, psnr=30)


def test_lossless_gives_the_very_items_back_alone_or_among_others(pictures):
    blob = pictures.compress(lossless=True)
    own = pixels([pictures.items[row] for row in range(len(pictures))])
    np.testing.assert_array_equal(pixels(pictures.decompress(blob)), own)
    np.testing.assert_array_equal(pixels([pictures.decompress(blob, only=pictures.ids[7])])[0], own[7])
    two = [pictures.ids[9], pictures.ids[2]]
    np.testing.assert_array_equal(pixels(pictures.decompress(blob, only=two)), own[[9, 2]])
    with pytest.raises(ValueError, match="no such"):
        pictures.decompress(blob, only="no such")
    with pytest.raises(ValueError, match="exclude one another"):
        pictures.compress(lossless=True, bpp=1.0)


def test_a_container_is_read_with_its_own_space_or_alone_where_it_was_embedded(pictures, digits):
    other = ls.fit([Image.fromarray(image) for image in digits[0][:40]], "pca", dims=3, kind="images")
    blob = pictures.compress(pictures.ids[:5] and [pictures.items[row] for row in range(5)])
    with pytest.raises(ValueError, match="another space"):
        other.decompress(blob)
    whole = pictures.compress([pictures.items[row] for row in range(5)], embed=True)
    assert len(whole) > len(blob)
    np.testing.assert_array_equal(pixels(other.decompress(whole)), pixels(pictures.decompress(blob)))


def test_texts_come_back_to_the_letter():
    space = ls.fit(TEXTS, "lsa", dims=3, kind="texts")
    assert space.decompress(space.compress()) == TEXTS


def test_what_is_damaged_is_named_and_the_rest_is_given(pictures):
    blob = bytearray(pictures.compress(lossless=True))
    blob[len(blob) // 2] ^= 1
    with pytest.raises(CorruptFileError, match="60 items are lost"):
        pictures.decompress(bytes(blob))
    with pytest.raises(CorruptFileError):
        pictures.decompress(b"not a container")


def test_items_without_a_coder_are_refused_with_a_reason(iris):
    space = ls.fit(iris, "pca", dims=3, target="species")
    counted = ls.fit(sparse.random_array((40, 9), density=0.3, rng=0, format="csr"), "pca", dims=2)
    with pytest.raises(UnsupportedError, match="no lossless coder"):
        counted.compress(lossless=True)
    with pytest.raises(ValueError, match="'zip' is not known"):
        space.compress(coder="zip")
    assert len(space.decompress(space.compress(quality=100))) == len(iris)


def test_what_a_coder_learned_is_kept_in_the_file(folder, pictures, tmp_path):
    path = pictures.save(tmp_path / "photos.latent")
    opened = ls.load(path)
    blob = opened.compress(lossless=True)
    again = ls.load(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert again.compress(lossless=True) == blob
        assert len(again.decompress(io.BytesIO(blob))) == len(pictures)


def test_without_a_model_a_rate_takes_the_lossy_coder_and_no_wish_the_exact_one(folder):
    from latentspace import compressing
    from latentspace.compressing import coders
    from latentspace.compressing.bare import bare_space

    words = {"lossless": False, "quality": None, "psnr": None, "bpp": None, "max_bytes": None}
    for wish, expected in (({}, "lossless"), ({"psnr": 30}, "pictures"), ({"max_bytes": 9999}, "pictures")):
        asked = compressing.asked_for(**{**words, **wish})
        for source in (folder / "photos", np.zeros((3, 8, 8), np.uint8)):
            space, _ = bare_space(source)
            assert coders.chosen(space, lossless=False, coder=None, rate=asked.rate) == expected


def run(*words, cwd, code=0):
    done = processes.latentspace(*words, cwd=cwd)
    assert done.returncode == code, done.stderr
    return done


def test_a_folder_goes_into_a_container_and_comes_back_with_its_names(folder, pictures, tmp_path):
    pictures.save(tmp_path / "photos.latent")
    source = folder / "photos"
    run("compress", source, "-m", "photos.latent", "--lossless", "-o", "photos.lsz", cwd=tmp_path)
    assert (tmp_path / "photos.lsz").stat().st_size < sum(file.stat().st_size for file in source.rglob("*.png"))
    listed = run("decompress", "photos.lsz", "--list", cwd=tmp_path).stdout.splitlines()
    assert sorted(listed) == sorted(pictures.ids)
    run("decompress", "photos.lsz", "-m", "photos.latent", "-o", "again", cwd=tmp_path)
    for id in pictures.ids:
        ours = np.asarray(Image.open(tmp_path / "again" / id).convert("L"))
        np.testing.assert_array_equal(ours, np.asarray(Image.open(source / id).convert("L")))
    assert run("decompress", "photos.lsz", "--verify", cwd=tmp_path).stdout == "whole\n"
    refused = run("compress", source, "-m", "photos.latent", "-o", "photos.lsz", cwd=tmp_path, code=1)
    assert "--force" in refused.stderr
    damaged = bytearray((tmp_path / "photos.lsz").read_bytes())
    damaged[len(damaged) // 2] ^= 64
    (tmp_path / "bad.lsz").write_bytes(damaged)
    assert "damaged" in run("decompress", "bad.lsz", "--verify", cwd=tmp_path, code=1).stderr
