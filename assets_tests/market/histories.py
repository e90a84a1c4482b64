"""Splits and dividends as the vendor has them, for tests of their history."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from pipeline.contracts.reference import DIVIDENDS, SPLITS, vendor_columns

FIRST = datetime(2024, 1, 5, 4, 5, tzinfo=UTC)
DAY = date(2024, 1, 8)


def evening(number: int) -> datetime:
    """Return the moment of the refresh that many days after the first."""
    return FIRST + timedelta(days=number)


def split(ticker: str = "X", new: float | None = 2.0, old: float | None = 1.0, **others) -> dict:
    fields = {"ticker": ticker, "execution_date": DAY, "split_from": old, "split_to": new, "id": f"{ticker}1"}
    return fields | {"adjustment_type": None} | others


def splits(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=vendor_columns(SPLITS))


def dividend(ticker: str = "X", amount: float | None = 0.5, **others) -> dict:
    fields = {"ticker": ticker, "ex_dividend_date": DAY, "cash_amount": amount, "currency": "USD", "id": f"{ticker}1"}
    return dict.fromkeys(vendor_columns(DIVIDENDS)) | fields | {"distribution_type": "recurring"} | others


def dividends(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=vendor_columns(DIVIDENDS))
