"""Splits, dividends and prices written down in a line each, and adjustment done the slow way, row by row."""

from datetime import date
from fractions import Fraction
from math import prod

import polars as pl

from assets_tests.market.indicators.tape import SESSIONS

SPLIT = {"ticker": pl.String, "execution_date": pl.Date, "split_from": pl.Float64, "split_to": pl.Float64}
DIVIDEND = {"ticker": pl.String, "ex_dividend_date": pl.Date, "cash_amount": pl.Float64}

PRICES = ("open", "high", "low", "close")


def day(number: int) -> date:
    """Return session `number` of the made-up exchange that trades every day."""
    return SESSIONS[number]


def splits(*rows: tuple[str, int, float, float]) -> pl.DataFrame:
    """Return splits given as ticker, number of the session, old shares, new shares."""
    return pl.DataFrame([(t, day(at), old, new) for t, at, old, new in rows], schema=SPLIT, orient="row")


def dividends(*rows: tuple[str, int, float]) -> pl.DataFrame:
    """Return dividends given as ticker, number of the ex-date's session, amount."""
    return pl.DataFrame([(t, day(at), amount) for t, at, amount in rows], schema=DIVIDEND, orient="row")


NO_SPLITS, NO_DIVIDENDS = splits(), dividends()


def adjusted_by_hand(
    bars: pl.DataFrame, split_rows: pl.DataFrame, dividend_rows: pl.DataFrame, as_of: date, basis: str
) -> pl.DataFrame:
    """Return what `adjusted` must: each row by itself, with ratios as exact fractions."""
    rows = [dict(row) for row in bars.iter_rows(named=True) if row["session"] <= as_of]
    for row in rows:
        ratio = _ratio(split_rows, row["ticker"], row["session"], as_of) if basis != "none" else Fraction(1)
        paid = 1.0
        if basis == "total_return":
            paid = prod(
                _dividend_factor(bars, split_rows, dividend)
                for dividend in dividend_rows.iter_rows(named=True)
                if dividend["ticker"] == row["ticker"] and row["session"] < dividend["ex_dividend_date"] <= as_of
            )
        for name in PRICES:
            row[name] = float(Fraction(row[name]) * ratio) * paid
        row["volume"] = float(Fraction(row["volume"]) / ratio)
    return pl.DataFrame(rows, schema=bars.schema)


def _ratio(split_rows: pl.DataFrame, ticker: str, after: date, upto: date) -> Fraction:
    ratio = Fraction(1)
    for split in split_rows.iter_rows(named=True):
        if split["ticker"] == ticker and after < split["execution_date"] <= upto:
            ratio *= Fraction(split["split_from"]) / Fraction(split["split_to"])
    return ratio


def _dividend_factor(bars: pl.DataFrame, split_rows: pl.DataFrame, dividend: dict) -> float:
    ticker, ex_date = dividend["ticker"], dividend["ex_dividend_date"]
    before = [row for row in bars.iter_rows(named=True) if row["ticker"] == ticker and row["session"] < ex_date]
    if not before:
        return 1.0
    last = max(before, key=lambda row: row["session"])
    close = float(Fraction(last["close"]) * _ratio(split_rows, ticker, last["session"], ex_date))
    return 1.0 if dividend["cash_amount"] >= close else 1 - dividend["cash_amount"] / close
