"""How a table lies on disk: its Delta schema, the settings of its Parquet files, and the rows a commit replaces."""

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

if TYPE_CHECKING:  # the contracts bring pandera and pandas, which a mere query should not wait for
    from pipeline.contracts.table import Table


_OF_NUMBERS = ColumnProperties(dictionary_enabled=False, encoding="PLAIN")
"""Numbers repeat too little for a dictionary, and enough for ZSTD."""

_OF_BLURRED = ColumnProperties(dictionary_enabled=False, encoding="BYTE_STREAM_SPLIT")
"""Puts together the bytes that storing has emptied, which pack to nothing."""


ENTRIES_TO_CHECKPOINT = 10
"""Opening a table reads every log entry since the last checkpoint, on S3 each by a request of its own."""


LOG_KEPT = {"delta.logRetentionDuration": "interval 36500 days", "delta.enableExpiredLogCleanup": "false"}
"""Properties of every table. A commit tells what its rows were made from, so its log entry is kept for good.

Without them Delta removes entries that are older than 30 days: deltalake 1.6.6 does so whenever a vacuum removes files,
whatever its arguments say, and any other Delta program may do so after a commit.
"""


def delta_properties(table: Table) -> dict[str, str | None]:
    """Return what Delta is told of `table` when it is made.

    Files are skipped by the key only, the session above all: the least and the most of every number in every file
    would make the log of a wide table slow to open.
    """
    by = (table.session, *table.key) if table.session else table.key
    return {
        "delta.checkpointInterval": str(ENTRIES_TO_CHECKPOINT),
        "delta.dataSkippingStatsColumns": ",".join(dict.fromkeys(by)),
        **LOG_KEPT,
    }


def parquet(table: Table) -> WriterProperties:
    """Return how the files of `table` are written."""
    numbers = {name: _OF_NUMBERS for name, dtype in table.columns.items() if dtype.is_float()}
    blurred = {name: _OF_BLURRED for name, how in table.precision.items() if how != "exact"}
    return WriterProperties(
        compression="ZSTD", max_row_group_size=table.layout.row_group, column_properties=numbers | blurred or None
    )


def rows_of(table: Table, sessions: Sequence[date]) -> str:
    """Return the predicate that is true of exactly the rows of `sessions` in `table`."""
    # The range lets Delta skip files by their statistics; the list makes it exact. Dates only: a predicate made of
    # text could be made to match the whole table.
    first, last = min(sessions), max(sessions)
    names = sorted({session.strftime(table.layout.pattern) for session in sessions})
    partitions = ", ".join(f"'{name}'" for name in names)
    days = ", ".join(f"DATE '{session:%Y-%m-%d}'" for session in sorted(set(sessions)))
    return (
        f"{table.layout.column} IN ({partitions}) AND session >= DATE '{first:%Y-%m-%d}' "
        f"AND session <= DATE '{last:%Y-%m-%d}' AND session IN ({days})"
    )


def stretches(table: Table, sessions: Sequence[date], most: int) -> list[list[date]]:
    """Return `sessions`, in order, cut into stretches of at most `most`, between two partitions of `table` only."""
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
    """Return if what is stored of `table` has the types of its contract: Delta would cast what is written to its own.

    Raises ContractBroken, naming the columns.
    """
    wanted = {field.name: field.type for field in delta_schema(table).fields}
    stored = {field.name: field.type for field in opened.schema().fields}
    other = [name for name in wanted if name in stored and stored[name] != wanted[name]]
    if other:
        raise ContractBroken(
            f"{table.sql_name} was written with other types than its contract has now: {', '.join(other)}.",
            remedy=f"Move {opened.table_uri} away and backfill the table.",
        )
