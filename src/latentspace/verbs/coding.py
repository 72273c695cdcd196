"""Items to features to latents, and back."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from .. import afar, beside, fitting, looking
from ..items import gather_for
from ..items.protocol import OnError
from ..models import adapter
from .state import State


class CodingVerbs(State):
    """`features`, `encode`, `encode_to`, `decode`, `reconstruct`."""

    def features(self, items: Any, *, on_error: OnError = "skip") -> np.ndarray:
        """Items to features, float32 (n, p) or (n, c, h, w); items that cannot be read are warned of and left out."""
        read = fitting.read_all(self.modality, gather_for(self.modality, items), on_error, keep=True)
        fitting.warn_of(read.skipped, len(read.ids) + len(read.skipped), "features()")
        return read.features.whole()

    def encode(self, items: Any, *, on_error: OnError = "skip", with_ids: bool = False) -> Any:
        """Items to latents.

        Parameters
        ----------
        items
            One item, several, or a source as `fit` takes it; vectors, if the space was fitted on such; words, for
            pictures of an encoder of both, such as "open_clip:NAME=FILE".
        on_error : "skip" or "raise", default="skip"
            Items that cannot be read are left out with a warning, or are an error.
        with_ids : bool, default=False
            Return `(ids, z)`, to know which row is whose where items may be left out.

        Returns
        -------
        float32 array of shape (n, dims)
        """
        if beside.shape_of(self) is not None:
            z = beside.encode(self, items)
            return ([str(row) for row in range(len(z))], z) if with_ids else z
        if self.modality.kind != "texts" and (found := adapter.encode_words(self.model, items)) is not None:
            return (["0"], found) if with_ids else found
        gathered = gather_for(self.modality, items)
        ids, z, skipped = fitting.encode_items(self.modality, self.model, gathered, on_error)
        fitting.warn_of(skipped, len(ids) + len(skipped), "encode()")
        return (ids, z) if with_ids else z

    def encode_to(
        self,
        source: Any,
        out: str | Path,
        *,
        form: Literal["parquet", "npy"] = "parquet",
        engine: Any = None,
        on_error: OnError = "skip",
    ) -> Path:
        """Encodes a source to a folder, a file for each segment of 128 MB of features; for more than memory holds.

        Killed and called again, it makes the segments that are not there yet.

        Parameters
        ----------
        source
            As `fit` takes it: a folder, a table, an array; vectors in many files go to `latentspace.encode_blocks`.
        out : path
            A folder, which is made. On a cluster, the same on every machine.
        form : "parquet" or "npy", default="parquet"
            Files of columns `id` and `z` (a list of dims float32), or of latents alone.
        engine : "local" or "ray", optional
            This machine, the default, or a Ray cluster, to which the model travels and of which each worker reads its
            own items.
        on_error : "skip" or "raise", default="skip"
            Items that cannot be read are left out and listed in `_skipped-*.tsv`, or are an error.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        ValueError
            If the folder is another job's, or holds other files.
        """
        return afar.encode_to(self, source, out, form, engine, on_error)

    def decode(self, z: Any) -> Any:
        """Latents (n, dims) or one (dims,) to items in their own form: PIL images, table rows, arrays.

        Texts come back as `Words`, each with a real sentence of the space as its `witness`; where the model has no way
        back, as the words of the texts that are nearest.

        Raises
        ------
        UnsupportedError
            If the model has no decoder.
        ValueError
            If `z` has another number of dimensions, or holds NaN or infinity.
        """
        return looking.decoded(self, self._checked(z))

    def reconstruct(self, items: Any, *, on_error: OnError = "skip") -> Any:
        """Items through the model and back: `decode(encode(items))`."""
        looking.require_way_back(self)
        return self.decode(self.encode(items, on_error=on_error))
