"""Items as files: what is written is read again as what it was."""

import json
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import latentspace as ls
from latentspace.cli import main
from latentspace.errors import UnsupportedError
from latentspace.items import gather
from latentspace.items.interactions import Interactions
from latentspace.items.tables import Table
from latentspace.writing import write_items

THINGS = ["tea", "jam", "rye", "sea", "ink", "oak"]
NOTES = [f"the letter of {name} tells of {thing}" for name, thing in zip("abcdef", THINGS, strict=True)]


def of(kind):
    """A space as far as writing its own kind asks for one."""
    return SimpleNamespace(modality=SimpleNamespace(kind=kind))


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1, max_size=8)
texts = st.lists(st.lists(words, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=6)
letters = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\t")
lines = st.text(letters, min_size=1).filter(str.strip)


@settings(max_examples=25, deadline=None)
@given(given=st.lists(lines, min_size=1, max_size=5))
def test_texts_in_a_folder_are_read_again_to_the_letter(given, tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts") / "out"
    write_items(of("texts"), given, folder)
    from latentspace.items.text_files import read

    assert [read(path)[0] for path in sorted(folder.iterdir())] == [text.removeprefix("\ufeff") for text in given]


@settings(max_examples=25, deadline=None)
@given(given=texts, ending=st.sampled_from([".csv", ".parquet", ".jsonl"]))
def test_texts_in_a_table_are_read_again_with_their_ids(given, ending, tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / f"t{ending}"
    ids = [f"note {row}" for row in range(len(given))]
    write_items(of("texts"), given, path, names=ids)
    frame = {".csv": lambda p: pd.read_csv(p, dtype=str, keep_default_na=False, lineterminator="\n"),
             ".parquet": pd.read_parquet, ".jsonl": lambda p: pd.DataFrame(map(json.loads, p.open(encoding="utf-8")))}[
        ending
    ](path)  # fmt: skip
    assert frame["id"].tolist() == ids
    assert frame["text"].tolist() == given


@given(given=texts)
@settings(max_examples=15, deadline=None)
def test_texts_as_lines_are_read_again_as_strings(given, tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "t.txt"
    write_items(of("strings"), given, path)
    assert gather(path, kind="strings")[1].raw == given


columns = st.fixed_dictionaries(
    {
        "size": st.floats(-1e6, 1e6, width=32), "count": st.integers(-1000, 1000), "kind": st.sampled_from("abc"),
        "when": st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda when: when.replace(microsecond=0)),
        "sold": st.booleans(),
    }
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(columns, min_size=2, max_size=8), order=st.permutations(["size", "count", "kind", "when", "sold"]))
def test_rows_are_read_again_with_their_columns_order_types_and_categories(rows, order, tmp_path_factory):
    frame = pd.DataFrame(rows)[order].assign(kind=lambda f: pd.Categorical(f["kind"], categories=list("cab")))
    gathered = Table.gather(frame)
    modality = Table().learn(gathered)
    batch = next(modality.read(gathered))
    items = modality.rebuild(batch.x, batch.metadata)
    path = write_items(of("table"), items, tmp_path_factory.mktemp("rows") / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(path), frame)
    again = write_items(of("table"), items, path.with_suffix(".csv"))
    pd.testing.assert_frame_equal(
        pd.read_csv(again, parse_dates=["when"]), frame.astype({"kind": object}), check_dtype=False
    )


@settings(max_examples=20, deadline=None)
@given(
    histories=st.lists(
        st.dictionaries(st.sampled_from(THINGS), st.integers(1, 10).map(lambda v: v / 2), min_size=1),
        min_size=1, max_size=5,
    ),
    ending=st.sampled_from([".csv", ".parquet", ".jsonl"]),
)  # fmt: skip
def test_interactions_are_read_again_as_what_each_user_met(histories, ending, tmp_path_factory):
    path = tmp_path_factory.mktemp("met") / f"m{ending}"
    users = [f"user-{row}" for row in range(len(histories))]
    write_items(of("interactions"), histories, path, names=users)
    kind, gathered = gather(path)
    assert kind is Interactions
    assert gathered.ids == users
    assert [json.loads(text) for text in gathered.metadata["history"]] == histories


def test_sparse_rows_and_vectors_are_read_again(tmp_path):
    rows = sparse.random_array((6, 5), density=0.4, format="csr", rng=np.random.default_rng(0))
    for items in (rows, rows.toarray()):
        again = gather(write_items(of("array"), items, tmp_path / "x.npz", overwrite=True))[1].raw
        np.testing.assert_array_equal(again[0:6].toarray() if sparse.issparse(items) else again, rows.toarray())
        np.testing.assert_array_equal(np.load(write_items(of("array"), items, tmp_path / "x.npy", overwrite=True)),
                                      rows.toarray())  # fmt: skip
        frame = pd.read_csv(write_items(of("array"), items, tmp_path / "x.csv", overwrite=True))
        np.testing.assert_allclose(frame.to_numpy(), rows.toarray())


def test_ids_that_would_be_one_file_are_two(tmp_path):
    write_items(of("texts"), ["one", "two", "three"], tmp_path / "out", names=["a/b", "a_b", "../c"])
    assert sorted(path.read_text() for path in (tmp_path / "out").iterdir()) == ["one", "three", "two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize(
    ("kind", "path", "says"),
    [
        ("texts", "x.png", "written as .txt"), ("table", "x.txt", "written as .csv"), ("table", "out", "as a folder"),
        ("images", "x.csv", "no ending for a folder"), ("audio", "x.csv", "written as .wav"),
        ("interactions", "x.wav", "written as .csv"), ("array", "x.txt", "written as .npy"),
        ("images", "-", "lines on stdout"), ("texts", "x.doc", "as .doc"),
    ],
)  # fmt: skip
def test_what_a_kind_cannot_be_written_as_says_what_it_can(tmp_path, monkeypatch, kind, path, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsupportedError, match=says):
        write_items(of(kind), ["item"], path)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- decode -o
@pytest.fixture(scope="module")
def spaces(tmp_path_factory):
    """A saved space of each kind that needs no extra, and its latents as encode writes them."""
    folder = tmp_path_factory.mktemp("spaces")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=12), "kind": list("abcabcabcabc"), "count": rng.integers(0, 9, 12)})
    met = [(f"u{row}", item, 1) for row in range(9) for item in rng.choice(["tea", "jam", "rye", "sea"], 2, False)]
    made = {
        "texts": ls.fit(NOTES, "lsa", dims=2, kind="texts"),
        "table": ls.fit(frame, dims=2),
        "interactions": ls.fit(met, "latent-factors", dims=2),
        "images": ls.fit(rng.integers(0, 255, (9, 8, 8), dtype=np.uint8), dims=2),
        "vectors": ls.fit(rng.normal(size=(9, 5)), dims=2),
    }
    for kind, space in made.items():
        space.save(folder / f"{kind}.latent")
        np.savez(folder / f"{kind}.npz", ids=np.array(space.ids), latents=space.latents)
    return folder


@pytest.mark.parametrize(
    ("kind", "outs"),
    [
        ("texts", ["x.txt", "x.csv", "x.parquet", "x.jsonl", "out", "-"]),
        ("table", ["x.csv", "x.parquet", "x.jsonl", "x.npy", "-"]),
        ("interactions", ["x.csv", "x.parquet", "x.jsonl", "-"]),
        ("images", ["x.png", "out", "x.npy"]),
        ("vectors", ["x.npy", "x.npz", "x.csv", "x.parquet", "-"]),
    ],
)
def test_decode_writes_every_kind_as_everything_it_can_be(spaces, tmp_path, monkeypatch, capsys, kind, outs):
    monkeypatch.chdir(tmp_path)
    n = len(ls.load(spaces / f"{kind}.latent"))
    for out in outs:
        with pytest.raises(SystemExit) as ended:
            main(["decode", str(spaces / f"{kind}.latent"), str(spaces / f"{kind}.npz"), "-o", out])
        printed = capsys.readouterr()
        assert not ended.value.code, printed.err
        if out == "-":
            assert len(printed.out.splitlines()) >= n
        elif out == "out":
            assert len(list((tmp_path / out).iterdir())) == n
        elif out.endswith(".npy"):
            assert len(np.load(out)) == n
        else:
            assert (tmp_path / out).stat().st_size > 0
            assert "wrote" in printed.err
    if kind == "table":
        rows = pd.read_csv("x.csv")
        assert list(rows.columns) == ["size", "kind", "count"]
        assert set(rows["kind"]) <= set("abc")
        assert rows["count"].dtype.kind == "i"
    if kind == "texts":
        assert pd.read_csv("x.csv")["witness"].isin(NOTES).all()
        with pytest.raises(SystemExit):
            main(["decode", str(spaces / "texts.latent"), str(spaces / "texts.npz"), "-o", "x.npy"])
        assert "written as .txt" in capsys.readouterr().err
        assert set(json.loads(pd.read_csv("x.csv")["words"][0])) <= set(" ".join(NOTES).split())
