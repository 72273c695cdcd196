"""What to recommend to a user of a space of interactions: its items are people, its columns are what they met."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from .errors import UnsupportedError
from .models import adapter
from .recommending import Wishes, near_words
from .search.diversity import diverse, unit_rows
from .search.filters import mask_of
from .search.recommend import DISLIKE, Reason, Recommendations, liking, shared_axis, standard

if TYPE_CHECKING:
    from .verbs.state import State

_AXES = 32  # singular vectors by which things are compared, where the model has no factors of things
_ALIKE = 0.5  # cosine by content from which a reason mentions it


@dataclass
class _History:
    """What one user met, liked and disliked: values by name; `met` are those that came with the user."""

    good: dict[str, float]
    bad: dict[str, float]
    met: set[str]

    @property
    def told(self) -> set[str]:
        return {*self.good, *self.bad}


class _Things:
    """What can be recommended: the space's columns, and after them what only the content knows."""

    def __init__(self, space: "State", content: "State | None"):
        self.space, self.content = space, content
        own = space.modality.feature_names or []
        self.p = len(own)
        known = set(own)
        self.cold = [] if content is None else [name for name in content.ids if name not in known]
        self.names = [*own, *self.cold]
        self.place = {name: place for place, name in enumerate(self.names)}
        positions = {} if content is None else content._positions
        self.rows = np.array([positions.get(name, -1) for name in self.names], np.int64)  # in the content
        if content is not None and not (self.rows[: self.p] >= 0).any():
            raise ValueError(
                f"content= holds none of the {self.p:,} things of this space: its ids are like {content.ids[0]!r}, the "
                f"things' names like {self.names[0]!r}. Fit it with ids= of the things' names."
            )
        self._users: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def users(self) -> np.ndarray:
        """How many users met each thing, float64 (n,)."""
        if self._users is None:
            x = _interactions(self.space)
            self._users = np.zeros(len(self))
            self._users[: self.p] = np.bincount(x.indices[x.data > 0], minlength=self.p)
        return self._users

    def mask(self, where: Mapping[str, Any] | None) -> np.ndarray:
        """Which things meet the conditions: on "item", "users", and the columns of the content."""
        if not where:
            return np.ones(len(self), bool)
        columns: dict[str, list] = {"item": self.names, "users": [int(count) for count in self.users]}
        if self.content is not None:
            for name, column in self.content.metadata.items():
                columns.setdefault(name, [column[row] if row >= 0 else None for row in self.rows])
        return mask_of(columns, len(self), where)

    def vectors(self) -> np.ndarray:
        """A vector for each thing, by which two are compared: factors, predicted where only the content is known."""
        factors = getattr(self.space.model, "item_factors_", None)
        if factors is None:
            from .models.factors.least_squares import leading

            x = _interactions(self.space)
            factors = leading(x, min(_AXES, *x.shape), np.random.RandomState(0))[1]
        if not self.cold:
            return factors
        from .models.factors.cold import predicted_factors

        assert self.content is not None
        warm = np.flatnonzero(self.rows[: self.p] >= 0)
        own = self.rows[warm]
        predicted = predicted_factors(self.content.latents, own, factors[warm], self.users[warm])
        return np.concatenate([factors, predicted[self.rows[self.p :]]])


def to_user(
    space: "State", user: Any, liked: Any, disliked: Any, wishes: Wishes, content: Any, blend: float
) -> Recommendations:
    """Recommends things to a user, or to a history; see `LatentSpace.recommend`."""
    if not isinstance(blend, int | float | np.number) or not 0 <= blend <= 1:
        raise ValueError(f"recommend(blend={blend!r}) must be a number from 0, the users' word, to 1, the content's.")
    if wishes.popular is not None:
        raise ValueError(f"popular={wishes.popular!r} is for spaces of items; here users are counted: leave it out.")
    things = _Things(space, content)
    history = _history_of(space, things, user, liked, disliked)
    allowed = things.mask(wishes.where)
    allowed[[things.place[name] for name in history.told if name in things.place]] = False
    vectors = things.vectors()
    scores, metric, taste = _scores(space, things, history, vectors, allowed, blend)
    if wishes.popularity and metric != "users":
        popular = standard(np.log1p(things.users), allowed)
        scores, metric = standard(scores, allowed) + wishes.popularity * popular, f"{metric} and popularity"
    chosen = diverse(np.where(allowed, scores, -np.inf), vectors, wishes.k, wishes.diversity, vectors.mean(axis=0))
    names = [things.names[place] for place in chosen]

    def items() -> list[Any]:
        if content is None:
            return names
        return [content.items[int(row)] if (row := things.rows[place]) >= 0 else None for place in chosen]

    def reasons() -> list[Reason]:
        return _reasons(space, things, history, vectors, taste, chosen)

    return Recommendations(names, scores[chosen], items, metric, reasons=reasons)


# ---------------------------------------------------------------------- who asks
def _history_of(space: "State", things: _Things, user: Any, liked: Any, disliked: Any) -> _History:
    low, usual, high = _usual(space)
    met: dict[str, float] = {}
    if isinstance(user, str | int) and not isinstance(user, bool):
        row = _interactions(space, [space.position(str(user))])
        met = {things.names[column]: float(value) for column, value in zip(row.indices, row.data, strict=True)}
    elif user is not None:
        met = _values(user, usual, "user")
    explicit = getattr(space.model, "feedback", None) == "explicit"
    good = _values(liked, high if explicit else usual, "liked")
    bad = _values(disliked, low if explicit else usual, "disliked")
    both = set(good) & set(bad)
    if both:
        raise ValueError(f"{sorted(both)[0]!r} is in liked= and in disliked=. Leave it in one of them.")
    for name in (*good, *bad, *(() if isinstance(user, str | int) else met)):
        if name not in things.place:
            near = _near(name, things.names)
            hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
            raise ValueError(f"{name!r} is not one of the {len(things):,} things of this space.{hint}")
    kept = {name: value for name, value in met.items() if name not in good and name not in bad}
    return _History(kept | good, bad, set(kept))


def _near(name: str, names: list[str]) -> list[str]:
    """Names that a misspelt or shortened one may stand for, three at most."""
    within = [known for known in names if name.casefold() in known.casefold()] if name else []
    return list(dict.fromkeys([*difflib.get_close_matches(name, names, n=3), *sorted(within, key=len)]))[:3]


def _values(what: Any, usual: float, name: str) -> dict[str, float]:
    """A name, several, or {name: value}, as values by name."""
    if what is None:
        return {}
    if isinstance(what, Mapping):
        values = {str(thing): float(value) for thing, value in what.items()}
        if not all(np.isfinite(value) and value >= 0 for value in values.values()):
            raise ValueError(f"{name}={dict(what)!r} holds a value that is negative, NaN or infinite.")
        return values
    if isinstance(what, str | int):
        return {str(what): usual}
    if isinstance(what, list | tuple | set) and all(isinstance(thing, str | int) for thing in what):
        return {str(thing): usual for thing in what}
    raise TypeError(f"{name}= takes names of things, or {{name: value}}; it got {type(what).__name__}: {what!r:.60}.")


def _usual(space: "State") -> tuple[float, float, float]:
    """A low, a usual and a high value, for what is liked without one."""
    values = getattr(space.model, "usual_", None)
    if values is None:
        data = _interactions(space).data
        values = np.quantile(data, (0.05, 0.75, 0.95)) if len(data) else (1.0, 1.0, 1.0)
    low, usual, high = (float(value) for value in values)
    return low, usual, high


def _interactions(space: "State", rows: list[int] | None = None) -> csr_array:
    if space._features is None:
        raise UnsupportedError("the histories of this space are not at hand: its column 'history' is not there.")
    return csr_array(space._features.whole() if rows is None else space._features.rows(rows))


# ---------------------------------------------------------------------- scores
def _scores(
    space: "State", things: _Things, history: _History, vectors: np.ndarray, allowed: np.ndarray, blend: float
) -> tuple[np.ndarray, str, np.ndarray | None]:
    """Scores of all things, what they are called, and the user's own vector where things have factors."""
    by_users, taste = _by_users(space, things, history, vectors)
    by_content = None if things.content is None else _by_content(things, history)
    if by_users is None and by_content is None:
        return things.users.astype(np.float64), "users", None
    if by_content is None:
        assert by_users is not None
        return by_users, "score", taste
    content = np.zeros(len(things))
    seen = things.rows >= 0
    content[seen] = standard(by_content, allowed[seen])
    if by_users is None:
        return content, "content", None
    users = standard(by_users, allowed & np.isfinite(by_users))
    users = np.where(np.isfinite(users), users, content)  # a model without factors knows nothing of what is new
    return (1 - blend) * users + blend * content, "score and content", taste


def _by_users(
    space: "State", things: _Things, history: _History, vectors: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    good, bad = (_row(things, values) for values in (history.good, history.bad))
    if not good.nnz and not bad.nnz:
        return None, None
    model = space.model
    if hasattr(model, "fold_in"):
        z = model.fold_in(good, bad)
        scores = np.empty(len(things))
        scores[: things.p] = model.inverse_transform(z)[0]
        scores[things.p :] = vectors[things.p :] @ z[0] + (model.item_means_.mean() if things.p else 0.0)
        return scores, z[0]
    scores = np.full(len(things), np.nan)
    scores[: things.p] = 0
    for row, weight in ((good, 1.0), (bad, -DISLIKE)):
        if row.nnz:
            z = adapter.encode(model, row.astype(np.float32))
            scores[: things.p] += weight * adapter.decode(model, z, space.modality.shape)[0]
    return scores, None


def _by_content(things: _Things, history: _History) -> np.ndarray | None:
    """How much each thing of the content, those with a row there, is like what the user liked."""
    content = things.content
    assert content is not None
    good = {name: value for name, value in history.good.items() if things.rows[things.place[name]] >= 0 and value > 0}
    bad = [name for name in history.bad if things.rows[things.place[name]] >= 0]
    if not good and not bad:
        return None
    z = content.latents
    own = things.rows[things.rows >= 0]
    examples = [z[[things.rows[things.place[name]] for name in names]] for names in (list(good), bad)]
    return liking(z[own], *examples, centre=z.mean(axis=0), weights=np.array(list(good.values())) if good else None)


def _row(things: _Things, values: Mapping[str, float]) -> csr_array:
    warm = {things.place[name]: value for name, value in values.items() if things.place[name] < things.p}
    columns = np.array(list(warm), np.int64)
    return csr_array((np.array(list(warm.values()), np.float64), (np.zeros_like(columns), columns)), (1, things.p))


# ---------------------------------------------------------------------- reasons
def _reasons(
    space: "State", things: _Things, history: _History, vectors: np.ndarray, taste: np.ndarray | None,
    chosen: np.ndarray,
) -> list[Reason]:  # fmt: skip
    warm = chosen[chosen < things.p]
    shares: dict[int, np.ndarray] = {}
    if taste is not None and len(warm):
        rows = space.model.shares(_row(things, history.good), _row(things, history.bad), warm)
        shares = dict(zip(warm.tolist(), rows, strict=True))
    told = [name for name in history.good if things.place[name] < things.p]
    return [_reason(things, history, told, vectors, taste, int(place), shares.get(int(place))) for place in chosen]


def _reason(
    things: _Things, history: _History, told: list[str], vectors: np.ndarray, taste: np.ndarray | None, place: int,
    share: np.ndarray | None,
) -> Reason:  # fmt: skip
    alike = _alike(things, history, place)
    if place >= things.p:
        return alike or Reason("new: met by nobody yet")
    if share is not None and taste is not None and share.max() > 0:
        one = int(np.argmax(share))
        part = float(share[one] / share.clip(0).sum())
        name = things.names[one]
        axis, agreed = shared_axis(taste, vectors[place] - vectors.mean(axis=0))
        text = f"because of {name!r}, which you {_did(history, name)} ({part:.0%} of what speaks for it)"
        text += f"; shares axis {axis}" if agreed > 0 else ""
        if alike is not None and alike.share is not None and alike.share >= _ALIKE and alike.near != name:
            text += f"; by what it is, {alike.text}"
        return Reason(text, name, part, axis if agreed > 0 else None)
    if taste is None and told:
        cosines = unit_rows(vectors[[things.place[name] for name in told]]) @ unit_rows(vectors[place][None])[0]
        one = int(np.argmax(cosines))
        return Reason(
            f"met by the same users as {told[one]!r}, which you {_did(history, told[one])} (cosine {cosines[one]:.2f})",
            told[one], float(cosines[one]),
        )  # fmt: skip
    return alike or Reason(f"met by {int(things.users[place]):,} of {len(things.space):,} users")


def _alike(things: _Things, history: _History, place: int) -> Reason | None:
    """What a thing is like by its content, of what the user liked."""
    content = things.content
    names = [name for name in history.good if things.rows[things.place[name]] >= 0]
    if content is None or not names or things.rows[place] < 0:
        return None
    z, centre = content.latents, content.latents.mean(axis=0)
    examples = unit_rows(z[[things.rows[things.place[name]] for name in names]] - centre)
    cosines = examples @ unit_rows(z[things.rows[place]][None] - centre)[0]
    one = int(np.argmax(cosines))
    return Reason(
        near_words(repr(names[one]), float(cosines[one]), _did(history, names[one])), names[one], float(cosines[one])
    )


def _did(history: _History, name: str) -> str:
    return "met" if name in history.met else "liked"
