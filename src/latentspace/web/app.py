"""The application: its routes, its errors in plain words, and the page's files."""

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from .. import __version__
from ..errors import UnsupportedError
from .following import Follower
from .guard import Guard
from .jobs import Jobs
from .opened import Opened
from .routes import ROUTERS
from .routes.spaces import start_first_maps

STATIC = Path(__file__).parent / "static"


def make_app(
    spaces: Sequence[Opened], *, token: str, hosts: set[str], cookie: str = "latentspace", draw: bool = False
) -> Any:
    """Returns the ASGI application that serves the page for one space or several.

    Parameters
    ----------
    spaces : sequence of Opened
    token : str
        What a browser must show; `latentspace serve` draws a new one each time.
    hosts : set of str
        What the Host header may be, with the port.
    cookie : str
        The name of the cookie that keeps the token.
    draw : bool, default=False
        Begin with the maps that a space without any should have.
    """
    jobs, held = Jobs(), list(spaces)
    follower = Follower(held)

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        if draw:
            for the in spaces:
                threading.Thread(target=the.warm, name="latentspace-warm", daemon=True).start()
            start_first_maps(jobs, held)
        follower.start()
        yield
        follower.close()
        jobs.close()

    app = FastAPI(
        title="latentspace", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
        lifespan=living,
    )  # fmt: skip
    app.state.spaces = held
    app.state.jobs = jobs
    app.state.follower = follower
    for router in ROUTERS:
        app.include_router(router, prefix="/api")
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _misasked)
    for asked_wrongly in (ValueError, TypeError, IndexError, UnsupportedError):
        app.add_exception_handler(asked_wrongly, _asked_wrongly)
    if STATIC.is_dir():
        app.mount("/", StaticFiles(directory=STATIC, html=True))
    return Guard(app, token, hosts, cookie)


def _told(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = error.detail if isinstance(error.detail, dict) else {"error": str(error.detail)}
    return JSONResponse(detail, error.status_code)


def _misasked(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return JSONResponse({"error": f"{where}: {first['msg']}"}, 422)


def _asked_wrongly(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error) or type(error).__name__}, 400)
