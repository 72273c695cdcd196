"""What is near, what fits a condition, and taking it away as a file."""

import io
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

from ...optional import require
from ...search.filters import mask_of
from ..opened import Opened
from ..reading import of_text
from .asking import The, frame
from .decode import Rows, as_rows

router = APIRouter()

Positions = Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=2_000_000)]
Plain = str | int | float | bool | None


class Condition(BaseModel):
    """One column's condition: values that it may have, a range, or words that it holds."""

    column: str
    among: list[Plain] | None = None
    low: float | None = None
    high: float | None = None
    contains: str | None = None

    def of(self, the: Opened) -> Any:
        """The condition as `where` writes it."""
        if self.contains is not None:
            return {"contains": self.contains}
        return the.meant(self.column, self.among) if self.among is not None else (self.low, self.high)


class Query(BaseModel):
    """What to look for: an item's row, a latent, or a text."""

    row: Annotated[int, Field(ge=0)] | None = None
    z: Rows | None = None
    text: str | None = Field(default=None, max_length=100_000)
    k: Annotated[int, Field(ge=1, le=1000)] = 12
    metric: Literal["cosine", "euclidean", "dot"] = "cosine"
    where: list[Condition] = []


@router.post("/spaces/{s}/search")
def search(the: The, query: Query) -> dict[str, Any]:
    """The nearest items, best first."""
    space = the.space
    options: dict[str, Any] = {
        "k": query.k,
        "metric": query.metric,
        "where": {one.column: one.of(the) for one in query.where} or None,
    }
    if sum(one is not None for one in (query.row, query.z, query.text)) != 1:
        raise HTTPException(400, "give one of row, z and text.")
    hits: Any
    if query.row is not None:
        hits = space.search(id=space.ids[known_rows(the, [query.row])[0]], **options)
    elif query.z is not None:
        hits = space.search(vector=as_rows(query.z, space.dims)[0], **options)
    else:
        with the.lock:
            z = of_text(the, query.text or "")
        hits = space.search(vector=z[0], **options)
    rows = [space.position(id_) for id_ in hits.ids]
    return {"rows": rows, "ids": hits.ids, "scores": [_finite(score) for score in hits.scores], "metric": query.metric}


def _finite(score: float) -> float | None:
    return float(score) if np.isfinite(score) else None


@router.post("/spaces/{s}/filter")
def filtered(the: The, where: list[Condition]) -> Response:
    """The rows that fulfil every condition."""
    space = the.space
    mask = np.ones(len(space), bool)
    for one in where:
        mask &= mask_of(space.metadata, len(space), {one.column: one.of(the)})
    return frame({"rows": np.flatnonzero(mask).astype(np.uint32)})


class Taste(BaseModel):
    """Rows that were liked and not."""

    liked: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=1000)]
    disliked: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=1000)] = []
    k: Annotated[int, Field(ge=1, le=1000)] = 12
    diversity: Annotated[float, Field(ge=0, le=1)] = 0.1
    where: list[Condition] = []


@router.post("/spaces/{s}/recommend")
def recommend(the: The, taste: Taste) -> dict[str, Any]:
    """What fits the items that were liked, and not those that were not, with a reason each."""
    space = the.space
    if space.modality.kind == "interactions":
        raise HTTPException(400, "items of this space are users; ask latentspace recommend for what they may like.")
    liked, disliked = ([space.ids[row] for row in known_rows(the, rows)] for rows in (taste.liked, taste.disliked))
    where = {one.column: one.of(the) for one in taste.where} or None
    found = space.recommend(liked=liked, disliked=disliked, k=taste.k, diversity=taste.diversity, where=where)
    return {
        "rows": [space.position(id_) for id_ in found.ids],
        "ids": found.ids,
        "scores": [_finite(score) for score in found.scores],
        "reasons": [reason.text for reason in found.reasons],
    }


class Taken(BaseModel):
    """Which items to take away, and what of them."""

    rows: Positions
    metadata: bool = True
    latents: bool = False
    form: Literal["csv", "parquet"] = "csv"


@router.post("/spaces/{s}/export")
def export(the: The, taken: Taken) -> Response:
    """Ids, metadata and latents of some items as a file."""
    pd = require("pandas", "tables", "exporting")
    space, rows = the.space, known_rows(the, taken.rows)
    columns: dict[str, Any] = {"id": [space.ids[row] for row in rows]}
    if taken.metadata:
        columns |= {name: [values[row] for row in rows] for name, values in space.metadata.items() if name != "id"}
    if taken.latents:
        columns |= {f"z{d}": space.latents[rows, d] for d in range(space.dims)}
    table = pd.DataFrame(columns)
    name = f"selection.{taken.form}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    if taken.form == "csv":
        return Response(table.to_csv(index=False), media_type="text/csv; charset=utf-8", headers=headers)
    held = io.BytesIO()
    table.to_parquet(held)
    return Response(held.getvalue(), media_type="application/vnd.apache.parquet", headers=headers)


def known_rows(the: Opened, rows: list[int]) -> list[int]:
    """The rows, if the space has them all."""
    beyond = next((row for row in rows if row >= len(the.space)), None)
    if beyond is not None:
        raise HTTPException(404, f"there is no item {beyond}; the space has {len(the.space):,}.")
    return rows
