"""SQL over the lake's tables: always the current version unless asked for a past one, and nothing but reading."""

import re
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir
from typing import Any

import duckdb
import polars as pl
from arro3.core import RecordBatchReader, Table

from pipeline.errors import QueryError
from pipeline.lake.catalog import create_view
from pipeline.lake.delta_scan import quoted, rows_of, text
from pipeline.lake.derived import DERIVED, Derived, derived_from
from pipeline.lake.duckdb_access import give_access
from pipeline.lake.past import is_gone
from pipeline.lake.s3_prefix import S3Prefix
from pipeline.lake.statement import CLOSED_FUNCTIONS, Statement
from pipeline.lake.tables import Lake

PAST = "past"
"""Schema of the views of past versions, made as they are asked for."""

LONGEST_MESSAGE = 600

LARGEST_ANSWER = 1 << 31
"""Bytes of an answer in memory at most."""

MEMORY = "4GB"
"""What a query may take of memory before it spills."""

MOST_SPILLED = "10GB"
"""What a query may put into the system's folder for temporary files, when memory does not suffice."""

MACROS = frozenset(derived.name for derived in DERIVED if derived.parameter is not None)
"""Table macros that a query may call."""


def connect(lake: Lake | Path | S3Prefix | str) -> "Sql":
    """Return SQL over the tables of a lake, given as itself or as its place: `connect("data/lake").sql("…")`."""
    return Sql(lake if isinstance(lake, Lake) else Lake(lake))


class Sql:
    """Answers queries over `market.name` for every table of a lake, such as `stocks.daily_bars`, and over `DERIVED`.

    A table's past version is `stocks.daily_bars AT (VERSION => 3)`, or `AT (TIMESTAMP => '2024-05-31 18:00')` for
    the version that was newest at that time (UTC unless the text says otherwise).
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._known: set[str] = set()
        self._derived: set[str] = set()
        self._asked: list[tuple[str, int]] = []
        """Past versions that the query names."""
        self._connection = duckdb.connect(":memory:")
        # Secrets that a user keeps for DuckDB are no business of a query here.
        self._connection.execute("SET allow_persistent_secrets = false")
        built_in = self._functions()
        give_access(self._connection, self._lake)
        # What an extension adds is for the views: the one for Delta has a function that writes files.
        self._closed = CLOSED_FUNCTIONS | (self._functions() - built_in)
        self._lock()

    def sql(self, query: str) -> pl.DataFrame:
        """Return the answer to one SELECT (or DESCRIBE, SUMMARIZE, SHOW TABLES).

        Raises QueryError when the query is wrong, names an unknown table or version, or does more than read tables.
        """
        self._see_new_tables()
        self._asked.clear()
        try:
            statement = Statement(self._connection, query, MACROS, self._closed)
            self._require_derived(statement)
            asked_past = [self._resolve(statement, table) for table in statement.tables()]
            with self._lake.store.answering(duckdb.IOException, duckdb.HTTPException):
                return self._answer(statement.text() if any(asked_past) else query)
        except duckdb.Error as error:
            raise self._gone() or self._explained(error) from error

    def _gone(self) -> QueryError | None:
        """Return what is to be said when a past version that was asked for can no longer be read."""
        for name, version in self._asked:
            if is_gone(self._lake, name, version):
                return QueryError(
                    f"Version {version} of {name.replace('/', '.')} can no longer be read: a vacuum removed its files.",
                    remedy="Ask for a newer one; CANDLELAKE_RETENTION_DAYS says how long versions are kept.",
                )
        return None

    def _answer(self, query: str) -> pl.DataFrame:
        stream = RecordBatchReader.from_stream(self._connection.sql(query))
        batches, size = [], 0
        for batch in stream:
            batches.append(batch)
            size += batch.nbytes
            if size > LARGEST_ANSWER:
                raise QueryError(
                    f"The answer is larger than {LARGEST_ANSWER / 1e9:.1f} GB.",
                    remedy="Ask for fewer rows or columns, with WHERE, LIMIT or GROUP BY.",
                )
        return pl.DataFrame(Table.from_batches(batches, schema=stream.schema))

    def _functions(self) -> set[str]:
        listed = self._connection.execute("SELECT DISTINCT lower(function_name) FROM duckdb_functions()")
        return {name for (name,) in listed.fetchall()}

    def _lock(self) -> None:
        root = self._lake.root.replace("'", "''") + "/"
        spilled = Path(gettempdir(), f"candlelake-sql-{token_hex(8)}")
        self._connection.execute("SET TimeZone = 'UTC'")
        # Drawn on stdout, it would stand among the rows.
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute(f"SET memory_limit = '{MEMORY}'")
        self._connection.execute(f"SET temp_directory = {text(spilled)}")
        self._connection.execute(f"SET max_temp_directory_size = '{MOST_SPILLED}'")
        self._connection.execute("SET python_enable_replacements = false")
        self._connection.execute(f"SET allowed_directories = ['{root}']")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def _see_new_tables(self) -> None:
        for name in self._lake.tables():
            if name not in self._known:
                create_view(self._connection, self._lake, name)
                self._known.add(name)
        for derived in derived_from(self._known):
            if derived.name not in self._derived:
                self._connection.execute(derived.statement(self._lake))
                self._derived.add(derived.name)

    def _require_derived(self, statement: Statement) -> None:
        """Refuse what would be derived from tables that are not there."""
        named = {f"{table['schema_name']}.{table['table_name']}".lower() for table in statement.tables()}
        for derived in DERIVED:
            if derived.name in named.union(statement.called()) and derived.name not in self._derived:
                raise _not_derivable(derived, derived.missing(self._known))

    def _resolve(self, statement: Statement, table: dict[str, Any]) -> bool:
        """Point a table of the statement at the past version it asks for, if it does; return whether it did."""
        if not table["schema_name"] and any(sign in table["table_name"] for sign in "./\\*"):
            raise QueryError(f"There is no table {table['table_name']}: files are not read.", remedy=self._tables())
        if table["at_clause"] is None:
            return False
        name = f"{table['schema_name']}/{table['table_name']}".lower()
        if name.replace("/", ".") in self._derived:
            raise QueryError(
                f"{name.replace('/', '.')} is derived from other tables, and has no versions of its own.",
                remedy="Ask for the versions of those; docs/sql.md tells what it is made of.",
            )
        if name not in self._known:
            raise QueryError(f"There is no table {name.replace('/', '.')}.", remedy=self._tables())
        version = self._version_asked(statement, table["at_clause"], name)
        self._asked.append((name, version))
        view = f"{name.replace('/', '.')}@{version}"
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {PAST}")
        rows = rows_of(self._lake, name, version)
        self._connection.execute(f"CREATE OR REPLACE VIEW {PAST}.{quoted(view)} AS {rows}")
        table.update(
            schema_name=PAST, table_name=view, at_clause=None, alias=table["alias"] or table["table_name"].lower()
        )
        return True

    def _version_asked(self, statement: Statement, at: dict[str, Any], name: str) -> int:
        history = self._lake.history(name)
        if at["unit"].upper() == "VERSION":
            version = statement.value(at["expr"], "BIGINT")
            found = history.filter(pl.col("version").eq_missing(version))
            asked = f"version {version}"
        else:
            moment: datetime = statement.value(at["expr"], "TIMESTAMPTZ")
            found = history.filter(pl.col("committed_at") <= moment)
            asked = f"version at {moment:%Y-%m-%d %H:%M:%S} UTC"
        if found.is_empty():
            newest, oldest = history.row(0, named=True), history.row(-1, named=True)
            raise QueryError(
                f"{name.replace('/', '.')} has no {asked}.",
                remedy=f"It has versions {oldest['version']} to {newest['version']}, the first of "
                f"{oldest['committed_at']:%Y-%m-%d %H:%M:%S} UTC.",
            )
        return int(found["version"][0])

    def _tables(self) -> str:
        names = ", ".join(sorted({*(name.replace("/", ".") for name in self._known), *self._derived}))
        return f"Tables: {names}." if names else "The lake is empty: run `candlelake demo` or `candlelake backfill`."

    def _explained(self, error: duckdb.Error) -> QueryError:
        unknown = re.search(r"(?:Table with name|View with name|schema) \"?(.+?)\"? does not exist", str(error))
        if isinstance(error, duckdb.CatalogException) and unknown:
            return QueryError(f"There is no table or schema {unknown.group(1)}.", remedy=self._tables())
        return QueryError(
            _shortened(str(error)),
            remedy="Correct the query; `DESCRIBE stocks.daily_bars` lists the columns of a table.",
        )


def _not_derivable(derived: Derived, missing: list[str]) -> QueryError:
    return QueryError(
        f"{derived.name} needs {' and '.join(missing)}, where nothing was ever written.",
        remedy="Run the job `reference_data` for the tables of `reference`, `candlelake run` for the bars.",
    )


def _shortened(message: str) -> str:
    said = " ".join(message.split("Candidate functions", maxsplit=1)[0].split())
    return said if len(said) <= LONGEST_MESSAGE else f"{said[:LONGEST_MESSAGE]}…"
