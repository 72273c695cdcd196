"""Tables from files: delimiters, encodings, dates, and lines that do not fit."""

import datetime
import gzip
import json

import numpy as np
import pandas as pd
import pytest

from latentspace.errors import CorruptFileError
from latentspace.items import gather
from latentspace.items.tables import Table


def rows_of(path):
    gathered = Table.gather(path)
    modality = Table().learn(gathered)
    (batch,) = modality.read(gathered)
    return modality.rebuild(batch.x, batch.metadata), gathered


@pytest.mark.parametrize(
    ("delimiter", "suffix"), [(",", "csv"), (";", "csv"), ("|", "csv"), ("\t", "csv"), ("\t", "tsv")]
)
def test_the_delimiter_is_found(tmp_path, iris, delimiter, suffix):
    path = tmp_path / f"iris.{suffix}"
    iris.to_csv(path, sep=delimiter, index=False)
    rows, gathered = rows_of(path)
    pd.testing.assert_frame_equal(rows, iris, check_dtype=False)
    assert gathered.origin == str(path)
    assert gathered.ids == [str(i) for i in range(150)]


def test_commas_within_words_do_not_mislead(tmp_path):
    (tmp_path / "x.csv").write_text('name;city\n"a;b";Paris, France\nc;"Rome, Italy"\n')
    rows, _ = rows_of(tmp_path / "x.csv")
    assert rows.to_dict("list") == {"name": ["a;b", "c"], "city": ["Paris, France", "Rome, Italy"]}


@pytest.mark.parametrize(
    ("encoding", "note"),
    [("utf-8", None), ("utf-8-sig", None), ("latin-1", "read as Latin-1"), ("utf-16", "read as UTF-16")],
)
def test_the_encoding_is_found_and_named_where_it_is_a_guess(tmp_path, encoding, note):
    (tmp_path / "x.csv").write_bytes("größe,ort\n1,Köln\n2,Nîmes\n".encode(encoding))
    rows, gathered = rows_of(tmp_path / "x.csv")
    assert rows.to_dict("list") == {"größe": [1, 2], "ort": ["Köln", "Nîmes"]}
    assert [text.split(":")[0] for text in gathered.notes] == ([note] if note else [])


def test_decimal_commas_and_a_missing_header_are_found(tmp_path):
    (tmp_path / "comma.csv").write_text("v;w\n1,5;2\n2,25;3\n")
    rows, gathered = rows_of(tmp_path / "comma.csv")
    assert rows.to_dict("list") == {"v": [1.5, 2.25], "w": [2, 3]}
    assert gathered.notes == ["delimiter ';'"]
    (tmp_path / "bare.csv").write_text("1,2\n3,5\n")
    rows, gathered = rows_of(tmp_path / "bare.csv")
    assert rows.to_dict("list") == {"0": [1, 3], "1": [2, 5]}
    assert gathered.notes == ["no header line: columns are numbered"]


def test_words_that_are_all_iso_dates_are_dates(tmp_path):
    (tmp_path / "x.csv").write_text(
        "day,time,zoned,mixed\n2020-01-01,2020-01-01 10:30:00,2020-01-01T00:00:00Z,2020-01-01\n"
        "2020-02-29,2020-01-02T11:00,2020-01-01T02:00:00+02:00,soon\n,,,\n"
    )
    gathered = Table.gather(tmp_path / "x.csv")
    kinds = [gathered.raw.cells(name).dtype.kind for name in gathered.raw.columns]
    assert kinds == ["moment", "moment", "moment", "words"]
    assert gathered.metadata["day"] == ["2020-01-01", "2020-02-29", None]
    assert gathered.metadata["time"] == ["2020-01-01T10:30:00", "2020-01-02T11:00:00", None]
    assert gathered.metadata["zoned"] == ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z", None]


def test_lines_with_too_many_cells_are_named_and_the_others_read(tmp_path):
    (tmp_path / "x.csv").write_text('a,b\n1,2\n3,4,5\n"6\n",7\n\n8\n')
    rows, gathered = rows_of(tmp_path / "x.csv")
    assert [(item.id, item.reason) for item in gathered.skipped] == [("line 3", "3 cells, where the first line has 2")]
    assert len(gathered) + len(gathered.skipped) == 4
    assert rows["b"].tolist()[:2] == [2, 7]
    assert np.isnan(rows["b"].tolist()[2])


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (b"", ValueError, "is empty: 0 bytes"),
        (b" \n\n", ValueError, "is empty: no line"),
        (b"a,b\n", ValueError, "holds no items"),
        (b"\0\1\2\0" * 20, CorruptFileError, "not a table of text"),
        (b"PAR1" + bytes(50), CorruptFileError, "not a table of text"),
    ],
)
def test_a_csv_without_rows_says_so(tmp_path, body, error, message):
    (tmp_path / "x.csv").write_bytes(body)
    with pytest.raises(error, match=message):
        gather(tmp_path / "x.csv")


def test_gzipped_csv_reads_and_a_cut_one_is_corrupt(tmp_path, iris):
    body = gzip.compress(iris.to_csv(index=False).encode())
    (tmp_path / "x.csv.gz").write_bytes(body)
    assert len(rows_of(tmp_path / "x.csv.gz")[0]) == 150
    (tmp_path / "x.csv.gz").write_bytes(body[:-20])
    with pytest.raises(CorruptFileError, match=r"x\.csv\.gz is damaged"):
        gather(tmp_path / "x.csv.gz")


def test_parquet_keeps_its_types(tmp_path, iris):
    frame = iris.assign(
        kind=pd.Categorical(iris["species"]),
        day=[datetime.date(2020, 1, 1 + i % 9) for i in range(150)],
        n=pd.array([None, *range(149)], dtype="Int16"),
        zoned=pd.date_range("2020", periods=150, tz="Europe/Oslo").as_unit("ms"),
    )
    frame.to_parquet(tmp_path / "x.parquet")
    rows, _ = rows_of(tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(rows, frame)


def test_a_parquet_file_that_is_none_is_corrupt(tmp_path, iris):
    for body in (b"PAR1" + bytes(100) + b"PAR1", b"text"):
        (tmp_path / "x.parquet").write_bytes(body)
        with pytest.raises(CorruptFileError, match=r"x\.parquet is not a readable Parquet file"):
            gather(tmp_path / "x.parquet")


def test_json_lines_read_and_bad_lines_are_named(tmp_path):
    lines = [{"a": 1, "b": "x"}, {"a": 2, "b": "y", "c": "2020-01-01"}]
    text = "\n".join([json.dumps(lines[0]), "not json", "[1]", "", json.dumps(lines[1])])
    (tmp_path / "x.jsonl").write_text(text)
    rows, gathered = rows_of(tmp_path / "x.jsonl")
    assert rows["a"].tolist() == [1, 2]
    assert [item.id for item in gathered.skipped] == ["line 2", "line 3"]
    assert "not JSON" in gathered.skipped[0].reason
    (tmp_path / "bad.jsonl").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"bad\.jsonl holds no JSON object"):
        gather(tmp_path / "bad.jsonl")


def test_a_table_that_does_not_fit_in_memory_is_refused_before_it_is_read(tmp_path, iris, monkeypatch):
    iris.to_csv(tmp_path / "x.csv", index=False)
    iris.to_parquet(tmp_path / "x.parquet")
    monkeypatch.setattr("latentspace.resources.available_memory", lambda: 1000)
    for name in ("x.csv", "x.parquet"):
        with pytest.raises(MemoryError, match=f"the table .*{name} would take"):
            gather(tmp_path / name)


def test_a_packed_table_that_is_damaged_inside_is_named(tmp_path, iris):
    whole = gzip.compress(iris.to_csv(index=False).encode())
    (tmp_path / "iris.csv.gz").write_bytes(whole[:40] + b"\xff" * 20 + whole[60:])
    with pytest.raises(CorruptFileError, match=r"iris\.csv\.gz is damaged"):
        Table.gather(tmp_path / "iris.csv.gz")


def test_a_packed_table_that_unpacks_to_more_than_memory_holds_is_stopped_on_the_way(tmp_path, monkeypatch):
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + bytes(32 << 20)))
    monkeypatch.setattr("latentspace.resources.available_memory", lambda: 4 << 20)
    monkeypatch.setattr("latentspace.items.table_files._PIECE", 1 << 20)
    with pytest.raises(MemoryError, match=r"bomb\.csv\.gz would take"):
        Table.gather(path)


def test_a_packed_table_of_one_byte_over_and_over_is_no_table(tmp_path):
    with gzip.open(tmp_path / "bomb.csv.gz", "wb") as file:
        file.write(b"a,b\n")
        for _ in range(70):
            file.write(b"1,2\n" * (1 << 18))
    with pytest.raises(CorruptFileError, match=r"over 200 times as many\. If it is one, gunzip it"):
        Table.gather(tmp_path / "bomb.csv.gz")


def test_more_columns_than_a_table_has_are_refused_before_they_are_looked_at(tmp_path):
    (tmp_path / "wide.csv").write_bytes(b",".join(b"c%d" % i for i in range(50_001)) + b"\n" + b"1," * 50_000 + b"1\n")
    with pytest.raises(ValueError, match=r"wide\.csv has 50,001 columns; a table may have 50,000\. Save .* np\.save"):
        Table.gather(tmp_path / "wide.csv")


def test_a_parquet_of_letters_that_are_none_is_named(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "x.parquet"
    pd.DataFrame({"a": ["one", "two", "thr\u00fcee"]}).to_parquet(path, compression="none")
    data = path.read_bytes()
    assert b"thr\xc3\xbcee" in data
    path.write_bytes(data.replace(b"thr\xc3\xbcee", b"thr\xff\xffee"))
    with pytest.raises(CorruptFileError, match=r"x\.parquet is not a readable Parquet file"):
        Table.gather(path)
