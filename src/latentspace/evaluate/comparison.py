"""Two spaces of the same items, point by point; and the items of one space against those that came later."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..reports import Chart, Facts, Report, Section, Table, charts
from ..reports.blocks import shown
from ..search.exact import ExactIndex
from . import geometry
from .drift import classifier_test, kernel_test
from .intervals import Score, mean_of
from .neighbourhoods import Neighbourhoods, neighbourhoods
from .part import as_fact, said
from .probes import WIDEST
from .shape import levina_bickel, two_nn
from .tasks import TaskScores, target_of, task_scores

_K = 10
_PAIRS = 50_000
_CHANGED = 12
_DRIFTED = 0.05


@dataclass
class Side:
    """One of two spaces.

    Attributes
    ----------
    name : str
    rows : array of shape (n, p), or CSR
        Of the items that both have, in the same order.
    """

    name: str
    rows: Any

    @property
    def width(self) -> int:
        return int(self.rows.shape[1])


def compare(
    title: str, a: Side, b: Side, ids: Sequence[str], *, values: Sequence[Any] | None = None, target: str = "",
    quick: bool = False, seed: int = 0,
) -> Report:  # fmt: skip
    """Compares two spaces of the same items; see `LatentSpace.compare`.

    Raises
    ------
    ValueError
        If there are fewer than 20 items.
    """
    n = len(ids)
    if n < 20:
        raise ValueError(f"{n} items in common are too few to compare two spaces by: 20 and more are needed.")
    rng = np.random.default_rng(seed)
    measured = np.sort(rng.choice(n, min(n, 200 if quick else 1_000), replace=False))
    found = neighbourhoods(a.rows, b.rows, (5, 15, 50), measured)
    some = np.sort(rng.choice(n, min(n, 500 if quick else 2_000), replace=False))
    alone = [_alone(side, some) for side in (a, b)]
    small = [_dense(side.rows[some]) for side in (a, b)]
    pairs = rng.integers(0, len(some), (_PAIRS, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    ways = [geometry.pair_distances(rows, pairs) for rows in small]
    whole = {
        "rank_agreement": geometry.rank_agreement(*ways), "cka": geometry.cka(*small),
        "procrustes": geometry.procrustes(*small),
    }  # fmt: skip
    for facts, way in zip(alone, ways, strict=True):
        facts["concentration"] = geometry.concentration(way)
    task = _task(a, b, values, seed, quick) if values is not None else None
    middle = len(found.ks) // 2
    changed = measured[np.argsort(found.kept[middle], kind="stable")[:_CHANGED]]
    shares = np.sort(found.kept[middle], kind="stable")[:_CHANGED]
    facts = {
        "items": n, "quick": quick, "seed": seed, "a": {"name": a.name, **alone[0]}, "b": {"name": b.name, **alone[1]},
        **whole,
        "neighbours": {str(k): as_fact(mean_of(found.kept[place])) for place, k in enumerate(found.ks)},
        "changed_most": [{"id": ids[row], "kept": float(one)} for row, one in zip(changed, shares, strict=True)],
        "task": None if task is None else _task_facts(task, target),
    }  # fmt: skip
    sections = [
        _likeness(found, whole, a, b), _sides(a, b, alone), _changes(found, ids, changed, shares, middle),
    ]  # fmt: skip
    if task is not None:
        sections.append(_tasks(task, target))
    return Report(title, _verdict(found, whole, a, b, task, target), sections, facts)


def _dense(rows: Any) -> np.ndarray:
    return rows.toarray() if issparse(rows) else np.asarray(rows)


def _alone(side: Side, some: np.ndarray) -> dict[str, Any]:
    """What one side is by itself: intrinsic dimension, hubness, and what a search costs."""
    rows = _dense(side.rows) if side.rows.shape[0] * side.width < 2e8 else _dense(side.rows[some])
    queries = some if len(rows) == side.rows.shape[0] else np.arange(len(rows))
    index, k = ExactIndex(rows), min(20, len(rows) - 1)
    near = index.search(rows[queries], k, "euclidean", exclude=queries)
    began = time.perf_counter()
    few = queries[:100]
    index.search(rows[few], min(_K, k), "euclidean")
    seconds = time.perf_counter() - began
    two, mle = two_nn(near.scores), levina_bickel(near.scores)
    return {
        "numbers": side.width, "bytes": 4 * side.width, "two_nn": two._asdict(), "mle": mle._asdict(),
        "hubness": geometry.hubness(near.positions[:, :_K], len(rows)),
        "milliseconds_a_query": 1000 * seconds / max(len(few), 1), "searched": len(rows),
    }  # fmt: skip


def _task(a: Side, b: Side, values: Sequence[Any], seed: int, quick: bool) -> TaskScores:
    target, rows, left = target_of(values)
    most = WIDEST if max(a.width, b.width) > WIDEST else 5_000 if quick else 20_000
    if len(rows) > most:
        chosen = np.sort(np.random.default_rng([seed, 2]).choice(len(rows), most, replace=False))
        target.y, rows = target.y[chosen], rows[chosen]
    # The probes call them features and z: what is kept is the second's share of the first.
    return task_scores({"features": a.rows[rows], "z": b.rows[rows]}, target, seed=seed, permutations=19, left_out=left)


def _verdict(
    found: Neighbourhoods, whole: Mapping[str, float], a: Side, b: Side, task: TaskScores | None, target: str
) -> list[str]:
    middle = len(found.ks) // 2
    kept = mean_of(found.kept[middle])
    lines = [
        f"{b.name} keeps {said(kept, True)} of each item's {found.ks[middle]} nearest neighbours in {a.name} "
        f"({found.chance[middle]:.1%} by chance), with {b.width:,} numbers for {a.width:,}."
    ]
    rho = whole["rank_agreement"]
    near = "Far mostly stays far" if rho > 0.5 else "What is far in one is not in the other"
    far = "Far stays far" if rho > 0.8 else near
    lines.append(f"{far}: distances agree in rank by {rho:.2f}; CKA {whole['cka']:.2f}.")
    if task is not None:
        x, z = task.told["features"].score, task.told["z"].score
        lines.append(f"{target} is told by {said(x)} from {a.name} and {said(z)} from {b.name}.")
        if task.lost:
            lines.append(f"{b.name} loses class {', '.join(shown(name) for name, *_ in task.lost[:5])}.")
    return lines


def _likeness(found: Neighbourhoods, whole: Mapping[str, float], a: Side, b: Side) -> Section:
    bars = [charts.Bar(f"k = {k}", *mean_of(found.kept[place])) for place, k in enumerate(found.ks)]
    rows = [
        [k, said(mean_of(found.kept[p]), True), f"{100 * found.chance[p]:.2g}%",
         *(said(mean_of(of[p])) for of in (found.trustworthiness, found.continuity))]
        for p, k in enumerate(found.ks)
    ]  # fmt: skip
    return Section("How alike they are", f"{a.name} beside {b.name}, on {len(found.rows):,} items against "
        f"{found.n:,}.", [
        Facts([
            ("rank agreement", whole["rank_agreement"], "Spearman's correlation of distances of the same pairs: 1 "
                "where far stays far, 0 is chance; higher is more alike."),
            ("CKA", whole["cka"], "Linear centred kernel alignment, unbiased: 1 is alike up to turn, shift and "
                "scale, 0 is unrelated."),
            ("Procrustes", whole["procrustes"], "What is left after the best turn, shift and scale of one onto the "
                "other: 0 is alike, 1 unrelated."),
        ]),
        Chart(charts.bars(bars, "share of nearest neighbours in common", limits=(0.0, 1.0)),
              "Share of the k nearest in one that are among the k nearest in the other; higher is more alike."),
        Table(["k", "in common", "by chance", "trustworthiness", "continuity"], rows,
              "Trustworthiness: how few neighbours in the second are false by the first; continuity: how few are "
                  "lost. 1 is best."),
    ])  # fmt: skip


def _sides(a: Side, b: Side, alone: Sequence[Mapping[str, Any]]) -> Section:
    def row(name: str, key: str, form: str = "{:.3g}") -> list[Any]:
        return [name, *(form.format(facts[key]) for facts in alone)]

    rows = [
        row("numbers an item", "numbers", "{:,}"), row("bytes an item", "bytes", "{:,}"),
        ["intrinsic dimension (TwoNN)", *(f"{f['two_nn']['dims']:.1f}" for f in alone)],
        ["intrinsic dimension (MLE)", *(f"{f['mle']['dims']:.1f}" for f in alone)],
        row("concentration", "concentration"), row("hubness", "hubness"),
        row("ms a query, exact", "milliseconds_a_query"),
    ]  # fmt: skip
    return Section("Each by itself", "Size, distances and what a search costs.", [
        Table(["", a.name, b.name], rows,
              "Fewer numbers and milliseconds are better. Concentration is the deviation of distances over their "
                  "mean: near 0, all items "
              "are about as far and near means little; higher is better. Hubness is the skewness of how often an "
                  "item is near others: "
              "0 is fair, above 1 some items turn up everywhere; lower is better. Of intrinsic dimension, neither "
                  "way is better."),
    ])  # fmt: skip


def _changes(found: Neighbourhoods, ids: Sequence[str], rows: np.ndarray, shares: np.ndarray, middle: int) -> Section:
    k = found.ks[middle]
    return Section("Which items changed most", f"By the share of their {k} nearest that both spaces agree on.", [
        Chart(charts.histogram(found.kept[middle], f"share of {k} nearest", x="share in common", bins=min(k + 1, 30)),
              "How many items have which share of neighbours in common; further right is more alike."),
        Table(["item", "in common"], [[ids[row], f"{one:.0%}"] for row, one in zip(rows, shares, strict=True)],
              "The measured items whose neighbourhoods differ most; lower has changed more."),
    ])  # fmt: skip


def _tasks(task: TaskScores, target: str) -> Section:
    names = {"features": "first", "z": "second"}
    measure = "balanced accuracy" if task.names else "R^2"
    bars = [charts.Bar(names[name], *told.score, place + 1) for place, (name, told) in enumerate(task.told.items())]
    low = min(0.0, *(float(told.score.low) for told in task.told.values()))
    return Section("The task", f"How well {target} is told from each, on {task.n:,} items in the same five folds.", [
        Chart(charts.bars(bars, f"{target}: {measure}", limits=(low, 1.0), mark=task.chance),
              f"{measure} by the better of a linear and a nonlinear probe; higher is better, the dashed line is "
                  "chance."),
        Table(["from", "numbers", "linear", "nonlinear"],
              [[names[name], t.width, said(t.linear), said(t.nonlinear)] for name, t in task.told.items()],
              "Higher is better."),
    ])  # fmt: skip


def _task_facts(task: TaskScores, target: str) -> dict[str, Any]:
    return {
        "target": target, "items": task.n, "chance": task.chance, "kept": as_fact(task.kept),
        "a": as_fact(task.told["features"].score), "b": as_fact(task.told["z"].score),
        "lost": [str(name) for name, *_ in task.lost],
    }  # fmt: skip


# ---------------------------------------------------------------------- drift
def drift(title: str, before: np.ndarray, now: np.ndarray, ids: Sequence[str], *, seed: int = 0) -> Report:
    """Tests whether new latents come from where the space's own came from; see `LatentSpace.drift`.

    Raises
    ------
    ValueError
        If either set has fewer than 20 items.
    """
    if min(len(before), len(now)) < 20:
        raise ValueError(f"{len(now)} items against {len(before)} are too few to test: 20 and more of both are needed.")
    rng = np.random.default_rng(seed)

    def some(rows: np.ndarray, most: int) -> np.ndarray:
        return np.sort(rng.choice(len(rows), min(len(rows), most), replace=False))

    old, new = some(before, 1_000), some(now, 1_000)
    by_kernel = kernel_test(before[old], now[new], seed=seed)
    old, new = some(before, 5_000), some(now, 5_000)
    by_probe = classifier_test(before[old], now[new], seed=seed)
    # Two tests: either may speak at half the level.
    drifted = min(by_kernel.p_value, by_probe.p_value) <= _DRIFTED / 2
    moved = (now.mean(axis=0) - before.mean(axis=0)) / np.maximum(before.std(axis=0), 1e-12)
    most = np.argsort(-np.abs(moved))[:5]
    accuracy: Score = by_probe.accuracy
    if drifted:
        first = (
            f"The new items differ from the space's own (p = {min(by_kernel.p_value, by_probe.p_value):.2g}): "
            "a classifier "
            f"tells them apart by {said(accuracy)}, where 0.5 is alike."
        )
    else:
        first = f"No drift was found: the new items look like the space's own (accuracy {said(accuracy)}, 0.5: alike)."
    unlike = [ids[new[row]] for row in by_probe.items]
    facts = {
        "drifted": bool(drifted), "items": len(now), "items_before": len(before), "seed": seed,
        "mmd": by_kernel._asdict(), "classifier": {"accuracy": as_fact(accuracy), "p_value": by_probe.p_value},
        "moved": {str(int(d)): float(moved[d]) for d in most}, "most_unlike": unlike,
    }  # fmt: skip
    section = Section("Two tests", "Each shuffles which items are new, to see what chance gives.", [
        Facts([
            ("kernel test", f"MMD^2 {by_kernel.value:.3g}, p = {by_kernel.p_value:.2g}", "Squared distance of the "
                "two sets by a Gaussian kernel; about 0 is alike. A small p says that chance seldom gives as much."),
            ("classifier test", f"{said(accuracy)}, p = {by_probe.p_value:.2g}", "Balanced accuracy of telling new "
                "from old; 0.5 is alike, 1 is wholly apart. A small p says the same."),
        ]),
        Table(["dimension", "moved by"], [[int(d), f"{moved[d]:+.2f}"] for d in most],
              "Dimensions whose mean moved most, in standard deviations of the space; 0 is best."),
        Table(["new items most unlike the old"], [[one] for one in unlike], "Those that the classifier tells most "
            "surely."),
    ])  # fmt: skip
    return Report(title, [first], [section], facts)
