"""Items that come and go, and the file that a space lives in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from .. import keeping, upkeep
from ..items.protocol import OnError
from .search import By
from .state import Metric, State

OnExisting = Literal["raise", "skip", "replace"]


class LivingVerbs(State):
    """`add`, `remove`, `refresh`, `save`, `backup`, `compact`, `build_index`."""

    def add(
        self, items: Any, *, ids: Sequence[str] | None = None, metadata: Any = None,
        on_error: OnError = "skip", on_existing: OnExisting = "raise", vectors: Any = None,
    ) -> list[str]:  # fmt: skip
        """Encodes further items into the space; a space that lives in a file commits them to it at once.

        Parameters
        ----------
        items, ids, metadata, on_error
            As in `fit`.
        on_existing : "raise", "skip" or "replace", default="raise"
            What to do with an id that the space already holds.
        vectors : array of shape (n, p), optional
            One an item, where the space was fitted on vectors.

        Returns
        -------
        list of str
            The ids that were added.
        """
        return keeping.add(
            self, items, ids=ids, metadata=metadata, on_error=on_error, on_existing=on_existing, vectors=vectors
        )

    def refresh(self) -> bool:
        """Catches up with what other processes committed to the file; returns whether anything had changed."""
        return keeping.refresh(self)

    def remove(self, ids: str | Sequence[str]) -> int:
        """Removes items by id and returns how many went; an unknown id is a ValueError and nothing goes."""
        return keeping.remove(self, [ids] if isinstance(ids, str) else list(ids))

    def save(self, path: str | Path | None = None, *, overwrite: bool = False) -> Path:
        """Writes the space to a `.latent` file, whole or not at all, and binds the space to it.

        Parameters
        ----------
        path : path, optional
            Where to; by default the file the space lives in, which is then brought up to date (maps included).
        overwrite : bool, default=False
            Replace a file that is already there.

        Raises
        ------
        FileExistsError
            If there is such a file and `overwrite` is false.
        UnsupportedError
            If the model is an estimator whose state cannot be kept without a pickle.
        """
        return keeping.save(self, path, overwrite)

    def backup(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Copies the space's file as it is committed, whole, whatever other processes write meanwhile.

        The space stays bound to its own file. What was not saved, such as a map drawn since, is not in the copy. Other
        processes' commits wait while the pages are copied (for 30 s at most), readers do not.

        Parameters
        ----------
        path : path
        overwrite : bool, default=False
            Replace a file that is already there.

        Returns
        -------
        Path
            The copy's.

        Raises
        ------
        UnsupportedError
            If the space lives in no file yet.
        FileExistsError
            If there is such a file and `overwrite` is false.
        OSError
            If there is no room for as many bytes as the file has.
        """
        return upkeep.backup(self, path, overwrite)

    def compact(self) -> dict[str, int]:
        """Gives back the room that removed items take in the file and in the search index.

        That happens by itself once they outnumber the others; after this, nothing of a removed item is left.

        Returns
        -------
        dict
            `removed`, items whose latents were still there; `bytes_before` and `bytes` of the file.

        Raises
        ------
        UnsupportedError
            If the space lives in no file.
        """
        return upkeep.compact(self)

    def build_index(
        self, metric: Metric = "cosine", *, recall: float = 0.95, by: By | None = None,
        rerank: bool | Literal["auto"] = "auto", frugal: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Learns an approximate search index now, and keeps it in the space's file.

        Without this, search is exact until that has cost as much work as learning an index does.

        Parameters
        ----------
        metric : "cosine", "euclidean" or "dot", default="cosine"
        recall : float, default=0.95
            The share of the true ten nearest that searches shall find on average. What they do find is measured on a
            sample of the space's own items.
        by : "latents" or "features", optional
            What searches compare that ask for the same `by`: the latents, by default, or the features.
        rerank : "auto", True or False, default="auto"
            For features: take candidates from the latents, of fewer dims, and put them in order by the features, where
            that is measured to be less work on this space's items than candidates from the features' own axes; always,
            which says `by="features"` too; or never.
        frugal : bool, default=False
            Hold 8-bit copies in memory, and leave the vectors themselves in a temporary file: a third of the memory
            from about 48 dims, at a half to a tenth of the speed.

        Returns
        -------
        dict
            `recall` as measured, on how many `queries`; `bytes`, `seconds` and how the index is made; `plan`, why
            candidates come from where they do.

        Raises
        ------
        ValueError
            If the metric is unknown, recall is not above 0 and at most 1, or the items are too few to gain anything.
        UnsupportedError
            If the space has no features that can be searched: its source is gone, or they are counts of words.
        """
        return upkeep.build_index(self, metric, recall, by, rerank, frugal)
