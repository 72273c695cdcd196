"""Optional packages: imported where they are used, and named with their extra when they are missing."""

import importlib
from types import ModuleType

from .errors import MissingExtraError


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Imports an optional module, or says in one line which extra brings it.

    Parameters
    ----------
    module : str
        Name to import, such as "torch".
    extra : str
        The extra of this package that installs it, such as "neural".
    purpose : str
        What needs it, as the message's subject: "model='vae'".

    Raises
    ------
    MissingExtraError
        If the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtraError(
            f"{purpose} needs {module}, which is not installed. Install it: pip install 'latentspace[{extra}]'"
        ) from None
