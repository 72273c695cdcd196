"""From a taste to what to look at next: what `LatentSpace.recommend` is put together from. See search/recommend.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import UnsupportedError
from .items import name_of
from .search.diversity import diverse, unit_rows
from .search.filters import mask_of
from .search.recommend import Reason, Recommendations, liking, shared_axis, standard, typical

if TYPE_CHECKING:
    from .verbs.state import State

_SAME = 1e-4  # of the space's own spread: an item from outside so near to one of the space is that one
_NEAR = 0.5  # cosine from which "near" is a fair word
_BLOCK = 2**24  # values of latents that are compared at a time
_NAMED = 40  # characters of a text that stands for itself in a reason


@dataclass
class Wishes:
    """What `recommend` was asked, checked."""

    k: int
    diversity: float
    popularity: float
    popular: str | None
    where: Mapping[str, Any] | None

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int | np.integer) or self.k < 1:
            raise ValueError(f"recommend(k={self.k!r}) is not possible: ask for 1 item or more.")
        for name, low, high in (("diversity", 0, 1), ("popularity", -10, 10)):
            value = getattr(self, name)
            if not isinstance(value, int | float | np.number) or not low <= value <= high:
                raise ValueError(f"recommend({name}={value!r}) must be a number from {low} to {high}.")


@dataclass
class Given:
    """Examples of a taste: their latents, the rows of those that are the space's own, and what to call them."""

    z: np.ndarray
    rows: list[int] = field(default_factory=list)
    outside: list[int] = field(default_factory=list)  # which of z are not the space's own
    names: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)  # the names as a reason has them: quoted, unless they are made up

    def __len__(self) -> int:
        return len(self.z)


def by_content(space: "State", liked: Any, disliked: Any, wishes: Wishes) -> Recommendations:
    """Recommends items of a space by their latents; see `LatentSpace.recommend`."""
    centre = _centre(space)
    good, bad = given(space, liked, "liked"), given(space, disliked, "disliked")
    allowed = mask_of(space.metadata, len(space), wishes.where, space._columns)
    allowed = allowed & ~_told(space, good, bad, centre)
    scores, metric = _taste(space, good, bad, centre)
    if wishes.popularity:
        scores = standard(scores, allowed) + wishes.popularity * standard(_counts(space, wishes), allowed)
        metric = f"{metric} and popularity"
    chosen = diverse(np.where(allowed, scores, -np.inf), space.latents, wishes.k, wishes.diversity, centre)
    rows = [int(row) for row in chosen]

    def reasons() -> list[Reason]:
        return [_reason(space, row, good, bad, centre) for row in rows]

    from .verbs.state import Chosen

    return Recommendations(
        [space.ids[row] for row in rows], scores[chosen], lambda: Chosen(space, rows), metric, reasons=reasons
    )


def given(space: "State", what: Any, name: str) -> Given:
    """One example or several, each an id, an item or a latent, as latents."""
    if what is None or (isinstance(what, list | tuple) and not what):
        return Given(np.empty((0, space.dims), np.float32))
    several = list(what) if isinstance(what, list | tuple) else [what]
    found = Given(np.empty((0, space.dims), np.float32))
    parts = []
    for number, one in enumerate(several):
        if isinstance(one, str) and one in space._positions:
            found.rows.append(space._positions[one])
            found.names.append(one)
            found.spoken.append(repr(one))
            parts.append(space.latents[found.rows[-1]][None])
            continue
        if isinstance(one, str) and not space.modality.from_words and not Path(one).exists():
            space.position(one)  # raises, and names close ids
        z = space.latent(one)
        start = sum(map(len, parts))
        found.outside += range(start, start + len(z))
        called = [f"{name}[{number if len(z) == 1 else row}]" for row in range(len(z))]
        found.names += [str(one)] if len(z) == 1 and isinstance(one, str | Path) else called
        found.spoken += [_spoken(one)] if len(z) == 1 and isinstance(one, str | Path) else called
        parts.append(z)
    found.z = np.concatenate(parts)
    return found


def _spoken(one: str | Path) -> str:
    words = str(one)
    return repr(words if len(words) <= _NAMED else words[: _NAMED - 1] + "…")


def _centre(space: "State") -> np.ndarray:
    return space.latents.mean(axis=0, dtype=np.float64).astype(np.float32) if len(space) else np.zeros(space.dims)


def _told(space: "State", good: Given, bad: Given, centre: np.ndarray) -> np.ndarray:
    """Which items were given: by their ids, or as items from outside that are the same."""
    told = np.zeros(len(space), bool)
    told[good.rows + bad.rows] = True
    outside = np.concatenate([part.z[part.outside] for part in (good, bad)])
    if not len(outside) or not len(space):
        return told
    rows = max(1, _BLOCK // space.dims)
    for start in range(0, len(space), rows):
        z = space.latents[start : start + rows]
        spread = float(np.sqrt(((z - centre) ** 2).sum(axis=1, dtype=np.float64).mean()))
        for one in outside:
            told[start : start + rows] |= np.linalg.norm(z - one, axis=1) <= _SAME * spread
    return told


def _taste(space: "State", good: Given, bad: Given, centre: np.ndarray) -> tuple[np.ndarray, str]:
    if not len(good) and not len(bad):
        return typical(space.latents, centre), "typical"
    return liking(space.latents, good.z, bad.z, centre=centre), "taste"


def _counts(space: "State", wishes: Wishes) -> np.ndarray:
    """The logarithm of how popular each item is, from a column of metadata."""
    numeric = [name for name, column in space.metadata.items() if _numbers(column) is not None]
    if wishes.popular is None:
        raise ValueError(
            f"recommend(popularity={wishes.popularity:g}) needs popular=, the column that says how popular an item is. "
            f"Columns of numbers here: {', '.join(numeric) or 'none'}."
        )
    column = _numbers(space.metadata.get(wishes.popular, []))
    if wishes.popular not in space.metadata or column is None:
        raise ValueError(
            f"popular={wishes.popular!r} is not a column of numbers. Those here: {', '.join(numeric) or 'none'}."
        )
    return np.log1p(np.maximum(column, 0))


def _numbers(column: Sequence[Any]) -> np.ndarray | None:
    """A column of numbers, 0 where one is missing; None if it holds anything else, or nothing."""
    if not any(value is not None for value in column):
        return None
    if not all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in column):
        return None
    return np.nan_to_num(np.array([0.0 if value is None else value for value in column], np.float64))


# ---------------------------------------------------------------------- reasons
def _reason(space: "State", row: int, good: Given, bad: Given, centre: np.ndarray) -> Reason:
    if not len(good) and not len(bad):
        return Reason("typical of this space; nothing is known of your taste yet")
    own = unit_rows(space.latents[row][None] - centre)[0]
    if not len(good):
        cosines = unit_rows(bad.z - centre) @ own
        least = int(np.argmax(cosines))
        return Reason(
            f"unlike {bad.spoken[least]}, which you disliked (cosine {cosines[least]:.2f})",
            bad.names[least], float(cosines[least]),
        )  # fmt: skip
    examples = unit_rows(good.z - centre)
    cosines = examples @ own
    one = int(np.argmax(cosines))
    text = near_words(good.spoken[one], float(cosines[one]), "liked")
    axis, share = shared_axis(own, examples[one])
    if space.dims == 1 or share == 0:
        return Reason(text, good.names[one], float(cosines[one]))
    sign = 1 if own[axis] > 0 else -1
    return Reason(f"{text}; {axis_words(space, axis, sign)}", good.names[one], float(cosines[one]), axis)


def near_words(name: str, cosine: float, did: str) -> str:
    """ "near 'a', which you liked (cosine 0.93)", or a weaker word where that would be too much to say."""
    if cosine >= _NEAR:
        return f"near {name}, which you {did} (cosine {cosine:.2f})"
    return f"of what you {did}, {name} is the nearest (cosine {cosine:.2f})"


def axis_words(space: Any, axis: int, sign: int) -> str:
    """ "shares axis 3", and what is in it where the model can say: words of a text, columns of a table."""
    names, weights = space.modality.feature_names, getattr(space.model, "topic_weights", None)
    said = f"shares axis {axis}"
    if names is None or weights is None:
        return said
    try:
        row = sign * np.asarray(weights()[axis], np.float64)
    except (AttributeError, ValueError, IndexError):  # a network without topics has no weights to tell
        return said
    top = [column for column in np.argsort(-row)[:3] if row[column] > 0]
    return f"{said} ({', '.join(names[column] for column in top)})" if top else said


def refuse_user(space: "State", user: Any) -> None:
    """Users have histories in spaces of interactions only."""
    raise UnsupportedError(
        f"recommend(user={name_of(user)}) needs a space of interactions, and this one holds {space.modality.kind}. "
        "Pass liked= and disliked= here, or ask the space of interactions: people.recommend(user=..., content=this)."
    )
