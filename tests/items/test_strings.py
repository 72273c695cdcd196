import itertools
import zoneinfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import latentspace as ls
from latentspace import datasets
from latentspace.errors import BadItemError, CorruptFileError, SkippedItemsWarning
from latentspace.items import describe, gather
from latentspace.items.strings import Strings, composed

NAMES = ["Ann", "Bob", "Cyrus", "Dee", "Ève", "Zoë"]


def learned(source, **options):
    kind, gathered = gather(source, kind="strings")
    assert kind is Strings
    modality = Strings(**options).learn(gathered)
    return modality, modality.pieces(gathered)


def rows_of(modality, gathered):
    return np.concatenate([batch.x for batch in modality.read(gathered)])


def edits(a, b):
    """Levenshtein's distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        row, before = [i], row
        for j, y in enumerate(b, start=1):
            row.append(min(row[-1] + 1, before[j] + 1, before[j - 1] + (x != y)))
    return row[-1]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), min_size=1, max_size=8))
@settings(deadline=None)
def test_every_string_comes_back_as_it_was_or_is_named_as_bad(strings):
    good = [string for string in strings if string.strip()]
    kind_and_all = gather(strings, kind="strings")[1]
    if not good:
        with pytest.raises(ValueError, match="is a string"):
            Strings().learn(kind_and_all)
        return
    modality = Strings(max_symbols=4096, length=max(map(len, map(composed, good)))).learn(kind_and_all)
    (batch,) = modality.read(kind_and_all)
    assert modality.restore(batch.x) == [composed(string) for string in good]
    assert batch.ids == [str(row) for row, string in enumerate(strings) if string.strip()]
    assert len(batch.skipped) == len(strings) - len(good)


def test_each_step_holds_one_symbol_and_the_end_fills_the_rest():
    modality, gathered = learned(["ab", "b"])
    x = rows_of(modality, gathered)
    assert x.shape == (2, *modality.shape)
    np.testing.assert_array_equal(x.sum(axis=1), np.ones((2, modality.steps_)))
    np.testing.assert_array_equal(x.argmax(axis=1)[:, :3], [[1, 2, 0], [2, 0, 0]])


def test_symbols_and_steps_differ_in_number_so_that_no_string_is_taken_for_a_square_picture():
    modality, _ = learned(["abcdefgh"])
    assert modality.shape[0] != modality.shape[1]


def test_short_strings_in_a_list_are_strings_and_longer_ones_texts(tmp_path):
    assert describe("strings", gather(NAMES)[1]) == "6 strings"
    for source in (NAMES, pd.Series(NAMES), np.array(NAMES)):
        assert gather(source)[0] is Strings
    assert gather([f"{name} went to the market" for name in NAMES])[0].kind == "texts"
    assert gather(NAMES, kind="texts")[0].kind == "texts"
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    assert gather(tmp_path / "names.txt", kind="strings")[1].raw == NAMES
    frame = pd.DataFrame({"name": NAMES, "age": range(6)})
    assert ls.fit(frame, kind="strings", model="pca", dims=2).metadata == {"age": list(range(6)), "text": NAMES}


def test_rare_characters_and_long_strings_are_named_with_what_they_hold():
    strings = [*["abc"] * 200, *["abd"] * 3, "a" * 90, "abx", "aby"]
    with pytest.warns(SkippedItemsWarning, match="skipped 3 of 206"):
        space = ls.fit(strings, kind="strings", model="pca", dims=1, max_symbols=5)
    reasons = [item.reason for item in space.skipped]
    assert reasons[0] == "has 90 characters; strings here have at most 3"
    assert reasons[1:] == [f"holds {c!r}, which is none of the 4 symbols known here" for c in "xy"]
    with pytest.raises(BadItemError, match="holds 'q'"):
        space.search("q")


def test_a_space_of_strings_decodes_to_strings_searches_by_them_and_keeps_them_in_its_file(tmp_path):
    space = ls.fit(NAMES, model="pca", dims=5)
    assert space.modality.kind == "strings"
    assert space.reconstruct(NAMES) == NAMES
    assert space.search("Ann", k=1).ids == ["0"]
    space.save(tmp_path / "a.latent")
    again = ls.load(tmp_path / "a.latent")
    assert again.reconstruct("Zoë") == ["Zoë"]
    assert list(again.items) == NAMES
    assert again.search("Bo", k=1).ids == ["1"]


def test_a_string_vae_spells_real_names_back_after_a_short_training_and_from_its_file(tmp_path):
    zones = sorted({zone.rpartition("/")[2] for zone in zoneinfo.available_timezones()})
    zones = [zone for zone in zones if len(zone) <= 8][:150]
    options = {"dims": 24, "hidden": [128], "epochs": 30, "batch_size": 16, "density": "gaussian"}
    space = ls.fit(zones, kind="strings", model="string-vae", **options)
    spelled = space.reconstruct(zones)
    assert np.mean([edits(a, b) for a, b in zip(spelled, zones, strict=True)]) < 1.5
    space.save(tmp_path / "zones.latent")
    assert ls.load(tmp_path / "zones.latent").reconstruct(zones) == spelled
    assert all(isinstance(string, str) for string in space.sample(5))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_unseen_names_are_spelled_back_samples_are_new_and_interpolations_change_gradually():
    try:
        names = datasets.load("names").x
    except datasets.UnavailableError as error:
        pytest.skip(str(error))
    order = np.random.default_rng(0).permutation(len(names))
    held, train = [names[i] for i in order[:1000]], [names[i] for i in order[1000:41_000]]
    with pytest.warns(SkippedItemsWarning):
        space = ls.fit(train, model="string-vae", epochs=12, density="gaussian")
    held = [name for name in held if len(name) < space.modality.steps_]
    assert np.mean([a == b for a, b in zip(space.reconstruct(held), held, strict=True)]) > 0.9
    drawn = space.sample(200)
    assert np.mean([name not in set(names) for name in drawn]) > 0.5
    assert np.mean([name.istitle() and name.isalpha() and 2 <= len(name) <= 12 for name in drawn]) > 0.9
    jumps = []
    for a, b in zip(held[:40:2], held[1:40:2], strict=True):
        way = space.interpolate(a, b, steps=9)
        jumps.append(max(edits(*pair) for pair in itertools.pairwise(way)) / max(1, edits(a, b)))
    assert np.mean(jumps) < 0.6


@pytest.mark.parametrize("wrong", [{"symbols": ""}, {"symbols": "aa"}, {"steps": 0}, {"steps": 2.5}, {"notes": [1]}])
def test_a_damaged_state_is_refused(wrong):
    facts, arrays = learned(NAMES)[0].state()
    with pytest.raises(CorruptFileError, match="the strings reader's state is damaged"):
        Strings.from_state(facts | wrong, arrays)


def test_options_out_of_range_are_one_clear_line():
    for options, said in (({"max_symbols": 1}, "max_symbols=1 is out of range"), ({"length": 0}, "length=0 is out")):
        with pytest.raises(ValueError, match=said):
            ls.fit(NAMES, model="pca", **options)
