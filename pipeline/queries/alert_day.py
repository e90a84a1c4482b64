"""What an alert says about a session, read from the lake."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.alerts.message import Day, FailedCheck
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.portfolio import POSITION_MARKS, SEVERITIES, SIGNALS
from pipeline.contracts.reference import SETTLED, SPLITS
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.securities.reference import as_known

TRAILING = 20
"""An alert reports missing sessions among this many before its own."""


def newest_session(lake: Lake, since: date) -> date | None:
    """Return the newest session from `since` on that the lake has bars of. Raises TableMissing."""
    return lake.scan(DAILY_BARS, since, columns=["session"]).max().collect().item()


def read_day(lake: Lake, market: Market, session: date, failed_checks: Sequence[FailedCheck]) -> Day:
    """Return what the lake knows about `session`, which has candidates. Raises TableMissing."""
    previous = market.calendar.offset(session, -1)
    sessions_with_bars = _sessions_with_bars(lake, market, session)
    listed = _of_session(lake, session)
    signals = _signals(lake, session)
    delivery = lake.scan(DELIVERIES, session, session).filter("is_current").collect()
    mentioned_tickers = [*listed["ticker"], *signals["ticker"]]
    splits = lake.read(SPLITS)
    return Day(
        session=session,
        listed=listed,
        before=_of_session(lake, previous) if previous in sessions_with_bars else None,
        signals=signals,
        rows_read=int(delivery["rows_read"].sum()),
        quarantined=int(delivery["quarantined"].sum()),
        held_without_bar=_without_bar(lake, session),
        missing=[
            day for day in market.calendar.between(min(sessions_with_bars), session) if day not in sessions_with_bars
        ]
        if sessions_with_bars
        else [],
        doubtful_splits=_doubtful(market, splits.rows.collect(), session, mentioned_tickers),
        left_out=listed.explode("left_out_reasons")["left_out_reasons"].drop_nulls().unique().sort().to_list(),
        are_splits_known=splits.version is not None,
        is_provisional=bool(delivery["provisional"].any()),
        failed_checks=failed_checks,
    )


def _of_session(lake: Lake, session: date) -> pl.DataFrame:
    return lake.scan(CANDIDATES, session, session).collect()


def _signals(lake: Lake, session: date) -> pl.DataFrame:
    signals = lake.read(SIGNALS, session, session).rows.collect()
    urgency = pl.col("severity").replace_strict(SEVERITIES, range(len(SEVERITIES)), return_dtype=pl.Int32)
    return signals.sort(urgency, "ticker", "rule", "position")


def _without_bar(lake: Lake, session: date) -> list[str]:
    marks = lake.read(POSITION_MARKS, session, session).rows.filter("no_bar").select("ticker").unique().sort("ticker")
    return marks.collect()["ticker"].to_list()


def _sessions_with_bars(lake: Lake, market: Market, session: date) -> set[date]:
    """Return the sessions with bars in the lake, among this one and the TRAILING before it."""
    since = market.calendar.offset(session, -TRAILING)
    return set(lake.scan(DAILY_BARS, since, session, columns=["session"]).unique().collect()["session"])


def _doubtful(
    market: Market, splits: pl.DataFrame, session: date, tickers: Sequence[str]
) -> list[tuple[str, date, str]]:
    """Return the splits that are not applied and would change the prices of `tickers`."""
    since = market.calendar.offset(session, -market.lookback)
    doubtful = as_known(splits).filter(
        pl.col("ticker").is_in(tickers),
        pl.col("execution_date").is_between(since, session),
        ~pl.col("doubt").is_in(SETTLED),
    )
    shown = doubtful.select("ticker", "execution_date", "doubt").unique().sort("execution_date", "ticker", "doubt")
    return list(shown.iter_rows())
