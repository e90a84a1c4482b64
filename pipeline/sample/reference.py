"""The synthetic market's reference data in the shape of the vendor's REST results: tickers, splits, dividends. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from pipeline.sample.prices import Day
from pipeline.sample.universe import TEST_SYMBOLS, Universe

EXCHANGES = ("XNYS", "XNAS", "ARCX", "BATS", "XASE")

Results = list[dict[str, Any]]


def split_results(day: Day, universe: Universe) -> Results:
    """Return the splits executed on the day, oldest shares first: `split_from` become `split_to`."""
    splits = day.splits
    rows = zip(splits.position.tolist(), splits.split_from.tolist(), splits.split_to.tolist(), strict=True)
    return [
        {
            "ticker": universe.ticker[position],
            "execution_date": day.session.isoformat(),
            "adjustment_type": "forward_split" if split_to > split_from else "reverse_split",
            "split_from": split_from,
            "split_to": split_to,
            "id": f"S{universe.ticker[position]}{day.session:%Y%m%d}",
        }
        for position, split_from, split_to in rows
    ]


def dividend_results(day: Day, universe: Universe) -> Results:
    """Return the dividends that go ex on the day, in USD per share."""
    return [
        {
            "ticker": universe.ticker[position],
            "ex_dividend_date": day.session.isoformat(),
            "declaration_date": (day.session - timedelta(days=21)).isoformat(),
            "record_date": day.session.isoformat(),
            "pay_date": (day.session + timedelta(days=14)).isoformat(),
            "cash_amount": amount,
            "currency": "USD",
            "frequency": 4,
            "distribution_type": "recurring",
            "id": f"D{universe.ticker[position]}{day.session:%Y%m%d}",
        }
        for position, amount in zip(day.dividends.position.tolist(), day.dividends.amount.tolist(), strict=True)
    ]


def ticker_results(universe: Universe, sessions: Sequence[date]) -> Results:
    """Return every security listed by the last session, delisted ones marked; test symbols are not securities."""
    return [
        _ticker_result(universe, position, sessions)
        for position in universe.alphabetical.tolist()
        if universe.ticker[position] not in TEST_SYMBOLS
    ]


def _ticker_result(universe: Universe, position: int, sessions: Sequence[date]) -> dict[str, Any]:
    ticker, gone = universe.ticker[position], int(universe.delisted[position])
    active = gone >= len(sessions)
    return {
        "ticker": ticker,
        "name": f"{ticker} Sample",
        "market": "stocks",
        "locale": "us",
        "primary_exchange": EXCHANGES[position % len(EXCHANGES)],
        "type": universe.type[position],
        "active": active,
        "currency_name": "usd",
    } | ({} if active else {"delisted_utc": f"{sessions[gone].isoformat()}T00:00:00Z"})
