"""The ground that a map's items lie on: regions with their names, and lines of equal density."""

import numpy as np
from fastapi import APIRouter, HTTPException, Response

from ...maps.map import Map
from ..frames import MEDIA_TYPE, pack
from .asking import The

router = APIRouter()


@router.get("/spaces/{s}/regions/{method}")
def regions(the: The, method: str) -> Response:
    """A map's regions, the largest first, and its contours, the widest first; see `regions_frame`."""
    drawn = the.space.maps.get(method)
    if drawn is None:
        raise HTTPException(404, f"there is no map {method!r}; there are {', '.join(the.space.maps) or 'none'}.")
    return Response(regions_frame(drawn), media_type=MEDIA_TYPE)


def regions_frame(drawn: Map) -> bytes:
    """A frame: `spots` f4 (points, 2) of all contours' lines, `ends` u4 (lines,) where each stops, `shares` f4 (lines,)
    of the items inside; regions in the header. A map of three dimensions is not settled as it is drawn: it has none.
    """
    flat = drawn.coordinates.shape[1] == 2
    lines = [(each.share, line) for each in drawn.contours() for line in each.lines] if flat else []
    spots = np.concatenate([line for _, line in lines]) if lines else np.zeros((0, 2))
    return pack(
        {
            "spots": spots.astype(np.float32),
            "ends": np.cumsum([len(line) for _, line in lines]).astype(np.uint32),
            "shares": np.array([share for share, _ in lines], np.float32),
        },
        regions=[region.to_dict() for region in drawn.regions()] if flat else [],
    )
