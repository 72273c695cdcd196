"""Numbers of items that a space itself knows, to colour by: here which there are, and how dense it is around each."""

import numpy as np
from fastapi import APIRouter, HTTPException, Response

from ..opened import Opened
from .asking import The, frame

router = APIRouter()


def shades_of(the: Opened) -> list[str]:
    """The names that `/shades/NAME` answers to, but for those of maps: "error", "density", where there is such."""
    has_error = the.errs and the.space._features is not None
    return [name for name, there in (("error", has_error), ("density", the.space.density is not None)) if there]


@router.get("/spaces/{s}/shades")
def shades(the: The) -> list[str]:
    """Which shades there are."""
    return shades_of(the)


@router.get("/spaces/{s}/shades/density")
def density(the: The) -> Response:
    """The log density at each item, in nats: high where items are many."""
    return frame({"values": densities(the)})


def densities(the: Opened) -> np.ndarray:
    """Each item's log density, float32 (n,)."""
    if the.space.density is None:
        raise HTTPException(404, f"{the.name} has no density of its latents; fit it with one: density='auto'.")
    with the.lock:
        return np.asarray(the.space.density.log_prob(the.space.latents), dtype=np.float32)
