"""What an item costs in z."""

from typing import Any

import numpy as np

from ...reports import Facts, Section
from ..given import Given
from ..part import Part


def judge(given: Given) -> Part:
    """Counts bytes, and what a posterior carries."""
    plain, whole = 4 * given.dims, given.item_bytes
    facts: dict[str, Any] = {
        "bytes_latent": plain,
        "bytes_features": whole or None,
        "numbers": given.dims,
        "numbers_features": given.p or None,
    }
    rows: list[tuple[str, Any, str]] = [
        ("bytes of an item in z", plain, f"{given.dims} numbers of 4 bytes, as they are kept; fewer is better for "
            "the same quality."),
    ]  # fmt: skip
    if given.p:
        rows.append(
            (
                "numbers of an item",
                f"{given.dims} for {given.p:,}",
                "What the verdict calls size; fewer is better for the same quality.",
            )
        )
    if whole:
        rows.append(("bytes of its features", whole, "As they are kept: a byte a value for pictures, 4 for others."))
        rows.append(("ratio", f"1/{whole / plain:.3g}" if whole >= plain else f"{plain / whole:.3g} times",
                     "Size in z against size in features; smaller is better for the same quality."))  # fmt: skip
    carried = getattr(given.model, "carried_", None)
    if carried is not None and getattr(given.model, "posterior", None) == "gaussian":
        bits = float(np.sum(carried) / np.log(2))
        facts["bits_carried"] = bits
        rows.append(
            (
                "bits that z carries",
                bits,
                "KL of the posterior from the prior: what an ideal coder would need; fewer is better for the same "
                "quality.",
            )
        )
    return Part(Section("Rate", "What an item costs.", [Facts(rows)]), facts)
