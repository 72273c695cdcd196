"""What the page asks for, asked of real spaces: pictures and texts."""

import io

import numpy as np
import pytest
from PIL import Image

import latentspace as ls
from latentspace.web.frames import unpack


def frame(answer):
    assert answer.status_code == 200, answer.text
    return unpack(answer.content)


def picture(answer):
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def test_spaces_say_what_the_page_can_do_with_them(client):
    first, second = client.get("/api/spaces").json()
    assert (first["items"], first["dims"], first["kind"]) == (120, 8, "images")
    can = first["can"]
    assert (can["decode"], can["sample"], can["errors"], can["pictures"]) == (True, True, True, "picture")
    assert ".png" in can["encode"]["files"]
    assert second["can"]["encode"] == {"files": [".md", ".txt"], "text": True}
    assert {"name": "ink", "kind": "number"} in first["columns"]
    assert {"name": "label", "kind": "category"} in first["columns"]
    assert second["can"]["pictures"] == "text"


def test_a_map_is_its_coordinates_bit_for_bit(client, pictures):
    header, arrays = frame(client.get("/api/spaces/0/maps/pca"))
    np.testing.assert_array_equal(arrays["xy"], pictures.maps["pca"].coordinates)
    assert header["honesty"]["trustworthiness"] == pytest.approx(pictures.maps["pca"].honesty.trustworthiness)


def test_a_maps_ground_is_its_contours_and_its_regions(client, pictures):
    header, arrays = frame(client.get("/api/spaces/0/regions/pca"))
    drawn = pictures.maps["pca"]
    lines = [(each.share, line) for each in drawn.contours() for line in each.lines]
    starts = [0, *arrays["ends"][:-1]]
    for (share, line), start, end, told in zip(lines, starts, arrays["ends"], arrays["shares"], strict=True):
        np.testing.assert_allclose(arrays["spots"][start:end], line, rtol=1e-5, atol=1e-5)
        assert told == pytest.approx(share)
    assert [region["items"] for region in header["regions"]] == [len(region) for region in drawn.regions()]
    assert client.get("/api/spaces/0/regions/nonsense").status_code == 404


def test_few_whole_numbers_are_labels_in_their_own_order_and_filter_by_them(served):
    given = {"digit": [10, 2, 2, None, 10, 2], "right": [True, False, True, True, None, True]}
    x = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    client = served(ls.fit(x, dims=2, metadata=given))
    (told,) = client.get("/api/spaces").json()
    assert told["columns"] == [{"name": "digit", "kind": "category"}, {"name": "right", "kind": "boolean"}]
    header = frame(client.get("/api/spaces/0/columns/digit"))[0]
    assert (header["labels"], header["counts"]) == (["2", "10"], [3, 2])
    for column, label, rows in (("digit", "2", [1, 2, 5]), ("right", "False", [1])):
        answer = client.post("/api/spaces/0/filter", json=[{"column": column, "among": [label]}])
        assert frame(answer)[1]["rows"].tolist() == rows


def test_ids_are_looked_up(client, pictures):
    ids = [pictures.ids[7], "no such item", pictures.ids[0]]
    assert client.post("/api/spaces/0/rows", json={"ids": ids}).json() == {"rows": [7, None, 0]}


def test_an_axis_is_learned_by_name_or_from_examples_and_forgotten(served, digits):
    import latentspace as ls

    space = ls.fit(digits[0][:200], dims=6, metadata={"digit": [int(label) for label in digits[1][:200]]})
    client = served(space)
    (told,) = client.post("/api/spaces/0/axes", json={"name": "digit=3"}).json()
    np.testing.assert_allclose(told["step"], space.axes["digit=3"].step, rtol=1e-6)
    assert "held out" in told["words"]
    rows = [row for row in range(200) if digits[1][row] == 0][:8]
    named = client.post("/api/spaces/0/axes", json={"name": "round", "positive": rows}).json()
    assert [axis["name"] for axis in named] == ["digit=3", "round"]
    assert client.delete("/api/spaces/0/axes/digit=3").json() == named[1:] == client.get("/api/spaces/0/axes").json()
    refused = client.post("/api/spaces/0/axes", json={"name": "nonsense"})
    assert refused.status_code == 400
    assert "nonsense" in refused.json()["error"]


def test_a_map_that_is_not_there_is_made_when_asked(client):
    answer = client.get("/api/spaces/1/maps/pca")
    if answer.status_code == 404:  # the space is shared by tests
        assert answer.json()["make"]
        job = client.post("/api/spaces/1/maps/pca").json()
        while job["state"] in ("waiting", "running"):
            job = client.get(f"/api/jobs/{job['job']}").json()
        assert job["state"] == "done", job
    assert frame(client.get("/api/spaces/1/maps/pca"))[1]["xy"].shape == (24, 2)
    assert client.get("/api/spaces/1/maps/nonsense").json()["make"] is False


def test_columns_come_as_codes_or_numbers(client, pictures):
    header, arrays = frame(client.get("/api/spaces/0/columns/label"))
    labels = [header["labels"][code] for code in arrays["codes"]]
    assert labels == [str(label) for label in pictures.metadata["label"]]
    assert sum(header["counts"]) == 120
    np.testing.assert_allclose(frame(client.get("/api/spaces/0/columns/ink"))[1]["values"], pictures.metadata["ink"])


def test_dimensions_are_the_latents(client, pictures):
    np.testing.assert_array_equal(frame(client.get("/api/spaces/0/dimensions/3"))[1]["values"], pictures.latents[:, 3])
    assert client.get("/api/spaces/0/dimensions/8").status_code == 404


def test_an_item_shows_itself(client, pictures):
    told = client.get("/api/spaces/0/items/7").json()
    assert told["id"] == pictures.ids[7]
    assert told["metadata"]["ink"] == pictures.metadata["ink"][7]
    assert picture(client.get("/api/spaces/0/items/7/picture")).size == (32, 32)
    assert picture(client.get("/api/spaces/0/items/7/reconstruction")).size == (128, 128)
    assert client.get("/api/spaces/1/items/0/text").json()["item"].startswith("The river")
    assert client.get("/api/spaces/0/items/120").status_code == 404
    assert client.get("/api/spaces/1/items/0/picture").status_code == 404


def test_thumbnails_come_as_sheets(client):
    sheet = picture(client.get("/api/spaces/0/sheets/0"))
    assert sheet.size == (32 * 64, 4 * 64)
    assert client.get("/api/spaces/0/sheets/1").status_code == 404


def test_neighbours_are_those_of_the_library(client, pictures):
    answer = client.post("/api/spaces/0/search", json={"row": 5, "k": 4, "metric": "euclidean"}).json()
    assert answer["ids"] == pictures.search(id=pictures.ids[5], k=4, metric="euclidean").ids
    only = client.post("/api/spaces/0/search", json={"row": 5, "where": [{"column": "label", "among": ["0"]}]}).json()
    assert {pictures.metadata["label"][row] for row in only["rows"]} == {"0"}
    by_text = client.post("/api/spaces/1/search", json={"text": "bread and honey", "k": 2}).json()
    assert len(by_text["rows"]) == 2


def test_recommendations_are_those_of_the_library_and_never_what_was_given(client, pictures):
    answer = client.post("/api/spaces/0/recommend", json={"liked": [3, 13], "disliked": [1], "k": 5}).json()
    expected = pictures.recommend(liked=[pictures.ids[3], pictures.ids[13]], disliked=[pictures.ids[1]], k=5)
    assert answer["ids"] == expected.ids
    assert answer["reasons"] == [reason.text for reason in expected.reasons]
    assert not {1, 3, 13} & set(answer["rows"])


def test_a_spot_of_the_map_is_decoded_and_far_ones_are_flagged(client, pictures):
    near = pictures.maps["pca"].coordinates[3].tolist()
    answer = client.post("/api/spaces/0/decode", json={"map": "pca", "xy": [near, [1e6, 1e6]]})
    assert answer.headers["x-off-data"] == "0,1"
    assert picture(answer).size == (2 * 128 + 4, 128)


def test_latents_are_decoded_to_pictures_and_to_words(client, pictures, texts):
    assert picture(client.post("/api/spaces/0/decode", json={"z": pictures.latents[:1].tolist()})).size == (128, 128)
    asked = {"z": texts.latents[:1].tolist(), "form": "item"}
    words = client.post("/api/spaces/1/decode", json=asked).json()["items"][0]
    assert words
    assert all(isinstance(weight, float) for weight in words.values())


def test_a_dropped_picture_is_placed_among_its_like(client, pictures):
    held = io.BytesIO()
    pictures.items[11].save(held, "PNG")
    answer = client.post("/api/spaces/0/encode", files={"file": ("../../x.png", held.getvalue())}, data={"map": "pca"})
    told = answer.json()
    assert told["rows"][0] == 11
    assert told["covered"]
    np.testing.assert_allclose(told["xy"], pictures.maps["pca"].coordinates[11], atol=1e-3)
    assert told["picture"].startswith("data:image/webp;base64,")


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("x.png", b"no picture", 400), ("x.exe", b"MZ", 415), ("x", b"", 415), ("x.png", bytes(21 * 2**20), 413)],
)
def test_rubbish_that_is_dropped_is_named(client, name, body, status):
    answer = client.post("/api/spaces/0/encode", files={"file": (name, body)})
    assert answer.status_code == status
    assert answer.json()["error"]
    assert "/tmp" not in answer.json()["error"]


def test_something_unlike_all_items_is_not_covered(client):
    blank = io.BytesIO()
    Image.new("L", (32, 32), 255).save(blank, "PNG")
    told = client.post("/api/spaces/0/encode", files={"file": ("n.png", blank.getvalue())}).json()
    assert told["covered"] is False


def test_a_typed_text_is_looked_up(client):
    told = client.post("/api/spaces/1/encode", data={"text": "flour and butter for a cake"}).json()
    assert set(told["rows"][:2]) & {2, 3, 10, 11, 18, 19}
    assert client.post("/api/spaces/0/encode", data={"text": "cat"}).status_code == 400


def test_dimensions_are_told_by_importance_with_what_goes_with_them(client, pictures):
    dimensions = client.get("/api/spaces/0/tell").json()["dimensions"]
    shares = [one["share"] for one in dimensions]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    first = dimensions[0]
    z = pictures.latents[:, first["dimension"]]
    assert z[first["low"][0]] == z.min()
    assert z[first["high"][0]] == z.max()
    assert any(found["column"] in ("ink", "label") for one in dimensions for found in one["goes_with"])


def test_the_worst_items_come_first(client, pictures):
    worst = client.get("/api/spaces/0/worst?k=3").json()
    x = pictures.features([pictures.items[row] for row in worst["rows"]])
    back = pictures.features(pictures.reconstruct([pictures.items[row] for row in worst["rows"]]))
    errors = ((x - back) ** 2).reshape(3, -1).mean(axis=1)
    np.testing.assert_allclose(worst["errors"], errors, rtol=0.1)  # decoded pictures are cut to black and white
    assert worst["errors"] == sorted(worst["errors"], reverse=True)
    assert frame(client.get("/api/spaces/0/shades/error"))[1]["values"].argmax() == worst["rows"][0]


def test_samples_are_pictures_and_texts_are_words(client):
    assert picture(client.post("/api/spaces/0/sample", json={"n": 3})).size == (3 * 132 - 4, 128)
    assert len(client.post("/api/spaces/1/sample", json={"n": 2}).json()["items"]) == 2


def test_filters_and_exports_agree_with_the_library(client, pictures, tmp_path):
    import pandas as pd

    rows = frame(client.post("/api/spaces/0/filter", json=[{"column": "ink", "low": 70}]))[1]["rows"].tolist()
    assert rows == [row for row, ink in enumerate(pictures.metadata["ink"]) if ink >= 70]
    asked = {"rows": rows, "latents": True, "form": "parquet"}
    table = pd.read_parquet(io.BytesIO(client.post("/api/spaces/0/export", json=asked).content))
    assert list(table["id"]) == [pictures.ids[row] for row in rows]
    np.testing.assert_array_equal(table["z2"], pictures.latents[rows, 2])
    lines = client.post("/api/spaces/0/export", json={"rows": [0]}).text.splitlines()
    assert len(lines) == 2


def test_two_sides_say_whose_neighbours_changed(client):
    same = {"a": {"space": 0}, "b": {"space": 0}, "k": 5}
    header, arrays = frame(client.post("/api/compare", json=same))
    assert header["common"] == 120
    assert (arrays["changed"] == 0).all()
    other = frame(client.post("/api/compare", json={"a": {"space": 0}, "b": {"space": 0, "map": "pca"}, "k": 5}))[1]
    assert 0 < other["changed"].mean() < 1
    strangers = frame(client.post("/api/compare", json={"a": {"space": 0}, "b": {"space": 1}}))
    assert strangers[0]["common"] == 0
    assert np.isnan(strangers[1]["changed"]).all()


def test_who_waits_for_the_model_has_it_between_the_blocks_of_a_long_computation(pictures, monkeypatch):
    from threading import Event, Thread

    from latentspace.web import opened

    monkeypatch.setattr(opened, "_PAUSE", 0.2)  # of a machine that is too busy to wake a thread in a moment
    the = opened.Opened(pictures)
    had = []

    def wants():
        asks.set()
        with the.lock:
            had.append("other")

    def blocks():
        for number in range(3):
            if number == 1:
                waiting.start()
                asks.wait()
            yield number

    asks, waiting = Event(), Thread(target=wants)
    with the.lock:
        had.extend(the._giving_way(blocks()))
    waiting.join()
    assert had.index("other") < had.index(2)


def test_of_very_many_items_a_sample_is_compared(client, monkeypatch):
    from latentspace.web.routes import tell

    monkeypatch.setattr(tell, "_PAIRS", 0)
    monkeypatch.setattr(tell, "_LEAST", 30)
    same = {"a": {"space": 0}, "b": {"space": 0, "map": "pca"}, "k": 5}
    header, arrays = frame(client.post("/api/compare", json=same))
    assert header["measured"] == np.isfinite(arrays["changed"]).sum() == 30
    assert 0 < np.nanmean(arrays["changed"]) < 1


@pytest.mark.parametrize("n", [0, 1, 5, 13, 200])
@pytest.mark.parametrize("levels", [2, 10_000])
def test_extremes_are_those_of_a_whole_sort_ties_too(n, levels):
    from latentspace.explain.dimensions import extremes

    z = np.random.default_rng(n).integers(0, levels, (n, 1)).astype(np.float32)
    order = np.argsort(z[:, 0], kind="stable")
    assert extremes(z, 0, 6) == (order[:6].tolist(), order[::-1][:6].tolist())
