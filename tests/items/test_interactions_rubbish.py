"""Files of triplets as people have them: each kind of rubbish is read for what it is, or named with its reason."""

import numpy as np
import pytest

import latentspace as ls
from latentspace.errors import BadItemError, SkippedItemsWarning
from latentspace.items import gather

HEAD = "user,item,rating,time"
BODY = [f"u{u},i{(3 * u + k) % 7},{1 + (u + k) % 5},{100 + 10 * u + k}" for u in range(6) for k in range(4)]
GOOD = "\n".join([HEAD, *BODY]) + "\n"
TOTAL, REST = 70, 68  # of all values; of those without the line that is put in the place of line 3


def read(path):
    """The values' sum, the users read, every reason by its id, and the notes."""
    kind, gathered = gather(path)
    assert kind.kind == "interactions"
    batches = list(kind().learn(gathered).read(gathered))
    skipped = gathered.skipped + [item for batch in batches for item in batch.skipped]
    ids = [id_ for batch in batches for id_ in batch.ids]
    assert sum(batch.x.shape[0] for batch in batches) == len(ids) == len(set(ids))
    assert all(np.isfinite(batch.x.data).all() for batch in batches)
    assert not {item.id for item in skipped} & set(ids)
    total = sum(float(batch.x.sum()) for batch in batches)
    return total, ids, {item.id: item.reason for item in skipped}, gathered.notes


def with_line(text):
    return "\n".join([HEAD, BODY[0], text, *BODY[2:]]) + "\n"


NAMED = {
    "a word for a rating": ("u0,i3,good,101", "1", "column 'rating' holds 'good'"),
    "a word for a time": ("u0,i3,1,soon", "1", "column 'time' holds 'soon'"),
    "more cells": ("u0,i3,1,101,9", "line 3", "5 cells, where the first line has 4"),
    "zero bytes": ("u0,i\0,1,101", "line 3", "holds zero bytes"),
    "a second header": (HEAD, "1", "repeats the header"),
}


@pytest.mark.parametrize("kind", NAMED)
def test_a_bad_line_is_named_and_the_others_are_read(tmp_path, kind):
    line, where, reason = NAMED[kind]
    (tmp_path / "x.csv").write_text(with_line(line))
    total, ids, skipped, _ = read(tmp_path / "x.csv")
    assert (total, len(ids), list(skipped)) == (REST, 6, [where])
    assert reason in skipped[where]


@pytest.mark.parametrize("kind", NAMED)
def test_a_bad_line_is_an_error_on_request(tmp_path, kind):
    line, where, reason = NAMED[kind]
    (tmp_path / "x.csv").write_text(with_line(line))
    with pytest.raises(BadItemError) as told:
        ls.fit(tmp_path / "x.csv", "latent-factors", dims=2, kind="interactions", on_error="raise")
    assert f"item {where!r}" in str(told.value)
    assert reason in str(told.value)


def test_all_bad_lines_of_one_file_are_named_and_no_user_is_made_up(tmp_path):
    many = [line for line, _, _ in NAMED.values()] + ["zed,i3,nan,101", "zoe,i3,,101", "zac,i3,-2,101", ",i1,3,101"]
    (tmp_path / "x.csv").write_text("\n".join([HEAD, *BODY[:12], *many, *BODY[12:]]) + "\n")
    with pytest.warns(SkippedItemsWarning, match=f"skipped {len(NAMED) + 3} of {len(NAMED) + 3 + 6} "):
        space = ls.fit(tmp_path / "x.csv", "latent-factors", dims=2, kind="interactions")
    assert space.ids == [f"u{u}" for u in range(6)]
    said = " ".join(item.reason for item in space.skipped)
    for _, _, reason in NAMED.values():
        assert reason in said
    assert {item.id for item in space.skipped} >= {"zed", "zoe", "zac"}
    (tmp_path / "good.csv").write_text(GOOD)
    clean = ls.fit(tmp_path / "good.csv", "latent-factors", dims=2, kind="interactions")
    np.testing.assert_allclose(space.latents, clean.latents, atol=1e-4)


@pytest.mark.parametrize("line", [",i1,3,101", "u0,,3,101"])
def test_a_line_without_a_user_or_an_item_is_counted(tmp_path, line):
    (tmp_path / "x.csv").write_text(with_line(line))
    total, ids, _, notes = read(tmp_path / "x.csv")
    assert (total, len(ids)) == (REST, 6)
    assert "1 rows without a user or an item left aside" in notes


@pytest.mark.parametrize(
    ("line", "reason"), [("zed,i3,nan,101", "a value is NaN"), ("zed,i3,,101", "NaN"), ("zed,i3,-2,101", "negative")]
)
def test_a_user_whose_only_value_is_none_is_named(tmp_path, line, reason):
    (tmp_path / "x.csv").write_text(with_line(line))
    total, ids, skipped, _ = read(tmp_path / "x.csv")
    assert (total, len(ids), list(skipped)) == (REST, 6, ["zed"])
    assert reason in skipped["zed"]


SAME = {
    "blank lines": GOOD.replace("\n", "\n\n"),
    "semicolons": GOOD.replace(",", ";"),
    "tabs": GOOD.replace(",", "\t"),
    "lines of Windows": GOOD.replace("\n", "\r\n"),
    "a comma in an item's name": GOOD.replace("i1,", '"i,1",'),
    "a repeated pair, the last counting": GOOD.replace(BODY[0], f"u0,i0,5,1\n{BODY[0]}"),
}


@pytest.mark.parametrize("kind", SAME)
def test_an_odd_layout_is_read_for_what_it_is(tmp_path, kind):
    (tmp_path / "x.csv").write_bytes(SAME[kind].encode())
    total, ids, skipped, _ = read(tmp_path / "x.csv")
    assert (total, len(ids), skipped) == (TOTAL, 6, {})


def test_another_encoding_is_read(tmp_path):
    (tmp_path / "x.csv").write_bytes(GOOD.encode("utf-16"))
    assert read(tmp_path / "x.csv")[0] == TOTAL


def test_a_cut_file_says_so(tmp_path):
    (tmp_path / "x.csv").write_text(GOOD[:-9])
    _, ids, skipped, _ = read(tmp_path / "x.csv")
    assert len(ids) == 6
    assert "the file seems to be cut" in skipped["line 25"]


@pytest.mark.parametrize(("text", "message"), [("", "is empty: 0 bytes"), (HEAD + "\n", "holds no items")])
def test_a_file_without_rows_is_refused(tmp_path, text, message):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        gather(tmp_path / "x.csv")
