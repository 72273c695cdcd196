"""Items as latents of a space's model, and back through its decoder: what is lost is what the model loses, and more."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import beside, looking
from ..errors import UnsupportedError
from ..features import dense
from ..items.protocol import Gathered, OnError, refuse_skipped
from ..models import adapter
from .forms import Coded, Distortion, Form


class Latents(Form):
    """float32 (dims,) an item. Distortion is measured on features: pixels in [0, 1], log-mel frames, scaled columns."""

    unit = "feature"

    def __init__(self, space: Any, facts: Mapping[str, Any] | None = None):
        super().__init__(space, facts)
        adapter.require_decoder(space.model)
        if beside.shape_of(space) is not None:
            raise UnsupportedError(
                "this space was fitted on vectors beside its items, which its latents do not hold: compress them with "
                "coder='lossless' (pictures) or in a space of the items themselves."
            )
        if space.modality.stored_as == "sparse" and space.modality.kind != "array":
            raise UnsupportedError(f"{space.modality.kind} cannot be given back from latents.")
        self._shape = space.modality.shape

    def blocks(self, gathered: Gathered, on_error: OnError, size: int) -> Iterator[Coded]:
        refuse_skipped(gathered, on_error)
        first = list(gathered.skipped)
        keep = set(gathered.metadata)
        for batch in self.space.modality.read(gathered, on_error=on_error, block=size):
            x = dense(batch.x)
            z = adapter.encode(self.space.model, x)
            metadata = {name: column for name, column in batch.metadata.items() if name in keep}
            raw = x.size * (1 if self.space.modality.stored_as == "uint8" else 4)
            yield Coded(batch.ids, z, metadata, first + batch.skipped, raw, x)
            first = []

    def back(self, arrays: Sequence[np.ndarray], metadata: Mapping[str, list]) -> Any:
        return looking.decoded(self.space, self._z(arrays))

    def _z(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        return np.asarray(arrays, np.float32).reshape(len(arrays), self.space.dims)

    def units(self, shapes: Sequence[tuple[int, ...]]) -> int:
        sides = self._shape[-2:] if len(self._shape) == 3 else self._shape
        return len(shapes) * int(np.prod(sides))

    def distortion(self, coded: Coded, decoded: Sequence[np.ndarray]) -> Distortion:
        x_hat = adapter.decode(self.space.model, self._z(decoded), self._shape)
        if self.space.modality.stored_as == "uint8":  # bytes come back, so their rounding counts
            x_hat = np.rint(np.clip(x_hat, 0, 1) * 255) / np.float32(255)
        apart = coded.x.astype(np.float64) - x_hat
        reach = float(coded.x.max(initial=0) - coded.x.min(initial=0)) if coded.x.size else 1.0
        peak = 1.0 if self.space.modality.stored_as == "uint8" else reach or 1.0
        return Distortion(float((apart**2).sum()), apart.size, peak)
