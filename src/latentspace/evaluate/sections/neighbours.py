"""Are the near in feature space the near in z?"""

import numpy as np

from ...reports import Chart, Section, Table, charts
from ..findings import Finding
from ..given import Given
from ..intervals import mean_of
from ..neighbourhoods import neighbourhoods
from ..part import Part, as_fact, said

KS = (5, 15, 50)


def judge(given: Given) -> Part:
    """Compares neighbourhoods of a sample of the items, each against all."""
    assert given.features is not None
    x = given.rows(np.arange(given.n))
    rows = given.sample(given.most("neighbours"), salt=5)
    found = neighbourhoods(x, given.z, KS, rows)
    table, facts, findings = [], {}, []
    for place, k in enumerate(found.ks):
        kept, trust, lost = (mean_of(of[place]) for of in (found.kept, found.trustworthiness, found.continuity))
        table.append([k, said(kept, True), f"{100 * found.chance[place]:.2g}%", said(trust), said(lost)])
        facts[str(k)] = {
            "kept": as_fact(kept), "chance": float(found.chance[place]), "trustworthiness": as_fact(trust),
            "continuity": as_fact(lost),
        }  # fmt: skip
    if found.ks:
        place = len(found.ks) // 2
        kept = mean_of(found.kept[place])
        if (
            kept.low <= 1.5 * found.chance[place]
            and kept.value < 3 * found.chance[place]
            and given.n > 4 * found.ks[place]
        ):
            findings.append(Finding(
                "neighbours-by-chance",
                f"An item's {found.ks[place]} nearest in z are no more its nearest in features than chance would "
                    "have it.",
            ))  # fmt: skip
    bars = [charts.Bar(f"k = {k}", *mean_of(found.kept[place])) for place, k in enumerate(found.ks)]
    return Part(
        Section(
            "Neighbours",
            f"Whether the items nearest in feature space are nearest in z, for {len(rows):,} items against all "
                f"{given.n:,}.",
            [
                Chart(charts.bars(bars, "share of nearest neighbours kept", limits=(0.0, 1.0)),
                      "Share of the k nearest in feature space that are among the k nearest in z; higher is better, "
                          "1 is all."),
                Table(
                    ["k", "kept", "by chance", "trustworthiness", "continuity"], table,
                    "Trustworthiness: how few neighbours in z are false; continuity: how few true ones are lost; both "
                    "weigh by how far off they are, and 1 is best, about 0.5 is chance. Higher is better in every "
                        "column.",
                ),
            ],
        ),
        {"items": len(rows), "k": facts}, findings,
    )  # fmt: skip
