"""How many dimensions z uses, needs and repeats."""

from typing import Any

import numpy as np
from scipy.sparse import issparse

from ...explain.dimensions import importance
from ...reports import Chart, Facts, Section, charts
from ...search.exact import ExactIndex
from ..findings import Finding
from ..given import Given
from ..part import Part
from ..shape import Intrinsic, active_dims, effective_rank, levina_bickel, participation_ratio, redundancy, two_nn

_K = 20
_REPEATED = 0.98  # of a dimension's variance, told by the others


def judge(given: Given) -> Part:
    """Measures z on all items, and intrinsic dimension on a sample against all."""
    z = given.z
    active = active_dims(z, given.model)
    rank, ratio, shared = effective_rank(z), participation_ratio(z), redundancy(z)
    rows = given.sample(given.most("shape"), salt=6)
    ways = {"z": _distances(z, rows)}
    if given.features is not None:
        x = given.rows(np.arange(given.n))
        if not issparse(x):
            ways["features"] = _distances(x, rows)
    intrinsic = {name: (two_nn(d), levina_bickel(d, _K)) for name, d in ways.items()}
    repeated = np.flatnonzero(np.nan_to_num(shared.foretold) > _REPEATED)
    idle = int((~active).sum())
    facts: dict[str, Any] = {
        "dims": given.dims, "active": int(active.sum()), "idle": np.flatnonzero(~active).tolist(),
        "effective_rank": rank, "participation_ratio": ratio,
        "redundancy": {
            "total_correlation_nats": shared.total_correlation, "mean_correlation": shared.mean_correlation,
            "repeated": repeated.tolist(),
        },
        "intrinsic": {
            name: {"two_nn": two._asdict(), "mle": mle._asdict()} for name, (two, mle) in intrinsic.items()
        },
    }  # fmt: skip
    findings = []
    if idle >= max(1, 0.1 * given.dims):
        half = " Half of the space has collapsed." if 0.4 <= idle / given.dims <= 0.6 else ""
        findings.append(Finding(
            "collapsed",
            f"{idle} of {given.dims} dimensions carry nothing.{half} Fit with dims={max(int(active.sum()), 1)}, or "
            "weigh the divergence less (a smaller beta).",
        ))  # fmt: skip
    if len(repeated) and len(rows) > 2 * given.dims:
        findings.append(Finding(
            "repeated-dims", f"{len(repeated)} of {given.dims} dimensions say again what the others say together."
        ))  # fmt: skip
    return Part(_section(given, active, rank, ratio, shared, len(repeated), intrinsic), facts, findings)


def _distances(rows: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Distances of some rows to their 20 nearest others, float32 (m, k)."""
    if len(rows) < 3:
        return np.zeros((0, 2), np.float32)
    return ExactIndex(rows).search(rows[of], min(_K, len(rows) - 1), "euclidean", exclude=of).scores


def _section(given, active, rank, ratio, shared, repeated: int, intrinsic) -> Section:
    shares = importance(given.z)
    order = np.argsort(-shares)[:24]
    bars = [charts.Bar(f"dimension {d}", float(shares[d]), colour=1 if active[d] else 7) for d in order]
    rows: list[tuple[str, Any, str]] = [
        ("active", f"{int(active.sum())} of {given.dims}", "Dimensions that carry something; all is best, for the "
            "others are paid for and empty."),
        ("effective rank", rank, f"How many equally wide directions z would have for the same spread of singular "
            f"values; 1 to {given.dims}, more is fuller."),
        ("participation ratio", ratio, "The same, by variance: lower than the effective rank where few directions "
            "lead. More is fuller."),
        ("shared by dimensions", f"{shared.total_correlation:.3g} nats", "Gaussian total correlation: what "
            "dimensions say twice; 0 is best."),
        ("mean correlation", shared.mean_correlation, "Mean absolute correlation of two dimensions; 0 is best."),
        ("repeated", repeated, f"Dimensions of which the others tell {_REPEATED:.0%} and more; 0 is best."),
    ]  # fmt: skip
    for name, estimates in intrinsic.items():
        two, mle = map(_words, estimates)
        rows.append((f"intrinsic dimension of {name}", f"{two} (TwoNN), {mle} (MLE)",
                     "How many numbers tell where an item is among its neighbours. Neither way is better; z with fewer "
                     "than the features has folded or lost some."))  # fmt: skip
    return Section(
        "Dimensions",
        "How many dimensions the space uses, needs and repeats.",
        [Facts(rows), Chart(charts.bars(bars, "share of variance by dimension"),
                            "Each dimension's share of the variance of z, the largest first; an even fall is "
                                "healthy, grey carries nothing.")],
    )  # fmt: skip


def _words(estimate: Intrinsic) -> str:
    return "unknown" if np.isnan(estimate.dims) else f"{estimate.dims:.1f} ({estimate.low:.1f} to {estimate.high:.1f})"
