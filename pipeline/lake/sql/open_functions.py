"""Which functions and views of DuckDB queries may use: the reviewed lists beside this module, one per kind.

Each line of a list is `name,open,` or `name,closed,reason`. A name without a line is closed. The command
`python -m pipeline.lake.sql.review` compares the lists with the installed DuckDB. With `--write` it adds new names,
closed until somebody has reviewed them.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("functions")

VERSION = FOLDER / "duckdb_version.txt"
"""The version of DuckDB for which the lists were reviewed."""

SCALAR, AGGREGATE, MACRO, TABLE, TABLE_MACRO, VIEW = KINDS = (
    "scalar", "aggregate", "macro", "table", "table_macro", "view",
)  # fmt: skip


@dataclass(frozen=True)
class OpenFunctions:
    """The open functions and views, by their place in a query."""

    expressions: frozenset[str]
    table_functions: frozenset[str]
    views: frozenset[str]
    """With their schema."""


def open_functions() -> OpenFunctions:
    """Return the open functions and views."""
    by_kind = {kind: _open_of(kind) for kind in KINDS}
    return OpenFunctions(
        expressions=by_kind[SCALAR] | by_kind[AGGREGATE] | by_kind[MACRO],
        table_functions=by_kind[TABLE] | by_kind[TABLE_MACRO],
        views=by_kind[VIEW],
    )


def _open_of(kind: str) -> frozenset[str]:
    return frozenset(name for name, (state, _) in reviewed(kind).items() if state == "open")


def reviewed(kind: str) -> dict[str, tuple[str, str]]:
    """Return every reviewed name of a kind, with its state and the reason for it."""
    with (FOLDER / f"{kind}.csv").open(newline="") as lines:
        return {name: (state, reason) for name, state, reason in csv.reader(lines)}
