"""Every route asked of a small space of every kind, in memory and from its file: an answer or a plain refusal."""

import io
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi")
from PIL import Image

import latentspace as ls

# What each kind's items are shown as; whether latents can be decoded; the files and whether text is read.
KINDS = {
    "sounds": ("sound", True, ".wav", False),
    "strings": ("text", True, ".txt", True),
    "table": ("row", True, ".csv", False),
    "array": ("row", True, ".npy", False),
    "stack": ("picture", True, ".png", False),
    "vectors": ("picture", False, ".npy", False),
    "pairs": ("picture", False, ".png", True),
    "interactions": ("row", True, None, False),
    "one": ("row", True, ".npy", False),
    "equals": ("row", True, ".npy", False),
}


def asked_of(space):
    """Requests of every route: method, path, JSON body."""
    d, last, column = space.dims, len(space) - 1, next(iter(space.metadata), "none")
    yield "GET", "/spaces", None
    for path in ("maps/pca", "maps/tsne", "maps/none", "ids", "sheets/0", "sheets/9", "tell", "worst?k=3"):
        yield "GET", f"/spaces/0/{path}", None
    for path in ("dimensions/0", f"dimensions/{d}", "shades/error", "shades/pca.trustworthiness", "shades/none"):
        yield "GET", f"/spaces/0/{path}", None
    for name in [*space.metadata, "none"]:
        yield "GET", f"/spaces/0/columns/{name}", None
    for row in (0, last, last + 1):
        for part in ("", "/picture", "/sound", "/text", "/reconstruction"):
            yield "GET", f"/spaces/0/items/{row}{part}", None
    where = [{"column": column, "contains": "a"}]
    for query in ({"row": 0}, {"row": last, "metric": "dot", "k": 1000}, {"z": [[0.1] * d]}, {"text": "zero"}, {}):
        yield "POST", "/spaces/0/search", query
    yield "POST", "/spaces/0/search", {"row": 0, "where": where}
    yield "POST", "/spaces/0/filter", where
    yield "POST", "/spaces/0/recommend", {"liked": [0], "disliked": [last]}
    for form in ("picture", "sound", "item"):
        for z in ([[0.1] * d, [0.3] * d], [[1e20] * d], [[0.1] * (d + 1)]):
            yield "POST", "/spaces/0/decode", {"z": z, "form": form}
        yield "POST", "/spaces/0/decode", {"map": "pca", "xy": [[0, 0], [1e20, -1e20]], "form": form}
    yield "POST", "/spaces/0/sample", {"n": 2}
    for form in ("csv", "parquet"):
        yield "POST", "/spaces/0/export", {"rows": [0, last], "latents": True, "form": form}
    yield "POST", "/compare", {"a": {"space": 0}, "b": {"space": 0, "map": "pca"}, "k": 5}


@pytest.mark.parametrize("name", KINDS)
def test_every_route_answers_for_every_kind(name, spaces, served, tmp_path):
    kept = spaces(name)
    for space in (kept, ls.load(kept.save(tmp_path / "kept.latent"))):
        client = served(space)
        for method, path, body in asked_of(space):
            answer = client.request(method, f"/api{path}", json=body)
            told = f"{method} {path} {body}: {answer.status_code} {answer.text[:200]}"
            assert answer.status_code in (200, 400, 404), told
            assert answer.status_code == 200 or "\n" not in answer.json()["error"].strip(), told


@pytest.mark.parametrize("name", KINDS)
def test_what_a_kind_can_do_is_what_it_says(name, spaces, served):
    shown, decodes, ending, reads_text = KINDS[name]
    space, client = spaces(name), served(spaces(name))
    can = client.get("/api/spaces").json()[0]["can"]
    assert (can["pictures"], can["decode"], can["encode"]["text"]) == (shown, decodes, reads_text)
    assert ending is None or ending in can["encode"]["files"]
    status = {True: 200, False: 400}
    pictured = shown in ("picture", "sound")
    asked = {"z": space.latents[:1].tolist(), "form": "picture" if pictured else "item"}
    assert client.post("/api/spaces/0/decode", json=asked).status_code == status[decodes]
    assert not can["sample"] or client.post("/api/spaces/0/sample", json={"n": 2}).status_code == 200
    assert client.get("/api/spaces/0/shades/error").status_code == status[can["errors"]]
    assert client.post("/api/spaces/0/recommend", json={"liked": [0]}).status_code == status[can["recommend"]]
    assert client.get("/api/spaces/0/items/0/picture").status_code == (200 if pictured else 404)
    assert client.get("/api/spaces/0/items/0/sound").status_code == (200 if shown == "sound" else 404)


def dropped(space, ending, row):
    """An item of a space as a file."""
    held = io.BytesIO()
    if ending == ".wav":  # as it was: what comes back from features has lost its phase
        return (Path(space.facts["origin"]) / space.ids[row]).read_bytes()
    if ending == ".png":
        item = space.items[row]
        (item if isinstance(item, Image.Image) else Image.fromarray(item)).save(held, "PNG")
    elif ending == ".csv":
        import pandas as pd

        held.write(pd.DataFrame([space.items[row]]).to_csv(index=False).encode())
    elif ending == ".npy":
        np.save(held, np.asarray(space.items[row])[None])
    else:
        held.write(space.items[row].encode())
    return held.getvalue()


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name][2] and name != "vectors"])
def test_an_item_that_is_dropped_is_its_own_neighbour(name, spaces, served):
    space, ending = spaces(name), KINDS[name][2]
    row = min(5, len(space) - 1)
    files = {"file": (f"mine{ending}", dropped(space, ending, row))}
    answer = served(space).post("/api/spaces/0/encode", files=files, data={"map": "pca"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    np.testing.assert_allclose(told["z"], space.latents[row], atol=1e-3)
    assert told["distances"][0] == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(told["xy"], space.maps["pca"].coordinates[row], atol=1e-3)


@pytest.mark.parametrize("ending", [".png", ".wav", ".txt", ".csv", ".parquet", ".npy", ".flac", ".md", ".exe", ""])
@pytest.mark.parametrize("name", ["sounds", "strings", "table", "stack", "vectors", "pairs", "interactions"])
def test_rubbish_of_every_ending_is_refused_in_plain_words(name, ending, spaces, served):
    client = served(spaces(name))
    for body in (b"", b"\x93NUMPY junk", b"PAR1\0\0\0\0PAR1", b"\x89PNG\r\n\x1a\n\0", bytes(100)):
        answer = client.post("/api/spaces/0/encode", files={"file": (f"x{ending}", body)})
        assert answer.status_code in (400, 415), answer.text
        assert "/tmp" not in answer.json()["error"]
        assert "allow_pickle" not in answer.json()["error"]


def test_vectors_are_dropped_as_an_array_beside_which_there_are_no_items(spaces, served):
    space = spaces("vectors")
    held = io.BytesIO()
    np.save(held, np.asarray(space._features.rows([5])).reshape(1, -1)[:, 20:40] * 255)
    told = served(space).post("/api/spaces/0/encode", files={"file": ("v.npy", held.getvalue())}).json()
    assert told["rows"][0] == 5
    assert "picture" not in told


def test_words_find_pictures_where_the_space_is_of_both(spaces, served):
    space = spaces("pairs")
    query = {"text": "the digit seven", "k": 10, "where": [{"column": "side", "among": ["image"]}]}
    found = served(space).post("/api/spaces/0/search", json=query).json()
    sevens = {space.metadata["pair"][row] for row in range(60, 120) if "seven" in space.metadata["text"][row]}
    near = [space.metadata["pair"][row] in sevens for row in found["rows"][:3]]
    assert sum(near) >= 2


@pytest.mark.parametrize("route", ["search", "encode"])
def test_a_text_is_never_taken_for_the_name_of_a_file(route, served, texts, tmp_path):
    secret = tmp_path / "rain.txt"
    client = served(texts)
    ask = {"json": {"text": str(secret)}} if route == "search" else {"data": {"text": str(secret)}}
    secret.write_text("She baked bread with rye flour and a little honey.")
    there = client.post(f"/api/spaces/0/{route}", **ask)
    secret.unlink()
    assert there.status_code == 200, "the path has a word that is known"
    assert there.json() == client.post(f"/api/spaces/0/{route}", **ask).json(), "neighbours tell what a file holds"


@pytest.mark.parametrize("kind", ["png", "npy", "parquet"])
def test_a_file_that_unpacks_to_gigabytes_is_refused(kind, spaces, served):
    held = io.BytesIO()
    if kind == "png":
        Image.new("1", (20_000, 20_000)).save(held, "PNG")
        name, space = "x.png", spaces("stack")
    elif kind == "npy":
        header = {"descr": "<f4", "fortran_order": False, "shape": (2**40, 64)}
        np.lib.format.write_array_header_1_0(held, header)
        name, space = "x.npy", spaces("array")
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"sepal_length": pa.array(np.zeros(3_000_000))}), held)
        name, space = "x.parquet", spaces("table")
    answer = served(space).post("/api/spaces/0/encode", files={"file": (name, held.getvalue())})
    assert answer.status_code == 400, answer.text
    assert "/tmp" not in answer.json()["error"]
