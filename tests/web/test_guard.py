"""Who gets in: the holder of the token from this server's own page, and nobody else."""

import pytest

pytest.importorskip("fastapi")
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from latentspace.web.guard import Guard

TOKEN = "t0ken"
OURS = "http://127.0.0.1:8765"


@pytest.fixture
def client():
    app = FastAPI()

    @app.get("/")
    def page():
        return "page"

    @app.post("/api/take")
    async def take(request: Request):
        return len(await request.body())

    guarded = Guard(app, TOKEN, {"127.0.0.1:8765", "localhost:8765"}, "latentspace-8765", most_bytes=1000)
    return TestClient(guarded, base_url=OURS, follow_redirects=False)


BEARER = {"authorization": f"Bearer {TOKEN}"}


def test_the_link_gives_a_cookie_that_other_sites_cannot_send_and_hides_the_token(client):
    answer = client.get(f"/?token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=Strict" in answer.headers["set-cookie"]
    assert client.get("/").json() == "page"  # by the cookie


@pytest.mark.parametrize("path", ["/", "/?token=other", "/?token=", "/?token=%00%ff", "/api/take", "/assets/index.js"])
def test_without_the_token_nothing_is_told(client, path):
    answer = client.get(path)
    assert answer.status_code == 401
    assert "page" not in answer.json()


@pytest.mark.parametrize("cookie", ["latentspace-8765=x", "latentspace-8765", ";;;=", "other=t0ken"])
def test_a_wrong_cookie_is_no_token(client, cookie):
    assert client.get("/", headers={"cookie": cookie}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1", "127.0.0.1:8765.evil.example", ""])
def test_another_name_for_this_machine_is_refused(client, host):
    assert client.get("/", headers={**BEARER, "host": host}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:8765"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_requests_of_other_sites_are_refused_even_with_the_token(client, headers):
    assert client.post("/api/take", headers={**BEARER, **headers}).status_code == 403


def test_a_link_in_a_mail_may_open_the_page(client):
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get(f"/?token={TOKEN}", headers=headers).status_code == 303


def test_bodies_are_bounded_whether_their_length_is_named_or_not(client):
    headers = {**BEARER, "origin": OURS, "sec-fetch-site": "same-origin"}
    assert client.post("/api/take", content=b"x" * 1000, headers=headers).json() == 1000
    assert client.post("/api/take", content=b"x" * 1001, headers=headers).status_code == 413
    assert client.post("/api/take", content=iter([b"x" * 600] * 2), headers=headers).status_code == 413


def test_every_answer_forbids_foreign_scripts_and_frames(client):
    for answer in (client.get("/", headers=BEARER), client.get("/"), client.get(f"/?token={TOKEN}")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
