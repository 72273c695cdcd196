"""What was measured, as the sections of a report."""

from collections.abc import Sequence
from typing import Any

from ..reports import Chart, Section, Table, charts
from ..reports.blocks import shown
from .halving import Outcome, Plan
from .picking import Picked, Trial

_COLUMNS = ["model", "dims", "task", "variance kept", "neighbours kept", "active", "bytes", "seconds"]
_TOLD = "told the target"


def sections(
    picked: Picked, out: Outcome, plan: Plan, features: int, target: Any
) -> tuple[list[str], list[Section]]:  # fmt: skip
    """The verdict's sentences, and the evidence."""
    best = picked.trial
    verdict = [
        f"Take {picked.why}",
        f"A latent takes {best.bytes} bytes, 1/{shown(max(features / best.dims, 1))} of the numbers.",
    ]
    if best.told:
        others = sorted({trial.model for trial in out.last if not trial.failed and not trial.told})
        verdict.append(
            f"While it was trained, {best.model} was told the target of the items it learned from"
            + (f", and {' and '.join(others)} could not be" if others else "")
            + "; the score is of other items. Fitted with target=None, it would not look at it."
        )
    if out.out_of_time:
        verdict.append(
            f"Time ran out: this is of {best.items:,} items, and not of the {plan.rounds[-1]:,} that were planned."
        )
    failed = sorted(
        {trial.model for trial in out.trials if trial.failed} - {trial.model for trial in out.last if not trial.failed}
    )
    if failed:
        verdict.append(f"Could not be measured: {', '.join(failed)}; the reasons are in the table.")
    told = [_last(picked, out.last, target), _curves(picked, out.last)]
    early = [trial for trial in out.trials if trial not in out.last]
    if early:
        told.append(_earlier(early))
    return verdict, told


def _last(picked: Picked, last: Sequence[Trial], target: Any) -> Section:
    rows = sorted(last, key=lambda trial: (trial.model, trial.dims))
    told = "of the target by a linear probe (balanced accuracy, or R2)" if target is not None else "not asked for"
    meaning = (
        f"Task: {told}. Variance kept: what comes back of the features. Neighbours kept: of the 10 nearest by "
        "features, how many are in z. Of all three more is better; all on items that no model was trained on. "
        "Active: dimensions that hold something. Bytes of a latent and seconds of processor time: fewer is better."
    )
    marked = [place for place, trial in enumerate(rows) if trial is picked.trial]
    columns, cells = _COLUMNS, [_row(trial) for trial in rows]
    if target is not None:
        columns = [*_COLUMNS, _TOLD]
        cells = [[*row, "yes" if trial.told else "no"] for row, trial in zip(cells, rows, strict=True)]
        meaning += " Told the target: while it was trained; such models are made for this one question."
    table = Table(columns, cells, meaning, marked)
    sizes = Table(
        ["model", "dims that pay", "why"], [[each.trial.model, each.trial.dims, each.why] for each in picked.sized],
        "How many dimensions each model should have, by its own curve.",
    )  # fmt: skip
    return Section(
        "Models and dimensions", f"Trained on {rows[0].items:,} items; the marked row is recommended.", [table, sizes]
    )


def _row(trial: Trial) -> list[Any]:
    if trial.failed:
        return [trial.model, trial.dims, f"failed: {trial.failed}", None, None, None, None, None]
    return [
        trial.model, trial.dims, trial.task, trial.reconstruction, trial.neighbours, trial.active, trial.bytes,
        trial.seconds,
    ]  # fmt: skip


def _curves(picked: Picked, last: Sequence[Trial]) -> Section:
    there = [trial for trial in last if not trial.failed]
    by_task = any(trial.task is not None for trial in there)
    series = {
        name: sorted((trial.dims, trial.quality) for trial in there if trial.model == name)
        for name in dict.fromkeys(trial.model for trial in there)
    }
    named = "task score" if by_task else "mean of variance and neighbours kept"
    mark = {float(picked.trial.dims): f"{picked.trial.model}, {picked.trial.dims}"}
    svg = charts.lines(series, f"{named} over dimensions", x="dimensions", y=named, log_x=True, marks=mark)
    meaning = f"The {named}, by dimensions. Higher is better; the dashed line is what is recommended."
    return Section("The curve", "", [Chart(svg, meaning)])


def _earlier(trials: Sequence[Trial]) -> Section:
    rows = [[trial.items, *_row(trial)] for trial in trials]
    return Section(
        "Earlier rounds", "On fewer items; the better half of the models went on.",
        [Table(["items", *_COLUMNS], rows, "As above, after training on so many items.")],
    )  # fmt: skip
