"""Sessions that rest on what the vendor said before of splits, dividends and listings, table by table.

Indicators have rules of their own (`outdated`); what is computed from outdated rows follows from what each commit read.
"""

from collections.abc import Collection
from datetime import date

import polars as pl

from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, LONGEST, SESSION_SCORES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS
from pipeline.contracts.table import Table
from pipeline.lake.delta.commits import version_read
from pipeline.lake.lake import Lake
from pipeline.market.known_events import APPLIED_DIVIDENDS, APPLIED_SPLITS, SPLITS_IN_DOUBT, KnownEvents
from pipeline.market.market import Market
from pipeline.market.outdated_events import Reach, changed_in_time, sessions_outdated_by_events, sessions_reached
from pipeline.market.outdated_holdings import outdated_holdings
from pipeline.market.outdated_ranges import OUTDATED
from pipeline.market.portfolio.book import in_force, settled
from pipeline.market.securities.own_bars import followed
from pipeline.market.securities.reference import applicable_splits
from pipeline.queries.known_listings import known_listings
from pipeline.queries.outdated_code import tables_with_sessions
from pipeline.queries.outdated_listings import with_renames_followed
from pipeline.queries.portfolio import recorded_positions
from pipeline.queries.session_writings import newest_writings, with_known_at

KNOWN_AT = {"splits_at": SPLITS, "dividends_at": DIVIDENDS, "tickers_at": TICKERS, "events_at": TICKER_EVENTS}
"""Column with the moment as of which a session knew a table of reference data."""


def reaches_of(market: Market) -> dict[Table, dict[KnownEvents, Reach]]:
    """Return, for each table whose sessions rest on the events of many tickers, which of its sessions one reaches."""
    # A list is bought at the next session's open, and followed for LONGEST sessions.
    after_entry = Reach(-LONGEST, -2)
    hindsight = dict.fromkeys((APPLIED_SPLITS, APPLIED_DIVIDENDS, SPLITS_IN_DOUBT), after_entry)
    return {
        INTRADAY_FEATURES: {APPLIED_SPLITS: Reach(0, 0)},
        market.candidates: {SPLITS_IN_DOUBT: Reach(0, market.lookback - 2)},
        CANDIDATE_OUTCOMES: hindsight,
        SESSION_SCORES: hindsight,
    }


def outdated_by_reference(lake: Lake, market: Market, tables: Collection[Table]) -> pl.DataFrame:
    """Return the sessions of each of `tables` that rest on other reference data than is known now.

    Columns are `table` and those of `OUTDATED`. Only sessions whose values can differ count: those on which something
    was held of which an event changed, or in whose reach lies an event of a ticker with bars that was changed after it
    took effect.
    """
    ranges = [pl.DataFrame(schema={"table": pl.String, **OUTDATED})]
    there = tables_with_sessions(lake, market, tables)
    for table in there:
        found = []
        if table in (POSITION_MARKS, SIGNALS) and lake.exists(POSITION_MARKS):
            found.append(_of_holdings(lake, market, table))
        for kind, reach in reaches_of(market).get(table, {}).items():
            found += [_of_events(lake, market, table, kind, reach), _of_rename_days(lake, market, table, kind, reach)]
        ranges += [rows.select(pl.lit(table.sql_name).alias("table"), pl.all()) for rows in found]
    return pl.concat(ranges)


def _of_holdings(lake: Lake, market: Market, table: Table) -> pl.DataFrame:
    """Return the sessions of marks, or of the signals over them, that rest on other events of what was held."""
    written = newest_writings(lake, table)
    marks = lake.scan(POSITION_MARKS, columns=["position", "session"]).collect()
    if written.is_empty() or marks.is_empty():
        return pl.DataFrame(schema=OUTDATED)
    for column, reference in KNOWN_AT.items():
        written = with_known_at(lake, written, reference, column)
    history, listed = recorded_positions(lake), known_listings(lake)
    had = _ever_had(lake, history["ticker"])
    histories = {reference.name: _of_tickers(lake, reference, had) for reference in KNOWN_AT.values()}
    book = in_force(settled(history, applicable_splits(histories[SPLITS.name]), listed))
    known = marks.join(written.select("session", *KNOWN_AT), on="session")
    return outdated_holdings(known, book, histories, market.calendar.sessions)


def _ever_had(lake: Lake, tickers: pl.Series) -> pl.Series:
    """Return `tickers`, and all that the vendor ever gave a security that had one of them."""
    claims = pl.concat(
        [lake.read(table).rows.select("ticker", "composite_figi").collect() for table in (TICKERS, TICKER_EVENTS)]
    ).drop_nulls()
    figis = claims.filter(pl.col("ticker").is_in(tickers.unique().implode()))["composite_figi"].unique()
    return pl.concat([tickers, claims.filter(pl.col("composite_figi").is_in(figis.implode()))["ticker"]]).unique()


def _of_tickers(lake: Lake, reference: Table, tickers: pl.Series) -> pl.DataFrame:
    return lake.read(reference).rows.filter(pl.col("ticker").is_in(tickers.implode())).collect()


def _of_events(lake: Lake, market: Market, table: Table, kind: KnownEvents, reach: Reach) -> pl.DataFrame:
    """Return the sessions of `table` in whose reach an event of a ticker with bars changed after it took effect."""
    sessions = market.calendar.sessions
    written = with_known_at(lake, newest_writings(lake, table), kind.table, "known_at")
    computed = _with_newest_bars(lake, market, written).select("session", "known_at", "newest")
    changed = changed_in_time(computed, lake.read(kind.table).rows.collect(), kind, reach, sessions)
    if changed.is_empty():
        return pl.DataFrame(schema=OUTDATED)
    first, last = computed.select(pl.col("session").min(), pl.col("newest").max()).row(0)
    traded = changed.filter(pl.col("ticker").is_in(_traded(lake, market, first, last).implode()))
    return sessions_outdated_by_events(computed, traded, kind, reach, sessions)


def _of_rename_days(lake: Lake, market: Market, table: Table, kind: KnownEvents, reach: Reach) -> pl.DataFrame:
    """Return the sessions whose code did not follow events that were stated for a former ticker.

    Those are the doubts in windows that reach back before a rename, and other events on the very day of one.
    """
    written = with_renames_followed(newest_writings(lake, table), table).filter(~pl.col("follows_renames"))
    if written.is_empty():
        return pl.DataFrame(schema=OUTDATED)
    events = kind.known(lake.read(kind.table).rows.collect(), None)
    of_former = followed(events, "day", known_listings(lake))
    if kind is not SPLITS_IN_DOUBT:
        of_former = of_former.filter(pl.col("day") >= pl.col("followed_from"))
    changed = of_former.select("ticker", "day", cause=pl.lit("an event of its former ticker is followed"))
    computed = _with_newest_bars(lake, market, written)
    return sessions_reached(computed, changed, reach, market.calendar.sessions)


def _with_newest_bars(lake: Lake, market: Market, written: pl.DataFrame) -> pl.DataFrame:
    """Return `written` with `newest`, the last session with bars in the version of them that each row read.

    A table that looks back, and does not say what bars it read, knows its own session.
    """
    commits = (
        lake.trail(market.bars).commits().sort("version").select("version", newest=pl.col("last_session").cum_max())
    )
    newest = commits.with_columns(pl.col("newest").forward_fill()).rename({"version": "bars"})
    known = written.with_columns(bars=version_read(market.bars)).sort("bars").join_asof(newest, on="bars")
    return known.with_columns(newest=pl.max_horizontal("session", "newest")).sort("session")


def _traded(lake: Lake, market: Market, first: date, last: date) -> pl.Series:
    """Return the tickers with bars in the sessions `first` … `last`."""
    return lake.scan(market.bars, first, last, columns=["ticker"]).unique().collect()["ticker"]
