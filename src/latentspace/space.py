"""LatentSpace: one object that composes the rooms. It holds what was fitted and passes data on; no mathematics."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import fitting, keeping
from .items.protocol import OnError
from .verbs.coding import CodingVerbs
from .verbs.compressing import CompressingVerbs
from .verbs.evaluating import EvaluatingVerbs
from .verbs.explaining import ExplainingVerbs
from .verbs.exporting import ExportingVerbs
from .verbs.generating import GeneratingVerbs
from .verbs.living import LivingVerbs
from .verbs.maps import MapVerbs
from .verbs.recommend import RecommendVerbs
from .verbs.search import SearchVerbs
from .verbs.telling import TellingVerbs


def fit(
    source: Any,
    model: Any = "pca",
    *,
    dims: int | float | str | None = None,
    target: Any = None,
    kind: str | None = None,
    ids: Sequence[str] | None = None,
    metadata: Any = None,
    vectors: Any = None,
    density: str = "auto",
    seed: int = 0,
    on_error: OnError = "skip",
    checkpoint: str | Path | None = None,
    callback: Callable[[dict[str, Any]], Any] | None = None,
    **options: Any,
) -> "LatentSpace":
    """Fits a latent space z = f(x) on a source of items.

    Parameters
    ----------
    source : path, array, frame, or list of items
        A folder of images, a .csv, .parquet, .npy, .npz or IDX file, an array (n, p) or (n, h, w[, c]), a pandas or
        polars frame, a list of PIL images. What it is is detected; `kind` says it where that is ambiguous.
    model : str, estimator or None, default="pca"
        A family ("pca", "autoencoder", "vae"), a preset ("beta-tc"), an encoder trained before ("minilm" for texts,
        "resemblyzer" for voices; see `Pretrained`), or an estimator with scikit-learn's fit and transform, which is
        cloned. None is "identity": the features, or `vectors`, are the latents.
    dims : int, float, "auto" or None, default=None
        Latent dimensions; None leaves it to the model's own default.
    target : str or sequence, optional
        A metadata column, or one label an item, None where it is missing: what models that can keep in z (neural ones,
        "lda", "pls", "nca"). A table's target column is kept out of the features.
    kind : str, optional
        "images", "audio", "interactions", "strings", "texts", "table" or "array"; or "pairs" for two sides of partners,
        `{"image": pictures, "text": captions}`, with `model="cca"` or `"contrastive"`.
    ids : sequence of str, optional
        Names of the items, unique; by default paths relative to the folder, or row indices.
    metadata : mapping or frame, optional
        Further columns, one value an item, to filter and colour by.
    vectors : array of shape (n, p), optional
        Vectors that you have already, one an item: the model is fitted on them, and the items stand beside them to be
        shown. The space then encodes vectors, decodes to vectors, and `add` takes items with `vectors=`.
    density : str, default="auto"
        What is fitted to the latents for `sample`: "gaussian", "mixture", "flow", "flow-matching" or "two-stage", or
        the model's own "prior" or "vamp". Fitted afterwards, one samples better than a prior (Ghosh et al., "From
        variational to deterministic autoencoders", 2020). "auto" takes the one under which held-out latents are
        likeliest; for neural models of at least 400 items that can be flow matching, which takes about 10 s.
    seed : int, default=0
        The one source of chance.
    on_error : "skip" or "raise", default="skip"
        A bad item is skipped, counted and named with its reason, or is an error.
    checkpoint : path, optional
        A file that a neural model's training is kept in while it runs; the same call goes on from it after a crash.
    callback : callable, optional
        Called after every epoch of a neural model with its row of losses; a true answer ends training there.
    **options
        The modality's own (`size=64` for images) and the model's own (`epochs=20`), by their constructors' names.

    Returns
    -------
    LatentSpace

    Raises
    ------
    ValueError
        If the source is not understood, no item can be read, or an option's value is out of range.
    TypeError
        If an option is not known to the modality or the model.
    MemoryError
        If the features cannot fit in memory and the model cannot read them in blocks.
    """
    parts = fitting.fit_parts(
        source, model, dims=dims, target=target, kind=kind, ids=ids, metadata=metadata, vectors=vectors,
        density=density, seed=seed, on_error=on_error, options=options,
        training={"checkpoint": checkpoint, "callback": callback},
    )  # fmt: skip
    read = parts.read
    fitting.warn_of(read.skipped, len(read.ids) + len(read.skipped), "fit()")
    return LatentSpace(
        parts.modality, parts.model, ids=read.ids, metadata=read.metadata, latents=parts.latents,
        features=read.features, density=parts.density, skipped=read.skipped, facts=parts.facts, raw=read.raw,
    )  # fmt: skip


def load(path: str | Path) -> "LatentSpace":
    """Opens a `.latent` file as a space bound to it: what is added or removed is committed to the file at once.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CorruptFileError
        If the file is damaged or not a `.latent` file.
    """
    return keeping.load(LatentSpace, Path(path))


class LatentSpace(
    CodingVerbs, LivingVerbs, SearchVerbs, RecommendVerbs, MapVerbs, GeneratingVerbs, CompressingVerbs, ExplainingVerbs,
    EvaluatingVerbs, TellingVerbs, ExportingVerbs,
):  # fmt: skip
    """Items, a fitted model, and the items' latents: what `fit` and `load` return.

    Attributes
    ----------
    ids : list of str
    metadata : dict of column name to list, aligned with `ids`
    latents : float32 array of shape (n, dims)
    modality, model, density
        The fitted featuriser, estimator and density of latents.
    skipped : list of Skipped
        Items that could not be read, each with its reason.
    facts : dict
        Where the space came from and how well it reconstructs; what `info` prints.
    path : Path or None
        The file the space lives in.
    """

    def __repr__(self) -> str:
        name = getattr(self.model, "family", type(self.model).__name__)
        return f"<LatentSpace of {len(self):,} {self.modality.kind}: {name}, {self.dims} dims>"
