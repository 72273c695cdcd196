"""What routes share: finding the space and the row that a request means, and answering with a frame."""

from typing import Annotated, Any

import numpy as np
from fastapi import Depends, HTTPException, Path, Request, Response

from ..frames import MEDIA_TYPE, pack
from ..opened import Opened


def opened(request: Request, s: Annotated[int, Path(ge=0, le=1000)]) -> Opened:
    """The space whose number the address has."""
    spaces = request.app.state.spaces
    if s >= len(spaces):
        raise HTTPException(404, f"there is no space {s}; this server has {len(spaces)}.")
    return spaces[s]


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
