"""What routes share: finding the space and the row that a request means, and answering with a frame."""

from typing import Annotated, Any

import numpy as np
from fastapi import Depends, HTTPException, Path, Query, Request, Response

from ..frames import MEDIA_TYPE, pack
from ..opened import Opened


def opened(
    request: Request,
    s: Annotated[int, Path(ge=0, le=1000)],
    v: Annotated[str | None, Query(description="The version that rows are of; 409 once the space has another.")] = None,
) -> Opened:
    """The space whose number the address has; 409 where the page holds rows of another version of it."""
    spaces = request.app.state.spaces
    if s >= len(spaces):
        raise HTTPException(404, f"there is no space {s}; this server has {len(spaces)}.")
    the: Opened = spaces[s]
    held = v if v is not None else request.headers.get("x-space-version")
    if held is not None and held != the.version:
        raise HTTPException(409, {"error": f"{the.name} has changed; load the page again.", "version": the.version})
    return the


def keeping(request: Request) -> dict[str, str]:
    """Headers that let a browser keep an answer for an hour, where its address names the version."""
    return {"cache-control": "private, max-age=3600, immutable"} if "v" in request.query_params else {}


The = Annotated[Opened, Depends(opened)]


def row_of(the: The, row: Annotated[int, Path(ge=0, le=2**40)]) -> int:
    """The row that the address has, if the space has it."""
    if row >= len(the.space):
        raise HTTPException(404, f"there is no item {row}; the space has {len(the.space):,}.")
    return row


Row = Annotated[int, Depends(row_of)]


def frame(arrays: dict[str, np.ndarray], **header: Any) -> Response:
    """Arrays as an answer."""
    return Response(pack(arrays, **header), media_type=MEDIA_TYPE)
