"""A fitted model as one file: arrays as safetensors, the rest as JSON in its header; no pickle, no code."""

import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.numpy

from ..errors import CorruptFileError
from ..models import family
from .work import put

_KEY = "latentspace-model"


def save(path: Path, model: Any) -> None:
    """Writes a fitted model of one of the families."""
    params, facts, arrays = model.get_state()
    named = {f"{place:04d}": name for place, name in enumerate(arrays)}
    held = {key: arrays[name].reshape(arrays[name].shape) for key, name in named.items()}
    header = {"family": model.family, "params": params, "facts": facts, "names": named}
    data = safetensors.numpy.save(held, metadata={_KEY: json.dumps(header)})
    put(path, lambda file: file.write(data))


def load(path: Path) -> Any:
    """Rebuilds the model.

    Raises
    ------
    CorruptFileError
        If the file is damaged or holds no model.
    """
    try:
        with safetensors.safe_open(path, framework="np") as file:
            header = json.loads((file.metadata() or {})[_KEY])
            arrays = {name: file.get_tensor(key) for key, name in header["names"].items()}
        return family(header["family"]).from_state(header["params"], header["facts"], arrays)  # type: ignore[attr-defined]
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise CorruptFileError(f"{path} holds no model, or is damaged ({type(error).__name__}: {error}).") from None
