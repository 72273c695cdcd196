"""A `.lsz` container back to items: whose model it needs, which items are asked for, and what is damaged."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..codec.container import Block, Damage, Reader
from ..codec.protocol import CODERS, Coder
from ..codec.state import fingerprint, unpacked_state
from ..errors import CorruptFileError, UnsupportedError
from ..progress import Progress
from ..resources import refuse_if_too_large
from . import coders
from .forms import Form, form_of

if TYPE_CHECKING:
    from ..verbs.state import State

_BYTES = 16  # a value takes while it is decoded
_MOST_VALUES = 2**30  # of the items of one block


@dataclass
class Opened:
    """A container whose coder is at hand.

    Attributes
    ----------
    space : LatentSpace or None
        What decodes, where the coder needs one.
    """

    reader: Reader
    coder: Coder
    form: Form
    step: float
    space: Any

    @property
    def damage(self) -> list[Damage]:
        return self.reader.damage

    def blocks(self, only: Sequence[str] | None = None) -> Iterator[tuple[list[str], Any, dict[str, list]]]:
        """Yields (names, arrays, metadata) of the blocks that can be read; `only` of the items of these names."""
        wanted = None if only is None else set(only)
        for block in self.reader.blocks():
            names = block.directory.names
            rows = list(range(len(names))) if wanted is None else [i for i, name in enumerate(names) if name in wanted]
            if wanted is not None and not rows:
                continue
            try:
                arrays = self._decoded(block, rows)
            except CorruptFileError as error:
                self.reader.lost(block, error)
                continue
            metadata = {name: [column[row] for row in rows] for name, column in block.directory.metadata.items()}
            yield [names[row] for row in rows], arrays, metadata
            if wanted is not None:
                wanted -= {names[row] for row in rows}
                if not wanted:
                    return
        if wanted is None:
            self.reader.check_whole()

    def everything(self, only: Sequence[str] | None = None) -> tuple[list[str], list[Any], dict[str, list]]:
        """Names, arrays and metadata of all that can be read; None where a block has no such column."""
        names: list[str] = []
        arrays: list[Any] = []
        metadata: dict[str, list] = {}
        with Progress("Decompressing", _count(self.reader)) as progress:
            for some, decoded, columns in self.blocks(only):
                for key in columns.keys() | metadata.keys():
                    column = metadata.setdefault(key, [None] * len(names))
                    column.extend(columns.get(key, [None] * len(some)))
                names += some
                arrays.extend(decoded)
                progress.advance(len(some))
        return names, arrays, metadata

    def _decoded(self, block: Block, rows: list[int]) -> Any:
        directory = block.directory
        shapes = [directory.shapes[row] for row in rows]
        values = directory.values()
        if values > _MOST_VALUES:
            raise CorruptFileError(f"its items would have {values:,} values, more than {_MOST_VALUES:,}.")
        refuse_if_too_large(
            values * _BYTES, f"block {block.number} of {len(directory.names):,} items", "Decode it on a larger machine."
        )
        if directory.lengths is None:
            whole = self.coder.decode_block(block.payload(), directory.shapes, self.step)
            return whole if len(rows) == len(whole) else [whole[row] for row in rows]
        parts = block.parts()
        return self.coder.decode([parts[row] for row in rows], shapes, self.step)


def opened(source: bytes | BinaryIO, space: "State | None" = None) -> Opened:
    """Opens a container with the space that its coder learned in, or with what is embedded.

    Raises
    ------
    CorruptFileError
        If the header or what is embedded cannot be read.
    ValueError
        If it needs another space than this.
    """
    reader = Reader(source)
    header = reader.header
    name, step = header.get("coder"), header.get("step")
    if not isinstance(name, str) or name not in CODERS:
        raise CorruptFileError(f"its coder {str(name)[:40]!r} is not known to this latentspace. Install a newer one.")
    if not isinstance(step, int | float) or not 0 < step < 1e300:
        raise CorruptFileError(
            f"its header is damaged: the step is {str(step)[:40]!r}, where a number above 0 belongs. Get it again."
        )
    facts = header.get("form")
    if not isinstance(facts, dict):
        raise CorruptFileError("its header is damaged: it does not say of what form the items are. Get the file again.")
    if header.get("embedded"):
        space, coder = _embedded(reader, name)
    else:
        space, coder = _of_space(header, name, space)
    try:
        form = form_of(CODERS[name].reads)(space, facts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, UnsupportedError):
            raise
        raise CorruptFileError(f"its header's form is damaged ({type(error).__name__}: {error}).") from error
    return Opened(reader, coder, form, float(step), space)


def _embedded(reader: Reader, name: str) -> tuple[Any, Coder]:
    if reader.model is None:
        raise CorruptFileError(
            f"its embedded model cannot be read: {reader.damage[-1] if reader.damage else 'missing'}"
        )
    whole, arrays = unpacked_state(reader.model)
    space = None
    model = None
    try:
        if whole["modality"] is not None:
            space = _bare(whole, arrays)
            model = space.model
        coder_facts = whole["coder"]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, UnsupportedError):
            raise
        raise CorruptFileError(f"its embedded model is damaged ({type(error).__name__}: {error}).") from error
    return space, coders.rebuilt(name, coder_facts, _of(arrays, "coder"), model)


def _bare(whole: Any, arrays: dict[str, np.ndarray]) -> Any:
    """A space without items: what is needed to decode."""
    from ..items import KINDS
    from ..models import family
    from ..space import LatentSpace

    modality = KINDS[whole["kind"]].from_state(whole["modality"], _of(arrays, "modality"))
    model = None
    if whole["model"] is not None:
        state = whole["model"]
        model = family(state["family"]).from_state(state["params"], state["facts"], _of(arrays, "model"))  # type: ignore[attr-defined]
    dims = 1 if model is None else _dims(model)
    return LatentSpace(modality, model, ids=[], metadata={}, latents=np.empty((0, dims), np.float32), features=None)


def _dims(model: Any) -> int:
    from ..models import adapter

    return adapter.dims_of(model)


def _of(arrays: dict[str, np.ndarray], room: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(room + "/"): array for key, array in arrays.items() if key.startswith(room + "/")}


def _of_space(header: dict[str, Any], name: str, space: "State | None") -> tuple[Any, Coder]:
    told = header.get("model")
    told = told if isinstance(told, dict) else {}
    file = f" ({told['file']!r})" if isinstance(told.get("file"), str) else ""
    if space is None:
        raise ValueError(
            f"this container needs the space that it was compressed with{file}: call space.decompress(), or on the "
            "command line give --model. What is compressed with embed=True needs none."
        )
    kept = space._coders.get(name)
    if kept is None and space.path is not None:
        from .. import keeping

        keeping.refresh(space)
        kept = space._coders.get(name)
    here = None
    if kept is not None:
        coder = coders.rebuilt(name, kept[0], kept[1], space.model)
        here = fingerprint(*coders.state_of(space, coder))
        if here == told.get("fingerprint"):
            return space, coder
    raise ValueError(
        f"this container was compressed with another space{file}, of fingerprint {str(told.get('fingerprint'))[:40]}; "
        f"this one {'has ' + here if here else f'has no coder {name!r}'}. Give the file it was compressed with."
    )


def decompress(
    source: bytes | BinaryIO,
    space: "State | None" = None,
    only: Sequence[str] | str | None = None,
    on_damage: str = "raise",
) -> Any:
    """Items in their own form; see `LatentSpace.decompress`."""
    if on_damage not in ("raise", "skip"):
        raise ValueError(f"on_damage={on_damage!r} is not known; choose 'raise' or 'skip'.")
    asked = [only] if isinstance(only, str) else only
    it = opened(source, space)
    names, arrays, metadata = it.everything(asked)
    if it.damage and on_damage == "raise":
        raise CorruptFileError(
            f"{'; '.join(map(str, it.damage[:3]))} {len(names):,} items can be read: pass on_damage='skip' for them."
        )
    if it.damage:
        warnings.warn(f"decompress() found damage: {'; '.join(map(str, it.damage[:3]))}", UserWarning, stacklevel=3)
    if asked is not None:
        refuse_unknown(asked, names, it)
        order = {name: place for place, name in enumerate(names)}
        rows = [order[name] for name in asked if name in order]
        arrays = [arrays[row] for row in rows]
        metadata = {key: [column[row] for row in rows] for key, column in metadata.items()}
    items = it.form.back(arrays, metadata)
    return items[0] if isinstance(only, str) and not hasattr(items, "iloc") else items


def _count(reader: Reader) -> int | None:
    try:
        return len(reader)
    except CorruptFileError:
        return None


def refuse_unknown(asked: Sequence[str], found: Iterable[str], it: Opened) -> None:
    """Raises ValueError for the first name that the container has not; what damage may have taken is left to it."""
    there = set(found)
    missing = [name for name in asked if name not in there]
    if missing and not it.damage:
        import difflib

        known = [name for block in it.reader.blocks() for name in block.directory.names]
        near = difflib.get_close_matches(str(missing[0]), known, n=3)
        hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"{missing[0]!r} is not in this container of {len(known):,} items.{hint}")
