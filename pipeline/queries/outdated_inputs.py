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
from pipeline.queries.session_writings import calendar, newest_writings


def outdated_by_inputs(lake: Lake, market: Market, tables: Collection[Table]) -> pl.DataFrame:
    """Return the sessions of each of `tables` that read other rows of a computed table than the current ones.

    The columns are those of `OUTDATED_BY_CODE`. Rows that were computed again with the same values outdate nothing;
    where the version that was read is gone, the session counts as outdated.
    """
    ranges = [pl.DataFrame(schema=OUTDATED_BY_CODE)]
    for table in tables_with_sessions(lake, market, tables):
        for source in tables_with_sessions(lake, market, computations(market)):
            looks_back = computations(market)[table].looks_back.get(source, 1)
            sessions = sorted(_outdated(lake, table, source, looks_back))
            if sessions:
                causes = pl.DataFrame({"session": sessions}).with_columns(cause=pl.lit(f"{source.sql_name} changed"))
                ranges.append(unbroken_ranges(causes, table))
    return pl.concat(ranges)


def never_computed(lake: Lake, market: Market, tables: Collection[Table]) -> pl.DataFrame:
    """Return the sessions of computed tables that another one looks back on, and that were never computed.

    Those with bars in the look-back of the sessions that the other has, in the columns of `OUTDATED_BY_CODE`: a home of
    a version without the table has no such rows.
    """
    ranges = [pl.DataFrame(schema=OUTDATED_BY_CODE)]
    for reader in tables_with_sessions(lake, market, tables):
        for source, looks_back in computations(market)[reader].looks_back.items():
            if source in tables and lake.exists(market.bars):
                read = _looked_back_on(lake, market.bars, reader, looks_back)
                have = newest_writings(lake, source).select("session") if lake.exists(source) else read.clear()
                missing = read.join(have, on="session", how="anti").sort("session")
                ranges.append(unbroken_ranges(missing.with_columns(cause=pl.lit("never computed")), source))
    return pl.concat(ranges).unique(maintain_order=True)


def _looked_back_on(lake: Lake, bars: Table, reader: Table, looks_back: int) -> pl.DataFrame:
    """Return the sessions with bars in the look-back of those of `reader`, their own included."""
    places = calendar(bars.venue).with_columns(place=pl.int_range(pl.len()))
    readers, with_bars = (newest_writings(lake, table).select("session") for table in (reader, bars))
    return (
        with_bars.join(places, on="session")
        .join_where(
            readers.join(places, on="session").select(at="place"),
            pl.col("place") <= pl.col("at"),
            pl.col("place") > pl.col("at") - looks_back,
        )
        .select("session")
        .unique()
    )


def _outdated(lake: Lake, table: Table, source: Table, looks_back: int) -> set[date]:
    """Return the sessions of `table` that read rows of `source` which differ from the current ones."""
    readers = newest_writings(lake, table).select("session", last_read=version_read(source)).drop_nulls()
    newest = newest_writings(lake, source).select("session", newest="version")
    places = calendar(table.venue).with_columns(place=pl.int_range(pl.len()))
    behind = readers.join(places, on="session").join_where(
        newest.join(places, on="session").rename({"session": "source_session", "place": "source_place"}),
        pl.col("newest") > pl.col("last_read"),
        pl.col("source_place") <= pl.col("place"),
        pl.col("source_place") > pl.col("place") - looks_back,
    )
    # An older copy has replaced `source`: what was read is not there.
    ahead = set(readers.filter(pl.col("last_read") > lake.version(source))["session"])
    for (last_read,), group in behind.partition_by("last_read", as_dict=True).items():
        differing = _differing(lake, source, last_read, group["source_session"].unique().sort().to_list())
        ahead |= set(group.filter(pl.col("source_session").is_in(list(differing)))["session"])
    return ahead


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
