"""What is written as files: read by the engines themselves, it holds what the space holds and finds what it finds."""

import json

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

import latentspace as ls
import processes
from latentspace import exporting


def test_parquet_has_every_column_by_its_type(space, tmp_path):
    assert space.export("parquet", tmp_path / "x.parquet") == str(tmp_path / "x.parquet")
    table = parquet.read_table(tmp_path / "x.parquet")
    assert table["id"].to_pylist() == space.ids
    np.testing.assert_array_equal(np.array(table["z"].to_pylist(), np.float32), space.latents)
    for name in ("label", "price", "count", "fresh", "empty"):
        assert table[name].to_pylist() == space.metadata[name]
    assert table["mixed"].to_pylist() == [str(value) for value in space.metadata["mixed"]]
    assert table["id_"].to_pylist() == space.metadata["id"]
    assert {name: str(table.schema.field(name).type) for name in ("price", "count", "fresh")} == {
        "price": "double", "count": "int64", "fresh": "bool",
    }  # fmt: skip


def test_numpy_opens_without_pickle(space, tmp_path):
    space.export("numpy", tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as held:
        assert held["ids"].tolist() == space.ids
        np.testing.assert_array_equal(held["latents"], space.latents)
        assert held["metadata/label"].tolist() == space.metadata["label"]
        assert held["missing/price"].tolist() == [value is None for value in space.metadata["price"]]
        assert held["metadata/count"].dtype == np.int64


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "dot"])
def test_faiss_finds_what_we_find(space, queries, nearest, tmp_path, metric):
    import faiss

    space.export("faiss", tmp_path / "x.faiss", metric=metric)
    index = faiss.read_index(str(tmp_path / "x.faiss"))
    told = json.loads((tmp_path / "x.faiss.ids.json").read_text(encoding="utf-8"))
    asked = queries / np.linalg.norm(queries, axis=1, keepdims=True) if metric == "cosine" else queries
    found = index.search(np.ascontiguousarray(asked), 10)[1]
    assert [[told["ids"][row] for row in rows] for rows in found] == nearest[metric]
    assert told["metric"] == metric


def test_the_projector_gets_tables_of_one_length_and_pictures(digits, space, tmp_path):
    images, labels = digits
    pictured = ls.fit(images[:50], dims=3, metadata={"label": labels[:50].tolist(), "odd": ["a\tb\nc"] * 50})
    folder = tmp_path / "projector"
    pictured.export("projector", folder)
    z = np.loadtxt(folder / "latents.tsv", delimiter="\t", dtype=np.float32)
    np.testing.assert_array_equal(z, pictured.latents)
    lines = (folder / "metadata.tsv").read_text(encoding="utf-8").split("\n")[:-1]
    assert lines[0] == "id\tlabel\todd"
    assert [line.split("\t") for line in lines[1:3]] == [["0", "0", "a b c"], ["1", "1", "a b c"]]
    assert len(lines) == 51
    config = (folder / "projector_config.pbtxt").read_text()
    assert 'image_path: "sprite.png"' in config
    assert Image.open(folder / "sprite.png").size == (8 * 50, 8 * 50)
    space.export("projector", tmp_path / "plain")
    assert "sprite" not in (tmp_path / "plain" / "projector_config.pbtxt").read_text()


def test_the_projectors_configuration_is_read_by_tensorboard(space, tmp_path):
    text_format = pytest.importorskip("google.protobuf.text_format")
    projector = pytest.importorskip("tensorboard.plugins.projector")
    space.export("projector", tmp_path / "p")
    config = text_format.Parse((tmp_path / "p" / "projector_config.pbtxt").read_text(), projector.ProjectorConfig())
    assert config.embeddings[0].tensor_path == "latents.tsv"


def test_embedding_atlas_gets_a_map_and_the_true_neighbours(space, tmp_path):
    space.export("embedding-atlas", tmp_path / "a.parquet", map="pca")
    table = parquet.read_table(tmp_path / "a.parquet")
    spots = np.stack([table["projection_x"].to_numpy(), table["projection_y"].to_numpy()], 1)
    np.testing.assert_array_equal(spots, space.maps["pca"].coordinates)
    first = table["neighbors"][7].as_py()
    assert [space.ids[row] for row in first["ids"][:10]] == list(space.search(id=space.ids[7], k=10).ids)
    assert first["distances"] == sorted(first["distances"])


def test_what_is_there_stays_and_a_failure_leaves_it(space, tmp_path, monkeypatch):
    path = tmp_path / "x.parquet"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        space.export("parquet", path)
    monkeypatch.setattr("latentspace.exporting.files.arrow_table", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        space.export("parquet", path, overwrite=True)
    assert path.read_text() == "mine"
    assert [found.name for found in tmp_path.iterdir()] == ["x.parquet"]
    monkeypatch.undo()
    space.export("parquet", path, overwrite=True)
    assert len(parquet.read_table(path)) == 400


@pytest.mark.parametrize(
    ("to", "options", "error", "said"),
    [
        ("pinecone", {}, ValueError, "Known: parquet"),
        ("parquet", {"metric": "cosine"}, TypeError, "unknown option 'metric'; it takes none"),
        ("faiss", {"metric": "hamming"}, ValueError, "choose 'cosine'"),
    ],
)
def test_what_is_not_known_is_said(space, tmp_path, to, options, error, said):
    with pytest.raises(error, match=said):
        space.export(to, tmp_path / "x", **options)
    with pytest.raises(FileNotFoundError, match="Make it first"):
        space.export("parquet", tmp_path / "nowhere" / "x.parquet")
    assert list(tmp_path.iterdir()) == []


def test_it_is_done_on_the_command_line(space, tmp_path):
    space.save(tmp_path / "x.latent")
    done = processes.latentspace("export", "x.latent", "--to", "numpy", "-o", "x.npz", "--json", cwd=tmp_path)
    assert json.loads(done.stdout) == {"to": "numpy", "written": "x.npz"}
    again = processes.latentspace("export", "x.latent", "--to", "numpy", "-o", "x.npz", cwd=tmp_path)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    wrong = processes.latentspace("export", "x.latent", "--to", "numpy", "-o", "y.npz", "--metric", "dot", cwd=tmp_path)
    assert wrong.returncode == 2
    assert set(exporting.KINDS) >= {"parquet", "onnx", "pgvector"}
