"""A training run on disk: tensors as safetensors, the rest as JSON in its header; replaced in one move, no pickle."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

_KEY = "latentspace-training"


def write(path: Path, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Writes a checkpoint; whoever is killed meanwhile leaves the old one or the new one."""
    beside = _beside(path)
    safetensors.torch.save_file(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
        beside,
        metadata={_KEY: json.dumps(facts)},
    )
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(path)


def remove(path: Path) -> None:
    """Removes a checkpoint, and what a killed writer left beside it."""
    path.unlink(missing_ok=True)
    _beside(path).unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".tmp")


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Reads a checkpoint.

    Raises
    ------
    ValueError
        If the file is not a checkpoint.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})[_KEY])
            return facts, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (safetensors.SafetensorError, KeyError, json.JSONDecodeError, OSError) as error:
        raise ValueError(
            f"checkpoint={str(path)!r} is not a training checkpoint, or is damaged ({type(error).__name__}: {error}). "
            "Delete it or give another path."
        ) from None


def fingerprint(settings: dict[str, Any], *tensors: Tensor | None) -> str:
    """Returns a hash of what a run was started with, to refuse a checkpoint of another run."""
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    for x in tensors:
        if x is None:
            continue
        digest.update(repr(tuple(x.shape)).encode())
        # Whole rows, at most 64 MB of them, evenly spread: enough to know the data again.
        rows = max(1, min(len(x), 2**24 // max(1, x[0].numel())))
        digest.update(x[:: max(1, len(x) // rows)].cpu().contiguous().numpy().data)
    return digest.hexdigest()
