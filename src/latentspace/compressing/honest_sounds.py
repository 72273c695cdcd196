"""The honest report of sounds: exact ones beside FLAC and xz, others beside Opus, Vorbis and MP3 by their SNR."""

from typing import TYPE_CHECKING, Any

from ..codec.protocol import Coder
from ..codec.rate import step_of_quality
from ..progress import Progress
from ..reports import Chart, Section, Table, charts
from ..reports.blocks import shown
from . import rivals_sounds as rivals
from .forms import Coded
from .measuring import Told, bytes_of
from .sounds import width_of

if TYPE_CHECKING:
    from . import Asked, Written

_QUALITIES = (10.0, 25.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0)


def sounds_of(sample: Coded) -> list[rivals.Sound]:
    """A sample's sounds as rivals take them."""
    return [(x, rate, width_of(x)) for x, rate in zip(sample.arrays, sample.metadata["rate"], strict=True)]


def lossy(coder: Coder, sample: Coded, asked: "Asked", written: "Written") -> Told:
    """Rates and SNR of the coder's settings and of other formats', on the same sounds."""
    from .honest import beside, bytes_at, pays

    sounds = sounds_of(sample)
    originals = [rivals.full_scale(x, width) for x, _, width in sounds]
    n, values = len(sounds), max(1, sum(x.size for x in originals))
    assert coder.span is not None
    steps = sorted({coder.snapped(step_of_quality(coder.span, quality)) for quality in _QUALITIES} | {written.step})
    ours: dict[float, tuple[float, float]] = {}
    others: dict[str, list[tuple[float, float]]] = {}
    with Progress("Measuring formats", len(steps) + 24) as progress:
        for step in steps:
            back = coder.approximate(sample.arrays, step)
            decoded = [rivals.full_scale(y, width) for y, (_, _, width) in zip(back, sounds, strict=True)]
            each = bytes_of(coder, sample.arrays, step, asked.random_access)
            ours[step] = (each, rivals.signal_to_noise(originals, decoded))
            progress.advance()
        for name, points in rivals.lossy(sounds).items():
            others[name] = []
            for point in points():
                others[name].append((point.bytes, rivals.signal_to_noise(originals, point.items)))
                progress.advance()
    others = {name: found for name, found in others.items() if found}
    each, snr = ours[written.step]
    at = {name: bytes_at(found, snr) for name, found in others.items()}
    reached = {name: size for name, size in at.items() if size is not None}
    best = min(reached, key=lambda name: reached[name], default=None)
    if best is None:
        verdict = [f"An item takes {shown(each)} bytes at an SNR of {snr:.1f} dB, which no other format here comes to."]
    else:
        how = f"at an SNR of {snr:.1f} dB"
        verdict = [beside(each, reached[best], best, how), pays(written, each, reached[best], best)]
    verdict.append(
        "SNR counts errors of samples. Opus, Vorbis and MP3 put theirs where ears miss them: by ear they stand better."
    )
    curves = {"latentspace": list(ours.values()), **others}
    series = {name: sorted((8 * size * n / values, db) for size, db in found) for name, found in curves.items()}
    section = Section("Rate and distortion", f"{n:,} items of the source, all formats on the same.", [
        _table(coder, each, snr, at),
        Chart(
            charts.lines(series, "SNR over bits a sample", x="bits a sample", y="SNR in dB", log_x=True),
            "SNR over bits a sample, a file an item. Higher, and farther to the left, is better.",
        ),
    ])  # fmt: skip
    facts: dict[str, Any] = {
        "snr": snr, "bytes_an_item": each, "rivals": at, "best_rival": best, "model_bytes": written.model_bytes,
        "curve": series,
    }  # fmt: skip
    return Told(verdict, [section], facts)


def _table(coder: Coder, each: float, snr: float, at: dict[str, float | None]) -> Table:
    rows: list[list[Any]] = [[f"latentspace ({coder.name})", each, 1.0]]
    rows += [[name, size, None if size is None else each / size] for name, size in at.items()]
    return Table(
        ["format", f"bytes an item at {snr:.1f} dB", "latentspace's share of it"], rows,
        "Bytes of a file an item at the same SNR, between the settings of a format on a straight line; fewer is "
        "better. A dash: no setting comes to it.", [0],
    )  # fmt: skip
