"""What is made, and how it stands to what is real: how far from the data, and nearest to which items."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(eq=False)
class Generated:
    """Items that were made, each with how far from the data it is: what a generating verb gives with `report=True`.

    A sequence of the items; `items` holds them in their own form (a frame, an array, a list).

    Attributes
    ----------
    items
        As the verb gives them without a report.
    z : float32 array of shape (m, dims)
        Their latents.
    distances : float32 array of shape (m,)
        From each to the nearest real latent, Euclidean; infinite in a space without items.
    nearest : list of m lists of str
        Ids of the nearest real items, the nearest first.
    usual : float
        99% of the real items are nearer than this to their nearest other.
    copy : float
        1% of the real items are nearer than this to their nearest other.
    """

    items: Any
    z: np.ndarray
    distances: np.ndarray
    nearest: list[list[str]]
    usual: float
    copy: float

    @property
    def relative(self) -> np.ndarray:
        """Distances in units of what is usual, float32 (m,): above 1 an item is farther off than 99% of real ones."""
        return self.distances / np.float32(self.usual) if self.usual > 0 else np.full_like(self.distances, np.nan)

    @property
    def unusual(self) -> np.ndarray:
        """Which lie farther from the data than 99% of real items do from their nearest other, bool (m,)."""
        return self.distances > self.usual

    @property
    def copied(self) -> np.ndarray:
        """Which lie nearer to a real item than 99% of real items do to one another: memorised, or one itself."""
        return self.distances <= self.copy

    def __len__(self) -> int:
        return len(self.z)

    def __getitem__(self, which: Any) -> Any:
        return self.items[which] if not hasattr(self.items, "iloc") else self.items.iloc[which]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def to_dict(self) -> dict[str, Any]:
        """All but the items and latents, as plain data."""
        rows = zip(self.distances, self.relative, self.unusual, self.copied, self.nearest, strict=True)
        return {
            "usual": self.usual,
            "copy": self.copy,
            "items": [
                {
                    "distance": float(far) if np.isfinite(far) else None,
                    "relative": float(relative) if np.isfinite(relative) else None,
                    "unusual": bool(unusual), "copied": bool(copied), "nearest": list(near),
                }
                for far, relative, unusual, copied, near in rows
            ],
        }  # fmt: skip

    def __str__(self) -> str:
        words = (
            f"{len(self):,} made; {int(self.unusual.sum()):,} farther from the data than 99% of real items from their"
        )
        words += f" nearest other ({self.usual:.3g}); {int(self.copied.sum()):,} as near to a real item as a copy"
        return words + (f"; median distance {np.median(self.distances):.3g}" if len(self) else "")

    def __repr__(self) -> str:
        return f"<Generated: {self}>"
