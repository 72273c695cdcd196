"""The errors that have a type of their own, so that a caller can tell a refusal from a mistake."""


class UnsupportedError(ValueError):
    """A verb that this model or modality cannot do; the message names what could."""


class BadItemError(ValueError):
    """One item that cannot be read; the message is the reason that the report shows."""


class CorruptFileError(ValueError):
    """A file that is damaged, truncated, or not what its name says."""


class MissingExtraError(ImportError):
    """An optional package that is not installed; the message names the extra that brings it."""


class SkippedItemsWarning(UserWarning):
    """Items were skipped because they could not be read; the message counts them and says why."""


class CollapseWarning(UserWarning):
    """Latent dimensions carry nothing, or training ended in a state that a user should look at."""


class TrainingWarning(UserWarning):
    """Training did not go as asked: it was rolled back, or stopped early; the message says what was kept."""
