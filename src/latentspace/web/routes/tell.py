"""What the space is made of: its dimensions, its worst items, new ones, and how two spaces differ."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, Field

from ...evaluate.neighbours import neighbours_changed
from ..showing import pictures, plain, strip
from .asking import The, frame

router = APIRouter()
_LEAST = 1000  # items that are compared, however many there are
_PAIRS = 400_000_000  # distances of one comparison: all of 20,000 items, 1,000 of a million; a few seconds


@router.get("/spaces/{s}/tell")
def tell(the: The) -> dict[str, Any]:
    """The dimensions, the one that holds the most first."""
    return {"dimensions": the.told}


@router.get("/spaces/{s}/shades/{name}")
def shade(the: The, name: str) -> Response:
    """A number an item that the space itself knows: "error", or "METHOD.trustworthiness" of a map."""
    if name == "error":
        return frame({"values": the.errors})
    method, _, figure = name.partition(".")
    drawn = the.space.maps.get(method)
    if drawn is None or figure not in drawn.honesty.per_item:
        raise HTTPException(
            404, f"there is no shade {name!r}: error, or a map's trustworthiness, as tsne.trustworthiness."
        )
    return frame({"values": the.for_all(drawn.honesty.per_item[figure])})


@router.get("/spaces/{s}/worst")
def worst(the: The, k: int = 24) -> dict[str, Any]:
    """The items that come back worst, the worst first."""
    order = np.argsort(-the.errors, kind="stable")[: max(0, min(k, 1000))]
    return {
        "rows": order.tolist(),
        "errors": [float(the.errors[row]) for row in order],
        "mean": float(the.errors.mean()) if len(the.errors) else None,
    }


class Drawn(BaseModel):
    """How many new items, from which chance."""

    n: Annotated[int, Field(ge=1, le=64)] = 8
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0


@router.post("/spaces/{s}/sample")
def sample(the: The, drawn: Drawn) -> Any:
    """New items: a strip of pictures where there are such, else plain data."""
    space = the.space
    if the.decodes in ("picture", "sound") and space.density is not None:
        z = space.density.sample(drawn.n, np.random.default_rng(drawn.seed)).reshape(drawn.n, space.dims)
        return Response(strip(pictures(the, z.astype(np.float32))), media_type="image/webp")
    with the.lock:
        return {"items": plain(space.sample(drawn.n, seed=drawn.seed))}


class Side(BaseModel):
    """A space, or a map of it."""

    space: Annotated[int, Field(ge=0, le=1000)]
    map: str | None = None


class Compared(BaseModel):
    """Two sides and how many neighbours are compared."""

    a: Side
    b: Side
    k: Annotated[int, Field(ge=1, le=200)] = 15


@router.post("/compare")
def compare(request: Request, asked: Compared) -> Response:
    """For each item of the first side, the share of its neighbours that are others in the second.

    nan where it is not in both, or was not measured: of very many items only a sample is.
    """
    sides = [_side(request, side) for side in (asked.a, asked.b)]
    (ids_a, z_a), (ids_b, z_b) = sides
    place = {id_: row for row, id_ in enumerate(ids_b)}
    both = [(row, place[id_]) for row, id_ in enumerate(ids_a) if id_ in place]
    changed = np.full(len(ids_a), np.nan, np.float32)
    if len(both) > 1:
        rows_a, rows_b = (np.array(rows) for rows in zip(*both, strict=True))
        m = min(len(both), max(_LEAST, _PAIRS // len(both)))
        own = np.sort(np.random.default_rng(0).choice(len(both), m, replace=False))
        changed[rows_a[own]] = neighbours_changed(z_a[rows_a], z_b[rows_b], own, asked.k)
    return frame({"changed": changed}, common=len(both), measured=int(np.isfinite(changed).sum()))


def _side(request: Request, side: Side) -> tuple[list[str], np.ndarray]:
    spaces = request.app.state.spaces
    if side.space >= len(spaces):
        raise HTTPException(404, f"there is no space {side.space}; this server has {len(spaces)}.")
    space = spaces[side.space].space
    if side.map is None:
        return space.ids, space.latents
    if side.map not in space.maps:
        raise HTTPException(404, f"there is no map {side.map!r}; there are {', '.join(space.maps) or 'none'}.")
    drawn = space.maps[side.map]
    return list(drawn.ids), drawn.coordinates
