import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

import latentspace as ls
from latentspace.errors import BadItemError, CorruptFileError, SkippedItemsWarning, UnsupportedError
from latentspace.items import describe, gather, gather_for
from latentspace.items.text_files import decoded
from latentspace.items.texts import Texts
from latentspace.items.tokens import words_of
from latentspace.items.words import Words

TEAS = ["tea with milk", "milk and honey and tea", "dogs and cats", "cats chase dogs at night", "tea at night"]


@pytest.fixture(scope="module")
def notes():
    """Real prose: the descriptions of scikit-learn's own data sets, cut into paragraphs."""
    from sklearn import datasets

    loaders = (datasets.load_wine, datasets.load_breast_cancer, datasets.load_digits, datasets.load_diabetes)
    described = [loader().DESCR for loader in (*loaders, datasets.load_iris, datasets.load_linnerud)]
    return [part for text in described for part in text.split("\n\n") if len(words_of(part)) >= 3]


def learned(source, **options):
    kind, gathered = gather(source, kind="texts")
    assert kind is Texts
    modality = Texts(**options).learn(gathered)
    return modality, modality.pieces(gathered)


def rows_of(modality, gathered):
    return sparse.vstack([batch.x for batch in modality.read(gathered)])


# What a word is


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat's 3rd snake_case, x", ["the", "cat", "3rd", "snake", "case"]),
        ("Straße STRASSE ﬁne Ｆｕｌｌ", ["strasse", "strasse", "fine", "full"]),
        ("naïve nai\u0308ve “œuvre” Ελλάδα", ["naïve", "naïve", "œuvre", "ελλάδα"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("عَرَبِيّ שָׁלוֹם", ["عَرَبِيّ", "שָׁלוֹם"]),
        ("東京タワー, 大", ["東京", "京タ", "タワ", "ワー", "大"]),
        ("ภาษาไทย", ["ภาษ", "าษา", "ษาไ", "าไท", "ไทย"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("GPT模型 v2", ["gpt", "模型", "v2"]),
        ("\u200b\u200d ... _ — 🙂", []),
    ],
)
def test_words_are_found_in_any_script(text, words):
    assert list(words_of(text)) == words


@given(st.text(max_size=60))
def test_folding_case_or_forms_twice_changes_no_words(text):
    words = list(words_of(text))
    assert all(words)
    assert list(words_of(" ".join(words))) == words or any(ord(character) > 0x300 for character in text)


# From texts to rows and back


def test_tfidf_is_scikit_learns_on_the_same_words(notes):
    modality, gathered = learned(notes, min_texts=2, max_share=0.5)
    theirs = TfidfVectorizer(analyzer=words_of, sublinear_tf=True, min_df=2, max_df=0.5)
    known = [row for row, text in enumerate(notes) if set(words_of(text)) & set(modality.words_)]
    expected = theirs.fit_transform(notes)
    assert modality.words_ == list(theirs.get_feature_names_out())
    np.testing.assert_allclose(rows_of(modality, gathered).toarray(), expected.toarray()[known], atol=1e-6)


def test_lsa_is_scikit_learns_truncated_svd_on_the_same_rows(notes):
    space = ls.fit(notes, model="lsa", dims=10, seed=0)
    x = space.features(notes)
    theirs = TruncatedSVD(10, algorithm="arpack").fit(x.astype(np.float64))
    np.testing.assert_allclose(np.abs(space.latents), np.abs(theirs.transform(x)), atol=1e-5)
    np.testing.assert_allclose(space.model.singular_values_, theirs.singular_values_, rtol=1e-5)


def test_rows_read_again_are_those_that_were_counted_while_learning(notes):
    modality, gathered = learned(notes)
    again = gather_for(modality, notes)
    difference = rows_of(modality, gathered) - rows_of(modality, again)
    assert abs(difference).max() == 0


def test_counts_are_how_often_each_word_comes():
    modality, gathered = learned(["tea tea milk", "milk"], weights="counts")
    assert modality.words_ == ["milk", "tea"]
    np.testing.assert_array_equal(rows_of(modality, gathered).toarray(), [[1, 2], [1, 0]])


def test_words_in_too_few_or_too_many_texts_are_left_out_and_the_most_shared_kept():
    texts = [f"common word{i} pair{i // 2}" for i in range(40)]
    modality, _ = learned(texts, min_texts=2)
    assert modality.words_ == sorted(f"pair{i}" for i in range(20))
    assert modality.notes == ["41 words left out, in too few texts or too many"]
    assert learned(texts, max_share=1.0, max_words=1)[0].words_ == ["common"]


def test_a_point_comes_back_as_its_words_heaviest_first():
    space = ls.fit(TEAS, model="nmf", dims=2)
    (words,) = space.reconstruct("tea and milk")
    assert isinstance(words, Words)
    assert list(words.values()) == sorted(words.values(), reverse=True)
    assert next(iter(words)) in ("tea", "milk")
    assert str(words).startswith(f"{next(iter(words))} 0.")


def test_a_space_of_texts_is_searched_by_words_and_keeps_its_texts_in_its_file(tmp_path):
    space = ls.fit(TEAS, model="lsa", dims=3, ids=list("abcde"), metadata={"drink": [True, True, False, False, True]})
    assert space.search("dogs!", k=2).ids == space.search("DOGS", k=2).ids
    assert set(space.search("dogs", k=2).ids) == {"c", "d"}
    assert space.search("tea", k=9, where={"drink": True}).ids[0] in "abe"
    space.save(tmp_path / "a.latent")
    again = ls.load(tmp_path / "a.latent")
    np.testing.assert_array_equal(again.encode(TEAS), space.encode(TEAS))
    assert list(again.items) == TEAS
    assert again.add(["milk for cats"], ids=["f"]) == ["f"]
    assert ls.load(tmp_path / "a.latent").items["f"] == "milk for cats"
    assert again.search("milk for cats", k=1).ids == ["f"]


def test_topics_are_the_words_that_weigh_most_and_a_model_without_them_says_which_has_some():
    topics = ls.fit(TEAS, model="nmf", dims=2).topics(3)
    assert {next(iter(words)) for words in topics} == {"milk", "at"}  # what the drinks share, and the nights
    assert len(str(topics).splitlines()) == 2
    with pytest.raises(UnsupportedError, match="'topic-vae', 'prodlda', 'nmf' and 'lsa' have"):
        ls.fit(TEAS, model="autoencoder", dims=1, epochs=1, validation=0.0).topics()


# Where texts come from


def test_a_folder_gives_ids_labels_and_every_encoding(tmp_path):
    written = {
        "a/utf8.txt": "café noir".encode(), "a/mark.md": "café noir".encode("utf-8-sig"),
        "b/latin.txt": "café noir".encode("latin-1"), "b/utf16.txt": "café noir".encode("utf-16"),
        "b/bare16.txt": "café noir".encode("utf-16-le"), "b/utf32.txt": "café noir".encode("utf-32"),
    }  # fmt: skip
    for name, raw in written.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(raw)
    space = ls.fit(tmp_path, model="lsa", dims=1)
    assert space.ids == sorted(written)
    assert space.metadata["label"] == ["a"] * 2 + ["b"] * 4
    assert space.metadata["text"] == ["café noir"] * 6
    (note,) = (note for note in space.modality.notes if "UTF-8" in note)
    assert note.startswith("4 files not in UTF-8; b/bare16.txt was read as UTF-16 without its mark")
    assert describe("texts", gather(tmp_path)[1]) == "6 texts in 2 folders, labels: a 2, b 4"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
@given(text=st.text([*map(chr, range(32, 127)), *map(chr, range(160, 256))], min_size=3))
@settings(deadline=None, max_examples=20)
def test_what_was_written_in_any_encoding_is_read_the_same(encoding, text):
    assert decoded(("plain letters " * 3 + text).encode(encoding))[0] == "plain letters " * 3 + text


def _frame():
    body = ["a long story of tea and of those who drink it", "one more tale, of cats that chase dogs at night"]
    return pd.DataFrame({"id": ["x", "y"], "body": body, "year": [1999, 2004], "label": ["tea", "pets"]})


@pytest.mark.parametrize("form", ["pandas", "polars", "csv", "jsonl", "parquet", "dicts"])
def test_a_tables_long_column_is_found_and_the_others_are_metadata(tmp_path, form):
    frame = _frame()
    path = tmp_path / f"t.{form}"
    source = {"pandas": frame, "polars": pl.from_pandas(frame), "dicts": frame.to_dict("records")}.get(form, path)
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "parquet":
        frame.to_parquet(path)
    elif form == "jsonl":
        path.write_text("\n".join(map(json.dumps, frame.to_dict("records"))))
    space = ls.fit(source, model="lsa", dims=1, target="label")
    assert (space.modality.kind, space.ids) == ("texts", ["x", "y"])
    assert space.metadata == {
        "id": ["x", "y"],
        "year": [1999, 2004],
        "label": ["tea", "pets"],
        "text": list(frame.body),
    }
    assert space.modality.notes == ["texts are the column 'body'"]
    assert space.encode(source).shape == (2, 1)


def test_a_column_can_be_named_and_a_table_of_much_else_stays_a_table():
    frame = _frame()
    space = ls.fit(frame, kind="texts", column="label", model="lsa", dims=1)
    assert space.modality.words_ == ["pets", "tea"]
    assert space.metadata["body"] == list(frame.body)
    with pytest.raises(ValueError, match=r"column='boddy' is not in .* Its columns: id, body, year, label"):
        ls.fit(frame, kind="texts", column="boddy", model="lsa")
    with pytest.raises(ValueError, match=r"column='year' of .* holds numbers, no texts"):
        ls.fit(frame, kind="texts", column="year", model="lsa")
    wide = frame.assign(**{f"measure {i}": [1.25 * i, 2.5 * i] for i in range(40)})
    assert gather(wide)[0].kind == "table"


def test_a_readme_beside_photos_is_no_question_but_as_many_captions_are(photos):
    (photos / "README.md").write_text("what these are")
    assert gather(photos)[0].kind == "images"
    for path in photos.rglob("*.png"):
        path.with_suffix(".txt").write_text("a digit")
    with pytest.raises(ValueError, match=r"Choose: kind='images' for 60 images .*; kind='texts' for 61 texts"):
        gather(photos)
    assert len(gather(photos, kind="texts")[1]) == 61


# Rubbish


def test_a_directory_of_rubbish_is_named_file_by_file_and_the_good_is_kept(tmp_path):
    rubbish = {
        "empty.txt": (b"", "is empty"),
        "spaces.txt": (b" \n\t \r\n", "nothing but white space"),
        "invisible.txt": ("\u200b\u200d\ufeff\u2060".encode(), "holds no word"),
        "stops.txt": (b"... --- !!! ???", "holds no word"),
        "emoji.txt": ("🙂🙃🎉".encode(), "holds no word"),
        "letters.txt": (b"a b c d", "holds no word"),
        "unseen.txt": (b"xylophone quagmire", "none of its 2 words is known here"),
        "zeros.txt": (b"text\0with\0\0zeros", "is binary: byte 4 is zero"),
        "late-zero.txt": (b"tea " * 2000 + b"\0", "character 8,000 is zero"),
        "program.txt": (b"\x7fELF\x02\x01\x01\0\0\0", "is binary"),
        "picture.md": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is binary"),
        "controls.txt": (bytes(range(1, 9)) * 40, "is binary: 320 of its first 320 bytes"),
        "half16.txt": (b"\xff\xfet\0e", "begins like UTF-16 but is not"),
        "bad8.txt": (b"\xef\xbb\xbftea \xff\xff", "begins like UTF-8 but is not"),
        "bad32.txt": (b"\xff\xfe\0\0abc", "begins like UTF-32 but is not"),
        "key.txt": (b"k" * 5000, "none of its 1 word is known here"),
        "breaks.txt": (b"\n" * 5000, "nothing but white space"),
        "mark.txt": (b"\xef\xbb\xbf", "is empty"),
    }
    good = {f"good{i}.txt": f"tea and milk {i}" for i in range(120)} | {"giant.txt": "tea milk " * 200_000}
    for name, (raw, _) in rubbish.items():
        (tmp_path / name).write_bytes(raw)
    for name, text in good.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "nowhere.txt")
    with pytest.warns(SkippedItemsWarning, match="skipped 20 of 141"):
        space = ls.fit(tmp_path, model="lsa", dims=1, max_share=1.0)
    assert space.ids == sorted(good)
    assert space.metadata["text"] == [good[id_] for id_ in space.ids]
    reasons = {item.id: item.reason for item in space.skipped}
    assert reasons.keys() == rubbish.keys() | {"folder.txt", "link.txt"}
    for name, (_, reason) in rubbish.items():
        assert reason in reasons[name], name
    with pytest.raises(BadItemError, match=r"item '.*' of .*: "):
        ls.fit(tmp_path, model="lsa", dims=1, max_share=1.0, on_error="raise")


def test_what_is_no_text_in_a_list_is_named_and_rows_keep_their_ids():
    rubbish = [None, float("nan"), 7, 2.5, b"bytes", True, ["x"], {"a": 1}, "", "  ", "nul\0nul", "\ud800 tea", "?!"]
    texts = [*rubbish, *(f"tea and milk {i}" for i in range(30))]
    with pytest.warns(SkippedItemsWarning, match="skipped 13 of 43"):
        space = ls.fit(texts, kind="texts", model="lsa", dims=1, max_share=1.0)
    assert space.ids == [str(i) for i in range(13, 43)]
    assert space.metadata["text"] == texts[13:]
    reasons = [reason for _, reason in sorted((int(item.id), item.reason) for item in space.skipped)]
    expected = ["is missing", "is missing", "is int '7'", "is float '2.5'", "is bytes", "is bool", "is list", "is dict"]
    expected += ["is empty", "white space", "character 3 is zero", "half of a surrogate pair", "holds no word"]
    assert all(words in reason for words, reason in zip(expected, reasons, strict=True))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_the_smallest_numbers_of_texts_work_or_say_why_not(n):
    if n == 0:
        with pytest.raises(ValueError, match="an empty list is of no known kind"):
            ls.fit([], kind=None, model="lsa")
        return
    space = ls.fit(["tea with a lot of milk"] * n, kind="texts", model="lsa", dims=1)
    assert len(space.search("tea", k=5)) == n
    with pytest.raises(BadItemError, match="none of its 1 word is known here"):
        space.search("unheard")


def test_texts_without_any_word_and_options_out_of_range_are_one_clear_line():
    with pytest.raises(ValueError, match=r"none of the 2 texts of list of 2 texts holds a word \(0: holds no word"):
        ls.fit(["?!", "..."], kind="texts", model="lsa")
    with pytest.raises(ValueError, match=r"none of the 2 words .* is in 2 to 100% of its 2 texts. Lower min_texts"):
        ls.fit(["tea", "milk"], kind="texts", model="lsa", min_texts=2)
    for options, said in (
        ({"weights": "bm25"}, "weights='bm25' is not known"), ({"min_texts": 0}, "min_texts=0 is not a count"),
        ({"max_words": 2.5}, "max_words=2.5 is not a count"), ({"max_share": 1.5}, "max_share=1.5 is not a share"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            ls.fit(TEAS, kind="texts", model="lsa", **options)


@pytest.mark.parametrize("wrong", [{"words": None}, {"words": ["a", "a"]}, {"weights": "x"}, {"words": ["a"]}])
def test_a_damaged_state_is_refused(wrong):
    facts, arrays = learned(TEAS)[0].state()
    with pytest.raises(CorruptFileError, match="the texts reader's state is damaged"):
        Texts.from_state(facts | wrong, arrays)


def test_words_that_were_decoded_name_a_real_sentence_of_the_nearest_text():
    texts = [
        "It rained. We had tea with milk. Then we left.",
        "The dog slept! Cats chased it at night.",
        "Milk and tea.",
    ]
    space = ls.fit(texts, kind="texts", model="lsa", dims=2)
    (words,) = space.decode(space.encode("cats at night"))
    assert words.witness == "Cats chased it at night."
    assert Words({"tea": 1.0}).witness is None


def test_the_command_line_fits_searches_and_samples_texts(tmp_path, capsys):
    from latentspace.cli.app import app

    (tmp_path / "notes").mkdir()
    for i, text in enumerate(TEAS):
        (tmp_path / "notes" / f"{i}.md").write_text(text + "\n" + "word " * 30)
    space = str(tmp_path / "notes.latent")
    for command in (
        ["fit", str(tmp_path / "notes"), "-o", space, "--model", "lsa", "--dims", "2"],
        ["search", space, "dogs and cats", "-k", "1"],
        ["sample", space, "-n", "3", "-o", str(tmp_path / "new.txt")],
        ["info", space],
    ):
        app(command, standalone_mode=False)
    printed = capsys.readouterr().out
    assert "2.md  " in printed or "3.md  " in printed
    assert " word word" in printed
    assert max(map(len, printed.splitlines())) < 200
    assert len((tmp_path / "new.txt").read_text().splitlines()) == 3
