"""An axis: a direction of the latent space with a name, a unit, and evidence that it means what its name says."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """How well an axis means what its name says, on items that it was not learned from.

    Attributes
    ----------
    measure : str
        "balanced accuracy" of a label (0.5 is chance), "R2" of a number (0 is chance); higher is better.
    reading : float or None
        By the axis's own probe, held out in five folds; None where there are too few examples to hold any out.
    along : float or None
        By the place along the direction alone.
    random, random_best : float or None
        The same by the place along random directions: the median of 50, and the best of them.
    moved : float or None
        Share of held-out items of which a probe that learned on those alone changes its mind once they are moved by one
        unit, towards or away. For a number: by how much of its standard deviation such a probe's answer changes; 1 is
        right.
    n : int
        Items it was learned from.
    """

    measure: str
    reading: float | None = None
    along: float | None = None
    random: float | None = None
    random_best: float | None = None
    moved: float | None = None
    n: int = 0


@dataclass(frozen=True, eq=False)
class Axis:
    """A direction with a meaning: what `space.axis(name)` returns.

    Attributes
    ----------
    name : str
    direction : float32 array of shape (dims,)
        Of length 1, towards more.
    unit : float
        How far `amount=1` moves, in the latents' own units: of a label, as far as takes 19 of 20 items to the
        other side, with odds of 9 to 1 by the probe; of a number, as far as changes it by one standard deviation.
    weights : float32 array of shape (dims,)
        Of the probe: `read(z)` is z @ weights + offset, the log-odds of a label, or the number itself.
    offset : float
    kind : {"label", "number"}
    source : str
        What it was learned from, in words.
    evidence : Evidence
    orthogonal_to : tuple of str
        Names of the axes whose probes a move along this one leaves alone.
    """

    name: str
    direction: np.ndarray
    unit: float
    weights: np.ndarray
    offset: float
    kind: str
    source: str
    evidence: Evidence
    orthogonal_to: tuple[str, ...] = ()

    @property
    def step(self) -> np.ndarray:
        """One unit along the axis, float32 (dims,)."""
        return (self.unit * self.direction).astype(np.float32)

    def read(self, z: Any) -> np.ndarray:
        """What the probe says of latents (n, dims): float64 (n,), log-odds of a label, or the number."""
        return np.asarray(z, dtype=np.float64) @ self.weights + self.offset

    def along(self, z: Any) -> np.ndarray:
        """How far latents (n, dims) lie along the axis, in its units: float64 (n,); 0 where a unit has no length."""
        if not self.unit > 0:
            return np.zeros(len(z))
        return np.asarray(z, dtype=np.float64) @ self.direction / self.unit

    def to_dict(self) -> dict[str, Any]:
        """The axis as plain data, its arrays as lists."""
        return {**self.facts(), "direction": self.direction.tolist(), "weights": self.weights.tolist()}

    def facts(self) -> dict[str, Any]:
        """What of it is no array, as JSON-able data."""
        return {
            "name": self.name, "unit": self.unit, "offset": self.offset, "kind": self.kind, "source": self.source,
            "evidence": asdict(self.evidence), "orthogonal_to": list(self.orthogonal_to),
        }  # fmt: skip

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], direction: np.ndarray, weights: np.ndarray) -> "Axis":
        """An axis from what `facts` gave and its arrays.

        Raises
        ------
        ValueError, TypeError, KeyError
            If that is no axis.
        """
        for array in (direction, weights):
            if array.ndim != 1 or array.shape != direction.shape or not np.isfinite(array).all():
                raise ValueError(f"axis {facts.get('name')!r} has no finite direction and weights")
        evidence = Evidence(**facts["evidence"])
        return cls(
            str(facts["name"]), direction.astype(np.float32), float(facts["unit"]), weights.astype(np.float32),
            float(facts["offset"]), str(facts["kind"]), str(facts["source"]), evidence,
            tuple(str(name) for name in facts["orthogonal_to"]),
        )  # fmt: skip

    def __str__(self) -> str:
        of = self.evidence
        words = f"{self.name}: {self.source}; one unit is {self.unit:.3g}"
        if of.reading is not None:
            words += f"; {of.measure} {of.reading:.3f} held out, {of.along:.3f} along it alone"
        if of.random is not None:
            words += f" (random directions {of.random:.3f}, best {of.random_best:.3f})"
        if of.moved is not None:
            moved = (
                f"{of.moved:.0%} of held-out items" if self.kind == "label" else f"{of.moved:.2f} standard deviations"
            )
            words += f"; a unit moves {moved}"
        return words + (f"; leaves {', '.join(self.orthogonal_to)} alone" if self.orthogonal_to else "")

    def __repr__(self) -> str:
        return f"<Axis {self}>"


class Axes(Mapping):
    """The axes that a space keeps, by name: what `space.axes` is. Prints as a line for each."""

    def __init__(self, axes: Mapping[str, Axis]):
        self._axes = dict(axes)

    def __getitem__(self, name: str) -> Axis:
        if name not in self._axes:
            raise KeyError(f"axis {name!r} is not kept; there are: {', '.join(self._axes) or 'none'}.")
        return self._axes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._axes)

    def __len__(self) -> int:
        return len(self._axes)

    def to_dict(self) -> list[dict[str, Any]]:
        """All of them as plain data, without their arrays."""
        return [axis.facts() for axis in self._axes.values()]

    def __str__(self) -> str:
        return "\n".join(map(str, self._axes.values())) or "no axes yet: space.axis('smiling', where={...}) learns one"

    __repr__ = __str__
