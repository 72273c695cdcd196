"""Rate control: the step that meets what was asked for, found between the ends of a coder's span."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Target = Literal["quality", "psnr", "bpp", "max_bytes"]
DEFAULT_QUALITY = 75.0
_TRIES = 18  # halvings: of a span of 1 to 10,000, to within 0.004%
_CLOSE = 1e-4  # of the logarithmic span, below which two steps cost the same


@dataclass(frozen=True)
class Aim:
    """What a user asked for.

    Attributes
    ----------
    what : "quality", "psnr", "bpp" or "max_bytes"
    value : float
        1 to 100; dB, all items together; bits a pixel, sample or value; bytes of the whole container.
    """

    what: Target = "quality"
    value: float = DEFAULT_QUALITY


def aim_of(
    quality: float | None = None, psnr: float | None = None, bpp: float | None = None, max_bytes: float | None = None
) -> Aim:
    """The one thing that was asked for; quality 75 where nothing was.

    Raises
    ------
    ValueError
        If several are given, or one is out of range.

    Examples
    --------
    >>> aim_of(psnr=30)
    Aim(what='psnr', value=30.0)
    """
    given = {"quality": quality, "psnr": psnr, "bpp": bpp, "max_bytes": max_bytes}
    asked = {name: float(value) for name, value in given.items() if value is not None}
    if len(asked) > 1:
        raise ValueError(f"{' and '.join(f'{name}={value:g}' for name, value in asked.items())} exclude one another.")
    if not asked:
        return Aim()
    ((name, value),) = asked.items()
    highest = {"quality": 100.0, "psnr": 200.0}.get(name, float("inf"))
    lowest = 1.0 if name == "quality" else 0.0
    if not lowest <= value <= highest or value in (0.0, float("inf")):
        room = {"quality": "1 to 100", "psnr": "above 0 dB, 200 at most"}.get(name, "above 0")
        raise ValueError(f"{name}={value:g} is out of range: {room}.")
    return Aim(name, value)  # type: ignore[arg-type]


def step_of_quality(span: tuple[float, float], quality: float) -> float:
    """Quality 100 is the finest step, 1 the coarsest, and between them equal ratios.

    >>> step_of_quality((1.0, 100.0), 100), step_of_quality((1.0, 100.0), 1)
    (1.0, 100.0)
    """
    finest, coarsest = span
    return finest * (coarsest / finest) ** ((100 - quality) / 99)


def coarsest_step(span: tuple[float, float], serves: Callable[[float], bool]) -> float:
    """The coarsest step that serves, where finer ones serve too; the finest where none does.

    >>> round(coarsest_step((1.0, 100.0), lambda step: step <= 10), 2)
    10.0
    """
    return _boundary(span, serves, coarse_first=True)


def finest_step(span: tuple[float, float], serves: Callable[[float], bool]) -> float:
    """The finest step that serves, where coarser ones serve too; the coarsest where none does."""
    return _boundary(span, serves, coarse_first=False)


def _boundary(span: tuple[float, float], serves: Callable[[float], bool], coarse_first: bool) -> float:
    finest, coarsest = span
    ratio = coarsest / finest
    best, worst = (coarsest, finest) if coarse_first else (finest, coarsest)
    if ratio <= 1 or serves(best):
        return best
    # `good` serves, or is the last resort; `bad` does not serve.
    good, bad = (0.0, 1.0) if coarse_first else (1.0, 0.0)
    for _ in range(_TRIES):
        if abs(good - bad) < _CLOSE:
            break
        middle = (good + bad) / 2
        if serves(finest * ratio**middle):
            good = middle
        else:
            bad = middle
    return finest * ratio**good if good not in (0.0, 1.0) else worst
