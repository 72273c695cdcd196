"""Vector stores: PostgreSQL with pgvector, Qdrant, LanceDB. What is written there is searched exactly as here."""

import os
import re
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np

from ..optional import require
from ..progress import Progress
from .columns import arrow_table, blocks, check_metric, columns_of

if TYPE_CHECKING:
    from ..verbs.state import State

_NAMES = uuid.UUID("5a9c6ad5-7d65-4d0c-8a46-3c1f6d3b8c4e")  # of which an id's UUID in Qdrant follows
_URL = re.compile(r"^(https?|grpc)://")
_OPERATORS = {"cosine": "vector_cosine_ops", "euclidean": "vector_l2_ops", "dot": "vector_ip_ops"}
_MOST_INDEXED = 2000  # dimensions that pgvector indexes


def to_pgvector(
    space: "State", url: str, overwrite: bool = False, table: str = "latents", index: bool = False,
    metric: str = "cosine",
) -> str:  # fmt: skip
    """Writes a table (id text primary key, metadata, z vector(dims)) in one transaction.

    Without an index a search there is exact; `index=True` builds HNSW for the metric, which is approximate.
    """
    require("psycopg", "pgvector", "export to pgvector")
    import psycopg
    from psycopg import sql

    check_metric(metric)
    dims = space.latents.shape[1]
    if index and dims > _MOST_INDEXED:
        raise ValueError(f"pgvector indexes up to {_MOST_INDEXED:,} dimensions, not {dims:,}. Leave index=False.")
    types = {bool: "boolean", int: "bigint", float: "double precision", str: "text"}
    columns = columns_of(space)
    name = sql.Identifier(*table.split("."))
    fields: list[sql.Composable] = [sql.SQL("id text primary key")]
    fields += [sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(types[c.kind])) for c in columns]
    fields.append(sql.SQL(f"z vector({dims}) not null"))
    try:
        with psycopg.connect(url) as connection:
            connection.execute("create extension if not exists vector")
            if connection.execute("select to_regclass(%s)", [table]).fetchone() != (None,):
                if not overwrite:
                    raise FileExistsError(
                        f"a table {table!r} is there already. Choose another, or pass overwrite=True."
                    )
                connection.execute(sql.SQL("drop table {}").format(name))
            connection.execute(sql.SQL("create table {} ({})").format(name, sql.SQL(", ").join(fields)))
            copy = sql.SQL("copy {} from stdin").format(name)
            with connection.cursor().copy(copy) as out, Progress("Writing rows", len(space)) as progress:
                ids, z = space.ids, np.asarray(space.latents, np.float32)
                for row in range(len(space)):
                    values = [_text(column.values[row]) for column in columns]
                    out.write_row([_text(ids[row]), *values, "[" + ",".join(map(repr, z[row].tolist())) + "]"])
                    progress.advance()
            if index:
                connection.execute(
                    sql.SQL("create index on {} using hnsw (z {})").format(name, sql.SQL(_OPERATORS[metric]))
                )
    except psycopg.Error as error:
        raise OSError(f"PostgreSQL at {_without_password(url)}: {str(error).strip()}") from None
    return f"{_without_password(url)} table {table}"


def _text(value: Any) -> Any:
    """A text without NUL, which PostgreSQL's texts do not hold."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def _without_password(url: str) -> str:
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", re.sub(r"password=\S+", "password=***", url))


def to_qdrant(
    space: "State", where: str, overwrite: bool = False, table: str = "latents", metric: str = "cosine"
) -> str:
    """Writes a collection: in a folder (Qdrant's local mode), or on a server where `where` is a URL.

    A point's id is a UUID that follows from the item's id; the payload has `id` and the metadata.
    """
    require("qdrant_client", "qdrant", "export to Qdrant")
    from qdrant_client import QdrantClient, models

    check_metric(metric)
    distance = {
        "cosine": models.Distance.COSINE, "euclidean": models.Distance.EUCLID, "dot": models.Distance.DOT,
    }[metric]  # fmt: skip
    client = QdrantClient(url=where) if _URL.match(where) else QdrantClient(path=where)
    try:
        if client.collection_exists(table):
            if not overwrite:
                raise FileExistsError(
                    f"a collection {table!r} is there already. Choose another, or pass overwrite=True."
                )
            client.delete_collection(table)
        z = np.asarray(space.latents, np.float32)
        client.create_collection(table, vectors_config=models.VectorParams(size=z.shape[1], distance=distance))
        columns, ids = columns_of(space, ("id",)), space.ids
        with Progress("Writing points", len(space)) as progress:
            for start, stop in blocks(space):
                rows = range(start, stop)
                client.upsert(table, models.Batch(
                    ids=[str(uuid.uuid5(_NAMES, ids[row])) for row in rows],
                    vectors=z[start:stop].tolist(),
                    payloads=[{"id": ids[row], **{c.name: c.values[row] for c in columns}} for row in rows],
                ))  # fmt: skip
                progress.advance(stop - start)
    finally:
        client.close()
    return f"{where} collection {table}"


def to_lancedb(space: "State", where: str, overwrite: bool = False, table: str = "latents") -> str:
    """Writes a table of LanceDB into a folder: id, metadata, and `z`, which LanceDB searches."""
    require("lancedb", "lancedb", "export to LanceDB")
    os.environ.setdefault("LANCEDB_LOG", "error")  # it says that what is new was not there
    import lancedb

    connection = lancedb.connect(where)
    if not overwrite and table in _tables(connection):
        raise FileExistsError(f"a table {table!r} is there already. Choose another, or pass overwrite=True.")
    connection.create_table(table, arrow_table(space), mode="overwrite")
    return f"{where} table {table}"


def _tables(connection: Any) -> list[str]:
    listed = connection.list_tables() if hasattr(connection, "list_tables") else connection.table_names()
    return list(getattr(listed, "tables", listed))
