"""The honest report of a compression: what it takes and loses beside what a user would take instead.

Measured on a sample of the very items. The bytes of what the coder learned are counted, and from how many items on that
pays is said; where another format is smaller, that is the verdict.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..codec.protocol import CODERS, Coder
from ..codec.rate import step_of_quality
from ..errors import UnsupportedError
from ..items.protocol import Gathered
from ..progress import Progress
from ..reports import Chart, Report, Section, Table, charts
from ..reports.blocks import shown
from . import coders, honest_sounds, rivals, rivals_sounds, surviving
from .forms import Coded
from .measuring import Told, bytes_of, decibels, decoded, pictures_of, sampled

if TYPE_CHECKING:
    from ..verbs.state import State
    from . import Asked, Written

_BESIDE = ("images", "array", "texts", "strings")  # kinds of items that others are measured on
_SAMPLE = 200  # items that rates are measured on
_QUALITIES = (10.0, 30.0, 50.0, 70.0, 90.0)


def report(space: "State", gathered: Gathered, asked: "Asked", written: "Written", target: str | None) -> Report:
    """Stands what was written beside other formats.

    Parameters
    ----------
    space, gathered, asked
        As they were compressed.
    written : Written
        What came of it.
    target : str or None
        A metadata column, whose survival is measured: see `surviving`.

    Raises
    ------
    UnsupportedError
        If the items are neither pictures, sounds, texts nor tables.
    ValueError
        If `target` is not a column, or there are too few items of too few classes.
    """
    if CODERS[written.coder].reads == "table":
        from . import tables_report

        if target is not None:
            raise UnsupportedError("--target is for pictures: what comes back of a table is what was there.")
        told = tables_report.told(gathered, asked, written)
        return Report(f"{written.items:,} items in {written.bytes:,} bytes", told.verdict, told.sections, told.facts)
    facts, arrays = space._coders[written.coder]
    coder = coders.rebuilt(written.coder, facts, arrays, space.model)
    if space.modality.kind not in _BESIDE and coder.reads != "sound":
        if space.modality.kind == "table":
            raise UnsupportedError("--report of a table's latents is not to be had: give --lossless or --max-error.")
        raise UnsupportedError(
            f"--report stands pictures, sounds, texts and tables beside other formats; {space.modality.kind} by coder "
            f"{coder.name!r} have none here yet. Compress without it"
            f"{', or with --coder sound' if space.modality.kind == 'audio' else ''}."
        )
    sample = sampled(space, gathered, coder, _SAMPLE)
    if not len(sample):
        raise ValueError("there is no item to report on.")
    what = (coder, sample, asked, written)
    if coder.lossless:
        told = _exact(*what)
    else:
        told = honest_sounds.lossy(*what) if coder.reads == "sound" else _lossy(space, *what)
    if target is not None:
        told = told.joined(surviving.section(space, gathered, coder, asked, written, target))
    return Report(f"{written.items:,} items in {written.bytes:,} bytes", told.verdict, told.sections, told.facts)


# ---------------------------------------------------------------------- without loss
def _exact(coder: Coder, sample: Coded, asked: "Asked", written: "Written") -> Told:
    each = bytes_of(coder, sample.arrays, 1.0, asked.random_access)
    if coder.reads == "sound":
        others = rivals_sounds.exact(honest_sounds.sounds_of(sample))
    else:
        others = (rivals.exact_texts if coder.reads == "text" else rivals.exact_pictures)(list(sample.arrays))
    best = min(others, key=lambda name: others[name])
    verdict = [beside(each, others[best], best, "exactly")]
    verdict.append(pays(written, each, others[best], best))
    rows = [[f"latentspace ({coder.name})", each, 1.0], *([name, size, each / size] for name, size in others.items())]
    table = Table(
        ["format", "bytes an item", "latentspace's share of it"], rows,
        "Bytes an item without loss, the model not counted; fewer is better. Below 1, latentspace is smaller.", [0],
    )  # fmt: skip
    facts = {"bytes_an_item": each, "rivals": others, "best_rival": best, "model_bytes": written.model_bytes}
    return Told(verdict, [Section("Without loss", f"{len(sample):,} items of the source.", [table])], facts)


# ---------------------------------------------------------------------- with loss
def _lossy(space: "State", coder: Coder, sample: Coded, asked: "Asked", written: "Written") -> Told:
    originals = pictures_of(space, sample, coder)
    ours = []
    assert coder.span is not None
    steps = sorted({coder.snapped(step_of_quality(coder.span, quality)) for quality in _QUALITIES} | {written.step})
    series: dict[str, list[tuple[float, float]]] = {}
    values = sum(picture.shape[0] * picture.shape[1] for picture in originals)
    with Progress("Measuring formats", len(steps) + 26) as progress:
        for step in steps:
            each = bytes_of(coder, sample.arrays, step, asked.random_access)
            ours.append((each, decibels(originals, decoded(space, coder, sample, step)), step))
            progress.advance()
        others = {}
        for name, points in rivals.lossy_pictures(originals).items():
            found = []
            for point in points():
                found.append((point.bytes, decibels(originals, point.items)))
                progress.advance()
            others[name] = found
    here = next((each, db) for each, db, step in ours if step == written.step)
    n = len(originals)
    label = f"latentspace ({coder.name})"
    series["latentspace"] = [(8 * each * n / values, db) for each, db, _ in sorted(ours)]
    series |= {name: [(8 * each * n / values, db) for each, db in found] for name, found in others.items()}
    at = {name: bytes_at(found, here[1]) for name, found in others.items()}
    reached = {name: size for name, size in at.items() if size is not None}
    best = min(reached, key=lambda name: reached[name], default=None)
    verdict = []
    if best is None:
        verdict.append(
            f"An item takes {shown(here[0])} bytes at {here[1]:.1f} dB, which no other format here comes to."
        )
    else:
        verdict.append(beside(here[0], reached[best], best, f"at {here[1]:.1f} dB"))
        verdict.append(pays(written, here[0], reached[best], best))
    rows: list[list[Any]] = [[label, here[0], 1.0]]
    rows += [[name, size, None if size is None else here[0] / size] for name, size in at.items()]
    table = Table(
        ["format", f"bytes an item at {here[1]:.1f} dB", "latentspace's share of it"], rows,
        "Bytes of a file an item at the same PSNR, between the settings of a format on a straight line; fewer is "
        "better. A dash: no setting comes to it. The model is not counted here.", [0],
    )  # fmt: skip
    svg = charts.lines(series, "PSNR over bits a pixel", x="bits a pixel", y="PSNR in dB", log_x=True)
    chart = Chart(svg, "PSNR over bits a pixel, a file an item. Higher, and farther to the left, is better.")
    facts = {
        "psnr": here[1], "bytes_an_item": here[0], "rivals": at, "best_rival": best, "model_bytes": written.model_bytes,
        "curve": dict(series),
    }  # fmt: skip
    section = Section(
        "Rate and distortion", f"{len(sample):,} items of the source, all formats on the same.", [table, chart]
    )
    return Told(verdict, [section], facts)


def bytes_at(points: Sequence[tuple[float, float]], psnr: float) -> float | None:
    """Bytes at a PSNR, between points (bytes, dB) on a straight line; None where no setting comes to it."""
    ordered = sorted(points, key=lambda point: point[1])
    dbs, sizes = [p[1] for p in ordered], [p[0] for p in ordered]
    if not ordered or psnr > dbs[-1]:
        return None
    return float(np.interp(psnr, dbs, sizes))


# ---------------------------------------------------------------------- sentences
def beside(ours: float, best: float, name: str, how: str) -> str:
    if ours <= best:
        share = f"{ours / best:.2f} of the {shown(best)} of {name}"
        return f"An item takes {shown(ours)} bytes {how}, {share}, the best other."
    return f"{name} is smaller: {shown(best)} bytes an item {how}, where this takes {shown(ours)}. Take {name}."


def pays(written: "Written", ours: float, best: float, name: str) -> str:
    if not CODERS[written.coder].learns:
        return "The coder learns nothing from the items, so there is no model to pay for."
    model = f"What the coder learned takes {written.model_bytes:,} bytes"
    if ours >= best:
        return f"{model}, and no number of items pays for it."
    count = math.ceil(written.model_bytes / (best - ours))
    there = written.items >= count
    return (
        f"{model}: with it, this is smaller than {name} from {count:,} items on; here are {written.items:,}, "
        f"{'so it pays' if there else 'so it does not pay, unless the model is kept for more'}."
    )
