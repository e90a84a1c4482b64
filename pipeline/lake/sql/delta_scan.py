"""A table of the lake as SQL: the SELECT by which DuckDB reads it, and names and texts as SQL writes them."""

from pipeline.lake.tables import Lake


def rows_of(lake: Lake, name: str, version: int | None = None) -> str:
    """Return the SELECT that reads the table called `market/name`, at its newest version unless told."""
    uri = lake.uri_of(name).replace("'", "''")
    at = "" if version is None else f", version => {version:d}"
    layout = lake.open_named(name).metadata().partition_columns
    columns = f"* EXCLUDE ({', '.join(map(quoted, layout))})" if layout else "*"
    return f"SELECT {columns} FROM delta_scan('{uri}'{at})"  # noqa: S608 (quoted)


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: object) -> str:
    """Return an SQL text; an empty one for what is empty."""
    return "'" + str(value or "").replace("'", "''") + "'"
