"""A real server under many clients, slow ones, endless ones, and ones that ask for files: all others are answered."""

import contextlib
import http.client
import json
import os
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

pytest.importorskip("uvicorn")

CLIENTS, EACH = 200, 1


@pytest.fixture(scope="module")
def server(link):
    """Host, port and headers of the running server."""
    address = urlsplit(link)
    token = re.search(r"token=(\S+)", link)[1]
    return address.hostname, address.port, {"authorization": f"Bearer {token}", "content-type": "application/json"}


def ask(server, method, path, body=None, connection=None):
    host, port, headers = server
    own = connection or http.client.HTTPConnection(host, port, timeout=60)
    own.request(method, path, body, headers)
    answer = own.getresponse()
    data = answer.read()
    if connection is None:
        own.close()
    return answer.status, data


def searched(answer):
    assert answer[0] == 200, answer
    return json.loads(answer[1])["ids"]


def test_two_hundred_clients_at_once_all_get_the_right_answer(server, pictures):
    """Each keeps its connection, as browsers do, and all ask in the same moment."""
    wanted = {row: pictures.search(id=pictures.ids[row], k=4, metric="euclidean").ids for row in range(EACH)}
    together = threading.Barrier(CLIENTS)

    def client(number):
        host, port, _ = server
        connection = http.client.HTTPConnection(host, port, timeout=120)
        connection.connect()
        together.wait()
        for row in range(EACH):
            body = json.dumps({"row": row, "k": 4, "metric": "euclidean"})
            assert searched(ask(server, "POST", "/api/spaces/0/search", body, connection)) == wanted[row]
        status, data = ask(server, "GET", "/api/spaces/0/maps/pca", connection=connection)
        connection.close()
        return status, len(data)

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = set(pool.map(client, range(CLIENTS)))
    assert len(answers) == 1
    assert answers.pop()[0] == 200


def test_clients_that_send_a_byte_and_wait_keep_nobody_from_an_answer(server):
    host, port, headers = server
    head = f"POST /api/spaces/0/search HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: {headers['authorization']}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    waiting = [socket.create_connection((host, port), timeout=60) for _ in range(100)]
    try:
        for one in waiting:
            one.sendall(head.encode())
        assert ask(server, "GET", "/api/spaces")[0] == 200
        assert len(searched(ask(server, "POST", "/api/spaces/0/search", '{"row": 1, "k": 3}'))) == 3
    finally:
        for one in waiting:
            one.close()


def test_an_upload_without_an_end_is_ended_at_its_bound(server):
    host, port, headers = server
    with socket.create_connection((host, port), timeout=60) as one:
        head = f"POST /api/spaces/0/encode HTTP/1.1\r\nHost: {host}:{port}\r\nTransfer-Encoding: chunked\r\n"
        head += f"Authorization: {headers['authorization']}\r\nContent-Type: application/octet-stream\r\n\r\n"
        one.sendall(head.encode())
        piece, sent = b"%x\r\n%s\r\n" % (1 << 20, bytes(1 << 20)), 0
        with contextlib.suppress(OSError):  # the server hangs up
            while sent < 200:
                one.sendall(piece)
                sent += 1
    assert sent < 100  # megabytes: the bound of 24, and what lay in the sockets
    assert ask(server, "GET", "/api/spaces")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2f..%2fetc/passwd",
        "//etc/passwd", "/assets/../../../../pyproject.toml", "/assets/..%5c..%5cpyproject.toml", "/static/%00",
        "/api/spaces/..%2f..%2fetc%2fpasswd/sheets/0", "/api/spaces/0/columns/..%2f..%2fetc%2fpasswd",
        "/api/spaces/0/maps/..%2f..%2fetc", "/api/spaces/0/axes/../../../etc/passwd",
    ],
)  # fmt: skip
def test_no_path_names_a_file_of_the_disc(server, path):
    status, data = ask(server, "GET", path)
    assert status in (400, 404, 405, 422), (status, data[:200])
    assert b"root:" not in data
    assert b"[project]" not in data


def test_the_server_holds_no_more_files_open_after_its_clients_went(server, tmp_path):
    host, port, _ = server
    number = _process_at(port)
    if number is None:
        pytest.skip("no /proc to look at")
    ask(server, "GET", "/api/spaces")
    before = len(os.listdir(f"/proc/{number}/fd"))
    for _ in range(20):
        ask(server, "POST", "/api/spaces/0/search", '{"row": 1, "k": 3}')
        with socket.create_connection((host, port), timeout=60) as one:
            one.sendall(b"GET / HT")
    ask(server, "GET", "/api/spaces")
    assert len(os.listdir(f"/proc/{number}/fd")) <= before + 5


def _process_at(port):
    psutil = pytest.importorskip("psutil")
    children = psutil.Process().children(recursive=True)
    return next((one.pid for one in children if any(c.laddr.port == port for c in one.net_connections("tcp"))), None)
