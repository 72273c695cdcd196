"""Tables as people really have them: each kind of rubbish is read for what it is, or named with its reason."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from latentspace.errors import CorruptFileError
from latentspace.items import gather
from latentspace.items.tables import Table

GOOD = "a,b,c\n" + "".join(f"{i / 2},{(i * 7) % 11},{'xyz'[i % 3]}\n" for i in range(20))
A = [i / 2 for i in range(20)]


def read(path):
    """Rows from features, ids, and every reason: of the file, of the columns, and of the rows."""
    gathered = Table.gather(path)
    modality = Table().learn(gathered)
    batches = list(modality.read(gathered))
    x = np.concatenate([batch.x for batch in batches])
    skipped = gathered.skipped + [item for batch in batches for item in batch.skipped]
    ids = [id_ for batch in batches for id_ in batch.ids]
    assert len(x) == len(ids) == len(set(ids)) == len(modality.restore(x))
    assert np.isfinite(x).all()
    assert not {item.id for item in skipped} & set(ids)
    return modality, x, {item.id: item.reason for item in skipped}, gathered.notes + modality.notes


def _line(text, number, line):
    lines = text.splitlines()
    lines[number - 1] = line
    return "\n".join(lines) + "\n"


ROWS_LEFT_OUT = {
    "a line with more cells": (_line(GOOD, 5, "1,2,3,4"), {"line 5": "4 cells, where the first line has 3"}),
    "a file cut in its last line": (GOOD[:-8] + "\n9.5", {"line 22": "1 cells, where the first line has 3: .* cut"}),
    "zero bytes in a line": (_line(GOOD, 5, "1,2\0,x"), {"line 5": "holds zero bytes"}),
    "a second header": (_line(GOOD, 7, "a,b,c"), {"5": "column 'a' repeats the header"}),
    "a line of units": (_line(GOOD, 2, "cm,kg,name"), {"0": "column 'a' holds 'cm', where the others hold numbers"}),
    "a word among numbers": (_line(GOOD, 9, "3.5,oops,x"), {"7": "column 'b' holds 'oops', where the others"}),
    "an infinite number": (_line(GOOD, 4, "inf,1,x"), {"2": "column 'a' holds 'inf', where a finite number belongs"}),
    "a row without cells": (_line(GOOD, 4, ",,"), {"2": "every cell is missing"}),
    "a row of missing marks": (_line(GOOD, 4, "?,-,"), {"2": "every cell is missing"}),
}


@pytest.mark.parametrize("kind", ROWS_LEFT_OUT)
def test_a_bad_row_is_named_and_the_others_are_read_as_if_it_were_not_there(tmp_path, kind):
    text, expected = ROWS_LEFT_OUT[kind]
    (tmp_path / "x.csv").write_bytes(text.encode())
    modality, x, skipped, _ = read(tmp_path / "x.csv")
    assert modality.feature_names == ["a", "b", "c=x", "c=y", "c=z"]
    assert list(skipped) == list(expected)
    for name, reason in expected.items():
        assert pd.Series(skipped[name]).str.match(reason).all(), skipped[name]
    assert set(modality.restore(x)["a"].round(6)) <= set(A)


def _wider(name, cell):
    """The good table with one more column."""
    head, *body = GOOD.splitlines()
    return "\n".join([f"{head},{name}", *(f"{line},{cell}" for line in body)]) + "\n"


READ_FOR_WHAT_IT_IS = {
    "a delimiter at the end of each line": (GOOD.replace("\n", ",\n").replace("a,b,c,", "a,b,c"), None),
    "row names under no name": (
        "".join([f"{line}\n" if not i else f"r{i},{line}\n" for i, line in enumerate(GOOD.splitlines())]),
        None,
    ),
    "decimal commas between semicolons": (GOOD.replace(",", ";").replace(".", ","), "delimiter ';'"),
    "decimal commas between tabs": (GOOD.replace(",", "\t").replace(".", ","), "decimal comma"),
    "decimal commas in quotes": (
        "a,b,c\n" + "".join(f'"{i / 2}",{(i * 7) % 11},{"xyz"[i % 3]}\n'.replace(".", ",") for i in range(20)),
        "decimal comma",
    ),
    "white space between cells": (GOOD.replace(",", "  "), "delimiter: white space"),
    "blank lines": (GOOD.replace("\n", "\n\n"), None),
    "lines of an old Macintosh": (GOOD.replace("\n", "\r"), None),
    "spaces after the commas": (GOOD.replace(",", ", "), None),
    "a mark for missing cells": (_line(GOOD, 9, "?,10,x"), r"column 'a': 1 cells of '\?' read as missing"),
    "a column without cells": (_wider("d", ""), "column 'd' is always None"),
    "a column that comes twice": (_wider("a", "1"), "column 'a' comes 2 times"),
}


@pytest.mark.parametrize("kind", READ_FOR_WHAT_IT_IS)
def test_an_odd_layout_is_read_for_what_it_is_and_said(tmp_path, kind):
    text, note = READ_FOR_WHAT_IT_IS[kind]
    (tmp_path / "x.csv").write_bytes(text.encode())
    modality, x, skipped, notes = read(tmp_path / "x.csv")
    assert not skipped
    assert [name for name in modality.feature_names if "missing" not in name] == ["a", "b", "c=x", "c=y", "c=z"]
    rows = modality.restore(x)
    there = rows["a"].notna()
    np.testing.assert_allclose(rows["a"][there], np.array(A)[there], atol=1e-5)
    assert note is None or pd.Series(notes).str.contains(note).any(), notes


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
def test_words_of_any_encoding_are_themselves(tmp_path, encoding):
    (tmp_path / "x.csv").write_bytes(GOOD.replace("x\n", "é\n").encode(encoding))
    assert "c=é" in read(tmp_path / "x.csv")[0].feature_names


def test_a_first_line_of_data_is_no_header(tmp_path):
    (tmp_path / "x.csv").write_text(GOOD.split("\n", 1)[1])
    modality, x, _, notes = read(tmp_path / "x.csv")
    assert modality.feature_names == ["0", "1", "2=x", "2=y", "2=z"]
    assert len(x) == 20
    assert "no header line: columns are numbered" in notes


def test_years_in_a_header_are_names(tmp_path):
    (tmp_path / "x.csv").write_text("country,2001,2002\nFrance,1,2\nItaly,3,5\nFrance,4,9\n")
    assert read(tmp_path / "x.csv")[0].feature_names == ["country=France", "country=Italy", "2001", "2002"]


def test_integers_past_every_type_are_numbers(tmp_path):
    (tmp_path / "x.csv").write_text("a\n" + "".join(f"{10**30 + i * 10**28}\n" for i in range(20)))
    modality, x, _, _ = read(tmp_path / "x.csv")
    np.testing.assert_allclose(modality.restore(x)["a"].astype(float), [1e30 + i * 1e28 for i in range(20)], rtol=1e-6)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            GOOD.replace(".", ",").encode(),
            r"has 3 columns by its first line, but its lines hold 4 cells.*decimal commas",
        ),
        (bytes(range(256)) * 8, "not a table of text|not readable as CSV"),
        (gzip.compress(GOOD.encode(), mtime=0), "not a table of text|not readable as CSV"),
    ],
)
def test_what_cannot_be_read_without_guessing_is_refused(tmp_path, body, message):
    (tmp_path / "x.csv").write_bytes(body)
    with pytest.raises((CorruptFileError, ValueError), match=message):
        read(tmp_path / "x.csv")


def test_four_columns_with_decimal_commas_between_commas_are_not_eight(tmp_path, iris):
    numbers = iris.iloc[:, :4].drop(index=3)
    lines = [",".join(str(v).replace(".", ",") for v in row) for row in numbers.to_numpy()]
    (tmp_path / "x.csv").write_text("\n".join([",".join(numbers), *lines]))
    with pytest.raises(CorruptFileError, match="has 4 columns by its first line, but its lines hold 8 cells"):
        gather(tmp_path / "x.csv")


def test_nested_parquet_columns_are_left_out_and_named(tmp_path):
    frame = pd.DataFrame({"a": A, "deep": [{"x": [i]} for i in range(20)], "list": [[i, i] for i in range(20)]})
    frame.to_parquet(tmp_path / "x.parquet")
    modality, x, skipped, notes = read(tmp_path / "x.parquet")
    assert modality.feature_names == ["a"]
    assert not skipped
    assert sum("neither numbers, words nor dates" in note for note in notes) == 2
    np.testing.assert_allclose(modality.restore(x)["a"], A, atol=1e-6)


def test_cut_parquet_and_json_name_what_is_broken(tmp_path):
    pd.DataFrame({"a": A}).to_parquet(tmp_path / "x.parquet")
    (tmp_path / "y.parquet").write_bytes((tmp_path / "x.parquet").read_bytes()[:-30])
    with pytest.raises(CorruptFileError, match=r"y\.parquet is not a readable Parquet file"):
        gather(tmp_path / "y.parquet")
    lines = [json.dumps({"a": a, "mixed": "x" if i % 2 else i}) for i, a in enumerate(A)]
    (tmp_path / "z.jsonl").write_text("\n".join(lines)[:-4])
    modality, _, skipped, notes = read(tmp_path / "z.jsonl")
    assert modality.feature_names == ["a"]
    assert list(skipped) == ["line 20"]
    assert "column 'mixed' left out: what it holds is neither numbers, words nor dates" in notes
