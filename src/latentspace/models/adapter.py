"""Lets a space use any estimator: shapes in and out, blocks, and a typed refusal where a model has no way back."""

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import get_tags

from ..errors import CorruptFileError, UnsupportedError
from ..features import BLOCK, Features, dense, rows_at_once

_IN_ONE_PIECE = 2**28  # bytes of float32 that kept bytes may become at once
_OF_A_LYING_STATE = (AttributeError, LookupError, TypeError, ArithmeticError, RuntimeError, AssertionError)
_OF_INTERACTIONS = ("latent-factors", "mult-vae")


def fit_model(
    model: Any,
    features: Features,
    y: Any = None,
    training: Mapping[str, Any] | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray | None:
    """Fits an estimator on features; in blocks where one piece would take much memory and the model can.

    `training` goes to `fit` as it is; `require_training` tells before any work whether a model takes it. `rows` is
    what a model that reads items as they are gave for them. Returns the latents where fitting made them already.
    """
    if rows is not None:
        return model.fit_rows(rows, dense(features.whole()) if model.trains_decoder else None, **(training or {}))
    if hasattr(model, "fit_blocks") and (features.kept is None or _grows(features)):
        model.fit_blocks(lambda: (_as_input(model, block) for block in features.blocks()))
        return None
    x = _as_input(model, features.whole())
    given = () if y is None else (y,)
    if getattr(model, "encodes_once", False):
        return model.fit_transform(x, *given, **(training or {}))
    model.fit(x, *given, **(training or {}))
    return None


def _grows(features: Features) -> bool:
    """Whether rows kept as bytes would take much more memory as one array of float32."""
    return features.kept.dtype == np.uint8 and features.nbytes > _IN_ONE_PIECE


def kind_read(model: Any, options: Mapping[str, Any]) -> str | None:
    """The kind of items that a model reads as they are, by its name and options or as an estimator; None for most."""
    from .encoders import is_encoder
    from .encoders import kind_read as read

    if isinstance(model, str):
        encoder = model if is_encoder(model) else options.get("encoder") if model == "pretrained" else None
        kind = None if encoder is None else read(encoder, options.get("input_rate"))
    else:
        kind = read(model.encoder, model.input_rate) if hasattr(model, "some_rows") else None
    return None if kind == "features" else kind


def encode_words(model: Any, text: Any) -> np.ndarray | None:
    """Latents (1, dims) of words that tell of items of another kind, where a model has an encoder of both."""
    if not isinstance(text, str) or not hasattr(model, "words") or os.path.lexists(text):
        return None
    return model.words([text])


def raw_for(model: Any, kind: str, vectors: bool = False) -> int | bool:
    """Whether a model reads items as they are; of sounds, at how many samples a second.

    Raises
    ------
    ValueError
        If it reads items of another kind, or vectors are given instead.
    """
    reads = getattr(model, "reads", None) if hasattr(model, "some_rows") else None
    if reads is None or reads.kind == "features":
        return False
    if vectors:
        raise ValueError(
            f"encoder={model.encoder!r} reads {reads.kind}, but vectors= were given. Choose a model for vectors, such "
            "as 'pca', or leave them out."
        )
    if reads.kind != kind:
        raise ValueError(
            f"encoder={model.encoder!r} reads {reads.kind}, but these are {kind}. Choose an encoder of {kind}, or say "
            f"kind={reads.kind!r}."
        )
    return reads.rate or True


def tell_columns(model: Any, columns: Sequence[Mapping[str, Any]] | None) -> None:
    """Tells a model that reads columns, and was told no other likelihood, which features belong to one column."""
    if columns and getattr(model, "reads_columns", False) and model.likelihood == "auto" and model.scale is None:
        model.set_params(likelihood={"kind": "columns", "columns": list(columns)})


def tell_pairs(model: Any, modality: Any) -> bool:
    """Tells a model of pairs where one side's features end; returns whether these are pairs.

    Raises
    ------
    ValueError
        If the items are pairs and the model is not of them, or the other way round.
    """
    of_pairs = modality.kind == "pairs"
    if of_pairs != bool(getattr(model, "pairs", False)):
        raise ValueError(
            "kind='pairs' is for models of pairs: choose model='cca' or 'contrastive'."
            if of_pairs
            else f"{type(model).__name__} is a model of pairs: pass two sides, as fit((images, texts), kind='pairs')."
        )
    if of_pairs:
        model.set_params(split=modality.split_)
    return of_pairs


def require_training(model: Any, training: Mapping[str, Any]) -> None:
    """Raises UnsupportedError where a model's fit does not take what `training` names: a checkpoint, a callback."""
    takes = inspect.signature(model.fit).parameters
    for name in training:
        if name not in takes:
            raise UnsupportedError(
                f"{name}= is for models that train in epochs; {type(model).__name__} does not. Leave it out, or take a "
                "neural model, such as model='vae'."
            )


def encode(model: Any, x: np.ndarray) -> np.ndarray:
    """Features (n, ...) to latents, float32 (n, dims); no items give no rows."""
    if x.shape[0] == 0:
        return np.empty((0, dims_of(model)), np.float32)
    block = rows_at_once(x.shape[1:]) if issparse(x) else BLOCK
    with _honest(model):
        parts = [
            np.asarray(model.transform(_as_input(model, x[start : start + block])), dtype=np.float32)
            for start in range(0, x.shape[0], block)
        ]
        return _finite(model, np.concatenate(parts), "latents")


def decode(model: Any, z: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Latents (n, dims) back to features, float32 (n, *shape).

    Raises
    ------
    UnsupportedError
        If the model has no decoder.
    """
    require_decoder(model)
    if len(z) == 0:
        return np.empty((0, *shape), np.float32)
    starts = range(0, len(z), BLOCK)
    with _honest(model):
        parts = [np.asarray(model.inverse_transform(z[s : s + BLOCK]), dtype=np.float32) for s in starts]
        return _finite(model, np.concatenate(parts), "features").reshape(len(z), *shape)


def draw(model: Any, z: np.ndarray, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Latents (n, dims) to features that a model draws from p(x given z), where it does; else as `decode`."""
    require_decoder(model)
    if not hasattr(model, "draw") or len(z) == 0:
        return decode(model, z, shape)
    with _honest(model):
        return np.asarray(model.draw(z, seed), dtype=np.float32).reshape(len(z), *shape)


def project(model: Any, z: np.ndarray) -> np.ndarray:
    """Latents where a model can decode them, float32 (n, dims); as they are where it decodes all."""
    if not hasattr(model, "project"):
        return z
    with _honest(model):
        return np.asarray(model.project(z), dtype=np.float32)


@contextmanager
def _honest(model: Any) -> Iterator[None]:
    """Tells what a model that came from a file fails of as the file's damage: its state was not its own."""
    try:
        yield
    except _OF_A_LYING_STATE as error:
        if not getattr(model, "from_a_file", False) or "memory" in str(error):
            raise
        raise CorruptFileError(
            f"the {type(model).__name__} of this space cannot be used ({type(error).__name__}: {error}): what its file "
            "keeps of it is damaged, or was written by another version. Restore the file from a copy."
        ) from error


def _finite(model: Any, values: np.ndarray, what: str) -> np.ndarray:
    """What a model of a file gives, finite."""
    if getattr(model, "from_a_file", False) and not np.isfinite(values).all():
        raise CorruptFileError(
            f"the {type(model).__name__} of this space gives {what} that are NaN or infinite: what its file keeps "
            "of it is damaged, or the items are far from all that it was fitted on. Restore the file from a copy."
        )
    return values


def require_decoder(model: Any) -> None:
    """Raises UnsupportedError for a model without `inverse_transform`, naming models that have one."""
    if not hasattr(model, "inverse_transform"):
        from . import FAMILIES

        if hasattr(model, "trains_decoder"):
            raise UnsupportedError(
                f"{type(model).__name__}(encoder={model.encoder!r}, decoder={model.decoder!r}) has trained no way back "
                "from latents to features. Fit with decoder='conv', or 'dense' for vectors, to train one."
            )
        raise UnsupportedError(
            f"{type(model).__name__} has no way back from latents to features (no inverse_transform). "
            f"Models that decode: {', '.join(map(repr, FAMILIES))}."
        )


def takes_sparse(model: Any) -> bool:
    """Whether a model reads CSR rows as they are."""
    return hasattr(model, "__sklearn_tags__") and bool(get_tags(model).input_tags.sparse)


def is_at_ease_in_sparse(model: Any) -> bool:
    """Whether a model reads CSR rows, and a feature that is mostly zero costs it next to nothing."""
    return takes_sparse(model) and not getattr(model, "dense_inside", False)


def is_of_interactions(model: Any) -> bool:
    """Whether a model, by its name or as an estimator, is made for users and what they met."""
    name = model if isinstance(model, str) else getattr(model, "family", None)
    return name in _OF_INTERACTIONS


def wants_counts(model: Any) -> bool:
    """Whether a model, as its parameters stand, is one of whole numbers from 0: by its likelihood."""
    return bool(getattr(model, "wants_counts", False))


def dims_of(model: Any) -> int:
    """Latent dimensions of a fitted estimator."""
    for name in ("dims_", "n_components_", "n_components"):
        value = getattr(model, name, None)
        if isinstance(value, int | np.integer):
            return int(value)
    raise UnsupportedError(f"{type(model).__name__} does not say how many dimensions its latents have (dims_).")


def _as_input(model: Any, x: Any) -> Any:
    if issparse(x):
        if takes_sparse(model):
            return x
        return dense(x, "Keep fewer features, or take a model of sparse rows: 'lsa', 'nmf', 'pca'.")
    return x if getattr(model, "takes_images", False) else x.reshape(len(x), -1)
