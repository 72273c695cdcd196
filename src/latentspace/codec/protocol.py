"""What every coder follows: arrays to bytes and back, with what it learned as plain JSON and arrays.

A coder is one file with one class. It learns from arrays (`fit`), and turns arrays into bytes and bytes into arrays. It
knows nothing of files, containers, names or item kinds: the container frames, names and checks what a coder gives.

Rules that every coder keeps:

- What the entropy coder sees is integer arithmetic on both sides. Floats may choose symbols in the encoder and may turn
  symbols into arrays in the decoder; between the two there are none. Whatever a machine rounds, threads or batches
  differently may change which symbols are written, and never how they are read.
- `encode` gives one independent string an item, for random access; decoding any of them, alone or among others, gives
  the same array. `encode_block` gives one string for all of them, which shares what can be shared, and is smaller.
- Bytes are not to be trusted: whatever they are, decoding ends, takes no more memory than the shapes (which the
  container has checked against its limits) justify, and gives arrays of those shapes or raises `CorruptFileError`.
- An item may be of any size, 1 x 1 as well; there may be 0 of them; all may be equal.
"""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from ..errors import CorruptFileError

# What a coder's items are.
#   "latents"  float32 (dims,): rows of z, of the model that `fit` and `from_state` are given
#   "pixels"   uint8 (h, w) for grey or (h, w, 3) for colour, each of its own size
#   "text"     uint8 (t,): UTF-8
#   "table"    int64 (columns + t,): a row's cells as whole numbers, then t bytes of its texts
#   "sound"    int8, int16, or int32 of 24 bits, (frames,) or (frames, channels): samples; decoded, int32
Reads = Literal["latents", "pixels", "text", "table", "sound"]
Items = Sequence[np.ndarray]  # one array an item; where all have one shape, one array (n, ...) is that as well
Shapes = Sequence[tuple[int, ...]]
State = tuple[dict[str, Any], dict[str, np.ndarray]]


class Coder(ABC):
    """A fitted coder. Class attributes say what it is; `span` is (finest, coarsest) step, None where it has no setting.

    A `step` is positive, and a smaller one costs more bits and keeps more: rate control searches between the ends of
    `span` for the one that meets the user's rate or distortion, on a logarithmic scale. A coder may take it as its
    quantisation step, or map it to whatever it has. The container keeps it as the float64 it is.
    """

    name: ClassVar[str]  # its name in CODERS, which a container names
    reads: ClassVar[Reads]
    lossless: ClassVar[bool] = False  # True: decoding gives the very items, and `step` is not looked at
    adapts: ClassVar[bool] = False  # True: one string for all items needs nothing that was learned before
    learns: ClassVar[bool] = True  # False: `fit` looks at no item
    span: tuple[float, float] | None = None

    # ------------------------------------------------------------------ learning
    @classmethod
    @abstractmethod
    def fit(cls, items: Items, *, model: Any = None, seed: int = 0, **options: Any) -> "Coder":
        """Learns from items; `model` is the space's fitted estimator, for what reads its latents or its networks.

        0 items are no error: it then knows nothing, and codes what comes at its plainest.
        """

    @abstractmethod
    def get_state(self) -> State:
        """What it learned: facts (JSON) and arrays, written and counted as the model's bytes. Never a pickle.

        Arrays are written with their own dtype: keep weights in the narrowest that serves (int8, float16).
        """

    @classmethod
    @abstractmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, model: Any = None) -> "Coder":
        """Rebuilds what `get_state` gave, checking it: raises ValueError, KeyError or TypeError for what cannot be."""

    # ------------------------------------------------------------------ coding
    def together(self, random_access: bool) -> int:
        """How many items a block has: what damage can cost, or what share a string."""
        return 256 if random_access else 4096

    def snapped(self, step: float) -> float:
        """The nearest step that the coder has, by default any; the container keeps this one."""
        return step

    @abstractmethod
    def encode(self, items: Items, step: float = 1.0) -> list[bytes]:
        """One independent string an item, without its shape, which the container keeps."""

    @abstractmethod
    def decode(self, parts: Sequence[bytes], shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        """The arrays of these strings, of these shapes. Damage is a CorruptFileError or an array that is wrong."""

    def encode_block(self, items: Items, step: float = 1.0) -> bytes:
        """One string for all the items; by default the single ones with their lengths before them."""
        from .varints import write_varints

        parts = self.encode(items, step)
        return write_varints([len(part) for part in parts]) + b"".join(parts)

    def decode_block(self, data: bytes, shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        """What `encode_block` gave, back."""
        from .varints import read_varints

        lengths, at = read_varints(data, len(shapes))
        if at + sum(lengths) != len(data):
            raise CorruptFileError(f"a block of {len(data):,} bytes says that its items take {at + sum(lengths):,}.")
        parts = []
        for length in lengths:
            parts.append(data[at : at + length])
            at += length
        return self.decode(parts, shapes, step)

    def bits(self, items: Items, step: float = 1.0) -> np.ndarray:
        """The bits that each item takes by the coder's own probabilities, float64 (n,); by default, counted.

        In one string for all, real bytes are within 1% of their sum. Rate control asks for it many times.
        """
        return np.array([8.0 * len(part) for part in self.encode(items, step)])

    def approximate(self, items: Items, step: float = 1.0) -> list[np.ndarray]:
        """What decoding would give, without the coding between; by default by way of it. Rate control asks for it."""
        return self.decode(self.encode(items, step), [item.shape for item in items], step)

    def model_bytes(self) -> int:
        """How many bytes what it learned takes, compressed as the container does it."""
        from .state import packed_state

        return len(packed_state(*self.get_state()))


class Unlearned(Coder):
    """A coder that knows all beforehand."""

    learns = False

    @classmethod
    def fit(cls, items: Items, *, model: Any = None, seed: int = 0, **options: Any) -> "Coder":  # noqa: ARG003
        return cls()

    def get_state(self) -> State:
        return {}, {}

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, model: Any = None) -> "Coder":  # noqa: ARG003
        if facts or arrays:
            raise ValueError(f"a coder that learns nothing has {sorted(facts)} and {sorted(arrays)}")
        return cls()


class _Coders(Mapping):
    """A coder's name -> its class, imported when asked for; the only road from a file to a class."""

    _WHERE: ClassVar[dict[str, str]] = {
        "latents": "latentspace.codec.latents:LatentCoder",  # any model with a decoder
        "pq": "latentspace.codec.product:ProductCoder",  # the same, some dimensions at a time
        "pictures": "latentspace.codec.pictures:PictureCoder",  # lossy images, trained for rate and distortion
        "lossless": "latentspace.codec.lossless:LosslessCoder",  # images, exactly
        "text": "latentspace.codec.texts:TextCoder",
        "table": "latentspace.codec.tables:TableCoder",  # tables and arrays of numbers, exactly
        "sound-lossless": "latentspace.codec.sound_lossless:LosslessSoundCoder",
        "sound": "latentspace.codec.sound:SoundCoder",  # lossy sounds, for squared error
    }

    def __getitem__(self, name: str) -> type[Coder]:
        module, attribute = self._WHERE[name].split(":")
        return getattr(importlib.import_module(module), attribute)

    def __iter__(self) -> Iterator[str]:
        return iter(self._WHERE)

    def __len__(self) -> int:
        return len(self._WHERE)

    def __contains__(self, name: object) -> bool:
        return name in self._WHERE


CODERS: Mapping[str, type[Coder]] = _Coders()
# A model that was trained for a coder names it: `coder: ClassVar[str] = "pictures"`. Its space's `compress` then takes
# that one, and gives the fitted model to `fit` and `from_state`; another space's takes "latents".
