"""Sessions computed by other code than today's, and sessions computed from outdated rows."""

import json
from collections.abc import Collection, Mapping
from datetime import date

import polars as pl

from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.market.code_changes import cause
from pipeline.market.computed import computations
from pipeline.market.market import Market
from pipeline.queries.session_writings import calendar, newest_writings
from pipeline.venues.venue import Venue

OUTDATED_BY_CODE = {
    "table": pl.String,
    "first_session": pl.Date,
    "last_session": pl.Date,
    "cause": pl.String,
}
"""Columns of ranges of sessions of a table that other code computed, with what has changed in it since."""

DUE = {"table": pl.String, "session": pl.Date}
"""Columns of the sessions that must run again."""


def outdated_by_code(lake: Lake, market: Market, tables: Collection[Table]) -> pl.DataFrame:
    """Return the sessions of each of `tables` that other code than today's computed, in the columns above."""
    ranges = [pl.DataFrame(schema=OUTDATED_BY_CODE)]
    ranges += [_outdated(lake, market, table) for table in tables_with_sessions(lake, market, tables)]
    return pl.concat(ranges)


def dependent_sessions(lake: Lake, market: Market, due: pl.DataFrame, tables: Collection[Table]) -> pl.DataFrame:
    """Return the sessions of `tables` computed from those `due`, directly or not: columns DUE, without `due` itself.

    A session of a table was computed from the same session of the tables that its commit read, and from the sessions
    before it of those on which the table looks back; from all tables when the commit does not say.
    """
    every = due.select(list(DUE))
    any_of_them = pl.lit(pl.Series([[table.sql_name for table in computations(market)]]))
    for table in tables_with_sessions(lake, market, tables):
        tables_read = pl.col("read").list.eval(_TABLE).fill_null(any_of_them)
        writings = newest_writings(lake, table).select("session", read=tables_read)
        reached = with_reach(every, computations(market)[table].looks_back, market.venue)
        from_due = writings.explode("read").join(
            reached, left_on=["session", "read"], right_on=["session", "table"], how="semi"
        )
        dependent = from_due.select(pl.lit(table.sql_name).alias("table"), "session").unique()
        every = pl.concat([every, dependent]).unique()
    return every.join(due, on=list(DUE), how="anti").sort(list(DUE))


def with_reach(due: pl.DataFrame, looks_back: Mapping[Table, int], venue: Venue) -> pl.DataFrame:
    """Return the sessions `due` of each table, and for the tables of `looks_back` those that look back on them, too.

    Columns DUE; `looks_back` has how many sessions a row needs of a table, its own included.
    """
    spans = pl.DataFrame(
        {"table": [table.sql_name for table in looks_back], "span": list(looks_back.values())},
        schema={"table": pl.String, "span": pl.Int64},
    )
    places = calendar(venue).with_columns(place=pl.int_range(pl.len()))
    begins = due.join(spans, on="table").join(places, on="session")
    reached = places.join_where(
        begins.select("table", first="place", after=pl.col("place") + pl.col("span")),
        pl.col("place") >= pl.col("first"),
        pl.col("place") < pl.col("after"),
    )
    return pl.concat([due.select(list(DUE)), reached.select(list(DUE))]).unique()


_TABLE = pl.element().struct.field("table")


def tables_with_sessions(lake: Lake, market: Market, tables: Collection[Table]) -> list[Table]:
    """Return the `tables` that have sessions in the lake, each after the tables it is computed from."""
    return [table for table in computations(market) if table in tables and table.session and lake.exists(table)]


def _outdated(lake: Lake, market: Market, table: Table) -> pl.DataFrame:
    newest = newest_writings(lake, table).select("session", "computed_by")
    records = newest["computed_by"].unique().to_list()
    causes = {text: cause(market, table, None if text is None else json.loads(text)) for text in records}
    with_cause = newest.with_columns(
        cause=pl.Series([causes[text] for text in newest["computed_by"]], dtype=pl.String)
    ).drop_nulls("cause")
    if with_cause.is_empty():
        return pl.DataFrame(schema=OUTDATED_BY_CODE)
    return unbroken_ranges(with_cause.filter(pl.col("session").is_in(present_sessions(lake, table, newest))), table)


def present_sessions(lake: Lake, table: Table, newest: pl.DataFrame) -> list[date]:
    """Return the sessions that have rows, or may have none."""
    return newest["session"].to_list() if table.may_be_empty else lake.sessions(table)


def unbroken_ranges(causes: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return unbroken ranges of sessions with the same cause."""
    place = (
        pl.lit(pl.Series(table.venue.calendar.sessions, dtype=pl.Date)).search_sorted(pl.col("session")).cast(pl.Int64)
    )
    placed = causes.with_columns(place=place)
    begins = (pl.col("place") != pl.col("place").shift() + 1) | (pl.col("cause") != pl.col("cause").shift())
    ranges = placed.group_by(begins.fill_null(value=True).cum_sum().alias("range"), maintain_order=True).agg(
        pl.col("cause").first(), first_session=pl.col("session").min(), last_session=pl.col("session").max()
    )
    return ranges.select(
        table=pl.lit(table.sql_name), first_session="first_session", last_session="last_session", cause="cause"
    )
