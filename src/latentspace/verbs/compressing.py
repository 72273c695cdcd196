"""Items as bytes, and back."""

from .state import State


class CompressingVerbs(State):
    """Nothing yet."""
