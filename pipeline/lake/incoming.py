"""Rows on their way into a table: checked piece by piece, counted by session, passed on month by month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
from arro3.core import RecordBatch, RecordBatchReader, Schema

from pipeline.errors import ContractBroken

if TYPE_CHECKING:  # the contracts bring pandera and pandas, which a mere query should not wait for
    from pipeline.contracts.table import Table

PARTITION = "month"
"""Column that Delta partitions a table by: 'YYYY-MM' of the session. Layout, not content: no reader sees it."""

FAULT = "This is a fault of the program that made the rows, not of the data: please report it."


class Incoming:
    """A stream of the rows that are to replace `sessions` of `table`, read once, as the writer asks for them.

    Nothing is held longer than it takes to gather one month, which leaves sorted by the table's key: a file is
    written in the order in which it arrives, so that a backfill needs no compaction afterwards.

    Reading raises ContractBroken when a row breaks the contract, belongs to another session, or when a session
    comes in two pieces (its keys could repeat unseen) or, for a table that may not be empty, not at all.
    """

    def __init__(self, table: Table, sessions: Sequence[date], pieces: Iterable[pl.DataFrame]) -> None:
        self.rows: dict[date, int] = dict.fromkeys(sessions, 0)
        self._table = table
        self._pieces = pieces

    def batches(self) -> Iterator[RecordBatch]:
        """Yield the rows as Arrow batches, one a month."""
        for month in self._months():
            yield from RecordBatchReader.from_stream(month)
        self._require_every_session()

    def _months(self) -> Iterator[pl.DataFrame]:
        gathered: list[pl.DataFrame] = []
        current = None
        for piece in self._pieces:
            rows = self._checked(piece).with_columns(month_of("session"))
            for (month,), part in rows.partition_by(PARTITION, as_dict=True).items():
                if month != current and gathered:
                    yield self._in_order(gathered)
                current = month
                gathered.append(part)
        if gathered:
            yield self._in_order(gathered)

    def _in_order(self, parts: list[pl.DataFrame]) -> pl.DataFrame:
        """Return the parts as one, and let go of them: nobody must hold a month twice while it is written."""
        month = pl.concat(parts)
        parts.clear()
        return month.sort(self._table.key).rechunk()

    def _checked(self, piece: pl.DataFrame) -> pl.DataFrame:
        rows = self._table.enforce(piece)
        for session, count in rows.group_by("session").len().iter_rows():
            if session not in self.rows:
                raise ContractBroken(
                    f"A row of {session} came for {self._table.sql_name} where only {min(self.rows)} … "
                    f"{max(self.rows)} were to be replaced, nothing was written.",
                    remedy=FAULT,
                )
            if self.rows[session]:
                raise ContractBroken(
                    f"{session} came twice for {self._table.sql_name}, nothing was written.", remedy=FAULT
                )
            self.rows[session] = count
        return rows

    def _require_every_session(self) -> None:
        empty = [session for session, count in self.rows.items() if not count]
        if empty and not self._table.may_be_empty:
            raise ContractBroken(
                f"{self._table.sql_name} may not be empty, but {len(empty)} of {len(self.rows)} sessions brought no "
                f"row (first {min(empty)}). Nothing was written, the rows it holds stay.",
                remedy="Look at what the tables before it hold for that session; run those first.",
            )


def month_of(session: str) -> pl.Expr:
    """Return the partition that rows of the date column `session` belong to."""
    return pl.col(session).dt.strftime("%Y-%m").alias(PARTITION)


def arrow_schema(table: Table) -> Schema:
    """Return the Arrow schema of the rows as stored: the contract's columns, and the partition if there is one."""
    rows = table.empty()
    return RecordBatchReader.from_stream(rows.with_columns(month_of(table.session)) if table.session else rows).schema
