"""`njit` of numba, or, where numba is not installed, the same loops in plain Python: slow, with the same bytes."""

from collections.abc import Callable
from typing import Any

try:
    from numba import njit

    IS_COMPILED = True
except ImportError:
    IS_COMPILED = False

    def njit(**_: Any) -> Callable[[Any], Any]:
        """Leaves a function as it is."""
        return lambda function: function


__all__ = ["IS_COMPILED", "njit"]
