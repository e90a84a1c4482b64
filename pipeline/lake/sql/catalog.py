"""The lake's tables as DuckDB views, and the catalog file that a user's own DuckDB client can open."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import duckdb

from pipeline.errors import PlaceFailed
from pipeline.lake.lake import Lake
from pipeline.lake.sql.catalog_mark import mark_of
from pipeline.lake.sql.delta_scan import quoted, rows_of, text
from pipeline.lake.sql.derived import derived_from
from pipeline.lake.sql.duckdb_access import give_access
from pipeline.lake.storage.durable import make_durable

MADE_OF = "catalog_made_of"
"""Macro of a catalog file that returns the mark of the lake's place and the fingerprint of the statements."""

FAILED_WRITES = (duckdb.IOException, duckdb.TransactionException, duckdb.FatalException)
"""How DuckDB says that a file cannot be written, such as on a full disk."""


def create_views(connection: duckdb.DuckDBPyConnection, lake: Lake) -> list[str]:
    """Create a view `market.name` of every table's current version, and return their names.

    Also create the views and macros that are derived from these tables; their views come last. A view follows its
    tables: each query reads their newest versions. `connection` can be any connection that may create views, such as
    that of a DuckDBResource. It gets access to the lake.
    """
    give_access(connection, lake)
    names = lake.tables()
    for name in names:
        create_view(connection, lake, name)
    for derived in derived_from(names):
        connection.execute(derived.statement(lake))
    return _names(lake)


def _names(lake: Lake) -> list[str]:
    """Return the SQL names of all views, those derived from several tables last."""
    names = lake.tables()
    return [
        *(name.replace("/", ".", 1) for name in names),
        *(derived.name for derived in derived_from(names) if derived.parameter is None),
    ]


def create_view(connection: duckdb.DuckDBPyConnection, lake: Lake, name: str) -> None:
    """Create the view of the table called `market/name`."""
    market, table = name.split("/")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(market)}")
    connection.execute(f"CREATE OR REPLACE VIEW {quoted(market)}.{quoted(table)} AS {rows_of(lake, name)}")


def write_catalog(lake: Lake, path: Path) -> list[str]:
    """Write a DuckDB file at `path` with a described view of every table, and return the names of the views.

    The file has no rows and no secret, and names the tables by absolute path: SQL has no paths relative to the file. It
    is replaced in one step: a client with the old file open keeps reading that. A file that is up to date stays.
    Raises PlaceFailed when the file cannot be written; the old one stays.
    """
    comments = list(_comments(lake))
    made_of = mark_of(lake.root) + sha256("\n".join([*_definitions(lake), *comments]).encode()).hexdigest()
    if path.exists() and _made_of(path) == made_of:
        return _names(lake)
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = path.with_name(f".{path.name}-{token_hex(8)}")
    try:
        with duckdb.connect(str(incoming)) as connection:
            names = create_views(connection, lake)
            for comment in comments:
                connection.execute(comment)
            connection.execute(f"CREATE MACRO {MADE_OF}() AS {text(made_of)}")
        make_durable([incoming])
        incoming.replace(path)
    except FAILED_WRITES as failed:
        raise PlaceFailed(
            f"The SQL catalog {path} cannot be written: {str(failed).splitlines()[0]}.",
            remedy="No table is damaged. Check that the home is writable and has room; the next run writes the file.",
        ) from failed
    finally:
        # The log of a write that failed lies beside the file.
        for leftover in (incoming, incoming.with_name(f"{incoming.name}.wal")):
            leftover.unlink(missing_ok=True)
    make_durable([path])
    return names


def _made_of(path: Path) -> str | None:
    """Return the fingerprint in a catalog file; None in a file of another program, or from before fingerprints."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            # Read, not called: a macro of that name in a foreign file does not run.
            row = connection.execute(
                f"SELECT macro_definition FROM duckdb_functions() WHERE function_name = {text(MADE_OF)}"  # noqa: S608
            ).fetchone()
            return str(row[0]).strip("'") if row else None
    except duckdb.Error:
        return None


def _definitions(lake: Lake) -> Iterator[str]:
    """Yield the SELECT of every view, including those derived from several tables."""
    names = lake.tables()
    for name in names:
        yield f"{name}: {rows_of(lake, name)}"
    for derived in derived_from(names):
        yield derived.statement(lake)


def _comments(lake: Lake) -> Iterator[str]:
    """Yield the SQL that describes every view and its columns."""
    names = lake.tables()
    for name in names:
        delta = lake.open_named(name)
        view = ".".join(quoted(part) for part in name.split("/"))
        yield f"COMMENT ON VIEW {view} IS {text(delta.metadata().description)}"
        for field in delta.schema().fields:
            if field.name not in delta.metadata().partition_columns:
                comment = text(field.metadata.get("comment"))
                yield f"COMMENT ON COLUMN {view}.{quoted(field.name)} IS {comment}"
    for derived in derived_from(names):
        yield from derived.comments()
