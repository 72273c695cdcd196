"""How good a space is."""

from .state import State


class EvaluatingVerbs(State):
    """Nothing yet."""
