"""Sessions computed from rows that were computed again since: a run that ended halfway leaves such sessions."""

from collections.abc import Collection
from datetime import date

import polars as pl

from pipeline.contracts.table import Table
from pipeline.errors import VersionGone
from pipeline.lake.delta.commits import version_read
from pipeline.lake.delta.past import rows_at
from pipeline.lake.lake import Lake
from pipeline.market.computed import computations
from pipeline.market.market import Market
from pipeline.queries.outdated_code import OUTDATED_BY_CODE, tables_with_sessions, unbroken_ranges
from pipeline.queries.session_writings import newest_writings


def outdated_by_inputs(lake: Lake, market: Market, tables: Collection[Table]) -> pl.DataFrame:
    """Return the sessions of each of `tables` that read other rows of a computed table than the current ones.

    The columns are those of `OUTDATED_BY_CODE`. Rows that were computed again with the same values outdate nothing;
    where the version that was read is gone, the session counts as outdated.
    """
    ranges = [pl.DataFrame(schema=OUTDATED_BY_CODE)]
    for table in tables_with_sessions(lake, market, tables):
        for source in tables_with_sessions(lake, market, computations(market)):
            sessions = sorted(_outdated(lake, table, source))
            if sessions:
                causes = pl.DataFrame({"session": sessions}).with_columns(cause=pl.lit(f"{source.sql_name} changed"))
                ranges.append(unbroken_ranges(causes, table))
    return pl.concat(ranges)


def _outdated(lake: Lake, table: Table, source: Table) -> set[date]:
    """Return the sessions of `table` that read rows of `source` which differ from the current ones."""
    readers = newest_writings(lake, table).select("session", last_read=version_read(source)).drop_nulls()
    newest = newest_writings(lake, source).select("session", newest="version")
    behind = readers.join(newest, on="session").filter(pl.col("newest") > pl.col("last_read"))
    # An older copy has replaced `source`: what was read is not there.
    ahead = set(readers.filter(pl.col("last_read") > lake.version(source))["session"])
    groups = behind.sort("session").partition_by("last_read", as_dict=True).items()
    differing = [_differing(lake, source, last_read, group["session"].to_list()) for (last_read,), group in groups]
    return ahead.union(*differing)


def _differing(lake: Lake, source: Table, version: int, sessions: list[date]) -> set[date]:
    """Return which of `sessions` hold other rows now than in `version`, all of them if that cannot be read."""
    first, last = sessions[0], sessions[-1]
    try:
        then = _by_session(rows_at(lake, source, version, first, last), source)
    except VersionGone:
        return set(sessions)
    now = _by_session(lake.scan(source, first, last).collect(), source)
    empty = source.empty()
    return {session for session in sessions if not now.get(session, empty).equals(then.get(session, empty))}


def _by_session(rows: pl.DataFrame, table: Table) -> dict[date, pl.DataFrame]:
    """Return the rows of each session in the order of the key."""
    ordered = rows.select(list(table.columns)).sort(table.key)
    return {session: part for (session,), part in ordered.partition_by("session", as_dict=True).items()}
