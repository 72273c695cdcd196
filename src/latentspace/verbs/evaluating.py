"""How good a space is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from .. import carding, judging
from .state import State

if TYPE_CHECKING:
    from ..carding import Card
    from ..reports import Report


class EvaluatingVerbs(State):
    """`evaluate`, `compare_features`, `compare`, `drift`, `card`."""

    def card(self, target: str | None = None, *, again: bool = False, seed: int = 0) -> "Card":
        """Returns the space's model card: what it is, was made of, and was measured to keep; what it does not know.

        It is written from facts alone, and kept in the space's file; what only people can say is left open.

        Parameters
        ----------
        target : str, optional
            A metadata column: what z should tell.
        again : bool, default=False
            Measure even where a card of these items is kept.
        seed : int, default=0

        Returns
        -------
        Card
            Prints as Markdown; `save("card.md")`; `to_dict()`.

        Raises
        ------
        ValueError
            If the target is no column.
        """
        return carding.card(self, target, again, seed)

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

    def compare_features(self, target: str | None = None, *, quick: bool = False, seed: int = 0) -> "Report":
        """Compares feature space with latent space, point by point.

        Size, distances (their agreement in rank, how far they concentrate, hubness), neighbours in common, CKA,
        Procrustes, intrinsic dimension, what a search costs, and whose neighbourhood changed most.

        Parameters
        ----------
        target : str, optional
            A metadata column that is told from both.
        quick : bool, default=False
            Measure on smaller samples.
        seed : int, default=0

        Raises
        ------
        UnsupportedError
            If the features are no longer at hand.
        ValueError
            If there are fewer than 20 items, or the target is no column.
        """
        return judging.compare_features(self, target=target, quick=quick, seed=seed)

    def compare(self, other: "State", target: str | None = None, *, quick: bool = False, seed: int = 0) -> "Report":
        """Compares the latents of this space with another's, on the items of the same id; see `compare_features`.

        Raises
        ------
        ValueError
            If they have fewer than 20 items in common, or the target is no column of this space.
        """
        return judging.compare_spaces(self, other, target=target, quick=quick, seed=seed)

    def drift(self, items: Any, *, seed: int = 0) -> "Report":
        """Tests whether new items come from where the space's own came from.

        A kernel test (MMD) and a classifier that tries to tell new from old, both against shufflings. "Drifted" is said
        where chance gives as much in less than 5% of cases.

        Parameters
        ----------
        items
            At least 20 items, or a source as `fit` takes it.
        seed : int, default=0

        Raises
        ------
        ValueError
            If either set has fewer than 20 items.
        """
        return judging.drift(self, items, seed=seed)
