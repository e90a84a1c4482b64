"""Compares the lists of open functions with the installed DuckDB: `python -m pipeline.lake.sql.review [--write]`.

It prints new names of DuckDB that no list has, and names that are gone, and ends with code 1 if there are any. With
`--write` it writes the lists again: new names are closed, gone names are left out, and the version is set. Then read
each new line, look up what the function does, and open it if it computes from its arguments only.
"""

import csv
import sys

import duckdb

from pipeline.lake.sql.duckdb_access import load_delta
from pipeline.lake.sql.open_functions import FOLDER, KINDS, VERSION, VIEW, reviewed

NEW = ("closed", "new, not reviewed")

OPEN_BY_GRAMMAR = {"scalar": {"unnest", "unlist", "grouping", "grouping_id", "coalesce", "columns"}}
"""Names of DuckDB's parser and binder that its catalog does not list."""


def installed_names() -> dict[str, set[str]]:
    """Return every name in the installed DuckDB with the extensions of the query engine, by kind."""
    with duckdb.connect(":memory:") as connection:
        load_delta(connection)
        functions = connection.execute("SELECT function_type, lower(function_name) FROM duckdb_functions()").fetchall()
        views = connection.execute(
            "SELECT schema_name || '.' || lower(view_name) FROM duckdb_views() WHERE internal"
        ).fetchall()
    names = {kind: {name for function_kind, name in functions if function_kind == kind} for kind in KINDS}
    return names | {VIEW: {name for (name,) in views}}


def differences() -> dict[str, tuple[set[str], set[str]]]:
    """Return for each kind the names that are new in DuckDB, and those in the list that are gone."""
    return {
        kind: (names - reviewed(kind).keys(), reviewed(kind).keys() - names - OPEN_BY_GRAMMAR.get(kind, set()))
        for kind, names in installed_names().items()
    }


def main(arguments: list[str]) -> int:
    """Print the differences, write the lists with `--write`, and return 1 when there is something to review."""
    changes = differences()
    for kind, (new, gone) in changes.items():
        for what, names in (("new", new), ("gone", gone)):
            if names:
                print(f"{kind}: {what}: {', '.join(sorted(names))}")  # noqa: T201 (a command)
    if "--write" in arguments:
        for kind, (new, gone) in changes.items():
            lines = {name: line for name, line in reviewed(kind).items() if name not in gone}
            _write(kind, lines | dict.fromkeys(new, NEW))
        VERSION.write_text(f"{duckdb.__version__}\n")
    return int(any(new or gone for new, gone in changes.values()))


def _write(kind: str, lines: dict[str, tuple[str, str]]) -> None:
    with (FOLDER / f"{kind}.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows((name, *lines[name]) for name in sorted(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
