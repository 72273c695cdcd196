"""What a space says of itself."""

from typing import TYPE_CHECKING, Any

from .. import looking
from .state import State

if TYPE_CHECKING:
    from ..models.history import History
    from ..topics import Topics


class TellingVerbs(State):
    """`info`, `history`, `topics`."""

    def info(self) -> dict[str, Any]:
        """Returns what this space is: its items, model, origin, and how well it gives its items back."""
        return looking.describe(self)

    def _repr_html_(self) -> str:
        from ..notebook import html_of

        return html_of(self)

    @property
    def history(self) -> "History":
        """How a neural model was trained, epoch by epoch: a table, columns by name, and `plot(path)`."""
        from ..models.history import of

        return of(self.model)

    def topics(self, n: int = 10) -> "Topics":
        """Tells what each dimension is about, as the n features that weigh most in it: words, for texts.

        Raises
        ------
        UnsupportedError
            If the features have no names, or the model has no weight for each; "topic-vae", "nmf" and "lsa" have.
        """
        from ..topics import topics_of

        return topics_of(self, n)
