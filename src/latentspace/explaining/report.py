"""The words, tables and pictures of an explanation."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..progress import track
from ..reports import Chart, Fold, Pictures, Prose, Section, Table, charts
from ..reports.blocks import Block, shown

if TYPE_CHECKING:
    from ..explain.evidence import Evidence
    from .explain import Dimension, Explanation
    from .ground import Ground

_STEPS = (-2.0, -1.0, 0.0, 1.0, 2.0)
_TOLD = 5  # of anything in a row
_IN_VERDICT = 6


def composed(report: "Explanation", ground: "Ground", source: str) -> None:
    """Puts verdict, sections and facts into a report whose values are there."""
    from .explain import plain_facts

    report.verdict = _verdict(report, ground)
    report.sections = [_glance(report, source)]
    for at, one in enumerate(track(report.dimensions, "Drawing")):
        effect = None if report.effects is None else report.effects[at]
        report.sections.append(_dimension(one, effect, ground, source))
    if report.rotations:
        report.sections.append(_rotations(report))
    if report.concepts:
        report.sections.append(_concepts(report))
    if report.sparse:
        report.sections.append(_sparse(report, ground))
    report.facts = plain_facts(report, ground.space)


# ---------------------------------------------------------------------- in a few sentences
def _verdict(report: "Explanation", ground: "Ground") -> list[str]:
    clear = [one for one in report.dimensions if one.clear]
    total = len(report.dimensions)
    count = f"{total} dimension{'s' if total != 1 else ''}"
    if total < ground.space.dims:
        count += f" (of {ground.space.dims}, those that vary most)"
    if not clear:
        said = [f"None of {count} has a clear meaning."]
    else:
        named = "; ".join(f"{one.dimension}: {one.name}" for one in clear[:_IN_VERDICT])
        more = f"; and {len(clear) - _IN_VERDICT} more" if len(clear) > _IN_VERDICT else ""
        said = [f"{len(clear)} of {count} {'has' if len(clear) == 1 else 'have'} a clear meaning: {named}{more}."]
    unused = sum(one.name == "unused" for one in report.dimensions)
    if unused:
        said.append(f"{unused} {'is' if unused == 1 else 'are'} unused: all items have the same value.")
    if report.basis_p == report.basis_p:
        if report.basis_p > 0.025:
            ends = (
                "what is named lies along its dimension alone, as few of these have it"
                if clear
                else "no dimension is named for them"
            )
            said.append(
                f"The axes as a whole are no better than others: {100 * report.basis_p:.0f}% of random rotations of "
                f"this space fit the metadata as well; {ends}."
            )
        elif clear:
            said.append(
                f"The axes fit the metadata better than random rotations of the space do (p {_p(report.basis_p)})."
            )
    for turned in report.rotations:
        if turned.worth():
            what, pair = _reads(turned)
            said.append(
                f"{_NAMES[turned.name]} reads better: {what} {shown(pair[1])}, {shown(pair[0])} before. {_cost(turned)}"
            )
    for concept in report.concepts:
        if concept.stands:
            said.append(f"{concept.name!r} stands for {concept.column} (p {_p(concept.p_value)}).")
        else:
            said.append(f"{concept.name!r} tells no more of any column than random directions do.")
    return said


def _p(value: float) -> str:
    return f"below {0.001}" if value < 0.001 else f"{value:.2g}"


# ---------------------------------------------------------------------- all dimensions
def _glance(report: "Explanation", source: str) -> Section:
    kl = any(one.kl is not None for one in report.dimensions)
    columns = ["dimension", "meaning", "variance", *(["nats"] if kl else []), "effect", "goes with"]
    rows = [
        [
            one.dimension, one.name, f"{100 * one.share:.1f}%", *([one.kl] if kl else []), one.effect,
            _goes(one.goes_with[:2]),
        ]
        for one in report.dimensions
    ]  # fmt: skip
    meaning = "Variance: share of all that the latents vary by. "
    if kl:
        meaning += "Nats: what the dimension tells of an item, by the posterior; near 0 it is asleep. "
    meaning += (
        f"Effect: how much one standard deviation changes the features ({source or 'not known here'}), where the "
        "largest is 1. Goes with: strength from 0 to 1. None is better or worse for being large."
    )
    bars = [
        charts.Bar(f"{one.dimension} {one.name if one.clear else ''}".strip(), 100 * one.share, colour=1 + one.clear)
        for one in report.dimensions
    ]
    drawn = charts.bars(bars, "Share of the variance by dimension", unit="% of the variance")
    return Section(
        "Dimensions at a glance",
        "How much each dimension holds, and what it means where that is clear.",
        [
            Table(columns, rows, meaning, [at for at, one in enumerate(report.dimensions) if one.clear]),
            Chart(
                drawn,
                "Named dimensions are in the second colour. A long bar is a dimension along which items differ much.",
            ),
        ],
    )  # fmt: skip


def _goes(told: "list[Evidence]") -> str:
    return ", ".join(f"{one.column} {'-' if one.sign < 0 else ''}{one.strength:.2f}" for one in told) or "nothing"


# ---------------------------------------------------------------------- one dimension
def _dimension(
    one: "Dimension", effect: np.ndarray | None, ground: "Ground", source: str
) -> Section:  # fmt: skip
    says = one.because[:1].upper() + one.because[1:] + "." if one.because else ""
    blocks: list[Block] = []
    blocks += _extremes(one, ground)
    blocks += _traversal(one, ground)
    if effect is not None and ground.as_picture:
        words = (
            "Red rises and blue falls towards the high end, over the mean item in grey. The deepest colour is the "
            "largest effect of this dimension."
        )
        if one.bent is not None and one.bent > 0.5:
            words += " It differs much from place to place: this is a mean over several."
        blocks.append(Pictures([(ground.drawing(effect, None), source)], words))
    if one.features:
        unit = "attribution" if source == "integrated gradients" else "change by one standard deviation"
        bars = [charts.Bar(name, value, colour=1 if value >= 0 else 2) for name, value in one.features]
        drawn = charts.bars(bars, f"Features that dimension {one.dimension} moves", unit=unit)
        blocks.append(
            Chart(
                drawn,
                f"The features it moves most, by {source}, in the features' own unit: right rises, left falls.",
            )
        )  # fmt: skip
        blocks.append(
            Fold(
                "the same as a table",
                [Table(["feature", unit], [list(row) for row in one.features], "In the features' own unit.")],
            )
        )  # fmt: skip
    if one.goes_with:
        rows = [
            [
                each.column, each.strength, {1: "rises", -1: "falls", 0: f"{each.low} to {each.high}"}[each.sign],
                each.information, _p(each.p_value),
            ]
            for each in one.goes_with[:_TOLD]
        ]  # fmt: skip
        meaning = (
            "Strength: rank correlation, or the root of the share of variance between groups; 1 is all. Information: "
            "share of the column's entropy; much more than the strength suggests a bent relation. p is corrected for "
            "all columns and dimensions; small is sure."
        )
        blocks.append(Table(["goes with", "strength", "how", "information", "p"], rows, meaning))
    return Section(f"{one.dimension}: {one.name}", says, blocks)


def _extremes(one: "Dimension", ground: "Ground") -> list[Block]:
    low, high = ground.pictures(one.low), ground.pictures(one.high)
    if low or high:
        return [
            Pictures(low, "The items that lie lowest along it, outermost first."),
            Pictures(high, "The items that lie highest along it, outermost first."),
        ]
    rows = [
        [ground.caption(a) if a is not None else "", ground.caption(b) if b is not None else ""]
        for a, b in _paired(one.low, one.high)
    ]
    return [Table(["lowest", "highest"], rows, "The items at both ends, outermost first.")]


def _paired(a: list[int], b: list[int]) -> list[tuple[Any, Any]]:
    most = max(len(a), len(b))
    return [(a[i] if i < len(a) else None, b[i] if i < len(b) else None) for i in range(most)]


def _traversal(one: "Dimension", ground: "Ground") -> list[Block]:
    """The mean latent moved along the dimension, decoded: pictures, or what changes most in rows and words."""
    if ground.decode is None or one.name == "unused":
        return []
    z = ground.space.latents
    middle, spread = z.mean(axis=0), float(z[:, one.dimension].std())
    steps = np.repeat(middle[None], len(_STEPS), axis=0)
    steps[:, one.dimension] += np.array(_STEPS) * spread
    x = ground.decode(steps.astype(np.float32))
    labels = [f"{step:+g} sd" if step else "mean" for step in _STEPS]
    pictures = [ground.picture(row) for row in x]
    if all(picture is not None for picture in pictures):
        words = "The mean item moved along the dimension, in standard deviations, all else held."
        return [Pictures(list(zip(pictures, labels, strict=True)), words)]
    if ground.space.modality.kind != "table" or not ground.own:
        return []
    frame = ground.space.modality.restore(x)
    groups = ground.groups()
    changed = [str(name) for name in frame.columns]
    if groups is not None and one.features:
        moved = list(dict.fromkeys(groups[0][groups[1][_place(ground, name)]] for name, _ in one.features))
        changed = [name for name in moved if name in changed][:_TOLD]
    rows = [[name, *[_cell(value) for value in frame[name]]] for name in changed]
    return [
        Table(["column", *labels], rows, "The mean row moved along the dimension, all else held: what it moves most.")
    ]


def _place(ground: "Ground", name: str) -> int:
    return (ground.space.modality.feature_names or []).index(name)


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float | str) or value is None else str(value)


# ---------------------------------------------------------------------- rotations, concepts, sparse features
_NAMES = {"varimax": "A varimax rotation", "ica": "Independent components"}


def _reads(turned: Any) -> tuple[str, tuple[float, float]]:
    if not np.isnan(turned.parted[1]):
        return "one dimension tells that much more of a column than the next", turned.parted
    what = "each moves few features alone" if turned.name == "varimax" else "excess kurtosis"
    return what, turned.simplicity


def _cost(turned: Any) -> str:
    kept = f"{100 * turned.neighbours_kept:.0f}% of neighbours stay"
    return (
        f"It costs: {kept}, dimensions correlate by {turned.correlation:.2f} on average, and the first half "
        "of them hold "
        f"{100 * turned.leading[1]:.0f}% of the variance instead of {100 * turned.leading[0]:.0f}%."
    )


def _rotations(report: "Explanation") -> Section:
    rows = [
        [
            turned.name, "yes" if turned.worth() else "no", turned.simplicity[0], turned.simplicity[1],
            turned.parted[0], turned.parted[1], f"{100 * turned.neighbours_kept:.0f}%", turned.correlation,
            f"{100 * turned.leading[0]:.0f}% to {100 * turned.leading[1]:.0f}%", turned.stable,
        ]
        for turned in report.rotations
    ]  # fmt: skip
    columns = [
        "rotation", "reads better", "simple before", "after", "metadata parted before", "after", "neighbours kept",
        "correlation", "variance in the first half", "stable",
    ]  # fmt: skip
    meaning = (
        "Simple: how far a dimension moves few features alone (varimax) or is far from Gaussian (ICA). "
        "Metadata parted: "
        "how much more of a column one dimension tells than the next; higher reads better. What it costs: "
        "neighbours that "
        "change, dimensions that repeat one another, variance that no longer comes first. Stable: near 1, other starts "
        "find the same axes."
    )
    return Section(
        "Rotations that may read better",
        "The same space on other axes; nothing is lost that cannot be turned back.",
        [Table(columns, rows, meaning), Prose("report.rotations has each with apply(z), back(z) and direction(d).")],
    )


def _concepts(report: "Explanation") -> Section:
    rows = [
        [
            one.name, "yes" if one.stands else "no", one.column, one.strength, one.random, _p(one.p_value), one.effect,
            ", ".join(f"{d} ({cosine:+.2f})" for d, cosine in one.along),
        ]
        for one in report.concepts
    ]  # fmt: skip
    meaning = (
        "Strength: how much of its column a direction tells, 0 to 1; random: what the median of 500 random directions "
        "tells of it. p: share of them that tell as much of any column. Effect: the decode's change by a "
        "deviation along "
        "it, where a random direction's is 1."
    )
    columns = ["direction", "stands", "for", "strength", "random", "p", "effect", "leans on dimensions"]
    return Section(
        "Directions tested", "Whether a direction stands for anything that random ones do not.",
        [Table(columns, rows, meaning)],
    )  # fmt: skip


def _sparse(report: "Explanation", ground: "Ground") -> Section:
    rows = [[one.number, one.name, f"{100 * one.usage:.1f}%", one.strength, one.because] for one in report.sparse]
    meaning = (
        "Usage: share of the items that use the feature; strength: its mean over those. A name is a value "
        "that its items "
        "share far more than others do."
    )
    blocks: list[Block] = [Table(["feature", "meaning", "usage", "strength", "because"], rows, meaning)]
    for one in report.sparse[: _TOLD * 3]:
        pictures = ground.pictures(one.top)
        if pictures:
            blocks.append(Pictures(pictures, f"Feature {one.number} ({one.name}): the items that use it most."))
        else:
            listed = [[ground.caption(row)] for row in one.top]
            blocks.append(Fold(f"feature {one.number}: {one.name}", [Table(["items that use it most"], listed)]))
    return Section("Sparse features", "Features of a sparse autoencoder, of which each item uses a few.", blocks)
