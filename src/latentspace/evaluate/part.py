"""What each part of an evaluation gives back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..reports import Section
from ..reports.blocks import span
from .findings import Finding
from .intervals import Score


@dataclass
class Part:
    """A section, its facts by name, and what it found."""

    section: Section
    facts: dict[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = ()


def said(score: Score, as_share: bool = False) -> str:
    """A score with its interval, in words."""
    known = score.low == score.low and score.high == score.high
    return span(score.value, score.low if known else None, score.high if known else None, as_share)


def as_fact(score: Score) -> dict[str, float]:
    """A score as plain data."""
    return {"value": score.value, "low": score.low, "high": score.high}
