"""A table with every kind of bad row, and a folder of bad tables: each is named, and good rows stay as they were."""

import gzip

import numpy as np
import pandas as pd
import pytest

import latentspace as ls
from latentspace.errors import BadItemError, SkippedItemsWarning

HEAD = "size,count,kind,day"
GOOD = [f"{i / 2},{(i * 7) % 11},{'xyz'[i % 3]},2021-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(240)]
DAY = "2021-01-01"
BAD_ROWS = {
    "more cells": (f"1,2,x,{DAY},9", "5 cells, where the first line has 4"),
    "zero bytes": (f"1,2\0,x,{DAY}", "holds zero bytes"),
    "an open quote": (f'1,2,"x,{DAY}', "a quote opens in it that nothing closes"),
    "the header again": (HEAD, "column 'size' repeats the header"),
    "units": (f"cm,2,x,{DAY}", "column 'size' holds 'cm', where the others hold numbers"),
    "a word": (f"1,many,x,{DAY}", "column 'count' holds 'many', where the others hold numbers"),
    "a number with its unit": (f"5kg,2,x,{DAY}", "holds '5kg'"),
    "a currency": (f"$5,2,x,{DAY}", "holds '$5'"),
    "a percentage": (f"50%,2,x,{DAY}", "holds '50%'"),
    "a decimal comma": (f'"1,5",2,x,{DAY}', "holds '1,5'"),
    "hexadecimal": (f"0x1F,2,x,{DAY}", "holds '0x1F'"),
    "grouped digits": (f"1_000,2,x,{DAY}", "holds '1_000'"),
    "two signs": (f"--5,2,x,{DAY}", "holds '--5'"),
    "a boolean": (f"TRUE,2,x,{DAY}", "holds 'TRUE'"),
    "another script's digits": (f"١٢,2,x,{DAY}", "holds '١٢'"),
    "a tag": (f"<b>1</b>,2,x,{DAY}", "holds '<b>1</b>'"),
    "an error of a spreadsheet": (f"1,#DIV/0!,x,{DAY}", "holds '#DIV/0!'"),
    "a day that is none": ("1,2,x,2021-13-45", "column 'day' holds '2021-13-45', where the others hold dates"),
    "a word for a day": ("1,2,x,yesterday", "column 'day' holds 'yesterday', where the others hold dates"),
    "infinity": (f"inf,2,x,{DAY}", "column 'size' holds 'inf', where a finite number belongs"),
    "minus infinity": (f"-inf,2,x,{DAY}", "holds '-inf'"),
    "past float64": (f"1e400,2,x,{DAY}", "holds 'inf'"),
    "no cell": (",,,", "every cell is missing"),
    "marks for missing": ("?,-,NA,", "every cell is missing"),
    "white space": (" , , , ", "every cell is missing"),
}


def written(path, bad):
    half = len(GOOD) // 2
    path.write_text("\n".join([HEAD, *GOOD[:half], *bad, *GOOD[half:]]) + "\n", encoding="utf-8")
    return path


def test_every_bad_row_is_named_and_the_good_ones_are_as_if_it_were_not_there(tmp_path):
    bad = [line for line, _ in BAD_ROWS.values()]
    with pytest.warns(SkippedItemsWarning, match=f"skipped {len(bad)} of {len(bad) + len(GOOD)} "):
        space = ls.fit(written(tmp_path / "bad.csv", bad), "pca", dims=3, density="gaussian")
    reasons = [item.reason for item in space.skipped]
    for kind, (_, reason) in BAD_ROWS.items():
        found = next((place for place, said in enumerate(reasons) if reason in said), None)
        assert found is not None, f"{kind}: {reason!r} is not among {reasons}"
        reasons.pop(found)  # each reason is one row's
    assert reasons == []
    assert len(space) == len(GOOD) == len(set(space.ids))
    back = pd.DataFrame(space.metadata)
    assert back["size"].tolist() == [i / 2 for i in range(240)]
    assert [str(day)[:10] for day in back["day"]] == [line.split(",")[-1] for line in GOOD]
    # Marks for missing cells were seen, which makes columns for them: what was fitted on them is not the same model.
    clean = ls.fit(written(tmp_path / "good.csv", []), "pca", dims=3, density="gaussian")
    rows = space.reconstruct(pd.read_csv(tmp_path / "good.csv", parse_dates=["day"]))
    assert list(rows.columns) == list(clean.reconstruct(clean.items[:1]).columns) == HEAD.split(",")
    np.testing.assert_allclose(space.encode(space.items[:]), space.latents, atol=1e-3)


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_one_bad_row_is_an_error_on_request_that_says_the_same(tmp_path, kind):
    line, reason = BAD_ROWS[kind]
    path = written(tmp_path / "bad.csv", [line])
    with pytest.raises(BadItemError) as told:
        ls.fit(path, "pca", dims=3, on_error="raise")
    assert reason in str(told.value)
    assert str(path) in str(told.value)


def test_a_giant_cell_does_not_turn_names_into_texts(tmp_path):
    space = ls.fit(written(tmp_path / "x.csv", [f"1,2,{'q' * 5000},{DAY}"]), "pca", dims=3, density="gaussian")
    assert space.modality.kind == "table"
    assert {"kind=x", "kind=y", "kind=z"} <= set(space.modality.feature_names)


def test_rows_after_an_open_quote_are_rows_wherever_it_opens(tmp_path):
    for place in (1, 5, 200, len(GOOD)):
        lines = [HEAD, *GOOD[:place], f'1,2,"x,{DAY}', *GOOD[place:]]
        (tmp_path / "x.csv").write_text("\n".join(lines) + "\n")
        with pytest.warns(SkippedItemsWarning, match=rf"line {place + 2}: a quote opens in it that nothing closes"):
            assert len(ls.fit(tmp_path / "x.csv", "pca", dims=2, density="gaussian")) == len(GOOD)


FILES = {
    "empty.csv": (b"", "empty"),
    "spaces.csv": (b" \n \n\t\n", "empty: no line has anything in it"),
    "header.csv": (HEAD.encode() + b"\n", "holds no items"),
    "zeros.csv": (bytes(5000), "zero bytes"),
    "bytes.csv": (bytes(range(256)) * 8, "not a table of text|not readable as CSV"),
    "zipped.csv": (gzip.compress("\n".join([HEAD, *GOOD]).encode(), mtime=0), "not a table of text|not readable"),
    "half.csv.gz": (gzip.compress("\n".join([HEAD, *GOOD]).encode(), mtime=0)[:200], "is damaged"),
    "text.csv.gz": ("\n".join([HEAD, *GOOD]).encode(), "is damaged"),
    "half16.csv": (b"\xff\xfe" + HEAD.encode("utf-16-le")[:-1], "begins like UTF-16 but is not"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(500), "zero bytes|not readable"),
    "commas.csv": (b"a,b\n1,5,2,5\n2,5,3,5\n3,5,1,5\n", "has 2 columns by its first line, but its lines hold 4 cells"),
    "text.parquet": (b"hello there " * 50, "not a readable Parquet file"),
    "empty.parquet": (b"", "empty"),
    "magic.parquet": (b"PAR1PAR1", "not a readable Parquet file"),
    "nothing.jsonl": (b"\n\n", "holds no|is empty|no row"),
    "words.jsonl": (b"hello\nthere\n", "no |not "),
    "lists.jsonl": (b"[1, 2]\n[3, 4]\n", "no |not "),
    "deep.jsonl": (b"[" * 100_000 + b"\n", "no |not "),
    "empty.tsv": (b"", "empty"),
    "program.csv": (b"\x7fELF\x02\x01\x01" + bytes(100), "zero bytes|not readable"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_table_is_refused_in_one_line_that_names_it(tmp_path, name):
    body, reason = FILES[name]
    (tmp_path / name).write_bytes(body)
    with pytest.raises(ValueError, match=reason) as told:
        ls.fit(tmp_path / name, "pca", dims=1)
    assert name in str(told.value)
    assert len(str(told.value)) < 500
