"""What changes when sessions are written again: counted while the rows pass, told as metadata and in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.table import Table
from pipeline.errors import TableMissing
from pipeline.lake.tables import Lake
from pipeline.market.gate.audit import changes
from pipeline.market.screen.list_changes import LISTED, in_words, list_changes
from pipeline.orchestration.table_metadata import table_preview
from pipeline.progress import Progress


class Comparison:
    """Compares rows on their way into a table with those of the same sessions that it holds until then.

    A session that the table does not hold is new and not compared; of a first backfill, nothing is read.
    """

    def __init__(self, lake: Lake, table: Table) -> None:
        self._lake = lake
        self._table = table
        self._told: dict[date, dict[str, Any]] = {}
        self._sums = dict.fromkeys(("rows_altered", "rows_added", "rows_removed"), 0)

    def watched(self, pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield `pieces` as they are; each holds all rows of its sessions, and is compared alone."""
        for piece in pieces:
            self._compare(piece)
            yield piece

    def told(self, counts: Mapping[date, Mapping[str, Any]]) -> dict[date, dict[str, Any]]:
        """Return `counts`, metadata by session, with what changed joined to the sessions written again."""
        return {session: {**of_session, **self._told.get(session, {})} for session, of_session in counts.items()}

    def in_words(self, row: str) -> str:
        """Return what changed in all, such as `12 bars altered, 3 added` when a `row` is a bar; empty for nothing."""
        changed = {name.removeprefix("rows_"): count for name, count in self._sums.items() if count}
        parts = [f"{count:,} {how}" for how, count in changed.items()]
        rows = row if next(iter(changed.values()), 0) == 1 else f"{row}s"
        return ", ".join(parts).replace(" ", f" {rows} ", 1)

    def _compare(self, piece: pl.DataFrame) -> None:
        before = self._held(piece["session"].unique())
        if before.is_empty():
            return
        found = changes(before, piece, self._table.key)
        examples = found.examples.partition_by("session", as_dict=True, include_key=False)
        for row in found.counts.iter_rows(named=True):
            session = row.pop("session")
            self._sums = {name: count + row[name] for name, count in self._sums.items()}
            shown = examples.get((session,))
            self._told[session] = row if shown is None else row | {"changed_rows": table_preview(shown)}

    def _held(self, sessions: pl.Series) -> pl.DataFrame:
        first, last = sessions.min(), sessions.max()
        if not isinstance(first, date) or not isinstance(last, date):
            return self._table.empty()
        try:
            held = self._lake.scan(self._table, first, last)
        except TableMissing:
            return self._table.empty()
        return held.filter(pl.col("session").is_in(sessions.implode())).collect()


def lists_held(lake: Lake, sessions: Sequence[date]) -> pl.DataFrame:
    """Return who is on the lists of `sessions`, in the columns of LISTED; nobody before the first list ever."""
    try:
        lists = lake.scan(CANDIDATES, sessions[0], sessions[-1], columns=LISTED)
    except TableMissing:
        lists = CANDIDATES.empty().lazy().select(LISTED)
    return lists.filter(pl.col("session").is_in(sessions)).collect()


def told_with_lists(
    metadata: Mapping[date, Mapping[str, Any]], before: pl.DataFrame, after: pl.DataFrame, progress: Progress
) -> dict[date, dict[str, Any]]:
    """Return `metadata` by session with what changed from the lists `before` to `after`, and tell `progress` of it."""
    changed = list_changes(before, after)
    told = {session: dict(shown) for session, shown in metadata.items()}
    by_session = changed.partition_by("session", as_dict=True, include_key=False)
    for (session,), rows in by_session.items():
        counts = {f"list_{what}": count for what, count in rows["change"].value_counts().iter_rows()}
        told.setdefault(session, {}).update(counts | {"list_changes": table_preview(rows)})
    if len(by_session) == 1:
        progress.changes.append(in_words(changed))
    elif by_session:
        progress.changes.append(f"the lists of {len(by_session):,} sessions changed")
    return told
