"""What an alert says about a session, read from the lake."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.alerts.message import Day, FailedCheck
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SEVERITIES, SIGNALS
from pipeline.contracts.reference import SETTLED, SPLITS
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.portfolio.doubts import doubts_of_holdings
from pipeline.market.securities.reference import as_known
from pipeline.queries.doubts import doubts_in_words
from pipeline.queries.known_listings import known_listings

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
    splits, without_bar = lake.read(SPLITS), _without_bar(lake, session)
    return Day(
        session=session,
        listed=listed,
        before=_of_session(lake, previous) if previous in sessions_with_bars else None,
        signals=signals,
        rows_read=int(delivery["rows_read"].sum()),
        quarantined=int(delivery["quarantined"].sum()),
        held_without_bar=without_bar.filter(pl.col("delisted_on").is_null())["ticker"].to_list(),
        held_delisted=without_bar.drop_nulls("delisted_on").rows(),
        missing=[
            day for day in market.calendar.between(min(sessions_with_bars), session) if day not in sessions_with_bars
        ]
        if sessions_with_bars
        else [],
        doubtful_splits=_doubtful(market, splits.rows.collect(), session, mentioned_tickers),
        held_in_doubt=_held_in_doubt(lake, session),
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


def _without_bar(lake: Lake, session: date) -> pl.DataFrame:
    """Return ticker and delisted_on of what is held and has no bar on the session."""
    marks = lake.read(POSITION_MARKS, session, session).rows.filter("no_bar")
    return marks.select("ticker", "delisted_on").unique().sort("ticker", "delisted_on").collect()


def _held_in_doubt(lake: Lake, session: date) -> list[tuple[str, str]]:
    """Return ticker and words of the doubts within the time of what is held at the close of `session`."""
    marks = lake.read(POSITION_MARKS, session, session).rows.filter(~pl.col("is_closed"))
    opened = lake.read(POSITIONS).rows.select("position", "opened").unique()
    held = marks.select("position", "ticker", "bought_as", "session").join(opened, on="position").collect()
    found = doubts_of_holdings(held, doubts_in_words(lake), known_listings(lake))
    doubts = found.select("ticker", "day", "doubt").unique()
    return list(doubts.sort("ticker", "day").select("ticker", "doubt").iter_rows())


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
