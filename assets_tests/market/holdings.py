"""Positions, bars and splits written down in a line each, on the sessions of January and February 2024."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.portfolio import POSITIONS
from pipeline.market.portfolio.book import Opening, with_openings
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2024, 1, 2), date(2024, 2, 29))
RECORDED_AT = datetime(2024, 1, 5, 21, tzinfo=UTC)

SPLIT = {"ticker": pl.String, "execution_date": pl.Date, "split_from": pl.Float64, "split_to": pl.Float64}
DIVIDEND = {"ticker": pl.String, "ex_dividend_date": pl.Date, "cash_amount": pl.Float64}


def day(number: int) -> date:
    return SESSIONS[number]


def splits(*rows: tuple[str, int, float, float]) -> pl.DataFrame:
    """Return splits given as ticker, number of the session, old shares, new shares."""
    return pl.DataFrame([(t, day(at), old, new) for t, at, old, new in rows], schema=SPLIT, orient="row")


def dividends(*rows: tuple[str, int, float]) -> pl.DataFrame:
    """Return dividends given as ticker, number of the ex-date's session, amount."""
    return pl.DataFrame([(t, day(at), amount) for t, at, amount in rows], schema=DIVIDEND, orient="row")


NO_SPLITS = splits()


def bars(ticker: str, closes: Mapping[int, float], **of_day: Mapping[int, float]) -> pl.DataFrame:
    """Return bars by number of the session; open, high and low are the close unless given in `of_day`."""
    rows = [
        {
            "ticker": ticker,
            "session": day(number),
            **{name: of_day.get(name, {}).get(number, close) for name in ("open", "high", "low")},
            "close": close,
            "volume": 1000.0,
            "transactions": 10,
        }
        for number, close in closes.items()
    ]
    return pl.DataFrame(rows, schema=DAILY_BARS.columns)


def opening(ticker: str = "A", quantity: float = 10, price: float = 100, at: int = 0, **changed: Any) -> Opening:
    return Opening(ticker, quantity, price, day(at), **changed)


def history(*openings: Opening) -> pl.DataFrame:
    """Return the book in which these purchases were recorded, and nothing else."""
    return with_openings(POSITIONS.empty(), openings, RECORDED_AT)
