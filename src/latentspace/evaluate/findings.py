"""What an evaluation says in plain words: findings with a name, ordered by weight, and the one sentence above them."""

from collections.abc import Sequence
from dataclasses import dataclass

WEIGHTS = {  # what is wrong, the gravest first; what is right has no weight
    "noise": 100, "loses-target": 90, "loses-class": 80, "collapsed": 70, "low-variance-task": 65,
    "no-reconstruction": 60, "neighbours-by-chance": 55, "overconfident-posterior": 40, "memorised": 40,
    "missing-modes": 35, "repeated-dims": 30, "features-silent": 20, "target-was-seen": 10, "keeps-all": 0,
    "better-than-features": 0, "beats-pca": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing that a reader should know.

    Attributes
    ----------
    name : str
        One of `WEIGHTS`.
    sentence : str
    """

    name: str
    sentence: str

    @property
    def is_wrong(self) -> bool:
        """Whether it is a fault, or something to be careful with; the rest is good news."""
        return WEIGHTS[self.name] > 0


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """The gravest first; of equal weight in the order given."""
    return sorted(findings, key=lambda each: -WEIGHTS[each.name])
