"""Sentence encoders from a folder: a tokenizer, a network, and how its tokens' vectors become one a text."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...errors import UnsupportedError
from ...optional import require
from ..threads import in_threads
from . import Advance, Reads
from .bert import Bert, pooled

_ROWS = 4  # texts at a time: more take as long each, and a single query waits for as many
_STEP = 8  # tokens: a text is filled up to a multiple of it, so that few are computed in vain
_LONGEST = 512  # tokens, where the folder does not say
_POOLS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}
_WHOLE = ("Transformer", "Pooling", "Normalize")

Network = Callable[[Tensor, Tensor], Tensor]


class SentenceEncoder:
    """Texts to rows, each on its own: an item's numbers do not depend on the texts beside it.

    Parameters
    ----------
    folder : Path
        As sentence-transformers writes it: tokenizer.json, config.json, and model.safetensors (BERT's) or an ONNX
        file (any network's); modules.json and 1_Pooling/config.json say what follows the network.
    name : str
        For messages.

    Raises
    ------
    UnsupportedError
        If a file is missing, or it does something that is not known here.
    """

    pictures = None
    reads = Reads("texts")

    def __init__(self, folder: Path, name: str, onnx: Path | None = None):
        self.folder, self.name = folder, name
        self._tokenizer = _tokenizer(folder, name)
        self.pooling, self.normalise = _what_follows(folder, name)
        config = _json(folder / "config.json")
        weights = onnx or _weights(folder, config.get("model_type", "bert"), name)
        settings = _json(folder / "sentence_bert_config.json")
        most = [settings.get("max_seq_length"), config.get("max_position_embeddings"), _LONGEST]
        self.longest = int(next(length for length in most if length))
        self._lower = bool(settings.get("do_lower_case", False))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.longest)
        self._network = _onnx_network(weights, name) if weights.suffix == ".onnx" else _bert(weights, config, name)
        self.digest = _digest(weights, folder / "tokenizer.json", f"{self.pooling} {self.normalise} {self.longest}")
        self.about: dict[str, Any] = {
            "weights": str(weights), "bytes": weights.stat().st_size, "licence": licence_of(folder), "cut": 0,
        }  # fmt: skip

    def rows(self, items: Sequence[str], threads: int = 1, advance: Advance | None = None) -> np.ndarray:
        """Texts to float32 (n, width). What is past the longest it reads is left out, and counted in `about`."""
        texts = [text.lower() if self._lower else text for text in items]
        tokens = self._tokenizer.encode_batch(texts)
        self.about["cut"] += sum(bool(one.overflowing) for one in tokens)
        ids = [one.ids for one in tokens]
        # Neighbours in length share a chunk: what they are filled up with costs as much as what they say.
        sizes = [_STEP * -(-max(1, len(one)) // _STEP) for one in ids]
        groups: dict[int, list[int]] = {}
        for place, size in enumerate(sizes):
            groups.setdefault(size, []).append(place)
        chunks = [
            (size, places[start : start + _ROWS])
            for size, places in sorted(groups.items())
            for start in range(0, len(places), _ROWS)
        ]

        def work(chunk: tuple[int, list[int]]) -> np.ndarray:
            size, places = chunk
            h = self._encoded([ids[place] for place in places], size)
            if advance is not None:
                advance(len(places))
            return h

        rows: np.ndarray | None = None
        for (_, places), h in zip(chunks, in_threads(work, chunks, threads), strict=True):
            rows = np.empty((len(ids), h.shape[1]), np.float32) if rows is None else rows
            rows[places] = h
        return np.empty((0, self.width), np.float32) if rows is None else rows

    @property
    def width(self) -> int:
        """How many numbers a text gets."""
        return self._encoded([self._tokenizer.encode("a").ids], _STEP).shape[1]

    def _encoded(self, ids: Sequence[Sequence[int]], size: int) -> np.ndarray:
        """Up to `_ROWS` texts' token ids to rows; always computed in one shape, for the same last bits."""
        words = torch.zeros((_ROWS, size), dtype=torch.int64)
        mask = torch.zeros((_ROWS, size), dtype=torch.bool)
        mask[:, 0] = True  # of the rows that are only filled in
        for row, one in enumerate(ids):
            words[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = True
        with torch.inference_mode():
            h = self._network(words, mask)
            h = pooled(h, mask, self.pooling) if h.ndim == 3 else h
            h = functional.normalize(h, dim=1) if self.normalise else h
        return h[: len(ids)].float().numpy()


def open_folder(argument: str) -> SentenceEncoder:
    """Opens "text:FOLDER".

    Raises
    ------
    UnsupportedError
        If there is no such folder, or files are missing in it.
    """
    folder = Path(argument).expanduser()
    if not argument or not folder.is_dir():
        raise UnsupportedError(
            f"encoder='text:{argument}' needs the folder {str(folder)!r}, which is not there. Name one that holds "
            "tokenizer.json, config.json and model.safetensors, as sentence-transformers saves them."
        )
    return SentenceEncoder(folder, f"text:{argument}")


# ---------------------------------------------------------------------- what a folder holds
def _tokenizer(folder: Path, name: str) -> Any:
    tokenizers = require("tokenizers", "pretrained", f"encoder={name!r}")
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise UnsupportedError(f"encoder={name!r} needs {str(path)!r}, which is not there.")
    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"encoder={name!r}: {path} cannot be read: {error}") from None


def _weights(folder: Path, network: str, name: str) -> Path:
    """The file of weights that is read: BERT's own, or an ONNX file of any network."""
    own, exported = folder / "model.safetensors", (folder / "model.onnx", folder / "onnx" / "model.onnx")
    if network == "bert" and own.is_file():
        return own
    for path in exported:
        if path.is_file():
            return path
    if own.is_file():
        raise UnsupportedError(
            f"encoder={name!r} is a {network!r}, and only 'bert' is read from model.safetensors. Export it to "
            f"{folder / 'onnx' / 'model.onnx'}, or install sentence-transformers and take "
            f"encoder='sentence-transformers:{folder}'."
        )
    looked = ", ".join(str(path) for path in (own, *exported))
    raise UnsupportedError(f"encoder={name!r} has no weights here: none of {looked} is there.")


def _what_follows(folder: Path, name: str) -> tuple[str, bool]:
    """How tokens' vectors become one, and whether it is brought to length 1."""
    modules = _json(folder / "modules.json", [])
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    strange = [kind for kind in kinds if kind not in _WHOLE]
    if strange:
        raise UnsupportedError(
            f"encoder={name!r} ends in {', '.join(strange)}, and only {', '.join(_WHOLE)} are read here. Install "
            f"sentence-transformers and take encoder='sentence-transformers:{folder}'."
        )
    at = next((str(m.get("path", "")) for m, kind in zip(modules, kinds, strict=True) if kind == "Pooling"), "")
    pooling = _json(folder / at / "config.json") if at else {}
    asked = [how for flag, how in _POOLS.items() if pooling.get(flag)]
    others = [flag for flag, on in pooling.items() if flag.startswith("pooling_mode_") and on and flag not in _POOLS]
    if others or len(asked) > 1:
        raise UnsupportedError(
            f"encoder={name!r} pools by {', '.join(others or asked)}; one of {', '.join(_POOLS)} is read here."
        )
    return (asked[0] if asked else "mean"), "Normalize" in kinds


def _bert(weights: Path, config: dict[str, Any], name: str) -> Network:
    from safetensors.torch import load_file

    try:
        return Bert(config, load_file(weights))
    except Exception as error:  # whatever is damaged in either file
        raise ValueError(f"encoder={name!r}: {weights} cannot be used: {error}") from None


def _onnx_network(path: Path, name: str) -> Network:
    from .onnx import session_of

    session = session_of(path, name)
    names = [one.name for one in session.get_inputs()]
    strange = [one for one in names if one not in ("input_ids", "attention_mask", "token_type_ids")]
    if strange or "input_ids" not in names:
        raise ValueError(
            f"encoder={name!r}: {path} takes {', '.join(names)}; a network of texts takes input_ids, attention_mask "
            "and perhaps token_type_ids."
        )

    def network(words: Tensor, mask: Tensor) -> Tensor:
        given = {"input_ids": words, "attention_mask": mask.long(), "token_type_ids": torch.zeros_like(words)}
        (first, *_) = session.run(None, {one: given[one].numpy() for one in names})
        return torch.from_numpy(first)

    return network


def licence_of(folder: Path) -> str:
    """The licence that a model card names in its head; "not stated" where none does."""
    card = folder / "README.md"
    if card.is_file():
        with card.open(encoding="utf-8", errors="replace") as file:
            for _, line in zip(range(60), file, strict=False):
                if line.lower().startswith("license:"):
                    return line.partition(":")[2].strip(" '\"\n")
    return "not stated"


def _json(path: Path, otherwise: Any = None) -> Any:
    if not path.is_file():
        return {} if otherwise is None else otherwise
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged: {error}.") from None


def _digest(weights: Path, tokenizer: Path, rest: str) -> str:
    digest = hashlib.blake2b(rest.encode(), digest_size=16)
    for path in (weights, tokenizer):
        with path.open("rb") as file:
            while block := file.read(2**22):
                digest.update(block)
    return digest.hexdigest()
