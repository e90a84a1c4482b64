"""The lake's rows for the pages of several sessions, each table read once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property

import polars as pl

from pipeline.contracts.bars import DailyBar
from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SIGNALS
from pipeline.contracts.reference import SPLITS, TICKER_EVENTS, TICKERS
from pipeline.contracts.table import Table
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.securities.listings import listings
from pipeline.market.securities.names import under_security
from pipeline.market.securities.own_bars import sources_of
from pipeline.market.securities.reference import applicable_splits, as_known
from pipeline.queries.doubts import doubts_in_words
from pipeline.queries.portfolio import recorded_positions
from pipeline.reports.candidates_page import INDICATORS_SHOWN
from pipeline.reports.ticker_page import CHARTED, HISTORY

CHART_SESSIONS = 504
"""Sessions of a ticker's chart: two years."""

_BARS = [name for name in HISTORY if name in DailyBar.to_schema().columns and name not in {"ticker", "session"}]
_INDICATORS = [name for name in HISTORY if name not in ("ticker", "session", *_BARS)]
_DRAWN = [name for name in _INDICATORS if name in (*CHARTED, "td_setup")]
_FIGURES = [name for name in _INDICATORS if name not in _DRAWN]
"""Indicators that the chart draws over its sessions, and those that a page shows for the last session only."""


class ReportRows:
    """The rows behind the pages of `sessions`, which follow one another. Each table is read when it is first needed.

    Prices are as the lake holds them, each on its own session's basis.
    """

    def __init__(self, lake: Lake, market: Market, sessions: Sequence[date]) -> None:
        self.lake, self.market = lake, market
        self._first, self._last = sessions[0], sessions[-1]
        self._before = self.market.calendar.offset(self._first, -1)

    @cached_property
    def lists(self) -> pl.DataFrame:
        """Return the lists of the sessions and of the one before them."""
        return self.lake.scan(self.market.candidates, self._before, self._last).collect()

    @cached_property
    def ranked(self) -> frozenset[date]:
        """Return the sessions with indicators, among these and the one before them."""
        stored = self.lake.scan(self.market.indicators, self._before, self._last, columns=["session"])
        return frozenset(stored.unique().collect()["session"])

    @cached_property
    def shown(self) -> pl.DataFrame:
        """Return the indicators that lists show, for the listed sessions and tickers."""
        columns = ["ticker", "session", *INDICATORS_SHOWN]
        stored = self.lake.scan(self.market.indicators, self._first, self._last, columns=columns)
        return stored.filter(_is_one_of(self.lists["ticker"])).collect()

    @cached_property
    def deliveries(self) -> pl.DataFrame:
        """Return the current deliveries of the sessions."""
        return self.lake.scan(self.market.deliveries, self._first, self._last).filter("is_current").collect()

    @cached_property
    def signals(self) -> pl.DataFrame:
        """Return the sell signals of the sessions."""
        return self._of_sessions(SIGNALS)

    @cached_property
    def held(self) -> pl.DataFrame:
        """Return the session and ticker of the positions that are held at the close of each session."""
        owner = under_security(self._open_marks.select("session", "ticker"), "session", self.listings)["ticker"]
        # The page of a ticker is about the security that has it.
        is_anothers = pl.col("delisted_on").is_not_null() & (owner != self._open_marks["ticker"])
        return self._open_marks.filter(~is_anothers).select("session", "ticker").unique()

    @cached_property
    def holdings(self) -> pl.DataFrame:
        """Return session, ticker, `bought_as` and `opened` of each position held at the close of each session."""
        history = POSITIONS.empty() if self.positions is None else self.positions
        opened = history.select("position", "opened").unique("position")
        held = self._open_marks.join(opened, on="position")
        return held.select("session", "ticker", "bought_as", "opened").unique()

    @cached_property
    def _open_marks(self) -> pl.DataFrame:
        return self._of_sessions(POSITION_MARKS).filter(~pl.col("is_closed"))

    @cached_property
    def positions(self) -> pl.DataFrame | None:
        """Return every recorded row of positions; None when there is no such table."""
        is_recorded = self.market.owns(POSITIONS) and self.lake.exists(POSITIONS)
        return recorded_positions(self.lake) if is_recorded else None

    @cached_property
    def doubts(self) -> pl.DataFrame:
        """Return the doubts about prices known in the sessions and their look-back."""
        first = self.market.window([self._first])[0]
        return self.lake.read(self.market.price_doubts, first, self._last).rows.collect()

    @cached_property
    def doubts_in_words(self) -> pl.DataFrame:
        """Return all splits and prices in doubt: ticker, day, known_on, and `doubt` in words."""
        return doubts_in_words(self.lake)

    @cached_property
    def split_history(self) -> pl.DataFrame | None:
        """Return every split the vendor ever sent; None when splits were never requested."""
        stored = self._whole(SPLITS)
        return None if stored.version is None else stored.rows.collect()

    @cached_property
    def splits(self) -> pl.DataFrame:
        """Return the splits to apply."""
        return applicable_splits(SPLITS.empty() if self.split_history is None else self.split_history)

    @cached_property
    def securities(self) -> pl.DataFrame:
        """Return the name, type and exchange of every ticker listed now, else of its last listing."""
        known = as_known(self._whole(TICKERS).rows.collect())
        newest_last = known.sort("active", "delisted_on", nulls_last=True)
        return newest_last.unique("ticker", keep="last").select("ticker", "name", "type", "primary_exchange")

    @cached_property
    def listings(self) -> pl.DataFrame:
        """Return which security traded under a ticker when, in the columns of `listings.LISTING`."""
        return listings(*(self._whole(table).rows.collect() for table in (TICKERS, TICKER_EVENTS)))

    @cached_property
    def tickers(self) -> pl.Series:
        """Return every ticker that a page of the sessions can link to: listed, dropped, held or to sell."""
        tickers = (self.lists["ticker"], self.signals["ticker"], self.held["ticker"])
        return pl.concat(tickers).unique().sort()

    @cached_property
    def listed(self) -> pl.DataFrame:
        """Return every rank these tickers ever had on a list."""
        return self.lake.scan(self.market.candidates, end=self._last).filter(_is_one_of(self.tickers)).collect()

    @cached_property
    def history(self) -> pl.DataFrame:
        """Return bars and indicators of these tickers and their former ones, as far back as the first chart reaches.

        Indicators of the figures only are given for the last bar of each ticker as of each session; elsewhere null.
        """
        since = self.market.calendar.offset(self._first, 1 - CHART_SESSIONS)
        bars, drawn = pl.collect_all(
            [self._values(self.market.bars, since, _BARS), self._values(self.market.indicators, since, _DRAWN)]
        )
        last = pl.concat(
            _last_bars(bars, self.market.calendar.offset(session, 1 - CHART_SESSIONS), session)
            for session in self.market.calendar.between(self._first, self._last)
        ).unique()
        oldest: date = last.select(pl.col("session").min().fill_null(self._first)).item()
        values = self._values(self.market.indicators, oldest, _FIGURES).collect()
        figures = values.join(last, on=["ticker", "session"])
        return bars.join(drawn, on=["ticker", "session"], how="left").join(
            figures, on=["ticker", "session"], how="left"
        )

    def _whole(self, table: Table) -> Reading:
        """Return a table of reference data; no rows of a table that is about another venue."""
        return self.lake.read(table) if self.market.owns(table) else Reading(table, None, table.empty().lazy())

    def _of_sessions(self, table: Table) -> pl.DataFrame:
        if not self.market.owns(table):
            return table.empty()
        return self.lake.read(table, self._first, self._last).rows.collect()

    def _values(self, table: Table, since: date, columns: Sequence[str]) -> pl.LazyFrame:
        values = self.lake.scan(table, since, self._last, columns=["ticker", "session", *columns])
        return values.filter(_is_one_of(sources_of(self.tickers, self.listings)))


def _last_bars(bars: pl.DataFrame, since: date, session: date) -> pl.DataFrame:
    """Return ticker and session of each ticker's last bar from `since` to `session`."""
    return bars.filter(pl.col("session").is_between(since, session)).group_by("ticker").agg(pl.col("session").max())


def _is_one_of(tickers: pl.Series) -> pl.Expr:
    return pl.col("ticker").is_in(tickers.unique().implode())
