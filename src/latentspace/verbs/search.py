"""What is nearest, what lies in a region, what is the same, and what belongs together."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from .. import by_features, finding
from .state import Metric, State

if TYPE_CHECKING:
    from ..search.groups import Duplicates, Groups
    from ..search.hits import Hits

By = Literal["latents", "features"]


class SearchVerbs(State):
    """`search`, `duplicates`, `groups`."""

    def search(
        self, query: Any = None, *, id: str | None = None, vector: Any = None, like: Any = None, unlike: Any = None,
        k: int | None = None, within: float | None = None, metric: Metric = "cosine",
        where: Mapping[str, Any] | None = None, region: Sequence[Any] | None = None, on: str | None = None,
        more: Any = None, less: Any = None, recall: float | None = None, by: By = "latents",
    ) -> "Hits | list[Hits]":  # fmt: skip
        """Finds the items nearest to a query.

        One thing to look for, a bound on how many or how near, and conditions on where to look go together freely.

        Parameters
        ----------
        query : item or list of items, optional
            What to look for; a list gives a list of hits. A string that is an item's id means that item.
        id : str, optional
            An item of the space; it is not among its own hits.
        vector : float array of shape (dims,) or (m, dims), optional
            A latent, or several.
        like, unlike : list of ids, items or latents, optional
            Several examples in one: near what is liked, away from what is not. None of them is among the hits.
        k : int, optional
            How many, 10 by default; where fewer exist, all there are. With `within` or `region` alone, all by default.
        within : float, optional
            Only what is at least this similar (cosine, dot), or at most this far (Euclidean); always exact.
        metric : "cosine", "euclidean" or "dot", default="cosine"
            Cosine and dot scores are large when near, Euclidean ones small.
        where : mapping, optional
            Conditions on metadata, applied before the search: `{"label": "cat", "price": (10, 20)}`.
        region : (x0, y0, x1, y1) or array of shape (m, 2), optional
            A box or a polygon on a map: only items in it. Without a query, all of them, from its middle outwards.
        on : str, optional
            The map that the region is of, such as "tsne"; needed where there are several.
        more, less : int, str or float array of shape (dims,), optional
            An axis: only items that lie further along it than the query (or less far), by half a standard deviation
            at least, nearest in all the rest: "more smiling than this one". Scores are of the rest.
        recall : float, optional
            The share of the true nearest to aim at where the search is approximate, above 0; 1 is exact. By default
            0.95 or better, and exact up to 10,000 items.
        by : "latents" or "features", default="latents"
            What is compared: the latents, or the features that the model was fitted on (pixels, columns, vectors).
            Features tell everything apart, what the space leaves out too. Candidates are then found by the latents
            where that was measured to pay, see `build_index`; `vector` is a row of features.

        Returns
        -------
        Hits, or a list of them for several queries
            `hits.recall` says how many of the true nearest an approximate search finds; 1.0 where it is exact.

        Raises
        ------
        ValueError
            If nothing or too much is asked for, or an id, column, map or metric is not known.
        TypeError
            If k, within or recall is no number.
        """
        finding.check_numbers(k=k, within=within, recall=recall)
        if k is not None and k < 1:
            raise ValueError(f"k={k} is out of range: ask for at least 1 item.")
        if by not in ("latents", "features"):
            raise ValueError(f"by={by!r} is not known; choose 'latents' or 'features'.")
        sought = finding.query_of(self, query, id, vector, like, unlike, metric, by)
        if more is not None and less is not None:
            raise ValueError("search() takes one of more= and less=, not both.")
        there = finding.where_of(self, where, region, on)
        if sought is None:
            if region is None or within is not None or more is not None or less is not None:
                raise ValueError(
                    "search() needs what to look for: query, id=, vector= or like=; or a region= of a map."
                )
            return finding.find_region(self, there, region, on, k)
        if more is None and less is None:
            index = self.index if by == "latents" else by_features.index_of(self)
            hits = finding.find(self, sought, there, k, metric, within, recall, index)
        elif by == "features":
            raise ValueError("more= and less= compare along an axis of the latents; leave by='features' out.")
        elif within is not None:
            raise ValueError("within= cannot be told together with more= or less=; use k= to bound the hits.")
        else:
            direction = finding.direction_of(self, more if more is not None else less)
            hits = finding.find_along(self, sought, there, k, metric, direction if more is not None else -direction)
        return hits if sought.several else hits[0]

    def duplicates(self, threshold: float | None = None, *, metric: Metric = "euclidean") -> "Duplicates":
        """Finds items that are the same, or all but the same.

        By default two items are near-duplicates when they are several times nearer to each other than their
        neighbourhood would have it by chance; how much is measured on the space, see `search.duplicates`.

        Parameters
        ----------
        threshold : float, optional
            The largest distance of near-duplicates instead; 0 asks for equal latents, but for rounding. What is
            connected by pairs within it is one group; of each item at most the 60 nearest are looked at.
        metric : "euclidean" or "cosine", default="euclidean"
            The distance is Euclidean, or 1 - cosine.

        Returns
        -------
        Duplicates
            Groups of ids, the nearest first; `space.remove(found.extra)` keeps the first of each.

        Raises
        ------
        ValueError
            If threshold is negative, or the metric has no distances.
        """
        finding.check_numbers(threshold=threshold)
        return finding.duplicates(self, threshold, metric)

    def groups(
        self, n: int | None = None, *, by: str | None = None, metric: Metric = "euclidean", seed: int = 0
    ) -> "Groups":
        """Splits the space into groups of similar items, and names them.

        Groups are communities of the neighbour graph: dense regions of any shape, see `search.communities`.

        Parameters
        ----------
        n : int, optional
            How many groups, up to 1,000; by default as many as the graph has communities.
        by : str, optional
            The column to name groups by: labels, numbers or texts. By default the label that tells most of the groups,
            else words of the texts, else numbers that lie high or low, else the most typical item.
        metric : "euclidean" or "cosine", default="euclidean"
        seed : int, default=0

        Returns
        -------
        Groups
            The largest first, each with its most typical item first; `found.names` is a column to colour a map by.

        Raises
        ------
        ValueError
            If n is out of range, or there is no column `by`.
        """
        finding.check_numbers(n=n)
        return finding.groups(self, n, by, metric, seed)
