"""Has each known factor a dimension of its own?"""

import numpy as np

from ...reports import Chart, Facts, Section, Table, charts
from ..disentanglement import disentanglement
from ..given import Given
from ..part import Part

_WORDS = {
    "mig": ("MIG", "How much more one dimension tells of a factor than the next"),
    "sap": ("SAP", "The same gap, for a classifier or correlation on one dimension"),
    "dci_disentanglement": ("DCI disentanglement", "Whether a dimension matters for one factor only"),
    "dci_completeness": ("DCI completeness", "Whether a factor needs one dimension only"),
    "dci_informativeness": ("DCI informativeness", "How well trees tell the factors from all dimensions"),
    "modularity": ("modularity", "Whether a dimension has information of one factor only"),
    "explicitness": ("explicitness", "How well a linear classifier tells the factors from all dimensions"),
    "factor_vae": ("FactorVAE score", "Whether the dimension that varies least tells which factor was held still"),
    "beta_vae": ("beta-VAE score", "Whether a linear classifier tells which factor was held still"),
}


def judge(given: Given) -> Part:
    """Measures every score on the named columns."""
    missing = [name for name in given.factors if name not in given.metadata]
    if missing:
        raise ValueError(
            f"factors={missing} are no metadata columns of this space. There are: {', '.join(given.metadata)}."
        )
    rows = given.sample(4_000 if not given.quick else 1_000, salt=9)
    columns = {name: [given.metadata[name][row] for row in rows] for name in given.factors}
    found = disentanglement(given.z[rows], columns, seed=given.seed)
    level = found.rescaled()
    facts = [
        (_WORDS[name][0], f"{getattr(found, name):.3f} (above chance: {level[name]:.2f})",
         f"{_WORDS[name][1]}; higher is better, 1 is best.")
        for name in level
    ]  # fmt: skip
    bars = [charts.Bar(_WORDS[name][0], level[name]) for name in level]
    order = np.argsort(-found.information.max(axis=1), kind="stable")[:16]
    return Part(
        Section(
            "Factors",
            f"Whether {', '.join(given.factors)} have dimensions of their own, on {len(rows):,} items.",
            [
                Chart(charts.bars(bars, "disentanglement", limits=(min(0.0, *level.values()), 1.0)), "Scores with "
                    "chance at 0; higher is better, 1 is best."),
                Facts(facts),
                Table(["dimension", *found.factors],
                      [[int(d), *(round(float(v), 3) for v in found.information[d])] for d in order],
                      "Share of each factor's entropy that a dimension tells: one large figure in every row and "
                          "column is best."),
            ],
        ),
        {"scores": {name: getattr(found, name) for name in level}, "above_chance": level, "chance": found.chance,
         "factors": found.factors, "information": found.information},
    )  # fmt: skip
