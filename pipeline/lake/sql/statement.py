"""An SQL text as DuckDB's own syntax tree: one SELECT, its tables, functions and constants."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from pipeline.errors import QueryError
from pipeline.lake.sql.delta_scan import text as sql_text

ONLY_READING = "Only one SELECT (or DESCRIBE, SUMMARIZE, SHOW TABLES) over the tables is answered here."


class Statement:
    """One SELECT. Raises QueryError for anything that is not exactly one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, text: str) -> None:
        self._connection = connection
        self._tree = self._tree_of(text)

    def nodes(self) -> Iterator[dict[str, Any]]:
        """Yield every node of the tree."""
        waiting: list[Any] = [self._tree["statements"]]
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict):
                yield node
                waiting.extend(node.values())
            elif isinstance(node, list):
                waiting.extend(node)

    def tables(self) -> list[dict[str, Any]]:
        """Return the nodes of the tables in the statement; they may be changed in place."""
        return [node for node in self.nodes() if node.get("type") == "BASE_TABLE" and "table_name" in node]

    def table_functions(self) -> list[dict[str, Any]]:
        """Return the nodes of the functions used as tables."""
        return [node["function"] for node in self.nodes() if node.get("type") == "TABLE_FUNCTION"]

    def names(self) -> set[str]:
        """Return the tables and table functions with a schema, as schema.name."""
        tables = [(table["schema_name"], table["table_name"]) for table in self.tables()]
        functions = [(node.get("schema", ""), node.get("function_name", "")) for node in self.table_functions()]
        return {f"{schema}.{name}".lower() for schema, name in [*tables, *functions]}

    def text(self) -> str:
        """Return the statement as SQL, with its changes."""
        return self._sql_of(self._tree)

    def constant(self, expression: dict[str, Any], cast: str) -> str:
        """Return the SELECT of one expression of the statement, cast to the SQL type `cast`."""
        template = self._tree_of("SELECT 0")
        template["statements"][0]["node"]["select_list"] = [expression]
        return f"SELECT CAST(({self._sql_of(template)}) AS {cast})"

    def _sql_of(self, tree: dict[str, Any]) -> str:
        return self._single_value(f"SELECT json_deserialize_sql({sql_text(json.dumps(tree))}::JSON)")

    def _tree_of(self, text: str) -> dict[str, Any]:
        # With a bound parameter, DuckDB would import pandas, which takes longer than most queries.
        tree = json.loads(self._single_value(f"SELECT json_serialize_sql({sql_text(text)})"))
        if tree["error"] and tree["error_type"] == "parser":
            raise QueryError(f"The query cannot be read: {tree['error_message']}.", remedy="Correct it.")
        if tree["error"] or len(tree["statements"]) != 1:
            remedy = "A PIVOT needs its columns named: PIVOT … ON column IN (…)." if "pivot" in text.lower() else ""
            raise QueryError(ONLY_READING, remedy=remedy or "Write one SELECT.")
        return tree

    def _single_value(self, query: str) -> str:
        row = self._connection.execute(query).fetchone()
        assert row is not None  # noqa: S101 (a SELECT without FROM has one row)
        return str(row[0])
