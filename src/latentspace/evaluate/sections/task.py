"""Does z keep what predicts the target? Beside features, PCA of the same size and a random projection."""

from typing import Any

import numpy as np
from scipy.sparse import issparse

from ...models.pca import PCA
from ...reports import Chart, Facts, Section, Table, charts
from ...reports.blocks import shown
from ..findings import Finding
from ..given import Given
from ..intervals import Score
from ..part import Part, as_fact, said
from ..tasks import TaskScores, Told, target_of, task_scores

FEATURES, LATENTS, LINEAR, RANDOM = "features", "z", "PCA of the same size", "random projection"
_NAMED = 5  # classes that a sentence names
_SAME = 0.98  # kept surely: nothing worth a word is lost


def judge(given: Given) -> Part:
    """Scores the target; the space's own column, or an error that lists what there is."""
    assert given.target is not None
    if given.target not in given.metadata:
        there = ", ".join(map(repr, given.metadata)) or "none"
        raise ValueError(f"target={given.target!r} is no metadata column of this space. There are: {there}.")
    target, rows, left_out = target_of(given.metadata[given.target], given.task)
    chosen = given.sample(given.most_for_task(), np.arange(len(rows)), salt=1)
    if target.is_classes and len(chosen) < len(rows):  # a class may have become too small to be told
        column = [given.metadata[given.target][row] for row in rows[chosen]]
        target, again, fewer = target_of(column, "classes")
        rows, left_out = rows[chosen][again], [*left_out, *(one for one in fewer if one not in left_out)]
    else:
        target.y, rows = target.y[chosen], rows[chosen]
    permutations = 19 if given.quick else 39
    scores = task_scores(
        _representations(given, rows), target, seed=given.seed, permutations=permutations, left_out=left_out
    )
    return Part(_section(given, scores), _facts(given, scores), _findings(given, scores))


def _representations(given: Given, rows: np.ndarray) -> dict[str, Any]:
    z = given.z[rows]
    if given.features is None:
        return {LATENTS: z}
    x = given.rows(rows)
    spaces: dict[str, Any] = {FEATURES: x, LATENTS: z}
    dims = min(given.dims, *x.shape)
    if dims < x.shape[1]:
        if getattr(given.model, "family", None) != "pca":
            pca = PCA(dims=dims, random_state=given.seed)
            spaces[LINEAR] = pca.fit(x).transform(x)
        directions = np.random.default_rng([given.seed, 2]).standard_normal((x.shape[1], given.dims)).astype(np.float32)
        spaces[RANDOM] = np.asarray(x @ directions, np.float32) if issparse(x) else x @ directions
    return spaces


def _findings(given: Given, scores: TaskScores) -> list[Finding]:
    z, name = scores.told[LATENTS], given.target
    found = []
    if name == given.seen:
        found.append(Finding(
            "target-was-seen",
            f"The model was fitted with {name}, so its score on these items is better than it would be on new ones.",
        ))  # fmt: skip
    silent = scores.p_value > 0.05 and z.score.low <= scores.chance + 0.01
    if FEATURES not in scores.told:
        return (
            [Finding("noise", f"Latents tell nothing of {name}: shuffled labels score as well."), *found]
            if silent
            else found
        )
    x = scores.told[FEATURES]
    if not np.isfinite(scores.kept.value) or x.score.low <= scores.chance:
        tells = "" if silent else f", but z does ({said(z.score)})"
        return [
            Finding("features-silent", f"The features do not tell {name}{tells}: there is nothing to keep."),
            *found,
        ]
    if silent:
        return [Finding(
            "noise",
            f"Latents tell nothing of {name}, which the features do ({_scale(scores, x)}): shuffled labels score as "
            f"well as z ({said(z.score)}). Of this target the space holds noise.",
        ), *_low_variance(given, scores), *found]  # fmt: skip
    found += _losses(given, scores)
    if not any(one.name in ("loses-class", "loses-target") for one in found):
        if scores.kept.low > 1.02:
            found.append(
                Finding(
                    "better-than-features",
                    f"The same probes tell {name} better from z than from the features: it lies more openly there.",
                )
            )
        elif scores.kept.low >= _SAME:
            found.append(Finding("keeps-all", f"Nothing of what predicts {name} is lost."))
    return found


def _losses(given: Given, scores: TaskScores) -> list[Finding]:
    found: list[Finding] = []
    name = given.target
    if scores.lost:
        listed = ", ".join(
            f"{shown(one)} (recall {x.value:.2f} to {z.value:.2f})" for one, x, z in scores.lost[:_NAMED]
        )
        more = f" and {len(scores.lost) - _NAMED} more" if len(scores.lost) > _NAMED else ""
        found.append(Finding("loses-class", f"Loses class{'es' if len(scores.lost) > 1 else ''} {listed}{more}."))
    if scores.kept.high < 0.9:
        found.append(Finding("loses-target", f"Loses {1 - scores.kept.value:.0%} of what predicts {name}."))
    return found + _low_variance(given, scores)


def _low_variance(given: Given, scores: TaskScores) -> list[Finding]:
    """Whether PCA of this size throws the task away, as this space does or does not."""
    found: list[Finding] = []
    name, is_pca = given.target, getattr(given.model, "family", None) == "pca"
    linear = scores.told[LATENTS] if is_pca else scores.told.get(LINEAR)
    best = scores.told[FEATURES].score
    if linear is None or linear.score.high - scores.chance >= 0.8 * (best.low - scores.chance):
        return found
    where = f"what predicts {name} lies in directions of low variance, which PCA throws away"
    if is_pca:
        mend = "'lda'" if scores.names else "'pls'"
        found.append(
            Finding("low-variance-task", f"{where.capitalize()}. A model that is told the target keeps it: {mend}.")
        )
    elif scores.kept.low > 0.8:
        found.append(Finding(
            "beats-pca", f"PCA of the same size scores {said(linear.score)} where z scores "
            f"{said(scores.told[LATENTS].score)}: {where}, and this space keeps it.",
        ))  # fmt: skip
    return found


def _scale(scores: TaskScores, told: Told) -> str:
    return f"{said(told.score)} where chance is {scores.chance:.2g}"


def _section(given: Given, scores: TaskScores) -> Section:
    measure = (
        "balanced accuracy (the mean of every class's recall)" if scores.names else "R^2 (share of its variance told)"
    )
    order = list(scores.told)
    rows = [charts.Bar(name, *scores.told[name].score, 1 + order.index(name)) for name in order]
    lowest = min(0.0, *(float(told.score.low) for told in scores.told.values()))
    chart = Chart(
        charts.bars(rows, f"{given.target}: {measure}", limits=(lowest, 1.0),
                    mark=scores.chance, mark_name="chance" if scores.names else ""),
        f"How well {given.target} is told by each, by the better of two probes: {measure}, higher is better and 1 is "
        f"best. Lines are 95% intervals; the dashed line is chance.",
    )  # fmt: skip
    table = Table(
        ["from", "numbers an item", "linear probe", "nonlinear probe"],
        [[name, told.width, said(told.linear), said(told.nonlinear)] for name, told in scores.told.items()],
        "Both probes meet the same five folds of the same items. Linear: a discriminant or ridge regression; "
        "nonlinear: "
        "the same on 512 random Fourier features besides. Where nonlinear is much higher, the information is there but "
        "folded. Higher is better.",
        marked=[order.index(LATENTS)],
    )
    left = f" Left out, with fewer than 10 items: {shown(scores.left_out)}." if scores.left_out else ""
    facts: list[tuple[str, Any, str]] = []
    if FEATURES in scores.told:
        facts.append(("kept", said(scores.kept, True),
                      "What z tells above chance as a share of what the features tell; higher is better, 100% is "
                          "all."))  # fmt: skip
    facts.append(("shuffled labels", f"{scores.permuted.mean():.3f} (p = {scores.p_value:.2g})",
                  "What z scores when the target is shuffled, and how often that does as well; p should be "
                      "small."))  # fmt: skip
    says = f"How well {given.target} is told from features and from latents, on {scores.n:,} items.{left}"
    blocks: list[Any] = [chart, table, Facts(facts)]
    if scores.names is not None and FEATURES in scores.told:
        blocks.append(_classes(given, scores))
    return Section("The task", says, blocks)


def _classes(given: Given, scores: TaskScores) -> Table:
    assert scores.names is not None
    x, z = scores.told[FEATURES].each, scores.told[LATENTS].each
    order = np.argsort([b.value - a.value for a, b in zip(x, z, strict=True)], kind="stable")[:30]
    lost = {str(name) for name, *_ in scores.lost}
    names = [str(scores.names[place]) for place in order]
    return Table(
        [str(given.target), "recall from features", "recall from z", "lost"],
        [[name, said(x[p]), said(z[p]), "yes" if name in lost else ""] for name, p in zip(names, order, strict=True)],
        "Recall is the share of a class's items that are told rightly, higher is better; classes that lose most first. "
        "A class is lost where its recall falls by more than 0.1, and not by chance.",
        marked=[place for place, name in enumerate(names) if name in lost],
    )


def _facts(given: Given, scores: TaskScores) -> dict[str, Any]:
    def told(one: Told) -> dict[str, Any]:
        each = {str(name): as_fact(score) for name, score in zip(scores.names or [], one.each, strict=True)}
        best: Score = one.score
        return {
            "numbers": one.width, "linear": as_fact(one.linear), "nonlinear": as_fact(one.nonlinear),
            "best": as_fact(best), "classes": each,
        }  # fmt: skip

    return {
        "target": given.target,
        "measure": "balanced accuracy" if scores.names else "R2",
        "items": scores.n,
        "chance": scores.chance,
        "kept": as_fact(scores.kept),
        "scores": {name: told(one) for name, one in scores.told.items()},
        "shuffled": {"mean": float(scores.permuted.mean()), "p": scores.p_value},
        "lost": [str(name) for name, *_ in scores.lost],
        "left_out": [str(name) for name in scores.left_out],
    }
