"""SQL over a lake: a confined process answers queries, and stays for the next one. No heavy imports here."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from pipeline.errors import QueryError
from pipeline.lake.sql.place import place_description, reach
from pipeline.lake.sql.sandbox.confined import Confined
from pipeline.lake.sql.sandbox.failures import protocol_error
from pipeline.lake.sql.sandbox.frames import LARGEST_QUERY
from pipeline.lake.sql.sandbox.spill import sweep
from pipeline.lake.sql.sandbox.terms import Limits, Standing, Walls

if TYPE_CHECKING:
    import polars as pl

    from pipeline.lake.lake import Lake
    from pipeline.lake.storage.s3_prefix import S3Prefix


def connect(lake: Lake | Path | S3Prefix | str) -> Sql:
    """Return SQL over the tables of a lake, or of the lake at a place: `connect("data/lake").sql("…")`."""
    return Sql(lake)


class Sql:
    """Answers queries over `market.name` for every table of a lake, such as `stocks.daily_bars`, and over `DERIVED`.

    A table's past version is `stocks.daily_bars AT (VERSION => 3)`, or `AT (TIMESTAMP => '2024-05-31 18:00')` for
    the version that was newest at that time (UTC unless the text says otherwise).

    The process that answers starts with this object, and ends with it, by `close`, or at the end of a `with` block.
    `limits` and `walls` are for tests.
    """

    def __init__(
        self, lake: Lake | Path | S3Prefix | str, *, limits: Limits | None = None, walls: Walls | None = None
    ) -> None:
        self._place = place_description(lake)
        self._limits, self._walls = limits or Limits(), walls or Walls()
        self._turn = RLock()
        self._running: Confined | None = None
        self._at_end: weakref.finalize | None = None
        sweep()
        self._confined()

    def sql(self, query: str) -> pl.DataFrame:
        """Return the answer to one SELECT (or DESCRIBE, SUMMARIZE, SHOW TABLES).

        Raises QueryError when the query is wrong, names an unknown table or version, does more than read tables, or
        exceeds its limits. KeyboardInterrupt ends the query at once.
        """
        if len(_encoded(query)) > LARGEST_QUERY:
            raise QueryError(
                f"The query is longer than {LARGEST_QUERY:,} bytes.", remedy="Write it shorter, without long lists."
            )
        with self._turn:
            child = self._confined().child
            try:
                return _frame_of(child.answers(query))
            finally:
                # A child that sent an error waits for the next query. An interrupted child is still busy.
                if not child.is_idle or child.is_worn:
                    self.close()

    def standing(self) -> tuple[Standing, str]:
        """Return the kernel's walls that stand around queries here, and the version of the engine."""
        with self._turn:
            ready = self._confined().child.ready()
        limits = tuple(str(name) for name in ready["limits"])
        return Standing(int(ready["landlock"]), bool(ready["system_calls"]), limits), str(ready["engine"])

    def close(self) -> None:
        """End the process that answers queries. A later query starts another."""
        with self._turn:
            if self._at_end is not None:
                self._at_end()
            self._running = self._at_end = None

    def __enter__(self) -> Sql:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _confined(self) -> Confined:
        """Return the process that answers queries, a new one if the last has ended."""
        if self._running is None or not self._running.is_usable:
            self.close()
            self._running = Confined(self._place, reach(self._place), self._limits, self._walls)
            self._at_end = weakref.finalize(self, self._running.end)
        return self._running


def _encoded(query: str) -> bytes:
    """Return the query in UTF-8. Raises QueryError when it has half a character, which no text has."""
    try:
        return query.encode()
    except UnicodeEncodeError as half:
        raise QueryError("The query is not UTF-8 text.", remedy="Type it as UTF-8.") from half


def _frame_of(pieces: Iterable[bytes]) -> pl.DataFrame:
    import polars as pl  # noqa: PLC0415 (the child starts meanwhile)

    parts = [_rows_of(piece) for piece in pieces]
    if not parts:
        raise protocol_error()
    return pl.concat(parts, how="vertical", rechunk=False)


def _rows_of(piece: bytes) -> pl.DataFrame:
    import polars as pl  # noqa: PLC0415

    try:
        return pl.read_ipc_stream(BytesIO(piece))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as unreadable:  # Polars panics over some bytes, which is not an Exception
        raise protocol_error() from unreadable
