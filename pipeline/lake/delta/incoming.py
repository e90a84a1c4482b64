"""Rows on their way into a table: checked per piece, counted per session, passed on per partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl
from arro3.core import RecordBatch, RecordBatchReader, Schema

from pipeline.errors import ContractBroken

if TYPE_CHECKING:  # the contracts import pandera and pandas, too slow for a mere query
    from pipeline.contracts.table import Table

FAULT = "This is a fault of the program that made the rows, not of the data: please report it."


class Incoming:
    """A stream of the rows that replace `sessions` of `table`, read once, as the writer pulls them.

    Rows stay in memory only until one partition (a month, unless the table says otherwise) is complete, and leave
    sorted by the table's key: files are written in the order of arrival, so that a backfill needs no compaction.

    Reading raises ContractBroken when a row breaks the contract, belongs to another session, or when a session
    comes in two pieces (its keys could repeat unnoticed) or, for a table that may not be empty, not at all. With
    `tickers`, rows of others are refused, and a session may have none: a ticker does not trade every day.
    """

    def __init__(
        self,
        table: Table,
        sessions: Sequence[date],
        pieces: Iterable[pl.DataFrame],
        tickers: Sequence[str] | None = None,
    ) -> None:
        self.rows: dict[date, int] = dict.fromkeys(sessions, 0)
        self._tickers = tickers
        self._table = table
        self._pieces = pieces

    def batches(self) -> Iterator[RecordBatch]:
        """Yield the rows as Arrow batches, one per partition."""
        for partition in self._partitions():
            yield from RecordBatchReader.from_stream(partition)
        self._require_every_session()

    def _partitions(self) -> Iterator[pl.DataFrame]:
        gathered: list[pl.DataFrame] = []
        current = None
        for piece in self._pieces:
            for partition, part in self._parts(self._checked(piece)):
                if partition != current and gathered:
                    yield self._in_order(gathered)
                current = partition
                gathered.append(part)
        if gathered:
            yield self._in_order(gathered)

    def _parts(self, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield the rows of each partition with its name; rows ordered by session are not copied."""
        column, session = self._table.layout.column, rows["session"]
        if not session.is_sorted():
            parts = rows.with_columns(partition_of(self._table)).partition_by(column, as_dict=True)
            yield from ((partition, part) for (partition,), part in parts.items())
            return
        begin = 0
        for partition, runs in groupby(session.rle().struct.unnest().iter_rows(), key=self._partition_of_run):
            length = sum(length for length, _ in runs)
            yield partition, rows.slice(begin, length).with_columns(pl.lit(partition).alias(column))
            begin += length

    def _partition_of_run(self, run: tuple[int, date]) -> str:
        return run[1].strftime(self._table.layout.pattern)

    def _in_order(self, parts: list[pl.DataFrame]) -> pl.DataFrame:
        """Return the parts as one frame, and clear the list, so that memory never holds a partition twice."""
        partition = pl.concat(parts)
        parts.clear()
        return self._table.in_order(partition).rechunk()

    def _checked(self, piece: pl.DataFrame) -> pl.DataFrame:
        rows = self._table.as_stored(self._table.enforce(piece))
        self._require_own_tickers(rows)
        for session, count in rows.group_by("session").len().iter_rows():
            if session not in self.rows:
                raise ContractBroken(
                    f"A row of {session} came for {self._table.sql_name} where only {min(self.rows)} … "
                    f"{max(self.rows)} were to be replaced. Nothing was written.",
                    remedy=FAULT,
                )
            if self.rows[session]:
                raise ContractBroken(
                    f"{session} came twice for {self._table.sql_name}. Nothing was written.", remedy=FAULT
                )
            self.rows[session] = count
        return rows

    def _require_own_tickers(self, rows: pl.DataFrame) -> None:
        if self._tickers is None:
            return
        others = rows.filter(~pl.col("ticker").is_in(list(self._tickers)))["ticker"].unique().sort()
        if len(others):
            raise ContractBroken(
                f"A row of {others[0]} came for {self._table.sql_name} where only {len(self._tickers)} other tickers "
                "were to be replaced. Nothing was written.",
                remedy=FAULT,
            )

    def _require_every_session(self) -> None:
        empty = [session for session, count in self.rows.items() if not count]
        if empty and not self._table.may_be_empty and self._tickers is None:
            raise ContractBroken(
                f"{self._table.sql_name} may not be empty, but {len(empty)} of {len(self.rows)} sessions brought no "
                f"row (first {min(empty)}). Nothing was written; its rows stay.",
                remedy="Check the rows of that session in the tables before it; run those first.",
            )


def partition_of(table: Table) -> pl.Expr:
    """Return the partition that rows of `table` belong to, by their column `session`."""
    return pl.col("session").dt.strftime(table.layout.pattern).alias(table.layout.column)


def arrow_schema(table: Table) -> Schema:
    """Return the Arrow schema of the rows as stored: the contract's columns, and the partition if there is one."""
    rows = table.empty()
    return RecordBatchReader.from_stream(rows.with_columns(partition_of(table)) if table.session else rows).schema
