"""What the pages of a session are made from, read from the lake and put on the session's price basis."""

from collections.abc import Collection, Sequence
from datetime import date

import polars as pl

from pipeline.assets.features import features_for, without_minutes
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SIGNALS
from pipeline.contracts.reference import SPLITS, TICKERS
from pipeline.lake.tables import Lake
from pipeline.market.adjust import PRICES, VOLUME
from pipeline.market.book import in_force
from pipeline.market.calendar import new_york
from pipeline.market.indicators import INDICATORS, INDICATORS_TABLE
from pipeline.market.reference import applicable_splits, as_known
from pipeline.market.screen.models import MODELS
from pipeline.market.screen.rank import unapplied_filters
from pipeline.market.splits import split_factors
from pipeline.reports.candidates_page import INDICATORS_SHOWN, SPARKLINE_SESSIONS, CandidateTables
from pipeline.reports.notices import PROVISIONAL, SPLITS_UNKNOWN
from pipeline.reports.ticker_page import CHARTED, HISTORY, TickerTables

CHART_SESSIONS = 504
"""Sessions of a ticker's chart: two years."""

_INDICATORS = [name for name in HISTORY if name in INDICATORS_TABLE.columns and name != "session"]
DRAWN = [name for name in _INDICATORS if name in (*CHARTED, "td_setup")]
FIGURES = [name for name in _INDICATORS if name not in DRAWN]
"""Indicators that the chart draws over its sessions, and those of which a page shows the last."""

IN_PRICES = (*PRICES, *(c.name for one in INDICATORS for c in one.columns if c.unit == "price"))
IN_SHARES = (VOLUME, *(c.name for one in INDICATORS for c in one.columns if c.unit == "shares"))


class ReportTables:
    """The lake's rows for the pages of one session."""

    def __init__(self, lake: Lake, session: date) -> None:
        self._lake = lake
        self._session = session
        self._told = lake.read(SPLITS)
        self._splits = applicable_splits(self._told.rows.collect())
        self._signals = lake.read(SIGNALS, session, session).rows.collect()

    @property
    def notices(self) -> tuple[str, ...]:
        """Return what a reader must know before the numbers."""
        delivered = self._lake.scan(DELIVERIES, self._session, self._session).filter("is_current").collect()
        are_known = self._told.version is not None and not self._told.rows.limit(1).collect().is_empty()
        known = ["type", "split_in_doubt"] if self._securities().height else []
        return (
            *([PROVISIONAL] if delivered["provisional"].any() else []),
            *([] if are_known else [SPLITS_UNKNOWN]),
            *(unapplied_filters(known, MODELS) if are_known else []),
            *without_minutes(features_for(self._lake, [self._session], MODELS), [self._session], MODELS),
        )

    def held(self) -> list[str]:
        """Return the tickers of the positions held at the close of the session."""
        marks = self._lake.read(POSITION_MARKS, self._session, self._session).rows.filter(~pl.col("is_closed"))
        return marks.select("ticker").unique().sort("ticker").collect()["ticker"].to_list()

    def candidates(self) -> CandidateTables:
        """Return the frames of the candidates page."""
        session, before = self._session, new_york().offset(self._session, -1)
        listed = self._lake.scan(CANDIDATES, session, session).collect()
        shown = self._lake.scan(INDICATORS_TABLE, session, session, columns=["ticker", "session", *INDICATORS_SHOWN])
        was_ranked = self._lake.scan(INDICATORS_TABLE, before, before, columns=["session"]).limit(1).collect().height
        previous = self._lake.scan(CANDIDATES, before, before, columns=["model", "ticker", "rank"]).collect()
        since = new_york().offset(session, 1 - SPARKLINE_SESSIONS)
        return CandidateTables(
            listed=listed.join(shown.collect(), on=["ticker", "session"], how="left"),
            closes=self._on_basis(self._bars(since, listed["ticker"])).select("ticker", "session", "close"),
            basis=self.basis,
            before=previous if was_ranked else None,
            signals=self._signals if self._lake.exists(POSITIONS) else None,
            securities=self._securities().select("ticker", "name"),
        )

    def tickers(self, tickers: Collection[str]) -> TickerTables:
        """Return the frames of the pages of `tickers`."""
        listed = self._lake.scan(CANDIDATES, end=self._session).filter(pl.col("ticker").is_in(list(tickers)))
        return TickerTables(
            history=self._on_basis(self._history(tickers)),
            basis=self.basis,
            listed=listed.collect(),
            splits=self._splits.filter(pl.col("ticker").is_in(list(tickers))),
            trades=self._trades(tickers),
            signals=self._signals,
            securities=self._securities(),
        )

    @property
    def basis(self) -> str:
        """Return what the prices on the pages are, in words."""
        return f"USD, adjusted for splits to {self._session}" if len(self._splits) else "USD, as traded"

    def _bars(self, since: date, tickers: Collection[str]) -> pl.DataFrame:
        held = self._lake.scan(DAILY_BARS, since, self._session)
        return held.filter(pl.col("ticker").is_in(list(tickers))).collect()

    def _on_basis(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows of bars and indicators, each on its own session's basis, on that of the page's session."""
        factor = self._factor(rows)
        return rows.with_columns(
            *(pl.col(name) * factor for name in IN_PRICES if name in rows.columns),
            *(pl.col(name) / factor for name in IN_SHARES if name in rows.columns),
        )

    def _history(self, tickers: Collection[str]) -> pl.DataFrame:
        """Return bars and indicators of the chart's sessions; what only the figures show, of a ticker's last bar."""
        since = new_york().offset(self._session, 1 - CHART_SESSIONS)
        bars = self._bars(since, tickers)
        last = bars.group_by("ticker").agg(pl.col("session").max())
        oldest: date = last.select(pl.col("session").min().fill_null(self._session)).item()
        drawn = self._indicators(since, DRAWN, tickers)
        figures = self._indicators(oldest, FIGURES, tickers).join(last, on=["ticker", "session"])
        return bars.join(drawn, on=["ticker", "session"], how="left").join(
            figures, on=["ticker", "session"], how="left"
        )

    def _indicators(self, since: date, columns: Sequence[str], tickers: Collection[str]) -> pl.DataFrame:
        values = self._lake.scan(INDICATORS_TABLE, since, self._session, columns=["ticker", "session", *columns])
        return values.filter(pl.col("ticker").is_in(list(tickers))).collect()

    def _trades(self, tickers: Collection[str]) -> pl.DataFrame:
        """Return the purchases and sales of `tickers` up to the session, in shares and prices of its basis."""
        positions = in_force(self._lake.read(POSITIONS).rows.filter(pl.col("ticker").is_in(list(tickers))).collect())
        bought = positions.select("ticker", "opened", "quantity", "price", session="opened", side=pl.lit("entry"))
        sold = positions.filter(pl.col("closed").is_not_null()).select(
            "ticker", "opened", "quantity", price="closing_price", session="closed", side=pl.lit("exit")
        )
        trades = pl.concat([bought, sold]).filter(pl.col("session") <= self._session)
        # A position's shares are counted as on the day it was opened, its prices as traded.
        return trades.with_columns(
            pl.col("quantity") / self._factor(trades, since="opened"), pl.col("price") * self._factor(trades)
        ).sort("session")

    def _factor(self, rows: pl.DataFrame, since: str = "session") -> pl.Series:
        """Return what a price of the day `since` is multiplied by to stand on the page's basis."""
        spans = rows.select("ticker", since=since, until=pl.lit(self._session))
        return split_factors(self._splits, spans)["split_factor"]

    def _securities(self) -> pl.DataFrame:
        """Return the name, type and exchange of every ticker listed now, else of its last listing."""
        told = as_known(self._lake.read(TICKERS).rows.collect())
        newest_last = told.sort("active", "delisted_on", nulls_last=True)
        return newest_last.unique("ticker", keep="last").select("ticker", "name", "type", "primary_exchange")
