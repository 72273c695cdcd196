"""The demos' data: the first of several sets that can be had here."""

from ..datasets import Dataset, UnavailableError, load


def first_of(*names: str) -> Dataset:
    """Reads the first set that is installed, cached or can be fetched.

    Raises
    ------
    UnavailableError
        If none can be had; the message says why of each.
    """
    reasons = []
    for name in names:
        try:
            return load(name)
        except UnavailableError as error:
            reasons.append(f"{name}: {error}")
    raise UnavailableError("the demo's data cannot be had here. " + " ".join(reasons))
