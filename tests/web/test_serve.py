"""The server as a process: its link, its names, its token, its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

pytest.importorskip("uvicorn")

from latentspace.web.serve import _token, names_of

TOKEN = "a-token-of-my-own-0123456789"


def started(*arguments, **environment):
    command = [sys.executable, "-m", "latentspace", "serve", *map(str, arguments), "--port", "0", "--no-browser"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as held:
            held.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_two_files_are_served_under_a_token_of_ones_own_until_ctrl_c(pictures, texts, tmp_path):
    paths = pictures.save(tmp_path / "digits.latent"), texts.save(tmp_path / "texts.latent")
    host = "::1" if has_ipv6() else "127.0.0.1"
    with started(*paths, "--host", host, LATENTSPACE_TOKEN=TOKEN) as server:
        link = server.stdout.readline().strip()
        base, token = re.fullmatch(r"(http://\S+:\d+/)\?token=(\S+)", link).groups()
        assert token == TOKEN
        assert ("[::1]" in base) == has_ipv6()
        asked = urllib.request.Request(f"{base}api/spaces", headers={"authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(asked) as answer:
            assert [one["name"] for one in json.load(answer)] == ["digits.latent", "texts.latent"]
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{base}api/spaces")
        server.send_signal(signal.SIGINT)  # while the texts' t-SNE may be under way
        said, errors = server.communicate(timeout=60)
    assert server.returncode == 0
    assert said == ""
    assert "Traceback" not in errors
    assert errors.rstrip().endswith("Ended.")


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["nowhere.latent"], {}, "nowhere.latent"),
        (["{space}", "--host", "192.0.2.1"], {}, "192.0.2.1"),
        (["{space}"], {"LATENTSPACE_TOKEN": "short"}, "LATENTSPACE_TOKEN has 5 characters"),
    ],
)
def test_what_goes_wrong_is_one_line(arguments, environment, words, pictures, tmp_path):
    path = pictures.save(tmp_path / "digits.latent")
    with started(*[one.format(space=path) for one in arguments], **environment) as server:
        said, errors = server.communicate(timeout=60)
    assert server.returncode == 1
    assert said == ""
    assert words in errors
    assert errors.startswith("Error: ")
    assert len(errors.strip().splitlines()) == 1


def test_the_token_is_new_each_time_unless_the_environment_has_one(monkeypatch):
    monkeypatch.delenv("LATENTSPACE_TOKEN", raising=False)
    assert _token() != _token()
    assert len(_token()) >= 32
    monkeypatch.setenv("LATENTSPACE_TOKEN", TOKEN)
    assert _token() == TOKEN
    monkeypatch.setenv("LATENTSPACE_TOKEN", "with spaces and more than twenty")
    with pytest.raises(ValueError, match="letters, digits"):
        _token()


@pytest.mark.parametrize(
    ("host", "first", "others"),
    [
        ("127.0.0.1", "127.0.0.1", {"localhost"}),
        ("localhost", "localhost", {"127.0.0.1", "[::1]"}),
        ("::1", "[::1]", {"localhost"}),
        ("192.0.2.7", "192.0.2.7", {socket.gethostname()}),
        ("0.0.0.0", socket.gethostname(), {"127.0.0.1"}),
    ],
)
def test_a_server_knows_what_it_may_be_called(host, first, others):
    names = names_of(host)
    assert names[0] == first
    assert others <= set(names)
    assert ("127.0.0.1" in names) == (host != "192.0.2.7" or socket.gethostname() == "127.0.0.1")
