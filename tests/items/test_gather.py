"""From a source to a kind: what is recognised, what is refused, and in which words."""

import itertools
import os
import wave

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image
from scipy import sparse

from latentspace.items import KINDS, csv_files, describe, found, gather, gather_for
from latentspace.items.folders import walk
from latentspace.items.protocol import Modality


def test_the_kinds_follow_the_protocol_and_know_their_names():
    assert list(KINDS) == ["images", "audio", "interactions", "strings", "texts", "table", "array", "pairs"]
    for name, cls in KINDS.items():
        assert issubclass(cls, Modality)
        assert cls.kind == name
    with pytest.raises(KeyError):
        KINDS["os"]


@pytest.mark.parametrize(
    ("source", "kind", "n"),
    [
        (np.zeros((5, 3)), "array", 5),
        (np.zeros(3), "array", 1),
        (np.zeros((5, 8, 8), np.uint8), "array", 5),
        ([[1, 2], [3, 4], [5, 6]], "array", 3),
        ([np.zeros((4, 4)), np.ones((4, 4))], "array", 2),
        (pd.DataFrame({"a": [1, 2]}), "table", 2),
        (pl.DataFrame({"a": [1, 2]}), "table", 2),
        (pl.LazyFrame({"a": [1, 2]}), "table", 2),
        (pd.DataFrame({"a": [1, 2], "b": [3, 4]}).iloc[0], "table", 1),
        ([{"a": 1}, {"a": 2}], "table", 2),
        ({"a": [1, 2], "b": ["x", "y"]}, "table", 2),
        ({"a": 1, "b": "x"}, "table", 1),
        (Image.new("L", (4, 4)), "images", 1),
        ([Image.new("L", (4, 4))] * 3, "images", 3),
        (["hello to all", "good bye then"], "texts", 2),
        (pd.Series(["hello to all", None, "good bye"], index=["a", "b", "c"]), "texts", 2),
        (pl.Series(["hello to all", "good bye then"]), "texts", 2),
        (pd.DataFrame({"body": ["what a long letter this has become, my dear"] * 2, "label": [0, 1]}), "texts", 2),
    ],
)
def test_what_is_in_memory_is_recognised(source, kind, n):
    cls, gathered = gather(source)
    assert (cls.kind, len(gathered), len(gathered.raw)) == (kind, n, n)
    assert len(set(gathered.ids)) == n


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], r"an empty list is of no known kind"),
        ([object(), object()], r"a list of 2 object is of no known kind. Known are images"),
        ([Image.new("L", (4, 4)), "a.png"], r"a list of 2 Image and str"),
        (42, r"a int is of no known kind"),
        (None, r"a NoneType is of no known kind"),
        (np.zeros((0, 4)), r"array of shape \(0, 4\) holds no items"),
        (pd.DataFrame({"a": []}), r"holds no items"),
        (np.array([["a", "b"]]), r"dtype <U1, which is not numbers"),
        (np.array([None, {}]), r"dtype object, which is not numbers"),
        (np.zeros((2, 2), complex), r"dtype complex128"),
        (np.zeros((2, 2, 2, 2, 2)), r"has 5 axes"),
        (np.float64(3), r"has 0 axes"),
        ([[1, 2], [3]], r"ragged: item 0 has size 2, item 1 has 1"),
        ({"a": [1, 2], "b": 3}, r"both single values and lists"),
        ({"a": [1, 2], "b": [3]}, r"columns of different lengths: \{'a': 2, 'b': 1\}"),
    ],
)
def test_what_cannot_be_read_says_what_it_is(source, message):
    with pytest.raises(ValueError, match=message):
        gather(source)


def test_a_path_that_is_not_there_names_its_neighbour(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no file or folder '.*fotos'. Did you mean '.*photos'\?"):
        gather(tmp_path / "fotos")
    with pytest.raises(FileNotFoundError, match="nothing is ever downloaded"):
        gather("https://example.org/cats.zip")


def test_an_unknown_kind_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"kind='video' is not known.*kinds: 'images', 'audio', .*'table', 'array'"):
        gather(np.zeros((2, 2)), kind="video")
    with pytest.raises(ValueError, match=r"kind='images' does not fit ndarray of shape \(2, 2\)"):
        gather(np.zeros((2, 2)), kind="images")


def test_an_empty_folder_and_one_of_unknown_files_say_so(tmp_path):
    with pytest.raises(ValueError, match="holds no files"):
        gather(tmp_path)
    (tmp_path / ".hidden.png").write_bytes(b"x")
    with pytest.raises(ValueError, match="holds no files"):
        gather(tmp_path)
    for name in ("a.exe", "b.exe", "c"):
        (tmp_path / name).write_text("x")
    with pytest.raises(ValueError, match=r"holds 3 files, but none of a known kind \(2 with .exe, 1 with no suffix\)"):
        gather(tmp_path)


def test_a_folder_of_several_kinds_asks_which_one(photos):
    pd.DataFrame({"a": [1, 2]}).to_csv(photos / "labels.csv", index=False)
    with pytest.raises(
        ValueError,
        match=r"several kinds .* kind='images' for 60 images \(label-.*\); kind='table' for 1 table \(labels",
    ):
        gather(photos)
    assert len(gather(photos, kind="images")[1]) == 60
    assert len(gather(photos, kind="table")[1]) == 2
    with pytest.raises(ValueError, match=r"kind='array' finds nothing in .*, which holds 60 images"):
        gather(photos, kind="array")


def test_a_folder_with_one_table_or_array_is_that_and_with_several_asks(tmp_path):
    pd.DataFrame({"a": [1, 2]}).to_csv(tmp_path / "a.csv", index=False)
    assert gather(tmp_path)[1].origin == str(tmp_path / "a.csv")
    pd.DataFrame({"a": [1, 2]}).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(ValueError, match=r"holds 2 tables: a.csv, b.csv. Pass the one you mean"):
        gather(tmp_path)
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    np.save(arrays / "a.npy", np.zeros((2, 2)))
    assert len(gather(arrays)[1]) == 2
    np.save(arrays / "b.npy", np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"holds 2 arrays: a.npy, b.npy"):
        gather(arrays)


def test_gathering_from_the_origin_again_gives_the_same_items(photos, tmp_path):
    np.save(tmp_path / "x.npy", np.eye(3))
    pd.DataFrame({"a": [1, 2]}).to_csv(tmp_path / "t.csv", index=False)
    for source in (photos, tmp_path / "x.npy", tmp_path / "t.csv"):
        cls, gathered = gather(source)
        assert gather(gathered.origin, kind=cls.kind)[1].ids == gathered.ids


def test_selected_items_keep_their_ids_metadata_and_features(photos, iris):
    for source in (photos, iris, np.arange(12.0).reshape(6, 2)):
        cls, gathered = gather(source)
        modality = cls().learn(gathered)
        whole = next(modality.read(gathered, block=100))
        some = next(modality.read(gathered.select([5, 0, 2])))
        np.testing.assert_array_equal(some.x, whole.x[[5, 0, 2]])
        assert some.ids == [whole.ids[i] for i in (5, 0, 2)]
        for name, column in some.metadata.items():
            assert column == [whole.metadata[name][i] for i in (5, 0, 2)]


def test_the_users_ids_are_used_and_checked():
    x = np.zeros((3, 2))
    assert gather(x, ids=["a", "b", "ü"])[1].ids == ["a", "b", "ü"]
    for ids, message in (
        (["a", "b"], "has 2 names, but array of shape"),
        (["a", "b", "a"], "names 'a' more than once"),
        (["a", "b", ""], "empty name at position 2"),
    ):
        with pytest.raises(ValueError, match=message):
            gather(x, ids=ids)


def test_items_of_another_kind_are_refused_by_a_fitted_modality(photos, tmp_path):
    cls, gathered = gather(photos)
    modality = cls().learn(gathered)
    pd.DataFrame({"a": [1, 2]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(
        TypeError, match=r"t.csv' does not fit: this space holds images with features of shape \(1, 8, 8\)"
    ):
        gather_for(modality, tmp_path / "t.csv")
    with pytest.raises(FileNotFoundError):
        gather_for(modality, tmp_path / "nowhere.png")


# ---------------------------------------------------------------------- words
def test_a_description_counts_items_folders_labels_and_what_was_skipped(photos):
    (photos / "bad.png").symlink_to(photos / "nowhere")
    (photos / "notes.txt").write_text("x")
    cls, gathered = gather(photos)
    words = describe(cls.kind, gathered)
    assert words.startswith("60 images in 10 folders, labels: label-0 ")
    assert words.endswith("; 1 skipped; 1 other files left aside")


def test_tables_and_arrays_are_described_by_their_shape(iris):
    assert describe("table", gather(iris)[1]).startswith("150 rows of 7 columns")
    assert describe("array", gather(np.zeros((1, 8, 8)))[1]) == "1 row of shape 8 x 8"


# ---------------------------------------------------------------------- folders
def test_hidden_files_and_litter_are_passed_over(tmp_path):
    for name in (".a.png", "Thumbs.db", ".git/x.png", "__MACOSX/x.png", "good.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert walk(tmp_path).names == ["good.png"]


def test_a_loop_of_links_ends_and_files_keep_their_own_paths(tmp_path):
    (tmp_path / "z").mkdir()
    (tmp_path / "z/one.png").write_bytes(b"x")
    (tmp_path / "a").symlink_to(tmp_path / "z")
    (tmp_path / "z/up").symlink_to(tmp_path)
    assert walk(tmp_path).names == ["z/one.png"]


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/one.png").write_bytes(b"x")
    (tmp_path / "here").mkdir()
    (tmp_path / "here/there").symlink_to(tmp_path / "elsewhere")
    assert walk(tmp_path / "here").names == ["there/one.png"]


def test_a_folder_called_like_an_image_is_entered(tmp_path):
    (tmp_path / "x.png").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "x.png/one.png")
    _, gathered = gather(tmp_path)
    assert (gathered.ids, gathered.skipped) == (["x.png/one.png"], [])


def test_names_that_are_not_utf8_become_ids_that_are(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.png"
    Image.new("L", (8, 8)).save(tmp_path / "plain.png")
    os.rename(tmp_path / "plain.png", path)
    cls, gathered = gather(tmp_path)
    assert gathered.ids == ["caf\\xe9.png"]
    (batch,) = cls().learn(gathered).read(gathered)
    assert len(batch) == 1


# ---------------------------------------------------------------------- folders of several kinds
def _make(kind, folder):
    """Two items of a kind in a folder; of rows, one file with two."""
    for i in range(2):
        if kind == "images":
            Image.fromarray(np.full((8, 8), 40 * i, np.uint8)).save(folder / f"i{i}.png")
        elif kind == "audio":
            with wave.open(str(folder / f"s{i}.wav"), "wb") as sound:
                sound.setparams((1, 2, 8000, 0, "NONE", ""))
                sound.writeframes(np.full(4000, 900 * i, np.int16).tobytes())
        elif kind == "texts":
            (folder / f"t{i}.txt").write_text(f"the letter number {i}")
    if kind == "table":
        pd.DataFrame({"a": [1, 2], "b": [0.5, 0.1]}).to_csv(folder / "rows.csv", index=False)
    if kind == "array":
        np.save(folder / "x.npy", np.eye(2))


_KINDS = ("images", "audio", "texts", "table", "array")


@pytest.mark.parametrize("pair", list(itertools.combinations(_KINDS, 2)), ids="-".join)
def test_a_folder_of_two_kinds_lists_both_and_gives_the_one_that_is_asked_for(pair, tmp_path):
    for kind in pair:
        _make(kind, tmp_path)
    with pytest.raises(ValueError, match="holds several kinds of items") as raised:
        gather(tmp_path)
    assert all(f"kind={kind!r} for " in str(raised.value) for kind in pair)
    for kind in pair:
        cls, gathered = gather(tmp_path, kind=kind)
        assert cls.kind == kind
        assert len(gathered) == 2
    other = next(kind for kind in _KINDS if kind not in pair)
    with pytest.raises(ValueError, match=rf"kind='{other}' finds nothing in .*, which holds "):
        gather(tmp_path, kind=other)


@pytest.mark.parametrize("kind", _KINDS)
def test_what_was_found_says_how_many_and_how_large(kind, tmp_path):
    _make(kind, tmp_path)
    says = {
        "images": "2 images; 8 x 8 pixels, grey", "audio": "2 sounds; 0.5 s at 8,000 Hz", "texts": "2 texts; 19 bytes",
        "table": "2 rows of 2 columns; columns: 2 numbers", "array": "2 rows of shape 2; float64",
    }  # fmt: skip
    assert found(kind, gather(tmp_path)[1]) == says[kind]


def test_what_was_found_names_what_cannot_be_read_and_both_sides_of_pairs(tmp_path):
    source = ["a text of some words", None, "another text of words"]
    words = found("texts", gather(source, kind="texts")[1])
    assert words == "2 texts; 1 skipped; 20 to 21 characters (skipped 1: is missing)"
    pairs = gather({"picture": np.zeros((2, 8, 8)), "caption": source[::2]}, kind="pairs")[1]
    assert found("pairs", pairs).endswith(
        "picture: 2 rows of shape 8 x 8; float64; caption: 2 texts; 20 to 21 characters"
    )
    assert "4 items of pairs" in found("pairs", pairs)
    met = gather([("ann", "tea", 5), ("bob", "jam", 2)])[1]
    assert found("interactions", met).startswith("2 users; 2 interactions with 2 items; user is 'user'")
    assert found("strings", gather(["ann", "bo"])[1]) == "2 strings; 2 to 3 characters"
    assert found("array", gather(sparse.eye_array(4, format="csr"))[1]).endswith(
        "float64, sparse: 4 values, 0.25 of all"
    )


def test_a_folder_with_one_file_of_rows_is_what_the_file_is(tmp_path):
    frame = pd.DataFrame({"user": ["a", "b"], "item": ["x", "y"], "rating": [1, 2]})
    frame.to_csv(tmp_path / "r.csv", index=False)
    assert gather(tmp_path)[0].kind == "interactions"
    assert gather(tmp_path, kind="table")[0].kind == "table"
    _make("images", tmp_path)
    assert gather(tmp_path, kind="interactions")[1].ids == ["a", "b"]


def test_a_table_file_is_read_once_while_its_kind_is_found(tmp_path, monkeypatch):
    read = []
    parse = csv_files.parse
    monkeypatch.setattr(csv_files, "parse", lambda *given: read.append(given[1]) or parse(*given))
    pd.DataFrame({"name": ["ann", "bo"], "b": [0.5, 0.1]}).to_csv(tmp_path / "rows.csv", index=False)
    for source in (tmp_path / "rows.csv", tmp_path):
        read.clear()
        assert gather(source)[0].kind == "table"
        assert read == [str(tmp_path / "rows.csv")]
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n1,2,3\n3,4\n")  # read again once it has changed
    gathered = gather(tmp_path / "rows.csv")[1]
    assert [item.id for item in gathered.skipped] == ["line 3"]
