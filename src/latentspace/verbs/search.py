"""What is nearest."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .state import Chosen, Metric, State

if TYPE_CHECKING:
    from ..search.hits import Hits


class SearchVerbs(State):
    """`search`, and the index and neighbour graph behind it."""

    def search(
        self, query: Any = None, *, id: str | None = None, vector: Any = None, k: int = 10,
        metric: Metric = "cosine", where: Mapping[str, Any] | None = None,
    ) -> "Hits | list[Hits]":  # fmt: skip
        """Finds the items nearest to a query.

        Parameters
        ----------
        query : item or list of items, optional
            What to look for; a list gives a list of hits. A string that is an item's id means that item.
        id : str, optional
            An item of the space; it is not among its own hits.
        vector : float array of shape (dims,) or (m, dims), optional
            A latent, or several.
        k : int, default=10
            How many; where fewer exist, all there are.
        metric : "cosine", "euclidean" or "dot", default="cosine"
            Cosine and dot scores are large when near, Euclidean ones small.
        where : mapping, optional
            Conditions on metadata, applied before the search: `{"label": "cat", "price": (10, 20)}`.

        Returns
        -------
        Hits, or a list of them for several queries
        """
        from ..search.filters import mask_of

        z, own, several = self._query(query, id, vector)
        mask = mask_of(self.metadata, len(self), where) if where else None
        found = self.index.search(z, k, metric=metric, mask=mask, exclude=own)
        hits = [self._hits(*row, metric) for row in zip(found.positions, found.scores, strict=True)]
        return hits if several else hits[0]

    def _hits(self, positions: np.ndarray, scores: np.ndarray, metric: str) -> "Hits":
        from ..search.hits import Hits

        there = positions >= 0
        rows = [int(position) for position in positions[there]]
        return Hits(
            [self.ids[row] for row in rows], [float(s) for s in scores[there]], lambda: Chosen(self, rows), metric
        )

    def _query(self, query: Any, id: str | None, vector: Any) -> tuple[np.ndarray, list[list[int]] | None, bool]:
        """A search's query as latents, the rows to leave out for each, and whether there are several."""
        given = [name for name, value in (("query", query), ("id", id), ("vector", vector)) if value is not None]
        if len(given) != 1:
            raise ValueError(f"search() takes one of query, id= and vector=; it got {' and '.join(given) or 'none'}.")
        if vector is not None:
            z = self._checked(vector)
            return z, None, np.ndim(vector) == 2
        if id is not None or (isinstance(query, str) and query in self._positions):
            row = self.position(id if id is not None else query)
            return self.latents[row : row + 1], [[row]], False
        z = self.latent(query)
        return z, None, isinstance(query, list) or len(z) != 1
