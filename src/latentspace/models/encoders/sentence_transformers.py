"""Any model of sentence-transformers, through the library itself, where it is installed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from . import Advance, Reads, package
from .module import digest_of
from .sentences import licence_of


class LibraryEncoder:
    """Texts to rows by SentenceTransformer.encode, on the processor.

    An item's last bits can depend on the texts beside it here: the library forms its own batches.

    Parameters
    ----------
    model : SentenceTransformer
    about : dict
    """

    reads = Reads("texts")
    pictures = None

    def __init__(self, model: Any, about: dict):
        self._model, self.about = model, about
        self.digest = digest_of(model)
        self.width = int(model.get_sentence_embedding_dimension())

    def rows(self, items: Sequence[str], threads: int = 1, advance: Advance | None = None) -> np.ndarray:
        """Texts to float32 (n, width)."""
        rows = np.asarray(self._model.encode(list(items), show_progress_bar=False, convert_to_numpy=True), np.float32)
        if advance is not None:
            advance(len(items))
        return rows.reshape(len(items), self.width)


def open_library(argument: str) -> LibraryEncoder:
    """Opens "sentence-transformers:NAME" or ":FOLDER", from local files only.

    Raises
    ------
    MissingExtraError
        If the library is not installed.
    UnsupportedError
        If the model is not on this machine.
    """
    library: Any = package("sentence_transformers", "sentence-transformers", f"sentence-transformers:{argument}")
    try:
        model = library.SentenceTransformer(argument, device="cpu", local_files_only=True)
    except Exception as error:  # the library's and the hub's own types
        why = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
        raise UnsupportedError(
            f"encoder='sentence-transformers:{argument}' is neither a folder nor in the Hugging Face cache, and "
            f"nothing is downloaded unasked ({why}). Get it with `hf download {argument}`, or name a folder."
        ) from error
    folder = Path(argument).expanduser()
    size = sum(value.nbytes for value in model.state_dict().values())
    return LibraryEncoder(model, {"weights": argument, "bytes": size, "licence": licence_of(folder)})
