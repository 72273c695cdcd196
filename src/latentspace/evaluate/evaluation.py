"""Judges a space: runs every part that it allows, and says the verdict in one sentence."""

import time
from collections.abc import Callable

from ..reports import Facts, Report, Section
from ..reports.blocks import shown
from .findings import Finding, ordered
from .given import Given
from .part import Part
from .sections import dimensions, factors, generation, neighbours, posterior, rate, reconstruction, task
from .shape import active_dims

_FEWEST = 20  # items that anything can be said of


def evaluate(given: Given) -> Report:
    """Runs the parts and puts the verdict before them; see `LatentSpace.evaluate`.

    Raises
    ------
    ValueError
        If there are fewer than 20 items, or the target or a factor cannot be told.
    """
    if given.n < _FEWEST:
        raise ValueError(f"evaluate() needs {_FEWEST} items and more to say anything; this space has {given.n}.")
    parts, left = {}, []
    for name, judge, refusal in _plan(given):
        if refusal is not None:
            left.append((name, refusal, "Nothing is claimed about it."))
            continue
        began = time.perf_counter()
        part = judge(given)
        if part is not None:
            part.facts["seconds"] = round(time.perf_counter() - began, 2)
            parts[name] = part
    found = ordered([finding for part in parts.values() for finding in part.findings])
    sections = [part.section for part in parts.values()]
    if left:
        sections.append(Section("What was not measured", "", [Facts(left)]))
    facts = {
        "items": given.n, "dims": given.dims, "quick": given.quick, "seed": given.seed,
        "findings": [{"name": each.name, "sentence": each.sentence, "wrong": each.is_wrong} for each in found],
        **{name: part.facts for name, part in parts.items()},
        "not_measured": {name: why for name, why, _ in left},
    }  # fmt: skip
    return Report(f"Evaluation of {given.title}", _verdict(given, parts, found), sections, facts)


def _plan(given: Given) -> list[tuple[str, Callable[[Given], Part | None], str | None]]:
    """Parts in their order, each with the reason why it cannot be had, if so."""
    x = None if given.features is not None else "The items' features are not at hand."
    back = x or (None if given.decodes else "The model has no way back to features.")
    infers = getattr(given.model, "posterior", None) == "gaussian" and getattr(given.model, "prior", None) == "normal"
    drawn = back or (
        None if given.draw is not None and given.n >= 40 else "Nothing can be drawn, or the items are fewer than 40."
    )
    named = "No target was named: target= takes a metadata column."
    known = "No known factors were named: factors= takes metadata columns."
    return [
        ("task", task.judge, None if given.target is not None else named),
        ("reconstruction", reconstruction.judge, back),
        ("neighbours", neighbours.judge, x),
        ("dimensions", dimensions.judge, None),
        ("factors", factors.judge, None if given.factors else known),
        ("generation", generation.judge, drawn),
        ("posterior", posterior.judge, back or (None if infers else "The model has no Gaussian posterior beside a "
            "normal prior.")),
        ("rate", rate.judge, None),
    ]  # fmt: skip


def _verdict(given: Given, parts: dict[str, Part], found: list[Finding]) -> list[str]:
    wrong = [each for each in found if each.is_wrong]
    first = _task_sentence(given, parts, found) if "task" in parts else _plain_sentence(given, parts)
    said = {"noise", "features-silent", "keeps-all", "loses-class"} if "task" in parts else set()
    others = [each.sentence for each in [*wrong, *(e for e in found if not e.is_wrong)] if each.name not in said]
    if "task" in parts:
        others.append(_plain_sentence(given, parts))
    if not wrong:
        others.append("Nothing else was found wrong." if others else "Nothing was found wrong.")
    return [first, *others]


def _task_sentence(given: Given, parts: dict[str, Part], found: list[Finding]) -> str:
    by_name = {each.name: each.sentence for each in found}
    for name in ("noise", "features-silent"):
        if name in by_name:
            return by_name[name]
    kept, scores = parts["task"].facts["kept"], parts["task"].facts["scores"]
    if "features" not in scores:
        best, chance = scores["z"]["best"], parts["task"].facts["chance"]
        return (
            f"Tells {given.target} with a score of {best['value']:.2f} ({best['low']:.2f} to {best['high']:.2f}; "
            f"chance is {chance:.2g})."
        )
    share = f"{100 * kept['value']:.0f}% ({100 * kept['low']:.0f} to {100 * kept['high']:.0f})"
    words = f"Keeps {'all, ' if 'keeps-all' in by_name else ''}{share} of what predicts {given.target} {_size(given)}"
    lost = by_name.get("loses-class")
    return f"{words}; {lost[0].lower()}{lost[1:]}" if lost else f"{words}."


def _plain_sentence(given: Given, parts: dict[str, Part]) -> str:
    says = []
    if "reconstruction" in parts:
        says.append(f"{parts['reconstruction'].facts['variance_kept']:.0%} of the features' variance")
    if "neighbours" in parts and parts["neighbours"].facts["k"]:
        ks = parts["neighbours"].facts["k"]
        k = list(ks)[len(ks) // 2]
        says.append(f"{ks[k]['kept']['value']:.0%} of each item's {k} nearest neighbours")
    active = f"{int(active_dims(given.z, given.model).sum())} of {given.dims} dimensions are active"
    return f"Keeps {' and '.join(says)} {_size(given)}; {active}." if says else f"{active}."


def _size(given: Given) -> str:
    """What a latent takes of the features' numbers."""
    if not given.p:
        return f"in {given.dims} dimensions"
    ratio = given.p / given.dims
    if ratio < 1:
        return f"at {1 / ratio:.2g} times the size"
    return "at the same size" if ratio < 1.05 else f"at 1/{shown(ratio)} of the size"
