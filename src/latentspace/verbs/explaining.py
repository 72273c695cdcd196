"""What dimensions mean, and what is odd."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from .state import State

if TYPE_CHECKING:
    from ..explaining import Explanation, Outliers
    from ..reports import Report


class ExplainingVerbs(State):
    """`explain`, `outliers`, `why`."""

    def explain(
        self, *, dims: Sequence[int] | None = None, k: int = 6, how: Literal["jacobian", "gradients"] = "jacobian",
        rotations: bool = True, concepts: Mapping[str, Any] | None = None, sparse: int | None = None, seed: int = 0,
    ) -> "Explanation":  # fmt: skip
        """Tells what each dimension means, with evidence, and says so where it means nothing clear.

        Parameters
        ----------
        dims : sequence of int, optional
            Dimensions to tell; by default up to 24, those that vary most.
        k : int, default=6
            Items shown at each end of a dimension.
        how : "jacobian" or "gradients", default="jacobian"
            Which features belong to a dimension: those that the decoder changes with it (of a linear model its
            loadings), or those that the encoder read it from, by integrated gradients (extra `explain`). The decoder
            is the default because it needs no items and no captum, and shows what a traversal shows.
        rotations : bool, default=True
            Also try varimax and ICA, and say what they cost.
        concepts : mapping of name to direction, optional
            Directions (dims,), or axes, to test against random directions; the space's own axes always are.
        sparse : int, optional
            Learn so many sparse features of the latents too, and show each one's top items (extra `neural`). Spaces of
            model="sparse-autoencoder" show theirs without.
        seed : int, default=0

        Returns
        -------
        Explanation
            Prints as words; `dimensions`, `rotations`, `concepts` and `sparse` are values; `save("x.html")`.

        Raises
        ------
        ValueError
            If the space is empty, or an argument is out of range.
        UnsupportedError, MissingExtraError
            If `how` or `sparse` asks for what the model or the installation has not.
        """
        from ..explaining import explain

        return explain(self, dims=dims, k=k, how=how, rotations=rotations, concepts=concepts, sparse=sparse, seed=seed)

    def outliers(self, k: int = 20) -> "Outliers":
        """Finds the items that the space covers least, and tells what is odd about each.

        Three things are looked at, as far as the space has them: how badly an item comes back from its latent, how low
        the density is there, and how much farther its neighbours are than theirs are from their own (a local outlier
        factor). Each is told in robust deviations, and together as the length of the three.

        Parameters
        ----------
        k : int, default=20
            Items told.

        Returns
        -------
        Outliers
            Prints as words; iterates as `Outlier(id, row, score, because)`, the oddest first; `scores` has every
            item's: 1 is usual, from about 5 on an item stands out.

        Raises
        ------
        ValueError
            If k is below 1, or there are fewer than two items.
        """
        from ..explaining import outliers

        return outliers(self, k)

    def why(self, item: Any, other: Any = None, *, metric: Literal["euclidean", "cosine"] = "euclidean") -> "Report":
        """Tells why an item is where it is, or why it is near another.

        Parameters
        ----------
        item : id, item or latent
        other : id, item or latent, optional
            Without one, the dimensions on which the item is unlike the rest; with one, those that bring the two near.
        metric : "euclidean" or "cosine", default="euclidean"
            Of how near two are. Parts of the squared distance, or of the similarity, add up over the dimensions.

        Returns
        -------
        Report
            Prints as words; `to_dict()["dimensions"]` has every dimension.

        Raises
        ------
        ValueError
            If an id or the metric is not known, or there are fewer than two items.
        """
        from ..explaining import why

        return why(self, item, other, metric)
