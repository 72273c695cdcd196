"""Who may talk to the server: the holder of the token, from this server's own page, in requests of bounded size.

A page of another site that the user has open can send requests to a loopback port, and with a name that it points at
127.0.0.1 (DNS rebinding) can read the answers. So the Host must be ours, the Origin too where there is one, and a
cookie that other sites cannot send (SameSite=Strict) holds the token, as Jupyter's does.
"""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MOST_BYTES = 24 * 2**20  # of a request's body: an upload of 20 MB in its wrapping
# regl, which draws the points, compiles its drawing functions as it goes: hence 'unsafe-eval'. No inline script runs.
# From a million points on it sorts them in a worker that it makes of a blob: without worker-src none would be drawn.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
# With an answer to a request whose body was not read to its end: it may have none, and would be read on and on.
_HANG_UP = (b"connection", b"close")


class TooLarge(Exception):
    """A request's body went past what is taken."""


class Guard:
    """ASGI middleware that lets through only requests that carry the token and come from the server's own page.

    Parameters
    ----------
    app : ASGI application
    token : str
    hosts : set of str
        What the Host header may be: "127.0.0.1:8765", "localhost:8765".
    cookie : str
        The cookie's name; cookies are shared by all ports of a host, so it carries the port.
    most_bytes : int
        Longest body taken.
    """

    def __init__(self, app: Any, token: str, hosts: set[str], cookie: str, most_bytes: int = MOST_BYTES):
        self._app = app
        self._token = token
        self._hosts = hosts
        self._cookie = cookie
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get(b"host", "") not in self._hosts:
            await _refuse(send, 403, "This server answers only under its own address; see the link that it printed.")
        elif self._is_foreign(headers, scope):
            await _refuse(send, 403, "This request came from another site's page.")
        elif scope["method"] == "GET" and scope["path"] == "/" and b"token=" in scope.get("query_string", b""):
            await self._welcome(scope, send)
        elif not self._is_known(headers):
            await _refuse(send, 401, "Open the link that `latentspace serve` printed: it carries the token.")
        elif _length(headers) > self._most:
            await _refuse(send, 413, f"A request may hold up to {self._most // 2**20} MB.")
        else:
            await self._pass(scope, receive, send, unread=b"transfer-encoding" in headers or _length(headers) > 0)

    def _is_foreign(self, headers: dict[bytes, str], scope: Scope) -> bool:
        origin = headers.get(b"origin")
        if origin is not None and origin not in {f"http://{host}" for host in self._hosts}:
            return True
        site = headers.get(b"sec-fetch-site", "none")
        opened = headers.get(b"sec-fetch-mode") == "navigate" and scope["method"] == "GET" and scope["path"] == "/"
        return site not in ("same-origin", "none") and not opened  # a link in a mail may open the page, and no more

    async def _welcome(self, scope: Scope, send: Send) -> None:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            await _refuse(send, 401, "The token in this link is not this server's; it has a new one each time.")
            return
        cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"content-length", b"0"), *_HEADERS]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _is_known(self, headers: dict[bytes, str]) -> bool:
        given = headers.get(b"authorization", "")
        given = given.removeprefix("Bearer ") if given.startswith("Bearer ") else ""
        if not given:
            try:
                cookie = SimpleCookie(headers.get(b"cookie", "")).get(self._cookie)
            except CookieError:
                cookie = None
            given = cookie.value if cookie is not None else ""
        return secrets.compare_digest(given.encode(), self._token.encode())

    async def _pass(self, scope: Scope, receive: Receive, send: Send, unread: bool) -> None:
        taken, begun = 0, False

        async def counted() -> Message:
            nonlocal taken, unread
            message = await receive()
            taken += len(message.get("body", b""))
            unread = unread and bool(message.get("more_body"))
            if taken > self._most:  # sent in chunks, whose sum no header names
                raise TooLarge
            return message

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if taken > self._most and not begun:
                return  # whatever the application made of half a body; the answer is below
            if message["type"] == "http.response.start":
                begun = True
                own = {name for name, _ in message["headers"]}
                more = [header for header in _HEADERS if header[0] not in own]
                more += [_HANG_UP] if unread else []
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        with suppress(TooLarge):
            await self._app(scope, counted, with_headers)
        if not begun:
            await _refuse(send, 413, f"A request may hold up to {self._most // 2**20} MB.")


def _length(headers: dict[bytes, str]) -> int:
    given = headers.get(b"content-length", "0")
    return int(given) if given.isdecimal() else 0


async def _refuse(send: Send, status: int, why: str) -> None:
    from fastapi.responses import JSONResponse

    answer = JSONResponse({"error": why}, status)
    headers = [*answer.raw_headers, *_HEADERS, _HANG_UP]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
