"""The lake's tables as DuckDB views, and the catalog file that a user's own DuckDB client can open."""

from pathlib import Path
from secrets import token_hex

import duckdb

from pipeline.lake.delta_scan import quoted, rows_of, text
from pipeline.lake.derived import derived_from
from pipeline.lake.duckdb_access import give_access
from pipeline.lake.durable import make_durable
from pipeline.lake.tables import Lake


def create_views(connection: duckdb.DuckDBPyConnection, lake: Lake) -> list[str]:
    """Create a view `market.name` of every table's current version, and return their names.

    With them come the views and macros that can be derived from these tables, the views named last. A view follows its
    tables: each query reads the versions that are newest then. `connection` can be any that may create views, such as
    that of a DuckDBResource. It is given access to the lake.
    """
    give_access(connection, lake)
    names = lake.tables()
    for name in names:
        create_view(connection, lake, name)
    possible = derived_from(names)
    for derived in possible:
        connection.execute(derived.statement(lake))
    return [
        *(name.replace("/", ".", 1) for name in names),
        *(derived.name for derived in possible if derived.parameter is None),
    ]


def create_view(connection: duckdb.DuckDBPyConnection, lake: Lake, name: str) -> None:
    """Create the view of the table called `market/name`."""
    market, table = name.split("/")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(market)}")
    connection.execute(f"CREATE OR REPLACE VIEW {quoted(market)}.{quoted(table)} AS {rows_of(lake, name)}")


def write_catalog(lake: Lake, path: Path) -> list[str]:
    """Write a DuckDB file at `path` that holds a view of every table, described, and return their names.

    The file holds no rows and no secret, and names the tables by absolute path. It appears whole: one who has the old
    file open keeps reading that.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = path.with_name(f".{path.name}-{token_hex(8)}")
    try:
        with duckdb.connect(str(incoming)) as connection:
            names = create_views(connection, lake)
            for name in lake.tables():
                _describe(connection, lake, name)
            for derived in derived_from(lake.tables()):
                for comment in derived.comments():
                    connection.execute(comment)
        make_durable([incoming])
        incoming.replace(path)
    finally:
        incoming.unlink(missing_ok=True)
    make_durable([path])
    return names


def _describe(connection: duckdb.DuckDBPyConnection, lake: Lake, name: str) -> None:
    delta = lake.open_named(name)
    view = ".".join(quoted(part) for part in name.split("/"))
    connection.execute(f"COMMENT ON VIEW {view} IS {text(delta.metadata().description)}")
    for field in delta.schema().fields:
        if field.name not in delta.metadata().partition_columns:
            comment = text(field.metadata.get("comment"))
            connection.execute(f"COMMENT ON COLUMN {view}.{quoted(field.name)} IS {comment}")
