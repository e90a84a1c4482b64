"""What an SQL text asks for, read from DuckDB's own syntax tree: whether it only reads, and which past versions."""

import json
from collections.abc import Collection, Iterator
from typing import Any

import duckdb

from pipeline.errors import QueryError

TABLE_FUNCTIONS = frozenset(
    {"range", "generate_series", "unnest", "repeat", "duckdb_columns", "duckdb_views", "duckdb_functions"}
)
"""Table functions a query may call. All others are refused: among them are those that read and write files."""

CLOSED_FUNCTIONS = frozenset({"current_setting", "getenv", "pg_sleep", "sleep_ms", "write_log"})
"""Functions of DuckDB itself that a query may not call: they tell of this machine, hold it up, or leave something."""

CLOSED_TABLES = frozenset({"pg_settings", "duckdb_logs"})
"""Tables of DuckDB itself that a query may not name, for the same reason."""

ONLY_READING = "Only one SELECT (or DESCRIBE, SUMMARIZE, SHOW TABLES) over the tables is answered here."


class Statement:
    """One SELECT, and the tables in it. Raises QueryError for anything that is not exactly one, or reaches outside."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        text: str,
        macros: Collection[str] = (),
        closed: Collection[str] = CLOSED_FUNCTIONS,
    ) -> None:
        """Read `text`, which may call table macros named in `macros` (schema.name), and no function of `closed`."""
        self._connection = connection
        self._tree = self._parsed(text)
        for called in self.called():
            if called not in macros and called not in TABLE_FUNCTIONS:
                raise _not_open(called, f"In place of a table, use one of {', '.join(sorted(TABLE_FUNCTIONS))}.")
        for function in self._nodes("FUNCTION"):
            if (name := function["function_name"].lower()) in closed:
                raise _not_open(name, "Leave it away.")
        for table in self.tables():
            if table["table_name"].lower() in CLOSED_TABLES:
                raise _not_open(table["table_name"], "Leave it away.")

    def called(self) -> list[str]:
        """Return the table functions and macros called, with their schema when it is given."""
        functions = [node["function"] for node in self._nodes("TABLE_FUNCTION")]
        named = [(function.get("schema", ""), function.get("function_name", "")) for function in functions]
        return [f"{schema}.{name}".lower() if schema else name for schema, name in named]

    def tables(self) -> list[dict[str, Any]]:
        """Return the syntax nodes of the tables named, each of which may be changed in place."""
        return list(self._nodes("BASE_TABLE"))

    def text(self) -> str:
        """Return the statement, with what was changed in it, as SQL."""
        row = self._connection.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(self._tree)]).fetchone()
        assert row is not None  # noqa: S101 (a SELECT without FROM has one row)
        return row[0]

    def value(self, expression: dict[str, Any], cast: str) -> Any:
        """Return the value of a constant expression of the statement, cast to the SQL type `cast`."""
        template = self._parsed("SELECT 0")
        template["statements"][0]["node"]["select_list"] = [expression]
        row = self._connection.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(template)]).fetchone()
        assert row is not None  # noqa: S101
        value = self._connection.execute(f"SELECT CAST(({row[0]}) AS {cast})").fetchone()
        return value[0] if value else None

    def _parsed(self, text: str) -> dict[str, Any]:
        row = self._connection.execute("SELECT json_serialize_sql(?)", [text]).fetchone()
        tree = json.loads(row[0]) if row else {}
        if tree["error"] and tree["error_type"] == "parser":
            raise QueryError(f"The query cannot be read: {tree['error_message']}.", remedy="Correct it.")
        if tree["error"] or len(tree["statements"]) != 1:
            remedy = "A PIVOT needs its columns named: PIVOT … ON column IN (…)." if "pivot" in text.lower() else ""
            raise QueryError(ONLY_READING, remedy=remedy or "Write one SELECT.")
        return tree

    def _nodes(self, kind: str) -> Iterator[dict[str, Any]]:
        waiting: list[Any] = [self._tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict):
                if node.get("type") == kind:
                    yield node
                waiting.extend(node.values())
            elif isinstance(node, list):
                waiting.extend(node)


def _not_open(name: str, remedy: str) -> QueryError:
    return QueryError(f"{name} is not open to queries: SQL reads the lake's tables only.", remedy=remedy)
