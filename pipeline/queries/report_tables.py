"""The tables behind the pages of a session: its part of the lake's rows, on its price basis."""

from collections.abc import Collection
from datetime import date

import polars as pl

from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.contracts.portfolio import POSITIONS
from pipeline.lake.delta.commits import Reading
from pipeline.market.portfolio.book import in_force, settled
from pipeline.market.portfolio.doubts import doubts_of_holdings
from pipeline.market.prices.adjust import PRICES, VOLUME
from pipeline.market.prices.splits import RATIO, price_after, shares_after, with_ratio
from pipeline.market.screen.rank import unapplied_filters
from pipeline.market.securities.names import securities_called, under_security
from pipeline.market.securities.own_bars import own_rows
from pipeline.queries.doubts import unchecked_warnings
from pipeline.queries.minute_features import features_for, missing_minutes_warnings
from pipeline.queries.report_rows import CHART_SESSIONS, ReportRows
from pipeline.reports.candidates_page import SPARKLINE_SESSIONS, CandidateTables
from pipeline.reports.notices import PROVISIONAL, SPLITS_UNKNOWN, holding_in_doubt
from pipeline.reports.ticker_page import TickerTables


class ReportTables:
    """The rows for the pages of one session, on its price basis."""

    def __init__(self, rows: ReportRows, session: date) -> None:
        self._rows, self._market = rows, rows.market
        self._session = session
        self._splits = own_rows(rows.splits, "execution_date", rows.tickers, session, rows.listings).drop("stated_for")
        self._signals = rows.signals.filter(pl.col("session") == session)

    @property
    def notices(self) -> tuple[str, ...]:
        """Return what a reader must know before reading the numbers."""
        delivered = self._rows.deliveries.filter(pl.col("session") == self._session)
        are_known = self._rows.split_history is not None and not self._rows.split_history.is_empty()
        reference_columns = ["type", "split_in_doubt"] if self._rows.securities.height else []
        features = self._features()
        return (
            *([PROVISIONAL] if delivered["provisional"].any() else []),
            *([] if are_known else [SPLITS_UNKNOWN]),
            *(unapplied_filters(reference_columns, self._market.models) if are_known else []),
            *unchecked_warnings(self._rows.lake, self._market, self._session),
            *missing_minutes_warnings(features, [self._session], self._market.models),
        )

    @property
    def notices_of_all(self) -> tuple[str, ...]:
        """Return `notices`, and what is in doubt of all that is held: for the page of the candidates."""
        return (*self.notices, *(holding_in_doubt(ticker, doubt) for ticker, doubt in self.held_in_doubt().iter_rows()))

    def _features(self) -> list[Reading]:
        """Return the features of the session's minutes; none where no model uses them, or the venue has none."""
        has_minutes = self._market.owns(INTRADAY_FEATURES)
        return features_for(self._rows.lake, [self._session], self._market.models) if has_minutes else []

    def held(self) -> list[str]:
        """Return the tickers of the positions held at the close of the session."""
        return self._rows.held.filter(pl.col("session") == self._session)["ticker"].sort().to_list()

    def held_in_doubt(self) -> pl.DataFrame:
        """Return what is in doubt within the time of what is held at the close: ticker, and `doubt` in words."""
        held = self._rows.holdings.filter(pl.col("session") == self._session)
        in_doubt = doubts_of_holdings(held, self._rows.doubts_in_words, self._rows.listings)
        return in_doubt.select("ticker", "day", "doubt").unique().sort("ticker", "day").drop("day")

    def candidates(self) -> CandidateTables:
        """Return the frames of the candidates page."""
        before = self._market.calendar.offset(self._session, -1)
        listed = self._listed_on(self._session)
        since = self._market.calendar.offset(self._session, 1 - SPARKLINE_SESSIONS)
        return CandidateTables(
            listed=listed.join(self._rows.shown, on=["ticker", "session"], how="left"),
            closes=self._on_basis(self._bars(since, listed["ticker"])).select("ticker", "session", "close"),
            basis=self.basis,
            before=self._listed_on(before).select("model", "ticker", "rank") if before in self._rows.ranked else None,
            signals=None if self._rows.positions is None else self._signals,
            securities=self._rows.securities.select("ticker", "name"),
        )

    def tickers(self, tickers: Collection[str]) -> TickerTables:
        """Return the frames of the pages of `tickers`; each is listed, held or to sell on the session."""
        names = list(tickers)
        since = self._market.calendar.offset(self._session, 1 - CHART_SESSIONS)
        is_past = pl.col("session") <= self._session
        return TickerTables(
            history=self._on_basis(self._bars(since, names)),
            basis=self.basis,
            listed=self._rows.listed.filter(is_past, pl.col("ticker").is_in(names)),
            splits=self._splits.filter(pl.col("ticker").is_in(names)),
            trades=self._trades(names),
            signals=self._signals,
            securities=self._rows.securities,
            doubts=self._doubts(names),
            held_in_doubt=self.held_in_doubt(),
        )

    @property
    def basis(self) -> str:
        """Return what the prices on the pages are, in words."""
        currency = self._market.venue.currency
        return (
            f"{currency}, adjusted for splits to {self._session}"
            if len(self._rows.splits)
            else f"{currency}, as traded"
        )

    def _doubts(self, tickers: Collection[str]) -> pl.DataFrame:
        """Return the doubts about prices of `tickers` known at the close of the session, of days in its window."""
        known = self._rows.doubts.filter(pl.col("session") <= self._session)
        in_window = known.filter(pl.col("event_date") > self._market.window([self._session])[0])
        return own_rows(in_window, "event_date", tickers, self._session, self._rows.listings).drop("stated_for")

    def _listed_on(self, session: date) -> pl.DataFrame:
        return self._rows.lists.filter(pl.col("session") == session)

    def _bars(self, since: date, tickers: Collection[str]) -> pl.DataFrame:
        charted = self._rows.history.filter(pl.col("session") >= since)
        return own_rows(charted, "session", tickers, self._session, self._rows.listings).drop("stated_for")

    def _on_basis(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows of bars and indicators, each on its own session's basis, on that of the page's session."""
        declared = self._market.declarations.columns
        in_prices = (*PRICES, *(column.name for column in declared if column.unit == "price"))
        in_shares = (VOLUME, *(column.name for column in declared if column.unit == "shares"))
        moved = self._with_ratio(rows).with_columns(
            *(price_after(pl.col(name)) for name in in_prices if name in rows.columns),
            *(shares_after(pl.col(name)) for name in in_shares if name in rows.columns),
        )
        return moved.drop(RATIO)

    def _trades(self, tickers: Collection[str]) -> pl.DataFrame:
        """Return the purchases and sales of `tickers` up to the session, in shares and prices of its basis."""
        history = POSITIONS.empty() if self._rows.positions is None else self._rows.positions
        listed = self._rows.listings
        of_security = under_security(in_force(settled(history, self._rows.splits, listed)), "opened", listed)
        called = securities_called(tickers, self._session, listed)
        positions = of_security.rename({"ticker": "security"}).join(called, on="security")
        bought = positions.select("ticker", "opened", "quantity", "price", session="opened", side=pl.lit("entry"))
        sold = positions.filter(pl.col("closed").is_not_null()).select(
            "ticker", "opened", "quantity", price="closing_price", session="closed", side=pl.lit("exit")
        )
        trades = pl.concat([bought, sold]).filter(pl.col("session") <= self._session)
        # A position's shares are counted as on the day it was opened, its prices as traded.
        shares = self._with_ratio(trades, since="opened").select(shares_after(pl.col("quantity")))
        prices = self._with_ratio(trades).select(price_after(pl.col("price")))
        return trades.with_columns(shares["quantity"], prices["price"]).sort("session")

    def _with_ratio(self, rows: pl.DataFrame, since: str = "session") -> pl.DataFrame:
        """Return `rows` with the ratio of the splits from the day `since` to the page's session."""
        return with_ratio(rows, self._splits, since=pl.col(since), until=pl.lit(self._session))
