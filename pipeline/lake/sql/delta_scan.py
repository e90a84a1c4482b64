"""A table of the lake as SQL: the SELECT with which DuckDB reads it, and quoted names and texts."""

from pipeline.lake.lake import Lake


def rows_of(lake: Lake, name: str, version: int | None = None) -> str:
    """Return the SELECT that reads the table called `market/name`, at `version`, or at its newest when None."""
    uri = lake.uri_of(name).replace("'", "''")
    at = "" if version is None else f", version => {version:d}"
    layout = lake.open_named(name).metadata().partition_columns
    columns = f"* EXCLUDE ({', '.join(map(quoted, layout))})" if layout else "*"
    return f"SELECT {columns} FROM delta_scan('{uri}'{at})"  # noqa: S608 (quoted)


def quoted(name: str) -> str:
    """Return a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: object) -> str:
    """Return a quoted SQL text; an empty text for an empty value."""
    return "'" + str(value or "").replace("'", "''") + "'"
