"""What goes to other engines."""

from pathlib import Path
from typing import Any, Literal

from .. import exporting
from .state import State

To = Literal["parquet", "numpy", "faiss", "onnx", "pgvector", "qdrant", "lancedb", "projector", "embedding-atlas"]


class ExportingVerbs(State):
    """`export`."""

    def export(self, to: To, where: str | Path, *, overwrite: bool = False, **options: Any) -> str:
        """Writes the space for another engine; a search there finds what an exact search finds here.

        Parameters
        ----------
        to : str
            "parquet": one file, columns id, metadata and z (a list of float32). "numpy": one .npz, opened without
            pickle. "faiss": an exact index, and `FILE.ids.json`. "onnx": a folder with encoder.onnx and decoder.onnx,
            from features to latents and back, each checked in onnxruntime to 1e-5 of its largest value before it is
            kept. "pgvector": a table of PostgreSQL. "qdrant": a collection, in a folder or on a server. "lancedb": a
            table in a folder. "projector": a folder for TensorBoard. "embedding-atlas": one Parquet file with a map
            and neighbours.
        where : path or str
            A file or folder; a URL for "pgvector" (`postgresql://user@host/base`) and, if you like, "qdrant".
        overwrite : bool, default=False
            Replace what is there already.
        **options
            `metric="cosine"`, "euclidean" or "dot", which "faiss" and "qdrant" fix when they are written;
            `table="latents"` of stores; `index=True` of pgvector builds HNSW, which is approximate; `map=` of
            "embedding-atlas" names a map, by default one that is kept, or UMAP.

        Returns
        -------
        str
            What was written.

        Raises
        ------
        ValueError, TypeError
            If the name or an option is not known.
        FileExistsError
            If it is there already and `overwrite` is false; what is there stays.
        MissingExtraError
            If a package is needed that is not installed; the message names the extra.
        UnsupportedError
            If a model cannot be ONNX: one that is neither affine nor a network of ours.
        OSError
            If a server refuses.
        """
        return exporting.export(self, to, where, overwrite, **options)
