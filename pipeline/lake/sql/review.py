"""Compares the lists of open functions with the installed DuckDB: `python -m pipeline.lake.sql.review [--write]`.

It prints what DuckDB has and no list knows, and what is gone, and ends with 1 if there is any. With `--write` it writes
the lists again: what is new is added as closed, what is gone is left out, and the version is set. Then read each new
line, look up what the function does, and open it if it computes from its arguments alone.
"""

import csv
import sys

import duckdb

from pipeline.lake.sql.duckdb_access import load_delta
from pipeline.lake.sql.open_functions import FOLDER, KINDS, VERSION, VIEW, reviewed

NEW = ("closed", "new, not reviewed")

OPEN_BY_GRAMMAR = {"scalar": {"unnest", "unlist", "grouping", "grouping_id", "coalesce", "columns"}}
"""Names that DuckDB's parser and binder give to what its catalog does not list."""


def known() -> dict[str, set[str]]:
    """Return every name that the installed DuckDB has with the extensions that a query's engine loads, by kind."""
    with duckdb.connect(":memory:") as connection:
        load_delta(connection)
        functions = connection.execute("SELECT function_type, lower(function_name) FROM duckdb_functions()").fetchall()
        views = connection.execute(
            "SELECT schema_name || '.' || lower(view_name) FROM duckdb_views() WHERE internal"
        ).fetchall()
    names = {kind: {name for found, name in functions if found == kind} for kind in KINDS}
    return names | {VIEW: {name for (name,) in views}}


def differences() -> dict[str, tuple[set[str], set[str]]]:
    """Return for each kind what is new in DuckDB, and what is in the list and gone."""
    return {
        kind: (names - reviewed(kind).keys(), reviewed(kind).keys() - names - OPEN_BY_GRAMMAR.get(kind, set()))
        for kind, names in known().items()
    }


def main(arguments: list[str]) -> int:
    """Print the differences, write the lists if asked to, and return 1 when something is to be reviewed."""
    found = differences()
    for kind, (new, gone) in found.items():
        for what, names in (("new", new), ("gone", gone)):
            if names:
                print(f"{kind}: {what}: {', '.join(sorted(names))}")  # noqa: T201 (a command)
    if "--write" in arguments:
        for kind, (new, gone) in found.items():
            kept = {name: line for name, line in reviewed(kind).items() if name not in gone}
            _write(kind, kept | dict.fromkeys(new, NEW))
        VERSION.write_text(f"{duckdb.__version__}\n")
    return int(any(new or gone for new, gone in found.values()))


def _write(kind: str, lines: dict[str, tuple[str, str]]) -> None:
    with (FOLDER / f"{kind}.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows((name, *lines[name]) for name in sorted(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
