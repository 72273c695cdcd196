"""Items to a `.lsz` container and back: reading them, choosing the coder and the step, writing and reading blocks."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .. import __version__
from ..codec.container import Writer
from ..codec.protocol import CODERS, Coder
from ..codec.rate import Aim, aim_of, coarsest_step, step_of_quality
from ..codec.state import packed_state
from ..errors import UnsupportedError
from ..features import BLOCK
from ..items import gather_for
from ..items.protocol import Gathered, OnError, Skipped
from ..progress import Progress, say
from . import coders
from .forms import Coded, Form, form_of

if TYPE_CHECKING:
    from ..verbs.state import State

_SAMPLE = 256  # items that a step is chosen on; their rate and distortion are within about a percent of all items'
_SAMPLE_VALUES = 2**23
_BLOCK_VALUES = 2**26
_ROUNDS = 8  # whole encodings, at most, until max_bytes holds


@dataclass
class Asked:
    """How items shall be compressed; see `LatentSpace.compress`."""

    aim: Aim = field(default_factory=Aim)
    lossless: bool = False
    random_access: bool = True
    embed: bool = False
    coder: str | None = None
    rate: bool = False  # whether a rate or a distortion was asked for: lossless coders have none
    metadata: bool = True
    on_error: OnError = "skip"
    seed: int = 0
    max_error: Any = None


@dataclass
class Written:
    """What was written.

    Attributes
    ----------
    coder : str
    items, bytes, raw_bytes, model_bytes : int
        `bytes` is the whole container; `model_bytes` what decoding needs besides, or what of `bytes` is the model
        where it is embedded.
    estimated_bits : float
        By the coder's own probabilities.
    units : int
        Pixels, samples, values; `unit` says which.
    step : float
        The setting that was found.
    psnr : float or None
        In dB, on a sample of the items; None where nothing is lost.
    skipped : list of Skipped
    """

    coder: str
    items: int
    bytes: int
    raw_bytes: int
    model_bytes: int
    embedded: bool
    payload_bytes: int
    units: int
    unit: str
    step: float
    psnr: float | None
    skipped: list[Skipped]

    @property
    def bpp(self) -> float:
        """Bits a unit, the whole container counted."""
        return 8 * self.bytes / self.units if self.units else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "coder": self.coder, "items": self.items, "bytes": self.bytes, "raw_bytes": self.raw_bytes,
            "ratio": round(self.raw_bytes / self.bytes, 3) if self.bytes else None, "bits_per_unit": round(self.bpp, 4),
            "unit": self.unit, "step": self.step, "psnr": None if self.psnr is None else round(self.psnr, 3),
            "model_bytes": self.model_bytes, "embedded": self.embedded, "skipped": len(self.skipped),
        }  # fmt: skip


# ---------------------------------------------------------------------- compress
def compress(space: "State", items: Any, asked: Asked, out: BinaryIO) -> Written:
    """Writes items to a container; see `LatentSpace.compress`."""
    bound = asked.max_error is not None
    name = coders.chosen(space, lossless=asked.lossless or bound, coder=asked.coder, rate=asked.rate)
    if items is None and CODERS[name].reads == "sound" and getattr(space, "_raw", None) is None:
        raise UnsupportedError(
            f"coder={name!r} needs the sounds themselves, and this space, which was loaded from a file, keeps only "
            "their spectrograms. Pass the folder that it was fitted on."
        )
    gathered = _gathered(space, items)
    if not asked.metadata:
        gathered = Gathered(gathered.raw, gathered.ids, {}, gathered.origin, gathered.skipped, gathered.notes)
    form = form_of(CODERS[name].reads)(space)
    form.bound(asked.max_error)
    coder, is_kept = _coder(space, name, form, gathered, asked)
    job = _Job(space, gathered, asked, form, coder, embed=asked.embed or not is_kept)
    step, psnr = job.step()
    written = job.write(out, step, psnr)
    if asked.aim.what == "max_bytes" and not coder.lossless:
        written = job.fitted(out, written, int(asked.aim.value))
    if written.embedded and 2 * written.model_bytes > written.bytes:
        say(
            lambda: (
                f"{written.model_bytes:,} of {written.bytes:,} bytes are what coder {written.coder!r} learned: it "
                "pays with more items, or beside a space that holds it (--model)"
            )
        )
    return written


def report(space: "State", items: Any, asked: Asked, written: Written, target: str | None = None) -> Any:
    """Stands what was written beside other formats, on a sample of the items; see `honest.report`."""
    from . import honest

    gathered = _gathered(space, items)
    if gathered.metadata == {} and len(space):
        gathered.metadata = space.metadata
    return honest.report(space, gathered, asked, written, target)


def _gathered(space: "State", items: Any) -> Gathered:
    if isinstance(items, Gathered):
        return items
    return _own_items(space) if items is None else gather_for(space.modality, items)


def _own_items(space: "State") -> Gathered:
    from ..looking import items_at

    raw = getattr(space, "_raw", None)
    if raw is not None and space.modality.kind != "texts":  # whose raw items are counted words
        return raw
    gathered = gather_for(space.modality, items_at(space, range(len(space))))
    gathered.ids = list(space.ids)
    return gathered


def _coder(space: "State", name: str, form: Form, gathered: Gathered, asked: Asked) -> tuple[Coder, bool]:
    """The coder, and whether the space keeps it: what nobody keeps has to be in the container."""

    def learn_from(source: Gathered) -> Any:
        form.look(source)
        chosen = coders.at_most(len(source))
        return _joined(list(form.blocks(source.select(chosen), "skip", BLOCK))), form.options()

    def learn() -> Any:
        if not CODERS[name].learns:
            return [], {}
        if CODERS[name].reads == "latents":
            return (space.latents, {}) if len(space) else learn_from(gathered)
        if len(space) and (space._features is not None or getattr(space, "_raw", None) is not None):
            return learn_from(_own_items(space))
        return learn_from(gathered)

    if CODERS[name].adapts and (not asked.random_access or asked.max_error is not None):
        form.look(gathered)
        if asked.random_access:
            return CODERS[name].fit(learn_from(gathered)[0], seed=asked.seed, **form.options()), False
        return CODERS[name].fit([], **form.options()), False
    coder = coders.coder_of(space, name, learn, asked.seed)
    form.look(gathered, getattr(coder, "form_", None))
    return coder, True


def _joined(blocks: Sequence[Coded]) -> Any:
    if blocks and isinstance(blocks[0].arrays, np.ndarray):
        return np.concatenate([block.arrays for block in blocks])
    return [array for block in blocks for array in block.arrays]


class _Job:
    """One compression: what is known of it from choosing the step to the last block."""

    def __init__(
        self, space: "State", gathered: Gathered, asked: Asked, form: Form, coder: Coder, embed: bool
    ):  # fmt: skip
        self.space, self.gathered, self.asked, self.form, self.coder = space, gathered, asked, form, coder
        self.embed = embed
        self.state = coders.state_of(space, coder)
        self.packed = packed_state(*self.state)

    # ------------------------------------------------------------------ the step
    def step(self) -> tuple[float, float | None]:
        """The step that meets the aim on a sample, and the distortion there."""
        coder, aim = self.coder, self.asked.aim
        if coder.lossless or coder.span is None:
            return 1.0, None
        sample = self._sample()
        if not len(sample):
            return step_of_quality(coder.span, aim.value if aim.what == "quality" else 75.0), None
        if aim.what == "quality":
            step = step_of_quality(coder.span, aim.value)
        elif aim.what == "psnr":
            step = coarsest_step(coder.span, lambda step: self._psnr(sample, step) >= aim.value)
        else:
            step = self._step_of_bits(sample, self._bits_allowed(sample))
        step = coder.snapped(step)
        psnr = self._psnr(sample, step)
        if aim.what == "psnr" and psnr < aim.value:
            say(lambda: f"PSNR {aim.value:g} dB is out of reach of coder {coder.name!r}: {psnr:.2f} dB at its finest")
        return step, psnr

    def _step_of_bits(self, sample: Coded, allowed: float) -> float:
        assert self.coder.span is not None
        finest, coarsest = self.coder.span  # bits fall as the step grows: the finest that is cheap enough
        return (
            finest
            * coarsest
            / coarsest_step(
                (finest, coarsest), lambda turned: self._bits(sample, finest * coarsest / turned) <= allowed
            )
        )

    def _bits_allowed(self, sample: Coded) -> float:
        if self.asked.aim.what == "bpp":
            return self.asked.aim.value * self.form.units(sample.shapes)
        room = 8 * self.asked.aim.value - 8 * (len(self.packed) if self.embed else 0) - 800
        return room * len(sample) / max(1, len(self.gathered))

    def _bits(self, sample: Coded, step: float) -> float:
        # A string of its own ends on a whole byte, and its length is told.
        ends = 12.0 * len(sample) if self.asked.random_access else 0.0
        return float(self.coder.bits(sample.arrays, step).sum()) + ends

    def _psnr(self, sample: Coded, step: float) -> float:
        return self.form.distortion(sample, self.coder.approximate(sample.arrays, step)).psnr

    def _sample(self) -> Coded:
        n = len(self.gathered)
        positions = sorted(set(np.linspace(0, n - 1, min(n, _SAMPLE)).astype(int).tolist())) if n else []
        blocks = self.form.blocks(self.gathered.select(positions), "skip", _SAMPLE) if n else iter(())
        sample = next(blocks, Coded([], [], {}))
        values = np.cumsum([math.prod(shape) for shape in sample.shapes])
        keep = max(1, int(np.searchsorted(values, _SAMPLE_VALUES))) if len(values) else 0
        x = None if sample.x is None else sample.x[:keep]
        return Coded(sample.ids[:keep], sample.arrays[:keep], {}, [], 0, x)

    # ------------------------------------------------------------------ writing
    def write(self, out: BinaryIO, step: float, psnr: float | None) -> Written:
        """Reads, codes and writes all items, block by block."""
        header = {
            "coder": self.coder.name, "kind": self.space.modality.kind, "reads": self.coder.reads, "step": float(step),
            "random_access": self.asked.random_access, "embedded": self.embed, "form": self.form.facts(),
            "latentspace": __version__,
            "model": {
                "fingerprint": coders.fingerprint(*self.state),
                "file": self.space.path.name if self.space.path is not None else None,
            },
        }  # fmt: skip
        writer = Writer(out, header, self.packed if self.embed else None)
        skipped: list[Skipped] = []
        items = raw = units = payload = 0
        with Progress("Compressing", len(self.gathered)) as progress:
            for coded in self._blocks():
                skipped += coded.skipped
                if len(coded):
                    if self.asked.random_access:
                        parts: Any = self.coder.encode(coded.arrays, step)
                        payload += sum(map(len, parts))
                    else:
                        parts = self.coder.encode_block(coded.arrays, step)
                        payload += len(parts)
                    writer.block(coded.ids, coded.shapes, parts, _plain(coded.metadata))
                items, raw = items + len(coded), raw + coded.raw_bytes
                units += self.form.units(coded.shapes)
                progress.advance(len(coded) + len(coded.skipped))
        size = writer.close()
        return Written(
            self.coder.name, items, size, raw, len(self.packed), self.embed, payload, units, self.form.unit, step, psnr,
            skipped,
        )  # fmt: skip

    def _blocks(self) -> Iterator[Coded]:
        """Blocks of at most so many items, and of so many values."""
        most = self.coder.together(self.asked.random_access)
        if len(self.gathered) == 0:
            yield from self.form.blocks(self.gathered, self.asked.on_error, most)
            return
        for coded in self.form.blocks(self.gathered, self.asked.on_error, most):
            values = [math.prod(shape) for shape in coded.shapes]
            if sum(values) <= _BLOCK_VALUES or isinstance(coded.arrays, np.ndarray):
                yield coded
                continue
            start = 0
            while start < len(coded):
                stop, total = start, 0
                while stop < len(coded) and (stop == start or total + values[stop] <= _BLOCK_VALUES):
                    total += values[stop]
                    stop += 1
                some = {name: column[start:stop] for name, column in coded.metadata.items()}
                raw = coded.raw_bytes * (stop - start) // len(coded)
                yield Coded(coded.ids[start:stop], coded.arrays[start:stop], some, coded.skipped, raw)
                coded.skipped, start = [], stop

    def fitted(self, out: BinaryIO, written: Written, allowed: int) -> Written:
        """Codes again, coarser, until the container has at most so many bytes.

        Raises
        ------
        ValueError
            If even the coarsest does not fit.
        """
        assert self.coder.span is not None
        for _ in range(_ROUNDS):
            if written.bytes <= allowed:
                return written
            if written.step >= self.coder.span[1] * 0.9999:
                break
            # Bits fall by about one a value with each doubling; a step more than is needed ends it soon.
            factor = 1.02 * (written.bytes / allowed) ** 1.5
            out.seek(0)
            out.truncate()
            step = self.coder.snapped(min(written.step * factor, self.coder.span[1]))
            written = self.write(out, step, self._psnr(self._sample(), step))
        if written.bytes <= allowed:
            return written
        raise ValueError(
            f"max_bytes={allowed:,} cannot be met: {written.items:,} items take {written.bytes:,} bytes at the coarsest"
            f"{f', {written.model_bytes:,} of them the model' if self.embed else ''}. Allow more, pass fewer items, or "
            "random_access=False."
        )


def _plain(metadata: Mapping[str, list]) -> dict[str, list]:
    """Columns as the container takes them; those without any value are left out."""
    return {
        name: [None if isinstance(value, float) and not math.isfinite(value) else value for value in column]
        for name, column in metadata.items()
        if any(value is not None for value in column)
    }


def asked_for(
    *,
    quality: float | None,
    psnr: float | None,
    bpp: float | None,
    max_bytes: float | None,
    lossless: bool,
    **others: Any,
) -> Asked:
    """The user's words, checked.

    Raises
    ------
    ValueError
        If two of them exclude one another.
    """
    aim = aim_of(quality, psnr, bpp, max_bytes)
    rate = any(value is not None for value in (quality, psnr, bpp, max_bytes))
    if others.get("max_error") is not None and (rate or lossless):
        what = "lossless=True" if lossless else f"{aim.what}={aim.value:g}"
        raise ValueError(f"max_error and {what} exclude one another: choose what shall be bounded.")
    if lossless and rate:
        raise ValueError(f"lossless=True and {aim.what}={aim.value:g} exclude one another: what is exact has no rate.")
    return Asked(aim, lossless, rate=rate, **others)
