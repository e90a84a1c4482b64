"""DuckDB over a lake, in the confined process: views of the tables, locked settings, one checked SELECT at a time."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from pipeline.errors import CandlelakeError, QueryError
from pipeline.lake.delta.past import is_gone
from pipeline.lake.delta.reading_failures import damaged_file, meaning
from pipeline.lake.lake import Lake
from pipeline.lake.sql.answer import pieces_of
from pipeline.lake.sql.catalog import create_view
from pipeline.lake.sql.delta_scan import quoted, rows_of, text
from pipeline.lake.sql.derived import DERIVED, Derived, derived_from
from pipeline.lake.sql.duckdb_access import give_access
from pipeline.lake.sql.guard import Guard
from pipeline.lake.sql.place import place_from
from pipeline.lake.sql.sandbox.failures import LESS
from pipeline.lake.sql.sandbox.terms import Setup
from pipeline.lake.sql.statement import Statement

PAST = "past"
"""Schema of the views of past versions, which are made on demand."""

LONGEST_MESSAGE = 600

LATE, OUT_OF_MEMORY = "C Data interface error:", "Out of Memory Error:"
FILE_ERRORS = ("IO Error: Cannot open file", "IO Error: No files found", "Invalid Input Error: No magic bytes")
"""How messages of DuckDB begin when a data file is missing or is not Parquet."""
"""Prefixes of error messages."""

MOST_THREADS = 16
"""More threads would take memory, and would be no faster."""


def version() -> str:
    """Return the engine's version."""
    return str(duckdb.__version__)


class Engine:
    """Answers queries over `market.name` for every table of a lake, and over `DERIVED`."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._lake = Lake(place_from(setup.place))
        self._tables: set[str] = set()
        self._derived: set[str] = set()
        self._past_versions: list[tuple[str, int]] = []
        """Tables and past versions in the query."""
        self._connection = duckdb.connect(":memory:")
        # Queries here must not use the secrets that a user stores for DuckDB.
        self._connection.execute("SET allow_persistent_secrets = false")
        give_access(self._connection, self._lake)
        self._lock()
        self._guard = Guard(self._connection, is_open=not setup.walls.open_functions)

    def answer(self, query: str) -> Iterator[bytes]:
        """Yield the answer to one SELECT (or DESCRIBE, SUMMARIZE, SHOW TABLES) as Arrow IPC streams.

        Raises QueryError when the query is wrong, names an unknown table or version, or does more than read tables;
        otherwise the errors of the lake.
        """
        self._see_new_tables()
        self._past_versions.clear()
        try:
            resolved = self._resolved(query)
            with self._lake.store.answering(duckdb.IOException, duckdb.HTTPException):
                yield from pieces_of(self._connection.sql(resolved), self._setup.limits)
        except duckdb.Error as error:
            raise self._error_of_lost_version() or _explained(error) from error
        except (OSError, pl.exceptions.ComputeError) as error:
            raise meaning(error, self._lake.store) or error from error
        except Exception as error:
            # After the first rows, errors of the engine come through Arrow, without their type.
            if not str(error).startswith(LATE):
                raise
            raise self._error_of_lost_version() or _explained(error) from error

    def _error_of_lost_version(self) -> QueryError | None:
        """Return the error of a past version in the query that can no longer be read; None when all can."""
        for name, number in self._past_versions:
            if is_gone(self._lake, name, number):
                return QueryError(
                    f"Version {number} of {name.replace('/', '.')} can no longer be read: a vacuum removed its files.",
                    remedy="Query a newer one; CANDLELAKE_RETENTION_DAYS says how long versions are kept.",
                )
        return None

    def _lock(self) -> None:
        root = self._lake.root.replace("'", "''") + "/"
        limits = self._setup.limits
        threads = self._connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
        for setting, value in {
            "threads": str(min(int(threads), MOST_THREADS)),
            "TimeZone": "'UTC'",
            "enable_progress_bar": "false",
            "memory_limit": f"'{limits.engine_memory}B'",
            "temp_directory": text(self._setup.spill),
            "max_temp_directory_size": f"'{limits.spilled}B'",
            "python_enable_replacements": "false",
            "allowed_directories": f"['{root}']",
            "enable_external_access": "false",
            "lock_configuration": "true",
        }.items():
            self._connection.execute(f"SET {setting} = {value}")

    def _see_new_tables(self) -> None:
        for name in self._lake.tables():
            if name not in self._tables:
                create_view(self._connection, self._lake, name)
                self._tables.add(name)
        for derived in derived_from(self._tables):
            if derived.name not in self._derived:
                self._connection.execute(derived.statement(self._lake))
                self._derived.add(derived.name)

    def _resolved(self, query: str) -> str:
        """Return the checked query, with the view of each past version in the place of its table."""
        statement = self._checked(query)
        has_past = [self._resolve(statement, table) for table in statement.tables()]
        if not any(has_past):
            return query
        # The text that runs is checked, too, in case the tree was written out wrongly.
        past = {f"{table['schema_name']}.{table['table_name']}".lower() for table in statement.tables()}
        rewritten = statement.text()
        self._guard.check(Statement(self._connection, rewritten), self._names() | past, self._macros())
        return rewritten

    def _checked(self, query: str) -> Statement:
        statement = Statement(self._connection, query)
        for derived in DERIVED:
            if derived.name in statement.names() and derived.name not in self._derived:
                raise _not_derivable(derived, derived.missing(self._tables))
        self._guard.check(statement, self._names(), self._macros())
        return statement

    def _names(self) -> set[str]:
        """Return the SQL names of the tables and views that a query may use."""
        return {name.replace("/", ".").lower() for name in self._tables} | self._derived

    def _macros(self) -> set[str]:
        """Return the table macros that a query may call."""
        return {derived.name for derived in DERIVED if derived.parameter is not None} & self._derived

    def _resolve(self, statement: Statement, table: dict[str, Any]) -> bool:
        """Replace a table of the statement with the view of its past version, if it has one; return whether it has."""
        if table["at_clause"] is None:
            return False
        name = f"{table['schema_name']}/{table['table_name']}".lower()
        if name.replace("/", ".") in self._derived:
            raise QueryError(
                f"{name.replace('/', '.')} is derived from other tables, and has no versions of its own.",
                remedy="Query the versions of those; docs/sql.md says which they are.",
            )
        if name not in self._tables:
            raise QueryError(f"There is no table {name.replace('/', '.')}.", remedy=self._guard.tables(self._names()))
        number = self._version_number(statement, table["at_clause"], name)
        self._past_versions.append((name, number))
        view = f"{name.replace('/', '.')}@{number}"
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {PAST}")
        rows = rows_of(self._lake, name, number)
        self._connection.execute(f"CREATE OR REPLACE VIEW {PAST}.{quoted(view)} AS {rows}")
        table.update(
            schema_name=PAST, table_name=view, at_clause=None, alias=table["alias"] or table["table_name"].lower()
        )
        return True

    def _version_number(self, statement: Statement, at: dict[str, Any], name: str) -> int:
        history = self._lake.history(name)
        if at["unit"].upper() == "VERSION":
            number = self._value(statement, at["expr"], "BIGINT")
            matching = history.filter(pl.col("version").eq_missing(number))
            version_text = f"version {number}"
        else:
            moment: datetime = self._value(statement, at["expr"], "TIMESTAMPTZ")
            matching = history.filter(pl.col("committed_at") <= moment)
            version_text = f"version at {moment:%Y-%m-%d %H:%M:%S} UTC"
        if matching.is_empty():
            newest, oldest = history.row(0, named=True), history.row(-1, named=True)
            raise QueryError(
                f"{name.replace('/', '.')} has no {version_text}.",
                remedy=f"It has versions {oldest['version']} to {newest['version']}, the first of "
                f"{oldest['committed_at']:%Y-%m-%d %H:%M:%S} UTC.",
            )
        return int(matching["version"][0])

    def _value(self, statement: Statement, expression: dict[str, Any], cast: str) -> Any:
        """Return the value of a constant expression of the statement; it reads no table."""
        query = statement.constant(expression, cast)
        self._guard.check(Statement(self._connection, query), set(), set())
        value = self._connection.execute(query).fetchone()
        return value[0] if value else None


DATA_FILE = re.compile(r"[^\s/\"']+\.parquet")


def _explained(error: Exception) -> CandlelakeError:
    message = str(error).removeprefix(LATE).strip()
    if message.startswith(FILE_ERRORS) and (file := DATA_FILE.search(message)):
        return damaged_file(file[0])
    if isinstance(error, duckdb.OutOfMemoryException) or message.startswith(OUT_OF_MEMORY):
        message = message.removeprefix(OUT_OF_MEMORY).split("Possible solutions", maxsplit=1)[0]
        return QueryError(f"The query needs more memory or disk than its limit: {_shortened(message)}.", remedy=LESS)
    return QueryError(
        _shortened(message), remedy="Correct the query; `DESCRIBE stocks.daily_bars` lists the columns of a table."
    )


def _not_derivable(derived: Derived, missing: list[str]) -> QueryError:
    return QueryError(
        f"{derived.name} needs {' and '.join(missing)}, which do not exist yet.",
        remedy="Run the job `reference_data` for the tables of `reference`, `candlelake run` for the bars.",
    )


def _shortened(message: str) -> str:
    line = " ".join(message.split("Candidate functions", maxsplit=1)[0].split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}…"
