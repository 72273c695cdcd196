"""Items that come and go, and the file that a space lives in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from .. import keeping
from ..items.protocol import OnError
from .state import State

OnExisting = Literal["raise", "skip", "replace"]


class LivingVerbs(State):
    """`add`, `remove`, `refresh`, `save`."""

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
