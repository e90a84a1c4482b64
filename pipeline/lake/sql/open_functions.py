"""Which functions and views of DuckDB queries may use: the reviewed lists beside this module, one a kind.

Each line of a list is `name,open,` or `name,closed,reason`. What has no line is closed. The command
`python -m pipeline.lake.sql.review` compares the lists with the installed DuckDB. With `--write` it adds what is new to
them, closed until somebody has looked at it.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("functions")

VERSION = FOLDER / "duckdb_version.txt"
"""The version of DuckDB that the lists were reviewed for."""

SCALAR, AGGREGATE, MACRO, TABLE, TABLE_MACRO, VIEW = KINDS = (
    "scalar", "aggregate", "macro", "table", "table_macro", "view",
)  # fmt: skip


@dataclass(frozen=True)
class OpenFunctions:
    """What is open, by where it may stand."""

    expressions: frozenset[str]
    table_functions: frozenset[str]
    views: frozenset[str]
    """With their schema."""


def open_functions() -> OpenFunctions:
    """Return what is open."""
    by_kind = {kind: _open_of(kind) for kind in KINDS}
    return OpenFunctions(
        expressions=by_kind[SCALAR] | by_kind[AGGREGATE] | by_kind[MACRO],
        table_functions=by_kind[TABLE] | by_kind[TABLE_MACRO],
        views=by_kind[VIEW],
    )


def _open_of(kind: str) -> frozenset[str]:
    return frozenset(name for name, (state, _) in reviewed(kind).items() if state == "open")


def reviewed(kind: str) -> dict[str, tuple[str, str]]:
    """Return every name of a kind that was reviewed, with its state and the reason for it."""
    with (FOLDER / f"{kind}.csv").open(newline="") as lines:
        return {name: (state, reason) for name, state, reason in csv.reader(lines)}
