"""How well each item comes back from its latent, and which do not."""

from typing import Any

import numpy as np
from scipy.sparse import issparse

from ...features import BLOCK, dense, rows_at_once
from ...models import adapter
from ...progress import track
from ...reports import Chart, Facts, Pictures, Section, Table, charts
from ..findings import Finding
from ..given import Given
from ..intervals import Score, mean_of
from ..part import Part, as_fact, said

_WORST = 8


def judge(given: Given) -> Part:
    """Decodes the latents and compares, in blocks."""
    assert given.features is not None
    rows = given.sample(given.most("reconstruction"), salt=3)
    errors, spread = _errors(given, rows)
    mean, middle = mean_of(errors), float(np.median(errors))
    total = float(spread.mean())
    kept = 1 - float(errors.mean()) / total if total > 0 else np.nan
    # The standard error of a ratio of means over the same items.
    around = (errors - (1 - kept) * spread) / total if total > 0 else errors * np.nan
    half = float(1.96 * around.std() / np.sqrt(len(rows))) if len(rows) > 1 else np.nan
    worst = rows[np.argsort(-errors, kind="stable")[:_WORST]]
    worst_errors = np.sort(errors)[::-1][:_WORST]
    findings = []
    if kept + half < 0.02:
        findings.append(Finding(
            "no-reconstruction", "Reconstructions are no nearer to their items than the mean of all items is."
        ))  # fmt: skip
    facts = {
        "items": len(rows), "mse": as_fact(mean), "median": middle, "variance_kept": kept,
        "variance_kept_low": kept - half, "variance_kept_high": kept + half,
        "worst": [{"id": given.ids[row], "mse": float(e)} for row, e in zip(worst, worst_errors, strict=True)],
    }  # fmt: skip
    return Part(_section(given, errors, kept, half, worst, worst_errors, mean, middle), facts, findings)


def _errors(given: Given, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared error of each item, and its mean squared distance to the mean of all: float64 (m,) both."""
    assert given.features is not None
    errors, spread = np.empty(len(rows)), np.empty(len(rows))
    size = min(BLOCK, rows_at_once(given.features.shape))
    few = given.rows(given.sample(2_000, rows, salt=4))
    mean = np.asarray(few.mean(axis=0)).ravel()
    whole = len(rows) == given.n
    blocks = (
        given.features.blocks(size)
        if whole
        else (given.features.rows(rows[s : s + size]) for s in range(0, len(rows), size))
    )
    start = 0
    for block in track(blocks, "reconstructing", -(-len(rows) // size)):
        count = block.shape[0]
        x = dense(block) if issparse(block) else block.reshape(count, -1)
        here = slice(start, start + count)
        back = adapter.decode(given.model, given.z[rows[here]], given.features.shape).reshape(count, -1)
        errors[here] = ((x - back) ** 2).mean(axis=1)
        spread[here] = ((x - mean) ** 2).mean(axis=1)
        start += count
    return errors, spread


def _section(
    given: Given, errors: np.ndarray, kept: float, half: float, worst: np.ndarray, worst_errors: np.ndarray,
    mean: Score, middle: float,
) -> Section:  # fmt: skip
    facts = [
        ("variance kept", f"{100 * kept:.1f}% ({100 * (kept - half):.1f} to {100 * (kept + half):.1f})",
         "1 - mean squared error / variance of the features; higher is better, 100% is a perfect copy, 0 no more than "
         "the mean item."),
        ("mean squared error", said(mean), "Of an item's features, in their own unit squared; lower is better."),
        ("median", middle, "Half of the items have less error; far below the mean where a few items are bad. Lower "
            "is better."),
    ]  # fmt: skip
    blocks: list[Any] = [
        Facts(facts),
        Chart(
            charts.histogram(
                errors, "errors of all items", x="mean squared error of an item", marks={middle: "median"}
            ),
            "How many items have which error: further left is better. The last bar holds the worst hundredth.",
        ),
    ]
    drawn = _pictures(given, worst, worst_errors)
    if drawn:
        blocks.append(
            Pictures(
                drawn,
                "The items with the largest errors: each beside what comes back. They show what the space does not "
                "hold.",
            )
        )
    blocks.append(Table(
        ["worst items", "mean squared error", "times the median"],
        [
            [given.ids[row], float(e), float(e / middle) if middle > 0 else None]
            for row, e in zip(worst, worst_errors, strict=True)
        ],
        "Lower is better; many times the median is an item unlike the others.",
    ))  # fmt: skip
    return Section("Reconstruction", f"How well an item comes back from its latent, on {len(errors):,} items.", blocks)


def _pictures(given: Given, worst: np.ndarray, errors: np.ndarray) -> list[tuple[Any, str]]:
    if given.picture is None or given.features is None:
        return []
    from PIL import Image

    x = given.features.rows(worst)
    if issparse(x):
        return []
    back, drawn = adapter.decode(given.model, given.z[worst], given.features.shape), []
    for row, own, other, error in zip(worst, x, back, errors, strict=True):
        pair = [given.picture(own), given.picture(other)]
        if any(one is None for one in pair):
            return []
        a, b = (one.convert("RGB") for one in pair)
        both = Image.new("RGB", (a.width + b.width + 2, max(a.height, b.height)), (128, 128, 128))
        both.paste(a, (0, 0))
        both.paste(b, (a.width + 2, 0))
        drawn.append((both, f"{given.ids[row]}: {error:.3g}"))
    return drawn
