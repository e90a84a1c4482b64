"""Changes when sessions are written again: counted as the rows pass, reported as metadata and in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from pipeline.contracts.table import Table
from pipeline.errors import TableMissing
from pipeline.lake.lake import Lake
from pipeline.market.gate.audit import changes
from pipeline.market.screen.list_changes import LISTED, in_words, list_changes
from pipeline.orchestration.table_metadata import table_preview
from pipeline.progress import Progress


class Comparison:
    """Compares rows on their way into a table with the stored rows of the same sessions.

    A session that the table does not have is new and not compared; a first backfill reads nothing.
    """

    def __init__(self, lake: Lake, table: Table) -> None:
        self._lake = lake
        self._table = table
        self._changes: dict[date, dict[str, Any]] = {}
        self._sums = dict.fromkeys(("rows_altered", "rows_added", "rows_removed"), 0)

    def compared(self, pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield `pieces` unchanged; each has all rows of its sessions, and is compared on its own."""
        for piece in pieces:
            self._compare(piece)
            yield piece

    def with_changes(self, counts: Mapping[date, Mapping[str, Any]]) -> dict[date, dict[str, Any]]:
        """Return `counts`, metadata by session, with the changes added to the sessions written again."""
        return {session: {**metadata, **self._changes.get(session, {})} for session, metadata in counts.items()}

    def in_words(self, row: str) -> str:
        """Return all changes, such as `12 bars altered, 3 added` when a `row` is a bar; empty when nothing changed."""
        changed = {name.removeprefix("rows_"): count for name, count in self._sums.items() if count}
        parts = [f"{count:,} {how}" for how, count in changed.items()]
        rows = row if next(iter(changed.values()), 0) == 1 else f"{row}s"
        return ", ".join(parts).replace(" ", f" {rows} ", 1)

    def _compare(self, piece: pl.DataFrame) -> None:
        before = self._stored_rows(piece["session"].unique())
        if before.is_empty():
            return
        changed = changes(before, piece, self._table.key)
        examples = changed.examples.partition_by("session", as_dict=True, include_key=False)
        for row in changed.counts.iter_rows(named=True):
            session = row.pop("session")
            self._sums = {name: count + row[name] for name, count in self._sums.items()}
            shown = examples.get((session,))
            self._changes[session] = row if shown is None else row | {"changed_rows": table_preview(shown)}

    def _stored_rows(self, sessions: pl.Series) -> pl.DataFrame:
        first, last = sessions.min(), sessions.max()
        if not isinstance(first, date) or not isinstance(last, date):
            return self._table.empty()
        try:
            stored = self._lake.scan(self._table, first, last)
        except TableMissing:
            return self._table.empty()
        return stored.filter(pl.col("session").is_in(sessions.implode())).collect()


class Uncompared:
    """Stands in for a Comparison where comparing would cost more than it tells."""

    def __init__(self, lake: Lake, table: Table) -> None:
        """Take what a Comparison takes."""

    def compared(self, pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield `pieces`."""
        yield from pieces

    def with_changes(self, counts: Mapping[date, Mapping[str, Any]]) -> dict[date, dict[str, Any]]:
        """Return `counts`."""
        return {session: dict(metadata) for session, metadata in counts.items()}

    def in_words(self, row: str) -> str:  # noqa: ARG002 (as for a Comparison)
        """Return nothing."""
        return ""


def stored_lists(lake: Lake, table: Table, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the rows of the lists of `sessions`, in the columns of LISTED; none before the first list ever."""
    try:
        lists = lake.scan(table, sessions[0], sessions[-1], columns=LISTED)
    except TableMissing:
        lists = table.empty().lazy().select(LISTED)
    return lists.filter(pl.col("session").is_in(sessions)).collect()


def with_list_changes(
    metadata: Mapping[date, Mapping[str, Any]], before: pl.DataFrame, after: pl.DataFrame, progress: Progress
) -> dict[date, dict[str, Any]]:
    """Return `metadata` by session with the changes from the lists `before` to `after`, and report them."""
    changed = list_changes(before, after)
    by_day = {session: dict(shown) for session, shown in metadata.items()}
    by_session = changed.partition_by("session", as_dict=True, include_key=False)
    for (session,), rows in by_session.items():
        counts = {f"list_{what}": count for what, count in rows["change"].value_counts().iter_rows()}
        by_day.setdefault(session, {}).update(counts | {"list_changes": table_preview(rows)})
    if len(by_session) == 1:
        progress.changes.append(in_words(changed))
    elif by_session:
        progress.changes.append(f"the lists of {len(by_session):,} sessions changed")
    return by_day
