"""Which coder a space takes for its items, what that has learned, and how a container refers to it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import store
from ..codec.protocol import CODERS, Coder
from ..codec.state import State as CoderState
from ..codec.state import fingerprint
from ..errors import CorruptFileError, UnsupportedError
from ..progress import say

if TYPE_CHECKING:
    from ..verbs.state import State

_LEARNS_FROM = 20_000  # items: tables of frequencies of more would not change


def chosen(space: "State", *, lossless: bool, coder: str | None, rate: bool = False) -> str:
    """The name of the coder for a space's items.

    Parameters
    ----------
    space : LatentSpace
    lossless : bool
        Whether items shall come back exactly.
    coder : str or None
        What the user named.
    rate : bool, default=False
        Whether a rate or a distortion was asked for, which a coder without loss cannot meet: where there is another,
        that is taken.

    Raises
    ------
    UnsupportedError
        If there is none for these items; the message says what would do.
    ValueError
        If there is no coder of that name, or it is not for these items.
    """
    fitting = suited(space)
    if coder is not None:
        if coder not in CODERS:
            raise ValueError(f"coder={coder!r} is not known. Known: {', '.join(map(repr, CODERS))}.")
        if coder not in fitting:
            raise ValueError(f"coder={coder!r} is not for this space of {_what(space)}; {_options(fitting)}.")
        if lossless and not CODERS[coder].lossless:
            raise ValueError(f"coder={coder!r} loses something, and lossless=True was asked for. Leave one out.")
        return coder
    if not fitting:
        raise UnsupportedError(
            f"{_what(space)} cannot be compressed: there is no coder for them. Compress the file itself with zstd, or "
            "their latents by space.encode and numpy."
        )
    if lossless:
        exact = [name for name in fitting if CODERS[name].lossless]
        if not exact:
            raise UnsupportedError(f"{_what(space)} have no lossless coder; {_options(fitting)}.")
        return exact[0]
    lossy = [name for name in fitting if not CODERS[name].lossless]
    if rate and not lossy and fitting[0] == "table":
        raise UnsupportedError(
            f"a rate for {_what(space)} needs a space: latentspace fit SOURCE -o space.latent, then --model "
            "space.latent. Without one, numbers are exact or within --max-error."
        )
    return lossy[0] if rate and lossy else fitting[0]


def suited(space: "State") -> list[str]:
    """The coders that fit a space's items, the one that is taken first."""
    modality: Any = space.modality
    kind = modality.kind
    own = getattr(space.model, "coder", None)
    learned = [own] if isinstance(own, str) and own in CODERS else []
    decodes = ["latents", "pq"] if hasattr(space.model, "inverse_transform") else []
    if kind == "images":
        alpha = getattr(modality, "channels_", 3) == 4
        return [*learned, *decodes, *([] if alpha else ["lossless", "pictures"])]
    if kind == "array":
        pictures = modality.layout_ in ("nhw", "nhwc") and modality.dtype_ == np.uint8
        numbers = modality.layout_ == "vectors" and modality.stored_as != "sparse"
        return [*learned, *decodes, *(["lossless", "pictures"] if pictures else ["table"] if numbers else [])]
    if kind == "audio":
        latents = decodes if getattr(modality, "features", "") == "spectrogram" else []
        return [*latents, "sound-lossless", "sound"]
    return {"table": [*decodes, "table"], "texts": ["text"], "strings": ["text", *decodes]}.get(kind, [])


def _what(space: "State") -> str:
    return space.modality.kind


def _options(names: list[str]) -> str:
    return f"coders for them: {', '.join(map(repr, dict.fromkeys(names)))}" if names else "there is no coder for them"


# ---------------------------------------------------------------------- what was learned
def coder_of(space: "State", name: str, learn: Callable[[], tuple[Any, Mapping[str, Any]]], seed: int = 0) -> Coder:
    """The space's coder of this name: what it learned before, or learns now from its items and keeps.

    What was learned once stays: containers refer to it. `learn` gives items and the options of their form.
    """
    kept = space._coders.get(name)
    if kept is not None:
        return rebuilt(name, kept[0], kept[1], space.model)
    if space.path is not None:
        from .. import keeping

        keeping.refresh(space)  # another process may have learned it meanwhile
        if (kept := space._coders.get(name)) is not None:
            return rebuilt(name, kept[0], kept[1], space.model)
    if CODERS[name].learns:
        say(lambda: f"coder {name!r} learns from the space's items, once")
    items, options = learn()
    coder = CODERS[name].fit(items, model=space.model, seed=seed, **options)
    keep(space, name, coder)
    return coder


def keep(space: "State", name: str, coder: Coder) -> None:
    """Keeps what a coder learned with the space, in its file where it has one."""
    facts, arrays = coder.get_state()
    space._coders[name] = (facts, arrays)
    if space.path is None:
        return
    with store.LatentFile(space.path) as file:
        manifest, version = file.manifest(), file.version
    manifest["codec"] = {**(manifest.get("codec") or {}), name: facts}
    new = store.put(
        space.path, manifest, {f"codec/{name}/{key}": array for key, array in arrays.items()}, expect=version
    )
    if space._version == version:
        space._version = new


def rebuilt(name: str, facts: Any, arrays: dict[str, np.ndarray], model: Any) -> Coder:
    """A coder from what a file keeps of it; damage is a CorruptFileError."""
    if name not in CODERS:
        raise CorruptFileError(f"coder {name!r} is not known to this latentspace. Install a newer one.")
    try:
        return CODERS[name].from_state(facts, arrays, model=model)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise CorruptFileError(f"the state of coder {name!r} is damaged ({type(error).__name__}: {error}).") from error


def at_most(n: int) -> list[int]:
    """Evenly spread positions of items to learn from."""
    count = min(n, _LEARNS_FROM)
    return sorted(set(np.linspace(0, n - 1, count).astype(int).tolist())) if n else []


# ---------------------------------------------------------------------- what decodes
def state_of(space: "State", coder: Coder) -> CoderState:
    """All that decoding needs: the coder, the modality, and where latents are read the model."""
    facts, own = coder.get_state()
    arrays = {f"coder/{key}": array for key, array in own.items()}
    whole: dict[str, Any] = {"coder": facts, "modality": None, "kind": space.modality.kind, "model": None}
    if coder.reads != "table":  # whose form tells all of the columns
        whole["modality"], theirs = space.modality.state()
        arrays |= {f"modality/{key}": array for key, array in theirs.items()}
    if coder.reads == "latents" or getattr(space.model, "coder", None) == coder.name:
        if not hasattr(space.model, "get_state"):
            raise UnsupportedError(
                f"model={type(space.model).__name__} cannot be embedded or referred to: its state is not known."
            )
        params, model_facts, model_arrays = space.model.get_state()
        whole["model"] = {"family": space.model.family, "params": params, "facts": model_facts}
        arrays |= {f"model/{key}": array for key, array in model_arrays.items()}
    return whole, arrays


def fingerprint_of(space: "State", coder: Coder) -> str:
    """Names what decoding needs: a container that was written with it is read with it alone."""
    return fingerprint(*state_of(space, coder))
