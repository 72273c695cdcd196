"""A sentence encoder of random weights, in a folder as sentence-transformers writes it."""

import json
from pathlib import Path

import numpy as np

WORDS = [
    "the", "a", "cat", "dog", "bank", "money", "river", "runs", "sleeps", "lends", "deep", "warm", "##s", "##ing",
    "old", "new",
]  # fmt: skip
CONFIG = {
    "model_type": "bert", "hidden_act": "gelu", "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3,
    "intermediate_size": 40, "vocab_size": len(WORDS) + 5, "max_position_embeddings": 20, "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}  # fmt: skip


def write_sentence_encoder(folder: Path, pooling: str = "mean", normalise: bool = True, seed: int = 0) -> Path:
    """Writes tokenizer, network and what follows it; returns the folder."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 16, "do_lower_case": False}))
    kinds = ["Transformer", "Pooling", *(["Normalize"] if normalise else [])]
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"sentence_transformers.models.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    flags = {f"pooling_mode_{name}": name.startswith(pooling) for name in ("mean_tokens", "cls_token", "max_tokens")}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(flags))
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n")
    rng = np.random.default_rng(seed)
    save_file({name: torch.tensor(value) for name, value in _weights(rng).items()}, folder / "model.safetensors")
    return folder


def write_tokenizer(folder: Path) -> None:
    """Writes tokenizer.json, of BERT's kind, with `WORDS` alone."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))


def _weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    wide, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (CONFIG["vocab_size"], wide),
        "embeddings.position_embeddings.weight": (CONFIG["max_position_embeddings"], wide),
        "embeddings.token_type_embeddings.weight": (2, wide),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(CONFIG["num_hidden_layers"]):
        at = f"encoder.layer.{layer}."
        linear = {f"attention.self.{name}": (wide, wide) for name in ("query", "key", "value")}
        linear |= {"attention.output.dense": (wide, wide), "intermediate.dense": (inner, wide)}
        linear |= {"output.dense": (wide, inner)}
        for name, shape in linear.items():
            shapes[f"{at}{name}.weight"], shapes[f"{at}{name}.bias"] = shape, shape[:1]
        norms += [at + "attention.output.LayerNorm", at + "output.LayerNorm"]
    weights = {name: rng.normal(size=shape) * 0.3 for name, shape in shapes.items()}
    for name in norms:
        weights[name + ".weight"], weights[name + ".bias"] = rng.normal(1, 0.2, wide), rng.normal(0, 0.1, wide)
    return {name: value.astype(np.float32) for name, value in weights.items()}
