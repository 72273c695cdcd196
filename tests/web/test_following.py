"""A space that another process changes while it is looked at: the new state whole, and the old rows no more."""

import io
import time

import numpy as np
import pytest

pytest.importorskip("fastapi")
from PIL import Image

import latentspace as ls
from latentspace.web.following import Follower
from latentspace.web.frames import unpack
from latentspace.web.opened import Opened


@pytest.fixture
def kept(pictures, tmp_path):
    return pictures.save(tmp_path / "digits.latent")


@pytest.fixture
def live(kept, served):
    """A client of a space in a file, and what looks at the file."""
    client = served(ls.load(kept))
    return client, client.app._app.state.follower


def version(client):
    return client.get("/api/spaces").json()[0]["version"]


def added(kept, count=2):
    """Another process's additions."""
    other = ls.load(kept)
    blank = [Image.new("L", (32, 32), 40 * step) for step in range(1, count + 1)]
    other.add(blank, ids=[f"new/{step}.png" for step in range(count)])
    return other


def test_what_another_process_adds_is_shown_and_rows_of_before_are_refused(live, kept):
    client, follower = live
    before = version(client)
    assert client.get(f"/api/spaces/0/items/7?v={before}").status_code == 200
    assert follower.look() == []
    added(kept)
    assert follower.look() == [0]
    assert client.get("/api/spaces").json()[0]["items"] == 122
    now = version(client)
    assert now != before
    for answer in (
        client.get(f"/api/spaces/0/items/7?v={before}"),
        client.post("/api/spaces/0/search", json={"row": 7}, headers={"x-space-version": before}),
    ):
        assert answer.status_code == 409
        assert answer.json()["version"] == now
        assert "changed" in answer.json()["error"]
    found = client.get("/api/spaces/0/ids?start=120", headers={"x-space-version": now}).json()
    assert found == ["new/0.png", "new/1.png"]
    assert follower.look() == []


def test_items_that_came_after_a_map_have_their_place_on_it(live, kept):
    client, follower = live
    other = added(kept)
    follower.look()
    arrays = unpack(client.get("/api/spaces/0/maps/pca").content)[1]
    assert arrays["xy"].shape == (122, 2)
    np.testing.assert_allclose(arrays["xy"][120:], other.maps["pca"].place_latents(other.latents[120:]), atol=1e-5)
    assert np.isnan(arrays["trustworthiness"][120:]).all()
    shade = unpack(client.get("/api/spaces/0/shades/pca.trustworthiness").content)[1]["values"]
    assert shade.shape == (122,)
    assert Image.open(io.BytesIO(client.get("/api/spaces/0/items/121/picture").content)).size == (32, 32)


def test_what_another_process_removes_is_gone(live, kept, pictures):
    client, follower = live
    other = ls.load(kept)
    other.remove(pictures.ids[:5])
    follower.look()
    assert client.get("/api/spaces/0/ids").json() == pictures.ids[5:]
    assert client.get("/api/spaces/0/items/115").status_code == 404


def test_a_map_that_is_kept_in_the_file_changes_no_rows(live, kept):
    client, follower = live
    before = version(client)
    job = client.post("/api/spaces/0/maps/pca").json()
    while client.get(f"/api/jobs/{job['job']}").json()["state"] in ("waiting", "running"):
        time.sleep(0.01)
    assert follower.look() == []
    assert version(client) == before


def test_a_file_that_is_gone_or_damaged_is_shown_as_it_was(live, kept, capsys):
    client, follower = live
    whole = kept.read_bytes()
    kept.unlink()
    assert follower.look() == []
    kept.write_bytes(whole[:5000])
    assert follower.look() == []
    assert follower.look() == []
    assert capsys.readouterr().err.count("shown as it was") == 1
    assert client.get("/api/spaces/0/items/7").status_code == 200
    kept.unlink()
    kept.write_bytes(whole)
    added(kept)
    assert follower.look() == [0]


def test_two_servers_never_give_one_version_to_two_spaces(pictures):
    assert Opened(pictures).version != Opened(pictures).version


def test_only_addresses_that_name_their_version_are_kept_by_the_browser(live):
    client, _ = live
    for path in ("sheets/0", "items/3/picture"):
        assert client.get(f"/api/spaces/0/{path}").headers["cache-control"] == "no-store"
        assert "immutable" in client.get(f"/api/spaces/0/{path}?v={version(client)}").headers["cache-control"]
    assert client.get(f"/api/spaces/0/items/3?v={version(client)}").headers["cache-control"] == "no-store"


def test_a_follower_looks_by_itself_until_it_is_closed(kept):
    spaces = [Opened(ls.load(kept)), Opened(ls.fit(np.eye(4), dims=1))]  # one of them in no file
    follower = Follower(spaces, every=0.01)
    follower.start()
    first = spaces[0]
    added(kept)
    while spaces[0] is first:
        time.sleep(0.01)
    follower.close()
    assert len(spaces[0].space) == 122
    assert len(first.space) == 120  # who holds the old one still has it whole
