"""The rows of a query in pieces of Arrow IPC, small enough to process one by one."""

from collections import Counter
from collections.abc import Iterator
from io import BytesIO

import duckdb
import polars as pl
from arro3.core import RecordBatchReader, Table

from pipeline.errors import QueryError
from pipeline.lake.sql.sandbox.terms import Limits

PIECE = 1 << 25
"""Bytes of a piece, about."""


def pieces_of(relation: duckdb.DuckDBPyRelation, limits: Limits) -> Iterator[bytes]:
    """Yield the rows, and at least one piece with the columns. Raises QueryError when the rows are too large."""
    stream = RecordBatchReader.from_stream(relation)
    _require_different(stream.schema.names)
    yield _ipc(pl.DataFrame(Table.from_batches([], schema=stream.schema)))
    size = 0
    for batch in stream:
        size += batch.nbytes
        if size > limits.answer:
            raise QueryError(
                f"The answer is larger than {limits.answer / 1e9:.1f} GB.",
                remedy="Ask for fewer rows or columns, with WHERE, LIMIT or GROUP BY.",
            )
        yield from _slices(pl.DataFrame(Table.from_batches([batch], schema=stream.schema)), batch.nbytes, limits)


def _require_different(names: list[str]) -> None:
    repeated = next((name for name, times in Counter(names).items() if times > 1), None)
    if repeated is not None:
        raise QueryError(f"Two columns of the answer are called {repeated}.", remedy="Give one another name with AS.")


def _slices(rows: pl.DataFrame, size: int, limits: Limits) -> Iterator[bytes]:
    """Yield the rows in pieces. A piece that is still too large, because rows differ in size, is halved."""
    if size <= PIECE or len(rows) <= 1:
        if len(rows) == 1 and size > limits.row:
            raise QueryError(
                f"One row of the answer is larger than {limits.row / 1e6:.0f} MB.",
                remedy="Ask for shorter texts or lists.",
            )
        yield _ipc(rows)
        return
    half = len(rows) // 2
    for part in (rows[:half], rows[half:]):
        yield from _slices(part, int(part.estimated_size()), limits)


def _ipc(rows: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    rows.write_ipc_stream(buffer)
    return buffer.getvalue()
