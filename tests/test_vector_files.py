"""`--vectors FILE`: the same as `vectors=`, in every format, in the items' order or by their ids."""

import numpy as np
import pandas as pd
import pytest

import latentspace as ls
from latentspace.cli import main
from latentspace.errors import CorruptFileError
from latentspace.vector_files import read_vectors

NAMES = ["ann", "bob", "cy", "dee", "eve", "flo"]


@pytest.fixture
def vectors():
    return np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)


def written(folder, kind, rows, ids=None):
    """A file of vectors as somebody else's program may have written it."""
    frame = pd.DataFrame(rows, columns=[f"d{i}" for i in range(rows.shape[1])])
    lists = pd.DataFrame({"embedding": list(rows)})
    for one in (frame, lists):
        if ids is not None:
            one.insert(0, "id", ids)
    path = folder / f"v.{kind.rpartition('-')[2]}"
    if kind == "npy":
        np.save(path, rows)
    elif kind == "npz":
        np.savez(path, vectors=rows, **({} if ids is None else {"ids": np.array(ids)}))
    elif kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    elif kind == "lists-parquet":
        lists.to_parquet(path)
    else:
        lists.to_json(path, orient="records", lines=True, double_precision=15)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "parquet", "lists-parquet", "lists-jsonl"])
def test_a_file_gives_back_its_vectors(tmp_path, vectors, kind):
    np.testing.assert_allclose(read_vectors(written(tmp_path, kind, vectors)), vectors, rtol=1e-6)


@pytest.mark.parametrize("kind", ["npz", "csv", "parquet", "lists-parquet", "lists-jsonl"])
def test_ids_in_a_file_decide_whose_a_vector_is(tmp_path, vectors, kind):
    table = pd.DataFrame({"id": NAMES, "note": ["a", "b", "a", "b", "a", "b"]})
    mixed = [3, 0, 5, 1, 4, 2]
    given = read_vectors(written(tmp_path, kind, vectors[mixed], [NAMES[i] for i in mixed]))
    space = ls.fit(table, model=None, vectors=given, kind="table")
    assert space.ids == NAMES
    np.testing.assert_allclose(space.latents, vectors, rtol=1e-6)
    with pytest.raises(ValueError, match=r"1 of the 7 items have no vector by their id \('gil' first"):
        ls.fit([*table.to_dict("records"), {"id": "gil", "note": "a"}], model=None, vectors=given, kind="table")


def test_the_command_line_fits_adds_and_encodes_as_the_library_does(tmp_path, vectors, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"name": NAMES, "note": list("ababab"), "embedding": list(vectors)}).to_parquet("t.parquet")
    main_ends("fit", "t.parquet", "-o", "t.latent", "--dims", "2", "--vectors", "t.parquet:embedding")
    space = ls.load("t.latent")
    by_library = ls.fit("t.parquet", dims=2, vectors=vectors)
    np.testing.assert_array_equal(space.latents, by_library.latents)
    more = written(tmp_path, "csv", vectors[:2] + 1)
    main_ends("add", "t.latent", "new.csv", "--vectors", "v.csv", code=1)  # no such items
    pd.DataFrame({"id": ["x", "y"], "name": ["ann", "bob"], "note": ["a", "b"]}).to_csv("new.csv", index=False)
    capsys.readouterr()
    main_ends("add", "t.latent", "new.csv", "--vectors", more.name)
    np.testing.assert_allclose(ls.load("t.latent").latents[-2:], space.encode(vectors[:2] + 1), atol=1e-5)
    main_ends("encode", "t.latent", "v.csv", "-o", "z.csv")
    z = pd.read_csv("z.csv").iloc[:, 1:].to_numpy()
    np.testing.assert_allclose(z, space.encode(vectors[:2] + 1), atol=1e-5)


def main_ends(*words, code=0):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert (ended.value.code or 0) == code


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda f: f / "absent.npy", "there is no file of vectors"),
        (lambda f: f / "absent.npy:x", "there is no file of vectors"),
        (lambda f: _two(f / "v.npz"), r"has several arrays \(n, p\): a, b. Say which: .*v.npz:a"),
        (lambda f: f"{_two(f / 'v.npz')}:c", r"has no arrays \(n, p\) called 'c'; it has: a, b"),
        (lambda f: _words(f / "v.csv"), "has no columns of lists of numbers"),
        (lambda f: _ragged(f / "v.parquet"), "have several lengths: .'1', '2'"),
        (lambda f: _twice(f / "v.csv"), "an id that comes twice"),
        (lambda f: _text(f / "v.txt"), "is no file of vectors"),
    ],
)
def test_a_file_without_vectors_says_what_it_has(tmp_path, make, says):
    with pytest.raises((ValueError, FileNotFoundError), match=says):
        read_vectors(make(tmp_path))


def _two(path):
    np.savez(path, a=np.eye(2), b=np.eye(3))
    return path


def _words(path):
    pd.DataFrame({"a": ["x", "y"]}).to_csv(path, index=False)
    return path


def _ragged(path):
    pd.DataFrame({"v": [[1.0], [1.0, 2.0]]}).to_parquet(path)
    return path


def _twice(path):
    pd.DataFrame({"id": [1, 1], "a": [0.5, 0.2]}).to_csv(path, index=False)
    return path


def _text(path):
    path.write_text("1 2 3")
    return path


@pytest.mark.parametrize("damage", [lambda data: data[:-40], lambda data: data[:60] + b"\xff\xff" + data[62:]])
def test_an_archive_that_is_damaged_is_named(tmp_path, vectors, damage):
    path = written(tmp_path, "npz", vectors, NAMES)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CorruptFileError, match=r"v\.npz.*is damaged|v\.npz: .* is not a readable"):
        read_vectors(path)


def test_an_archive_of_python_objects_is_not_run(tmp_path):
    np.savez(tmp_path / "v.npz", vectors=np.array([[1, "a"], [2, None]], dtype=object))
    with pytest.raises(ValueError, match="Python objects, which are read by running"):
        read_vectors(tmp_path / "v.npz")
