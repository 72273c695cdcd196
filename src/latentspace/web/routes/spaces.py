"""What spaces there are, their maps, their columns: all that the points on the screen need."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response

from ...maps.fit import METHODS
from ..frames import MEDIA_TYPE
from ..jobs import Job, Jobs
from ..mapping import make_map
from ..opened import Opened
from ..reading import endings, reads_text
from .asking import The, frame

router = APIRouter()
_UNASKED = 20_000  # items whose t-SNE is drawn without being asked for: a minute of a process that gives way
METRICS = ["cosine", "euclidean", "dot"]


@router.get("/spaces")
def spaces(request: Request) -> list[dict[str, Any]]:
    """Every space with what the page can do with it."""
    return [described(number, the) for number, the in enumerate(request.app.state.spaces)]


def described(number: int, the: Opened) -> dict[str, Any]:
    """What the page is told of a space."""
    space = the.space
    told = space.info()
    return {
        "number": number,
        "name": the.name,
        "version": the.version,
        **{name: told[name] for name in ("kind", "items", "dims", "model", "active_dims", "reconstruction")},
        "maps": sorted(space.maps),
        "methods": list(METHODS),
        "metrics": METRICS,
        "columns": [{"name": name, "kind": kind} for name, kind in the.columns.items()],
        "can": {
            "decode": the.decodes is not None,
            "sample": space.density is not None and the.decodes is not None,
            "encode": {"files": endings(the), "text": reads_text(the)},
            "recommend": space.modality.kind != "interactions",  # whose items are users
            "errors": the.errs and space._features is not None,
            "pictures": the.shown,
        },
    }


@router.get("/spaces/{s}/maps/{method}")
def a_map(the: The, method: str) -> Response:
    """A map's coordinates, and how far they can be trusted."""
    drawn = the.space.maps.get(method)
    if drawn is None:
        known = method in METHODS
        why = f"the map {method!r} is not made yet." if known else f"there is no map {method!r}: {', '.join(METHODS)}."
        raise HTTPException(404, {"error": why, "make": known})
    return Response(the.map_frame(method), media_type=MEDIA_TYPE)


@router.post("/spaces/{s}/maps/{method}")
def made(request: Request, the: The, method: str) -> dict[str, Any]:
    """Makes a map in the background, in a process of its own."""
    if method not in METHODS:
        raise HTTPException(404, f"there is no map {method!r}: {', '.join(METHODS)}.")
    return start_map(request.app.state.jobs, the, method).to_dict()


def start_map(jobs: Jobs, the: Opened, method: str) -> Job:
    """Queues a map of a space, unless it is there by then; of one that is being made already the job is given back."""

    def work(job: Job) -> None:
        if method not in the.space.maps:
            make_map(the.space, method, job)

    return jobs.start(f"map {method} of {the.name} ({the.version})", work)


def start_first_maps(jobs: Jobs, spaces: Sequence[Opened]) -> None:
    """Queues what spaces without any map are shown by: PCA, there at once, then t-SNE where that is bearable."""
    bare = [the for the in spaces if not the.space.maps and len(the.space) > 1]
    for the in bare:
        start_map(jobs, the, "pca")
    for the in bare:
        if len(the.space) <= _UNASKED:
            start_map(jobs, the, "tsne")


@router.get("/jobs")
def all_jobs(request: Request) -> list[dict[str, Any]]:
    """Every job that can be asked after, the newest first."""
    return [job.to_dict() for job in request.app.state.jobs.all()]


@router.delete("/jobs/{number}")
def stop_job(request: Request, number: int) -> dict[str, Any]:
    """Stops a job; one that is over stays as it is."""
    found = _job(request, number)
    found.stopping.set()
    return found.to_dict()


@router.get("/jobs/{number}")
def job(request: Request, number: int) -> dict[str, Any]:
    """Where a job stands."""
    return _job(request, number).to_dict()


def _job(request: Request, number: int) -> Job:
    found = request.app.state.jobs.get(number)
    if found is None:
        raise HTTPException(404, f"there is no job {number}.")
    return found


@router.get("/spaces/{s}/columns/{name:path}")
def column(the: The, name: str) -> Response:
    """A metadata column as codes or numbers."""
    if name not in the.columns:
        raise HTTPException(404, f"there is no column {name!r}; there are {', '.join(the.columns) or 'none'}.")
    return Response(the.column_frame(name), media_type=MEDIA_TYPE)


@router.get("/spaces/{s}/dimensions/{d}")
def dimension(the: The, d: int) -> Response:
    """One latent dimension of every item."""
    if not 0 <= d < the.space.dims:
        raise HTTPException(404, f"there is no dimension {d}; the space has {the.space.dims}.")
    return frame({"values": np.ascontiguousarray(the.space.latents[:, d])})


@router.get("/spaces/{s}/ids")
def ids(the: The, start: int = 0, stop: int = 10_000) -> list[str]:
    """Some of the ids, at most 10,000."""
    start = max(start, 0)
    return the.space.ids[start : min(stop, start + 10_000)]
