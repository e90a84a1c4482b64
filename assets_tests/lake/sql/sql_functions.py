"""Calls of every function that DuckDB knows, made from its own catalog, with harmless and with hostile arguments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import duckdb

from pipeline.lake.sql.duckdb_access import load_delta

KINDS = ("scalar", "aggregate", "macro", "table", "table_macro")

HARMLESS = {
    "VARCHAR": "'abc'", "BOOLEAN": "true", "DATE": "DATE '2024-01-02'", "TIME": "TIME '10:00'",
    "INTERVAL": "INTERVAL 1 DAY", "BLOB": "'abc'::BLOB", "BIT": "'101'::BIT", "JSON": "'{\"a\": [1]}'::JSON",
    "UUID": "'00000000-0000-4000-8000-000000000000'::UUID", "LAMBDA": "x -> x", "DOUBLE": "1.5::DOUBLE",
    "FLOAT": "1.5::FLOAT", "DECIMAL": "1.5", "LIST": "[1, 2]", "ARRAY": "[1.0, 2.0]::FLOAT[2]",
    "STRUCT": "{'a': 1}", "MAP": "MAP {'a': 1}", "VARIANT": "1::VARIANT",
}  # fmt: skip
"""By the beginning of a parameter's type; other types get a number."""


@dataclass(frozen=True)
class Function:
    """One function of DuckDB's catalog, with the types of its parameters."""

    kind: str
    name: str
    parameters: tuple[str, ...]

    def call(self, arguments: Sequence[str]) -> str:
        """Return the call of it with these arguments."""
        return f'"{self.name}"({", ".join(arguments)})'

    def queries(self, arguments: Sequence[str]) -> list[str]:
        """Return the queries that call it in every place where a function of its kind may be."""
        call = self.call(arguments)
        if self.kind.startswith("table"):
            return [f"FROM {call} LIMIT 3"]
        if self.kind == "aggregate":
            return [f"FROM range(2) SELECT {call}", f"FROM range(2) SELECT {call} OVER ()"]
        return [f"SELECT {call}"]

    def harmless(self) -> list[str]:
        """Return arguments that suit the parameters."""
        return [_harmless(kind) for kind in self.parameters]

    def hostile(self, text: str, number: str) -> list[str]:
        """Return arguments that are hostile wherever the parameters take texts or numbers."""
        return [_hostile(kind, text, number) for kind in self.parameters]


def every_function(*, each_overload: bool = False) -> list[Function]:
    """Return every function that DuckDB has with the extensions of the sandbox, once a name or once an overload."""
    with duckdb.connect(":memory:") as connection:
        load_delta(connection)
        rows = connection.execute(
            "SELECT function_type, lower(function_name), parameter_types, varargs, parameters FROM duckdb_functions() "
            "WHERE function_type IN ('scalar', 'aggregate', 'macro', 'table', 'table_macro') ORDER BY ALL"
        ).fetchall()
    found = [
        Function(kind, name, tuple(_types(types, varargs, parameters)))
        for kind, name, types, varargs, parameters in rows
    ]
    if each_overload:
        return list(dict.fromkeys(found))
    return list({(function.kind, function.name): function for function in reversed(found)}.values())


def hostile_calls(function: Function, texts: Sequence[str], numbers: Sequence[str]) -> Iterator[str]:
    """Yield every query of a function with every hostile text and number."""
    for text, number in product(texts, numbers):
        yield from function.queries(function.hostile(text, number))


def _types(types: list[str | None], varargs: str | None, parameters: list[str]) -> Iterator[str]:
    for place, name in enumerate(parameters):
        kind = types[place] if place < len(types) else None
        # Named parameters of table functions stand after the others and are optional.
        if not name.startswith("col") and place >= len(types):
            return
        yield kind or ("VARCHAR" if place == 0 else "BIGINT")
    if varargs:
        yield varargs


def _harmless(kind: str) -> str:
    if kind.endswith("[]"):
        return "['abc']" if kind.startswith("VARCHAR") else "[1.5, 2.5]"
    if kind.startswith("TIMESTAMP"):
        return f"'2024-01-02 10:00'::{kind}"
    return next((literal for start, literal in HARMLESS.items() if kind.startswith(start)), "1")


def _hostile(kind: str, text: str, number: str) -> str:
    if kind in {"VARCHAR", "ANY", "T", "JSON", "BLOB", "K", "V"}:
        return f"{text}::{kind}" if kind in {"JSON", "BLOB"} else text
    if kind.endswith("[]") and kind.startswith(("VARCHAR", "ANY", "T")):
        return f"[{text}]"
    if kind in {"BIGINT", "INTEGER", "UBIGINT", "HUGEINT", "DOUBLE"}:
        return number
    return _harmless(kind)
