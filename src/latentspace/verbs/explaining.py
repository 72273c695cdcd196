"""What dimensions mean, and what is odd."""

from .state import State


class ExplainingVerbs(State):
    """Nothing yet."""
