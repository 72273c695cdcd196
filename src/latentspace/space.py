"""LatentSpace: one object that composes the rooms. It holds what was fitted and passes data on; no mathematics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import beside, fitting, keeping, looking
from .features import Features
from .items import gather_for, name_of
from .items.protocol import Modality, OnError, Skipped
from .models import adapter

if TYPE_CHECKING:
    from .maps.map import Map
    from .models.history import History
    from .search.hits import Hits
    from .topics import Topics

Metric = Literal["cosine", "euclidean", "dot"]
OnExisting = Literal["raise", "skip", "replace"]


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
        A family ("pca", "autoencoder", "vae"), or an estimator with scikit-learn's fit and transform (it is cloned).
        None is "identity": the features, or `vectors`, are the latents.
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


class LatentSpace:
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

    def __init__(
        self,
        modality: Modality,
        model: Any,
        *,
        ids: list[str],
        metadata: dict[str, list],
        latents: np.ndarray,
        features: Features | None,
        density: Any = None,
        skipped: Sequence[Skipped] = (),
        facts: Mapping[str, Any] | None = None,
        raw: Any = None,
        maps: Mapping[str, Any] | None = None,
    ):
        self.modality = modality
        self.model = model
        self.density = density
        self.ids = ids
        self.metadata = metadata
        self.latents = latents
        self.skipped = list(skipped)
        self.facts = dict(facts or {})
        self.maps: dict[str, Any] = dict(maps or {})
        self.path: Path | None = None
        self._features = features
        self._raw = raw
        self._version = 0
        self._changed()

    def _changed(self) -> None:
        """Forgets what was derived from the items, after some came or went."""
        self._positions = {id_: position for position, id_ in enumerate(self.ids)}
        self._index: Any = None
        self._graphs: dict[tuple[int, str], Any] = {}

    # ------------------------------------------------------------------ looking
    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        name = getattr(self.model, "family", type(self.model).__name__)
        return f"<LatentSpace of {len(self):,} {self.modality.kind}: {name}, {self.dims} dims>"

    @property
    def dims(self) -> int:
        """Latent dimensions."""
        return int(self.latents.shape[1])

    @property
    def items(self) -> "Items":
        """The items in their own form, read when asked for: `space.items[3]`, `space.items["cat.jpg"]`, a slice."""
        return Items(self)

    def info(self) -> dict[str, Any]:
        """Returns what this space is: its items, model, origin, and how well it gives its items back."""
        return looking.describe(self)

    @property
    def history(self) -> "History":
        """How a neural model was trained, epoch by epoch: a table, columns by name, and `plot(path)`."""
        from .models.history import of

        return of(self.model)

    def position(self, id: str) -> int:
        """Returns an item's row; an unknown id is a ValueError that names close ones."""
        if id not in self._positions:
            import difflib

            near = difflib.get_close_matches(str(id), self.ids, n=3)
            hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
            raise ValueError(f"id={id!r} is not in this space of {len(self):,} items.{hint}")
        return self._positions[id]

    # ------------------------------------------------------------------ items -> x -> z and back
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
            One item, several, or a source as `fit` takes it; vectors, if the space was fitted on such.
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
        gathered = gather_for(self.modality, items)
        ids, z, skipped = fitting.encode_items(self.modality, self.model, gathered, on_error)
        fitting.warn_of(skipped, len(ids) + len(skipped), "encode()")
        return (ids, z) if with_ids else z

    def decode(self, z: Any) -> Any:
        """Latents (n, dims) or one (dims,) to items in their own form: PIL images, table rows, arrays.

        Texts come back as `Words`, each with a real sentence of the space as its `witness`.

        Raises
        ------
        UnsupportedError
            If the model has no decoder.
        ValueError
            If `z` has another number of dimensions, or holds NaN or infinity.
        """
        z = self._checked(z)
        if (shape := beside.shape_of(self)) is not None:
            return adapter.decode(self.model, z, shape)
        items = self.modality.restore(adapter.decode(self.model, z, self.modality.shape))
        return looking.with_witnesses(self, z, items)

    def reconstruct(self, items: Any, *, on_error: OnError = "skip") -> Any:
        """Items through the model and back: `decode(encode(items))`."""
        adapter.require_decoder(self.model)
        return self.decode(self.encode(items, on_error=on_error))

    def _checked(self, z: Any) -> np.ndarray:
        z = np.atleast_2d(np.asarray(z, dtype=np.float32))
        if z.ndim != 2 or z.shape[1] != self.dims:
            raise ValueError(
                f"latents of shape {z.shape} do not fit this space of {self.dims} dims: pass (n, {self.dims})."
            )
        if not np.isfinite(z).all():
            row = int(np.flatnonzero(~np.isfinite(z).all(axis=1))[0])
            raise ValueError(f"latents hold NaN or infinity in row {row}. Remove that row, or encode its item again.")
        return z

    # ------------------------------------------------------------------ living
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

    # ------------------------------------------------------------------ search
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
        from .search.filters import mask_of

        z, own, several = self._query(query, id, vector)
        mask = mask_of(self.metadata, len(self), where) if where else None
        found = self.index.search(z, k, metric=metric, mask=mask, exclude=own)
        hits = [self._hits(*row, metric) for row in zip(found.positions, found.scores, strict=True)]
        return hits if several else hits[0]

    @property
    def index(self) -> Any:
        """The exact index over the latents, made on first use."""
        if self._index is None:
            from .search.exact import ExactIndex

            self._index = ExactIndex(self.latents)
        return self._index

    def graph(self, k: int = 15, metric: Metric = "euclidean") -> Any:
        """The neighbour graph of the whole space, computed once for each (k, metric) and shared by who needs it."""
        if (k, metric) not in self._graphs:
            from .search.graph import neighbour_graph

            self._graphs[k, metric] = neighbour_graph(self.latents, k, metric=metric)
        return self._graphs[k, metric]

    def _hits(self, positions: np.ndarray, scores: np.ndarray, metric: str) -> "Hits":
        from .search.hits import Hits

        there = positions >= 0
        rows = [int(position) for position in positions[there]]
        return Hits(
            [self.ids[row] for row in rows], [float(s) for s in scores[there]], lambda: _Chosen(self, rows), metric
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

    def latent(self, what: Any) -> np.ndarray:
        """An id, an item, several, or latents themselves, to latents (m, dims)."""
        if isinstance(what, str) and what in self._positions:
            row = self._positions[what]
            return self.latents[row : row + 1]
        if self._is_latent(what):
            return self._checked(what)
        z = self.encode(what, on_error="raise")
        if not len(z):
            raise ValueError(f"{name_of(what)} holds no item to look up.")
        return z

    def _is_latent(self, what: Any) -> bool:
        # Only a single latent is told by its shape: rows of them could be rows of items, and have vector= to say so.
        return isinstance(what, np.ndarray) and what.shape == (self.dims,) and self.modality.shape != (self.dims,)

    def topics(self, n: int = 10) -> "Topics":
        """Tells what each dimension is about, as the n features that weigh most in it: words, for texts.

        Raises
        ------
        UnsupportedError
            If the features have no names, or the model has no weight for each; "prodlda", "nmf" and "lsa" have.
        """
        from .topics import topics_of

        return topics_of(self, n)

    # ------------------------------------------------------------------ map
    def map(self, method: str = "tsne", *, seed: int = 0, **options: Any) -> "Map":
        """Draws the whole space in two dimensions, with a measure of how far the picture can be trusted.

        Parameters
        ----------
        method : "tsne" or "pca", default="tsne"
        seed : int, default=0
        **options
            The method's own, such as `perplexity=30`.
        """
        return looking.make_map(self, method, seed, options)

    # ------------------------------------------------------------------ generate
    def sample(self, n: int = 16, *, seed: int = 0) -> Any:
        """Synthesises n new items: latents drawn from the density fitted after training, then decoded.

        Rows of a table are drawn from what a VAE says of each column, so that they scatter as real ones do.
        """
        adapter.require_decoder(self.model)
        if n < 0:
            raise ValueError(f"sample(n={n}) is negative; ask for 0 items or more.")
        z = self.density.sample(n, np.random.default_rng(seed)).reshape(n, self.dims)
        z = self._checked(self.model.project(z) if hasattr(self.model, "project") and n else z)
        if beside.shape_of(self) is not None:
            return self.decode(z)
        return self.modality.restore(adapter.draw(self.model, z, self.modality.shape, seed))

    def interpolate(self, a: Any, b: Any, *, steps: int = 9, path: str = "linear") -> Any:
        """Items on the way from a to b (ids, items or latents), both ends included."""
        from .generate.interpolate import interpolate

        return self.decode(interpolate(self.latent(a)[0], self.latent(b)[0], steps, path))

    def traverse(self, item: Any, axis: int | Any = 0, *, steps: int = 9, span: float = 3.0) -> Any:
        """Items along one axis through an item, all else held.

        Parameters
        ----------
        item : id, item or latent
        axis : int or float array of shape (dims,)
            A dimension's number, or a direction.
        steps : int, default=9
        span : float, default=3.0
            How far to go to each side, in standard deviations of the space along that axis.
        """
        from .generate.traverse import traversal

        return self.decode(traversal(self.latent(item)[0], axis, np.linspace(-span, span, steps), self.latents))


class Items:
    """A space's items as a sequence in their own form, each read when asked for."""

    def __init__(self, space: LatentSpace):
        self._space = space

    def __len__(self) -> int:
        return len(self._space)

    def __getitem__(self, which: int | str | slice) -> Any:
        if isinstance(which, slice):
            return looking.items_at(self._space, range(*which.indices(len(self))))
        if isinstance(which, str):
            which = self._space.position(which)
        if not -len(self) <= which < len(self):
            raise IndexError(f"item {which} of a space of {len(self):,} items.")
        return looking.item_at(self._space, which % len(self))

    def __iter__(self) -> Iterator[Any]:
        return (looking.item_at(self._space, position) for position in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self):,} {self._space.modality.kind}>"


class _Chosen(Sequence):
    """The items at some positions, read when asked for."""

    def __init__(self, space: LatentSpace, positions: list[int]):
        self._space = space
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, slice):
            return looking.items_at(self._space, self._positions[which])
        return looking.item_at(self._space, self._positions[which])
