"""Serving on this machine: a free port, a new token, a link to open."""

import ipaddress
import os
import secrets
import socket
import string
import sys
from collections.abc import Sequence

from ..optional import require
from .app import make_app
from .opened import Opened

_BACKLOG = 256
_SHORTEST = 20  # characters of a token: 120 bits
_LETTERS = set(string.ascii_letters + string.digits + "-_")


def serve(spaces: Sequence[Opened], *, host: str = "127.0.0.1", port: int = 8765, browser: bool = True) -> None:
    """Serves the page until it is interrupted.

    Parameters
    ----------
    spaces : sequence of Opened
    host : str, default="127.0.0.1"
        Other addresses let other machines in, and the token passes unencrypted: a warning says so.
    port : int, default=8765
        The next free one is taken where it is in use; 0 takes any.
    browser : bool, default=True
        Open the link.

    Raises
    ------
    OSError
        If no port can be had.
    ValueError
        If the environment's LATENTSPACE_TOKEN is too short to be one.
    MissingExtraError
        If uvicorn is not installed.
    """
    uvicorn = require("uvicorn", "web", "serve")
    token = _token()
    listening = listen(host, port)
    taken = listening.getsockname()[1]
    names = names_of(host)
    hosts = {f"{name}:{taken}" for name in names}
    app = make_app(spaces, token=token, hosts=hosts, cookie=f"latentspace-{taken}", draw=True)
    if not _is_loopback(host):
        print(f"Warning: {host} can be reached from other machines; the token passes unencrypted.", file=sys.stderr)
    link = f"http://{names[0]}:{taken}/?token={token}"
    print(link, flush=True)
    print("Open this link in a browser. Ctrl-C ends.", file=sys.stderr)
    if browser:
        import webbrowser

        webbrowser.open(link)
    config = uvicorn.Config(
        app, log_level="warning", server_header=False, access_log=False, timeout_graceful_shutdown=2
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        print("Ended.", file=sys.stderr)


def _token() -> str:
    """A new token, or the one of the environment, with which a link stays good from one start to the next."""
    own = os.environ.get("LATENTSPACE_TOKEN", "")
    if own and (len(own) < _SHORTEST or not set(own) <= _LETTERS):
        raise ValueError(
            f"LATENTSPACE_TOKEN has {len(own)} characters; a token has {_SHORTEST} or more letters, digits, - and _: "
            'python -c "import secrets; print(secrets.token_urlsafe())" makes one. Unset it for a new one each time.'
        )
    return own or secrets.token_urlsafe(32)


def names_of(host: str) -> list[str]:
    """What a browser may call this server in its Host header, as it writes it; the first one is the link's."""
    if _is_loopback(host):
        return list(dict.fromkeys([_written(host), "127.0.0.1", "localhost", "[::1]"]))
    own = socket.gethostname()
    if host not in ("0.0.0.0", "::"):
        return list(dict.fromkeys([_written(host), own]))
    try:
        found = {str(one[4][0]).partition("%")[0] for one in socket.getaddrinfo(own, None)}
    except OSError:  # a name that this machine itself does not know
        found = set()
    return list(
        dict.fromkeys([own, socket.getfqdn(), *sorted(map(_written, found)), "127.0.0.1", "localhost", "[::1]"])
    )


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket at this port, or at one of the next 20 where it is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, port + 20) if port else [0]:
        held = socket.socket(family, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((host, candidate))
        except OSError as error:
            held.close()
            if port and candidate < port + 19:
                continue
            raise OSError(f"no port from {port} on can be had at {host}: {error}. Pass another with --port.") from error
        held.listen(_BACKLOG)
        return held
    raise AssertionError("unreachable")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
