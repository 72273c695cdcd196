"""How drawn items stand beside real ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ...models.pca import PCA
from ...reports import Facts, Pictures, Section
from ..findings import Finding
from ..generation import compare, memorised
from ..given import Given
from ..part import Part

_SHOWN = 12
_WIDE = 64  # components that items are compared by where no encoder is named
_REAL = "of the same number of real items beside others"


def judge(given: Given) -> Part:
    """Draws as many items as are compared, and holds halves of the real ones against each other for scale."""
    assert given.draw is not None
    assert given.features is not None
    rows = np.random.default_rng([given.seed, 7]).permutation(given.n)[: 2 * (given.most("generation") // 2)]
    half = len(rows) // 2
    drawn = given.draw(half, given.seed)
    real = given.features.rows(rows)
    name, encode = given.encoder or _components(given, real)
    seen, others, new = encode(real[:half]), encode(real[half : 2 * half]), encode(drawn)
    found, scale = compare(seen, new), compare(seen, others)
    copied = memorised(encode(real), new)
    findings = []
    if copied.nearer > 0.9 and copied.copies > 0.2:
        findings.append(Finding(
            "memorised", f"{copied.copies:.0%} of drawn items are all but copies of fitted ones: the model repeats "
                "them."
        ))  # fmt: skip
    if found.recall < 0.5 * scale.recall and found.coverage < 0.5 * scale.coverage:
        findings.append(Finding(
            "missing-modes",
            f"Drawn items cover {found.coverage:.0%} of the real ones, where real ones cover {scale.coverage:.0%}: "
                "kinds "
            "of items are never drawn.",
        ))  # fmt: skip
    facts = {
        "encoder": name, "items": half, "drawn": found._asdict(), "real": scale._asdict(),
        "memorisation": copied._asdict(),
    }  # fmt: skip
    rows_ = [
        ("Frechet distance", _beside(found.frechet, scale.frechet), f"Between drawn and real items as Gaussians in "
            f"the encoder's space; lower is better. Behind it the same {_REAL}: the best there is."),
        ("kernel distance", _beside(found.kernel, scale.kernel), "Squared MMD with a cubic kernel; lower is better, "
            "about 0 is alike."),
        ("precision", _beside(found.precision, scale.precision), "Share of drawn items that lie among real ones; "
            "higher is better."),
        ("recall", _beside(found.recall, scale.recall), "Share of real items that lie among drawn ones; higher is "
            "better."),
        ("density", _beside(found.density, scale.density), "How thickly real items surround drawn ones; about 1 is "
            "alike, less is worse."),
        ("coverage", _beside(found.coverage, scale.coverage), "Share of real items with a drawn one nearby; higher "
            "is better."),
        ("nearer than neighbours", copied.nearer, "How often a drawn item is nearer to a fitted one than that one is "
            "to its next; about 0.5 and less is new, near 1 is copied."),
        ("copies", f"{copied.copies:.1%}", "Drawn items as near to a fitted one as only 1% of fitted items are to "
            "each other; lower is better."),
    ]  # fmt: skip
    blocks: list[Any] = [Facts(rows_)]
    pictures = (
        [given.picture(one) for one in drawn[:_SHOWN]] if given.picture is not None and not issparse(drawn) else []
    )
    if pictures and all(one is not None for one in pictures):
        blocks.append(Pictures([(one, f"drawn {place + 1}") for place, one in enumerate(pictures)],
                               "Items drawn from the space; better the more they look like real ones, and unlike one "
                                   "another."))  # fmt: skip
    return Part(
        Section("Generation", f"How {half:,} drawn items stand beside real ones, by {name}. This is no FID: that "
            "needs Inception.", blocks),
        facts, findings,
    )  # fmt: skip


def _components(given: Given, real: Any) -> tuple[str, Callable[[Any], np.ndarray]]:
    flat = _flat(real)
    dims = min(_WIDE, *flat.shape)
    pca = PCA(dims=dims, random_state=given.seed).fit(flat)
    return f"{dims} principal components of the features", lambda rows: pca.transform(_flat(rows))


def _flat(rows: Any) -> Any:
    return rows if issparse(rows) else rows.reshape(len(rows), -1)


def _beside(value: float, scale: float) -> str:
    return f"{value:.3g} (real: {scale:.3g})"
