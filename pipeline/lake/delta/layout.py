"""The storage layout of a table: its Delta schema, its Parquet settings, and the rows that a commit replaces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from deltalake import ColumnProperties, DeltaTable, WriterProperties
from deltalake import Schema as DeltaSchema

from pipeline.errors import ContractBroken
from pipeline.lake.delta.incoming import arrow_schema

if TYPE_CHECKING:  # the contracts import pandera and pandas, too slow for a mere query
    from pipeline.contracts.table import Table


_OF_NUMBERS = ColumnProperties(dictionary_enabled=False, encoding="PLAIN")
"""Numbers repeat too little for a dictionary, and enough for ZSTD."""

_OF_BLURRED = ColumnProperties(dictionary_enabled=False, encoding="BYTE_STREAM_SPLIT")
"""Groups the bytes that rounding has set to zero, which compress to nothing."""


ENTRIES_TO_CHECKPOINT = 10
"""Opening a table reads every log entry since the last checkpoint, on S3 one request each."""


LOG_KEPT = {"delta.logRetentionDuration": "interval 36500 days", "delta.enableExpiredLogCleanup": "false"}
"""Properties of every table. A commit says what its rows were computed from, so its log entry is kept forever.

Without them Delta removes entries that are older than 30 days: deltalake 1.6.6 does so whenever a vacuum removes files,
whatever its arguments say, and any other Delta program may do so after a commit.
"""


def delta_properties(table: Table) -> dict[str, str | None]:
    """Return the properties that Delta gets when it creates `table`.

    Files are skipped by the key only, mainly the session: minimum and maximum of every column in every file would
    make the log of a wide table slow to open.
    """
    by = (table.session, *table.key) if table.session else table.key
    return {
        "delta.checkpointInterval": str(ENTRIES_TO_CHECKPOINT),
        "delta.dataSkippingStatsColumns": ",".join(dict.fromkeys(by)),
        **LOG_KEPT,
    }


def parquet(table: Table) -> WriterProperties:
    """Return the Parquet settings of `table`."""
    numbers = {name: _OF_NUMBERS for name, dtype in table.columns.items() if dtype.is_float()}
    blurred = {name: _OF_BLURRED for name, how in table.precision.items() if how != "exact"}
    return WriterProperties(
        compression="ZSTD", max_row_group_size=table.layout.row_group, column_properties=numbers | blurred or None
    )


def rows_of(table: Table, sessions: Sequence[date]) -> str:
    """Return the predicate that is true of exactly the rows of `sessions` in `table`."""
    # The range lets Delta skip files by their statistics; the list makes it exact. Dates only: a predicate built from
    # text could be made to match the whole table.
    first, last = min(sessions), max(sessions)
    names = sorted({session.strftime(table.layout.pattern) for session in sessions})
    partitions = ", ".join(f"'{name}'" for name in names)
    days = ", ".join(f"DATE '{session:%Y-%m-%d}'" for session in sorted(set(sessions)))
    return (
        f"{table.layout.column} IN ({partitions}) AND session >= DATE '{first:%Y-%m-%d}' "
        f"AND session <= DATE '{last:%Y-%m-%d}' AND session IN ({days})"
    )


QUOTE = "'"


def rows_of_tickers(table: Table, sessions: Sequence[date], tickers: Sequence[str]) -> str:
    """Return the predicate that is true of exactly the rows of `tickers` on `sessions` in `table`.

    Raises ContractBroken for a ticker with a quotation mark or a control character: it could end the text it is in.
    """
    for ticker in tickers:
        if QUOTE in ticker or not ticker.isprintable():
            raise ContractBroken(
                f"{ticker!r} cannot be named in a replacement of single tickers of {table.sql_name}.",
                remedy="Replace whole sessions instead.",
            )
    names = ", ".join(f"{QUOTE}{ticker}{QUOTE}" for ticker in sorted(set(tickers)))
    return f"{rows_of(table, sessions)} AND ticker IN ({names})"


def stretches(table: Table, sessions: Sequence[date], most: int) -> list[list[date]]:
    """Return `sessions` in order, in stretches of at most `most`, cut only between partitions of `table`."""
    cut: list[list[date]] = []
    for _, together in groupby(sessions, key=lambda session: session.strftime(table.layout.pattern)):
        partition = list(together)
        if cut and len(cut[-1]) + len(partition) <= most:
            cut[-1] += partition
        else:
            cut.append(partition)
    return cut


def delta_schema(table: Table) -> DeltaSchema:
    """Return the schema of the table as stored, each column with its description."""
    stored = json.loads(DeltaSchema.from_arrow(arrow_schema(table)).to_json())
    for field in stored["fields"]:
        if table.session and field["name"] == table.layout.column:
            field["metadata"] = {"comment": table.layout.meaning}
            field["nullable"] = False
        else:
            field["metadata"] = {"comment": table.descriptions[field["name"]]}
            field["nullable"] = table.schema.columns[field["name"]].nullable
    return DeltaSchema.from_json(json.dumps(stored))


def require_same_types(opened: DeltaTable, table: Table) -> None:
    """Return if the stored `table` has the types of its contract: Delta would cast new rows to its own types.

    Raises ContractBroken, naming the columns.
    """
    declared = {field.name: field.type for field in delta_schema(table).fields}
    stored = {field.name: field.type for field in opened.schema().fields}
    other = [name for name in declared if name in stored and stored[name] != declared[name]]
    if other:
        raise ContractBroken(
            f"{table.sql_name} was written with other types than its contract has now: {', '.join(other)}.",
            remedy=f"Move {opened.table_uri} away and backfill the table.",
        )
