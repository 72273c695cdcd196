"""How good a space is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from .. import judging
from .state import State

if TYPE_CHECKING:
    from ..reports import Report


class EvaluatingVerbs(State):
    """`evaluate`."""

    def evaluate(
        self,
        target: str | None = None,
        *,
        task: Literal["auto", "classes", "numbers"] = "auto",
        factors: Sequence[str] = (),
        encoder: Any = None,
        quick: bool = False,
        seed: int = 0,
    ) -> "Report":
        """Judges the space: the verdict in plain words, then the evidence.

        What is measured: reconstruction; neighbours kept; the task by probes on features, z, PCA of the same size and
        a random projection, in the same folds; dimensions used, needed and repeated; drawn items beside real ones;
        what the posterior means; what an item costs. Intervals are of 95%.

        Parameters
        ----------
        target : str, optional
            A metadata column: what z should tell. Without one, the task is not measured.
        task : {"auto", "classes", "numbers"}, default="auto"
            How the target is read: "auto" takes words, booleans and few whole numbers for classes.
        factors : sequence of str, optional
            Metadata columns that are the known causes of the items: whether each has a dimension of its own.
        encoder : callable or fitted estimator, optional
            From features (n, ...) to vectors (n, d) that drawn and real items are compared by; by default 64 principal
            components of the features.
        quick : bool, default=False
            Measure on samples: under half a minute for 70,000 pictures, with intervals as wide as that makes them.
        seed : int, default=0
            Draws samples, folds and new items.

        Returns
        -------
        Report
            Prints as words; `report["findings"]` names what was found; `to_dict()`; `save("report.html")`, `.json`,
            `.md` or `.txt`.

        Raises
        ------
        ValueError
            If there are fewer than 20 items, the target or a factor is no column, or has too few values to be told.
        """
        return judging.judge(self, target=target, task=task, factors=factors, encoder=encoder, quick=quick, seed=seed)
