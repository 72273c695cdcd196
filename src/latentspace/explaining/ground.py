"""What explaining needs of a space: its decode, its features' groups and pictures, and what each dimension does."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import beside, looking
from ..errors import UnsupportedError
from ..explain import drivers
from ..features import dense
from ..models import adapter
from ..resources import refuse_if_too_large

if TYPE_CHECKING:
    from ..verbs.state import State

_LINEAR = ("pca", "lsa", "nmf", "ica", "factor-analysis", "sparse-pca", "pls", "latent-factors", "identity", "cca")
_SAMPLE = 2_000  # items that features are read of


class Ground:
    """A space as `explain` looks at it."""

    def __init__(self, space: "State", seed: int = 0):
        self.space = space
        self.seed = seed
        self.own = beside.shape_of(space) is None  # the model reads the items' own features
        self.shape = looking.feature_shape(space)

    @property
    def decode(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """Latents (m, dims) to features (m, ...), where the model decodes."""
        if not hasattr(self.space.model, "inverse_transform"):
            return None
        return lambda z: adapter.decode(self.space.model, z, self.shape)

    @property
    def linear(self) -> bool:
        return getattr(self.space.model, "family", "") in _LINEAR

    def sample(self) -> np.ndarray:
        """Rows of at most 2,000 items."""
        n = len(self.space)
        return np.sort(np.random.default_rng(self.seed).permutation(n)[:_SAMPLE])

    def features_of(self, rows: Sequence[int] | np.ndarray) -> Any | None:
        """The model's features of some rows, float32 or CSR; None where they are not at hand."""
        if not self.own or self.space._features is None:
            return None
        return self.space._features.rows(rows)

    def drivers(self) -> drivers.Drivers | None:
        """What each dimension does to the features; None where neither a decoder nor features tell."""
        z = self.space.latents
        values = int(np.prod(self.shape)) * self.space.dims
        what = f"the effects of {self.space.dims} dims on {int(np.prod(self.shape)):,} features"
        refuse_if_too_large(12 * values, what, "Explain a space of fewer dims or smaller items.")
        if self.decode is not None:
            return drivers.decoder_effects(self.decode, z, self.linear, self.seed)
        rows = self.sample()
        x = self.features_of(rows)
        return None if x is None else drivers.covariances(z[rows], [x])

    def gradients(self, ends: Sequence[tuple[list[int], list[int]]]) -> np.ndarray:
        """Integrated gradients between the ends of each dimension; see `drivers.pushed`.

        Raises
        ------
        UnsupportedError
            If the model's encoder is no network, or the items' features are not at hand.
        MissingExtraError
            If captum is not installed.
        """
        model = self.space.model
        if not hasattr(model, "differentiable"):
            name = getattr(model, "family", type(model).__name__)
            raise UnsupportedError(
                f"how='gradients' follows a network's encoder, and {name!r} is none. Take how='jacobian': what the "
                "decoder does, which for a linear model is its loadings."
            )
        x = self.features_of(np.arange(0, len(self.space), max(1, len(self.space) // _SAMPLE)))
        if x is None:
            raise UnsupportedError(
                "how='gradients' needs the items' features, which are not at hand. Take how='jacobian'."
            )
        baseline = dense(x).mean(axis=0)
        used = sorted({row for low, high in ends for row in (*low, *high)})
        place = {row: at for at, row in enumerate(used)}
        own = dense(self.features_of(used))
        return drivers.pushed(
            model, own, baseline, [([place[r] for r in low], [place[r] for r in high]) for low, high in ends]
        )

    # ------------------------------------------------------------------ what features are called
    def groups(self) -> tuple[list[str], np.ndarray] | None:
        """The columns that features belong to, and which of them each does; None where features have no names."""
        names = self.space.modality.feature_names if self.own else None
        if names is None:
            return None
        columns = getattr(self.space.modality, "columns_", None)
        if columns is None:
            return list(names), np.arange(len(names))
        owners = [column.name for column in columns for _ in column.names]
        kinds = list(dict.fromkeys(owners))
        place = {name: at for at, name in enumerate(kinds)}
        return kinds, np.array([place[owner] for owner in owners])

    # ------------------------------------------------------------------ pictures
    @property
    def as_picture(self) -> bool:
        """Whether an effect can be drawn: features are (c, h, w) with a picture."""
        return self.own and len(self.shape) == 3 and self.space.modality.kind in ("images", "audio", "array")

    def drawing(self, effect: np.ndarray, scale: float | None = None) -> Any:
        """One effect on the mean item, as a PIL image."""
        from ..explain.drawing import drawn

        return drawn(effect.reshape(self.shape), self.usual, self.space.modality.kind == "audio", scale)

    @property
    def usual(self) -> np.ndarray:
        """The mean item's features, float32; decoded from the mean latent where features are not at hand."""
        if not hasattr(self, "_usual"):
            x = self.features_of(self.sample())
            if x is not None:
                self._usual = np.asarray(x.mean(axis=0)).reshape(self.shape)
            else:
                assert self.decode is not None
                self._usual = self.decode(self.space.latents.mean(axis=0, keepdims=True))[0]
        return self._usual

    def picture(self, x: np.ndarray) -> Any | None:
        """Decoded features as a PIL image, where items have pictures."""
        return self.space.modality.picture(x) if self.own else None

    def pictures(self, rows: Sequence[int]) -> list[tuple[Any, str]]:
        """Items as pictures with their ids; none where they have none."""
        if not hasattr(self, "_pictures"):
            try:
                self._pictures = looking.pictures_of(self.space, len(self.space))
            except UnsupportedError:
                self._pictures = None
        if self._pictures is None:
            return []
        return [(self._pictures(row), self.caption(row)) for row in rows]

    def caption(self, row: int) -> str:
        """An item in a few words: its text, or its id with its label."""
        texts = self.space.metadata.get("text")
        if texts and self.space.modality.kind in ("texts", "strings") and texts[row]:
            words = " ".join(str(texts[row]).split())
            return words if len(words) <= 60 else words[:59] + "…"
        return self.space.ids_at([row])[0]
