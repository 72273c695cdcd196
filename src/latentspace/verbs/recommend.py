"""What to look at next."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .state import State

if TYPE_CHECKING:
    from ..search.recommend import Recommendations


class RecommendVerbs(State):
    """`recommend`."""

    def recommend(
        self, liked: Any = None, disliked: Any = None, *, user: Any = None, k: int = 10, diversity: float = 0.1,
        popularity: float = 0.0, popular: str | None = None, where: Mapping[str, Any] | None = None,
        content: Any = None, blend: float = 0.2,
    ) -> "Recommendations":  # fmt: skip
        """Recommends what to look at next, from what was liked and what was not; never what was given.

        In a space of items (images, sounds, texts, rows) these are the space's own items, by their latents: what is
        near one or several of the liked, and not near the disliked. In a space of interactions, whose items are users,
        they are the things that users met: from a user's history by the model, and by the things' own content too, if
        a space of them is given.

        Parameters
        ----------
        liked, disliked : an id, an item or a latent, or a list of such
            Examples, of the space or from outside. In a space of interactions: names of things, or {name: value}.
        user : str or {thing: value}, optional
            A user of a space of interactions, or the history of somebody who is not in it and is folded in.
        k : int, default=10
            How many; where fewer exist, all there are.
        diversity : float, default=0.1
            0: the best k, however alike; to 1: as different as can be (maximal marginal relevance).
        popularity : float, default=0
            Weight of the logarithm of how many met a thing, in standard deviations beside the score's own: above 0 for
            what is known to many, below 0 for what is not.
        popular : str, optional
            In a space of items, the metadata column that says how popular each is.
        where : mapping, optional
            Conditions that are met before the choice, as in `search`; for things: on "item", "users" (how many met it)
            and the content's metadata.
        content : LatentSpace, optional
            In a space of interactions: a space of the things, its ids their names. Things that no user has met yet can
            be recommended then, by factors that are predicted from their content.
        blend : float, default=0.2
            Share of the content's word beside the users', 0 to 1.

        Returns
        -------
        Recommendations
            Pairs (id, score), best first, with `reasons`: "near 'a.png', which you liked (cosine 0.93); shares axis 3".
            With nothing liked or disliked: what is typical of the space, or what most users met.

        Raises
        ------
        ValueError
            If an id or a thing is not known, or an option is out of its range.
        UnsupportedError
            If `user` or `content` is given to a space that is not of interactions.
        """
        from .. import recommending, things
        from ..errors import UnsupportedError

        wishes = recommending.Wishes(k, diversity, popularity, popular, where)
        if self.modality.kind == "interactions":
            return things.to_user(self, user, liked, disliked, wishes, content, blend)
        if user is not None:
            recommending.refuse_user(self, user)
        if content is not None:
            raise UnsupportedError(
                f"content= goes with a space of interactions; this one holds {self.modality.kind}, whose latents are "
                "their content already."
            )
        return recommending.by_content(self, liked, disliked, wishes)
