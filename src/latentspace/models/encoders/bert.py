"""BERT's encoder, the network under most sentence encoders, from its weights alone."""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional

_LINEAR = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
           "intermediate.dense", "output.dense")  # fmt: skip


class Bert:
    """Token ids to one vector a token (Devlin et al., "BERT: pre-training of deep bidirectional transformers", 2019).

        h = norm(word + position + type)
        h = norm(h + attend(h));  h = norm(h + W_2 gelu(W_1 h))      in every layer

    Parameters
    ----------
    config : mapping
        What its config.json says: layers, heads, sizes.
    weights : mapping of name to float tensor
        As `transformers` names them, with or without "bert." before.

    Raises
    ------
    ValueError
        If the config is of another network, or weights are missing or of another shape.
    """

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]):
        _must_be_plain(config)
        self.heads = int(config["num_attention_heads"])
        self.layers = int(config["num_hidden_layers"])
        self.width = int(config["hidden_size"])
        self.most = int(config["max_position_embeddings"])
        self.epsilon = float(config.get("layer_norm_eps", 1e-12))
        if self.width % self.heads:
            raise ValueError(f"hidden_size {self.width} is no multiple of its {self.heads} attention heads")
        self._weights = {name.removeprefix("bert."): value.float() for name, value in weights.items()}
        self._check(int(config["intermediate_size"]), int(config["vocab_size"]))
        # Every token is of the first segment here: its vector joins the positions'.
        places = self._weights["embeddings.position_embeddings.weight"]
        self._places = places + self._weights["embeddings.token_type_embeddings.weight"][0]

    def _check(self, inner: int, words: int) -> None:
        wide = self.width
        asked: dict[str, tuple[int, ...]] = {
            "embeddings.word_embeddings.weight": (words, wide),
            "embeddings.position_embeddings.weight": (self.most, wide),
        }
        for layer in range(self.layers):
            for name in _LINEAR:
                to = inner if name == "intermediate.dense" else wide
                asked[f"encoder.layer.{layer}.{name}.weight"] = (to, inner if name == "output.dense" else wide)
                asked[f"encoder.layer.{layer}.{name}.bias"] = (to,)
        for name, shape in asked.items():
            found = self._weights.get(name)
            if found is None or tuple(found.shape) != shape:
                held = "are not there" if found is None else f"have shape {tuple(found.shape)}"
                raise ValueError(f"its weights {name!r} {held}; expected {shape}")

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Token ids int64 (n, t) and which of them count, bool (n, t), to float32 (n, t, width)."""
        h = functional.embedding(ids, self._weights["embeddings.word_embeddings.weight"]) + self._places[: ids.shape[1]]
        h = self._norm(h, "embeddings.LayerNorm")
        seen = mask[:, None, None, :]  # (n, heads, from, to)
        for layer in range(self.layers):
            at = f"encoder.layer.{layer}."
            h = self._norm(h + self._attend(h, seen, at), at + "attention.output.LayerNorm")
            inner = functional.gelu(self._linear(h, at + "intermediate.dense"))
            h = self._norm(h + self._linear(inner, at + "output.dense"), at + "output.LayerNorm")
        return h

    def _attend(self, h: Tensor, seen: Tensor, at: str) -> Tensor:
        n, t, _ = h.shape
        query, key, value = (
            self._linear(h, f"{at}attention.self.{name}").view(n, t, self.heads, -1).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        scores = (query @ key.transpose(2, 3)) / math.sqrt(query.shape[-1])
        mixed = scores.masked_fill(~seen, -math.inf).softmax(-1) @ value  # (n, heads, t, width / heads)
        return self._linear(mixed.transpose(1, 2).reshape(n, t, -1), at + "attention.output.dense")

    def _linear(self, h: Tensor, name: str) -> Tensor:
        return functional.linear(h, self._weights[name + ".weight"], self._weights[name + ".bias"])

    def _norm(self, h: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[name + ".weight"], self._weights[name + ".bias"]
        return functional.layer_norm(h, (self.width,), weight, bias, self.epsilon)


def _must_be_plain(config: Mapping[str, Any]) -> None:
    """Raises ValueError for what this file does not compute."""
    for name, expected in (
        ("model_type", "bert"), ("hidden_act", "gelu"), ("position_embedding_type", "absolute"),
    ):  # fmt: skip
        if (found := config.get(name, expected)) != expected:
            raise ValueError(f"its config.json says {name} {found!r}, and {expected!r} is what is read here")


def pooled(h: Tensor, mask: Tensor, how: str) -> Tensor:
    """Vectors of tokens (n, t, width) to one a text: their "mean", the "cls" token's, or their "max"."""
    if how == "cls":
        return h[:, 0]
    if how == "max":
        return h.masked_fill(~mask[..., None], -math.inf).amax(1)
    weights = mask[..., None].to(h.dtype)
    return (h * weights).sum(1) / weights.sum(1)
