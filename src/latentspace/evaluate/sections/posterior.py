"""Does the posterior mean what it says?"""

import numpy as np

from ...models import adapter
from ...reports import Chart, Facts, Section, charts
from ..calibration import LEVELS, calibration
from ..findings import Finding
from ..given import Given
from ..part import Part
from ..shape import active_dims

_DRAWS = 1_000
_OFF = 0.1


def judge(given: Given) -> Part | None:
    """Draws latents from the normal prior, decodes, infers them again; None where no dimension is active."""
    assert given.features is not None
    rng = np.random.default_rng([given.seed, 8])
    z = rng.standard_normal((_DRAWS // (4 if given.quick else 1), given.dims)).astype(np.float32)
    x = adapter.draw(given.model, z, given.features.shape, given.seed)
    active = active_dims(given.z, given.model)
    if not active.any():
        return None
    x = x if getattr(given.model, "takes_images", False) else x.reshape(len(x), -1)
    found = calibration(given.model, z, x, active)
    findings = []
    if found.gap < -_OFF:
        findings.append(Finding(
            "overconfident-posterior",
            f"The posterior is too sure: its 95% intervals hold the true latent in {found.held[0.95]:.0%} of cases.",
        ))  # fmt: skip
    facts = [
        (f"{level:.0%} intervals hold", f"{found.held[level]:.0%}",
         f"Share of true latents inside; {level:.0%} is best, less is too sure, more is too unsure.")
        for level in LEVELS
    ]  # fmt: skip
    facts.append(
        (
            "spread of z-scores",
            f"{found.spread:.2f}",
            "Deviation of (truth - mean) / posterior deviation; 1 is best, more is too sure.",
        )
    )
    return Part(
        Section(
            "Posterior",
            f"Whether the posterior means what it says: {len(z):,} latents drawn from the prior, decoded and "
                "inferred again.",
            [Facts(facts), Chart(charts.histogram(found.ranks.ravel(), "ranks of true latents", x="rank of the truth "
                "in its posterior", bins=20),
                                 "Level is calibrated; full at both ends is too sure, full in the middle too unsure.")],
        ),
        {
            "held": {str(level): found.held[level] for level in LEVELS}, "gap": found.gap, "spread": found.spread,
            "draws": len(z),
        },
        findings,
    )  # fmt: skip
