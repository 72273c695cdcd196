"""Arrays from files: mapped, checked for size before anything is allocated, and never unpickled."""

import contextlib
import gzip
import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from latentspace.errors import CorruptFileError
from latentspace.items.array_files import load
from latentspace.items.arrays import Array
from latentspace.items.idx import is_idx, labels_beside, read_idx


def idx_of(values, code=0x08):
    return (
        struct.pack(">BBBB", 0, 0, code, values.ndim)
        + struct.pack(f">{values.ndim}I", *values.shape)
        + values.astype(values.dtype.newbyteorder(">")).tobytes()
    )


def fitted(path):
    gathered = Array.gather(path)
    modality = Array().learn(gathered)
    return gathered, np.concatenate([batch.x for batch in modality.read(gathered)])


# ---------------------------------------------------------------------- npy and npz
def test_npy_is_mapped_and_reads_as_it_was_saved(tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 3))
    np.save(tmp_path / "x.npy", values)
    gathered, x = fitted(tmp_path / "x.npy")
    assert isinstance(gathered.raw, np.memmap)
    assert gathered.origin == str(tmp_path / "x.npy")
    np.testing.assert_array_equal(x, values.astype(np.float32))


@pytest.mark.parametrize("values", [np.zeros((0, 3)), np.asfortranarray(np.arange(6.0).reshape(2, 3))])
def test_empty_and_fortran_ordered_npy_read_too(tmp_path, values):
    np.save(tmp_path / "x.npy", values)
    np.testing.assert_array_equal(Array.gather(tmp_path / "x.npy").raw, values)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(("items", "labels"), [("x", "y"), ("X", "labels"), ("data", "target"), ("anything", "y")])
def test_npz_gives_the_items_and_their_labels(tmp_path, save, items, labels):
    values = np.arange(12.0).reshape(4, 3)
    save(tmp_path / "x.npz", **{items: values, labels: np.array(["a", "b", "a", "c"])})
    gathered, x = fitted(tmp_path / "x.npz")
    np.testing.assert_array_equal(x, values)
    assert gathered.metadata == {"label": ["a", "b", "a", "c"]}


def test_npz_of_several_unnamed_arrays_lists_them(tmp_path):
    np.savez(tmp_path / "x.npz", first=np.eye(2), second=np.eye(3))
    with pytest.raises(
        ValueError, match=r"holds 2 arrays: first, second. .* call it 'x' .* np.load\('x.npz'\)\['first'\]"
    ):
        Array.gather(tmp_path / "x.npz")
    np.savez(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="holds no array"):
        Array.gather(tmp_path / "none.npz")


def test_labels_of_another_length_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.eye(3), y=np.arange(4))
    with pytest.raises(ValueError, match=r"labels in .* have shape \(4,\), but there are 3 items"):
        Array.gather(tmp_path / "x.npz")


class Mine:
    def __reduce__(self):
        return (os.mkdir, ("executed",))


def test_pickles_are_refused_and_nothing_in_them_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("objects.npy", np.array([Mine(), None], dtype=object), allow_pickle=True)
    np.savez("objects.npz", x=np.array([Mine(), None], dtype=object))
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(Mine()))
    with pytest.raises(ValueError, match="holds Python objects"):
        Array.gather("objects.npy")
    with pytest.raises(ValueError, match=r"objects.npz: x holds Python objects"):
        Array.gather("objects.npz")
    with pytest.raises(CorruptFileError, match=r"bare.npy is not a readable .npy array"):
        Array.gather("bare.npy")
    assert not os.path.exists("executed")


def header_of(shape, dtype="<f8"):
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": dtype, "fortran_order": False, "shape": shape})
    return held.getvalue()


@pytest.mark.parametrize("shape", [(10**6, 10**6), (2**62, 2**62), (-1, 5), (10,)])
def test_a_header_that_promises_more_than_there_is_is_refused_before_allocating(tmp_path, shape):
    body = header_of(shape) + bytes(16)
    (tmp_path / "x.npy").write_bytes(body)
    with pytest.raises(CorruptFileError):
        Array.gather(tmp_path / "x.npy")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", body)
    with pytest.raises(CorruptFileError):
        Array.gather(tmp_path / "x.npz")


def test_a_zip_bomb_is_refused_by_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr("latentspace.resources.available_memory", lambda: 10 * 2**20)
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header_of((4, 2**20), "|u1") + bytes(4 * 2**20))
        archive.writestr("y.npy", header_of((4,), "|u1") + bytes(4))
    assert len(Array.gather(tmp_path / "x.npz")) == 4
    monkeypatch.setattr("latentspace.resources.available_memory", lambda: 2**20)
    with pytest.raises(MemoryError, match=r"x.npz: x of shape \(4, 1048576\) would take .* np.save"):
        Array.gather(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "images-idx3-ubyte.gz", "images-idx3-ubyte"])
def test_files_cut_off_or_flipped_end_in_items_or_one_clear_error(tmp_path, name):
    values = np.random.default_rng(0).integers(0, 255, (3, 4, 4), dtype=np.uint8)
    path = tmp_path / name
    if "idx" in name:
        path.write_bytes(gzip.compress(idx_of(values)) if name.endswith(".gz") else idx_of(values))
    elif name.endswith(".npz"):
        np.savez_compressed(path, x=values)
    else:
        np.save(path, values)
    body = path.read_bytes()
    rng = np.random.default_rng(1)
    cuts = [body[:length] for length in range(0, len(body), 5)]
    flips = []
    for _ in range(120):
        changed = bytearray(body)
        changed[rng.integers(0, len(body))] = rng.integers(0, 256)
        flips.append(bytes(changed))
    for damaged in cuts + flips:
        path.write_bytes(damaged)
        gathered = None  # lets go of the map before the next version is written
        with contextlib.suppress(ValueError, MemoryError):  # CorruptFileError is a ValueError
            gathered = Array.gather(path)
            assert len(gathered.raw) == len(gathered)
    for damaged in cuts[1:]:
        path.write_bytes(damaged)
        with pytest.raises(CorruptFileError):
            Array.gather(path)


# ---------------------------------------------------------------------- IDX
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(("dtype", "code"), [("u1", 8), ("i1", 9), ("i2", 11), ("i4", 12), ("f4", 13), ("f8", 14)])
def test_idx_reads_every_type(tmp_path, dtype, code, zipped):
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    path = tmp_path / ("x-idx3-ubyte" + (".gz" if zipped else ""))
    path.write_bytes(gzip.compress(idx_of(values, code)) if zipped else idx_of(values, code))
    read = read_idx(path)
    assert (read.shape, read.dtype.kind) == (values.shape, values.dtype.kind)
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
    ],
)
def test_labels_beside_idx_images_are_read_with_them(tmp_path, images, labels):
    values = np.random.default_rng(0).integers(0, 255, (5, 8, 8), dtype=np.uint8)
    for name, body in ((images, idx_of(values)), (labels, idx_of(np.arange(5, dtype=np.uint8)))):
        (tmp_path / name).write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    gathered, x = fitted(tmp_path / images)
    assert gathered.metadata == {"label": [0, 1, 2, 3, 4]}
    np.testing.assert_array_equal(x[:, 0], values / np.float32(255))
    assert fitted(tmp_path)[0].ids == gathered.ids  # a folder with one pair is that pair
    with pytest.raises(ValueError, match="holds 5 single numbers, the labels of something"):
        Array.gather(tmp_path / labels)


def test_idx_is_known_by_its_name():
    assert all(map(is_idx, ("a-images-idx3-ubyte", "a.idx", "a.idx3-ubyte.gz", "A-IDX3-UBYTE", "x.idx3")))
    assert not any(map(is_idx, ("idx.txt", "a.csv", "a-idx3-ubyte.zip")))
    assert labels_beside("nowhere/train-images-idx3-ubyte") is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is not an IDX file: it begins b''"),
        (b"\0\0\x08", "is not an IDX file"),
        (b"\0\0\x08\x09" + bytes(80), "is not an IDX file"),
        (b"\0\0\x07\x01" + bytes(8), "is not an IDX file"),
        (b"\0\0\x08\x03" + bytes(5), "cut off in its header"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "is cut off: its header promises"),
        (b"\0\0\x08\x01\0\0\0\x02" + bytes(3), "longer than it says"),
        (gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12, mtime=0), "more than .* gzipped bytes can hold"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05" + bytes(3), mtime=0), "is cut off"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05" + bytes(8), mtime=0), "longer than it says"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05" + bytes(5), mtime=0)[:-9], "is damaged"),
        (b"\x1f\x8bnonsense", "is damaged"),
    ],
)
def test_a_damaged_idx_says_what_is_wrong(tmp_path, body, message):
    (tmp_path / "x.idx").write_bytes(body)
    with pytest.raises(CorruptFileError, match=message):
        read_idx(tmp_path / "x.idx")


@pytest.mark.parametrize("order", ["<", ">"])
def test_letters_that_no_alphabet_has_are_damage(tmp_path, order):
    np.savez(tmp_path / "x.npz", x=np.ones((2, 3)), y=np.array(["a", "b"], dtype=f"{order}U4"))
    assert load(str(tmp_path / "x.npz")).labels.tolist() == ["a", "b"]
    wrong = np.array([0x110000] + [0] * 7, dtype=f"{order}u4").view(f"{order}U4")
    np.savez(tmp_path / "y.npz", x=np.ones((2, 3)), y=wrong)
    with pytest.raises(CorruptFileError, match="numbers that no character has"):
        load(str(tmp_path / "y.npz"))
