"""What a query may name and call: tables of the lake, and reviewed functions. Everything else is refused.

It uses lists of what is open, so that a new version of DuckDB or of an extension opens nothing by itself.
"""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

import duckdb

from pipeline.errors import QueryError
from pipeline.lake.sql.open_functions import OpenFunctions, open_functions
from pipeline.lake.sql.statement import Statement

EXPRESSIONS = frozenset(
    {
        "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "DEFAULT",
        "FUNCTION", "LAMBDA", "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "WINDOW", "TYPE",
    }
)  # fmt: skip
"""Classes of expressions that a query may have."""

SOURCES = frozenset(
    {
        "BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST", "SHOW_REF", "PIVOT",
        "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "EMPTY_FROM", "VALUES",
    }
)  # fmt: skip
"""Kinds of sources of rows."""

CATALOGS = frozenset({"", "memory", "system", "temp"})
SCHEMAS = frozenset({"", "main", "pg_catalog"})
"""Schemas of DuckDB's own functions."""

SHOW_ARGUMENTS = frozenset({"", "__show_tables_expanded", '"tables"', '"schemas"'})
"""Arguments of SHOW that are allowed."""

LAKE_ONLY = "SQL reads the lake's tables only; docs/sql.md says which functions are open."


class Guard:
    """Checks statements. With `is_open`, for tests only, it allows every function and table."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, is_open: bool = False) -> None:
        self._is_open = is_open
        self._open: OpenFunctions = open_functions()
        views = connection.execute("SELECT lower(view_name) FROM duckdb_views() WHERE internal").fetchall()
        self._built_in = {name for (name,) in views}

    def check(self, statement: Statement, tables: Collection[str], macros: Collection[str]) -> None:
        """Raise QueryError unless the statement names only these tables and calls only these macros and open functions.

        Names are as in SQL, in lower case.
        """
        if self._is_open:
            return
        in_place_of_tables = {id(node) for node in statement.table_functions()}
        own_names = _own_names(statement)
        for node in statement.nodes():
            if "function_name" in node:
                if id(node) in in_place_of_tables:
                    self._check_table_function(node, macros)
                else:
                    self._check_function(node)
            if "class" in node and node["class"] not in EXPRESSIONS:
                raise _not_open(str(node["class"]), LAKE_ONLY)
            if _is_source(node):
                self._check_source(node, tables, own_names)

    def tables(self, names: Collection[str]) -> str:
        """Return the remedy that lists the existing tables."""
        if not names:
            return "The lake is empty: run `candlelake demo` or `candlelake backfill`."
        return f"Tables: {', '.join(sorted(names))}."

    def _check_function(self, node: dict[str, Any]) -> None:
        name = str(node["function_name"]).lower()
        if name not in self._open.expressions or not _is_built_in(node):
            raise _not_open(name, f"{self._near(name)}{LAKE_ONLY}")

    def _check_table_function(self, node: dict[str, Any], macros: Collection[str]) -> None:
        name, schema = str(node["function_name"]).lower(), str(node.get("schema", "")).lower()
        if f"{schema}.{name}" in macros and str(node.get("catalog", "")).lower() in CATALOGS:
            return
        if name not in self._open.table_functions or not _is_built_in(node):
            remedy = f"In place of a table, use one of {', '.join(sorted(self._open.table_functions))}."
            raise _not_open(name, remedy)

    def _near(self, name: str) -> str:
        """Return a suggestion for a mistyped name."""
        near = get_close_matches(name, self._open.expressions, n=1, cutoff=0.8)
        return f"Did you mean {near[0]}? " if near else ""

    def _check_source(self, node: dict[str, Any], tables: Collection[str], own_names: Collection[str]) -> None:
        if node["type"] not in SOURCES:
            raise _not_open(str(node["type"]), LAKE_ONLY)
        if node["type"] == "SHOW_REF" and node["query"] is None and node["table_name"].lower() not in SHOW_ARGUMENTS:
            raise _not_open(f"SHOW {node['table_name']}", "SHOW TABLES and SHOW ALL TABLES are.")
        if node["type"] == "TABLE_FUNCTION" and "function_name" not in node["function"]:
            raise _not_open("This in place of a table", LAKE_ONLY)
        if node["type"] == "BASE_TABLE":
            self._check_table(node, tables, own_names)

    def _check_table(self, node: dict[str, Any], tables: Collection[str], own_names: Collection[str]) -> None:
        schema, name = node["schema_name"].lower(), node["table_name"].lower()
        full = f"{schema}.{name}" if schema else name
        is_here = node["catalog_name"].lower() in CATALOGS
        if is_here and (full in tables or f"{schema or 'main'}.{name}" in self._open.views):
            return
        if name in self._built_in:
            raise _not_open(full, "Leave it out.")
        if not schema and is_here and name in own_names:
            return
        if not schema and any(sign in name for sign in "./\\*"):
            full = f"{name}: files are not read"
        raise QueryError(f"There is no table {full}.", remedy=self.tables(tables))


def _is_source(node: dict[str, Any]) -> bool:
    """Return whether a node is a source of rows: a table, a join, a SELECT and the like."""
    return "type" in node and "class" not in node and ("query_location" in node or "cte_map" in node)


def _is_built_in(node: dict[str, Any]) -> bool:
    return str(node.get("schema", "")).lower() in SCHEMAS and str(node.get("catalog", "")).lower() in CATALOGS


def _own_names(statement: Statement) -> set[str]:
    """Return the names of the statement's own tables (WITH)."""
    names = {str(node["cte_name"]) for node in statement.nodes() if node.get("cte_name")}
    for node in statement.nodes():
        if isinstance(node.get("cte_map"), dict):
            names |= {str(entry["key"]) for entry in node["cte_map"]["map"]}
    return {name.lower() for name in names}


def _not_open(name: str, remedy: str) -> QueryError:
    return QueryError(f"{name} is not open to queries.", remedy=remedy)
