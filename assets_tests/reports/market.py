"""A small market for pages: invented bars, real indicators and candidates, as the frames that pages are made from."""

from datetime import date
from functools import cache, partial

import numpy as np
import polars as pl

from assets_tests.own_models import OWN
from assets_tests.stocks import indicators
from pipeline.market.screen.rank import candidates
from pipeline.reports.candidates_page import CandidateTables, candidates_page
from pipeline.reports.ticker_page import TickerTables
from pipeline.venues.us_stocks import US_STOCKS

SESSION = date(2024, 6, 28)
BEFORE = US_STOCKS.calendar.offset(SESSION, -1)
SESSIONS = US_STOCKS.calendar.between(date(2023, 3, 1), SESSION)
TICKERS = ("AAP", "AAp", "BRK.A", "CON", "FLAT", "PENNY")
BASIS = f"USD, adjusted for splits to {SESSION}"

HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 2'>"
"""A name that would run, were it not text."""


@cache
def bars() -> pl.DataFrame:
    """Return a bar of each ticker in each session: wild ones, one that never moves, and one of less than a dollar."""
    rng = np.random.default_rng(20240628)
    return pl.concat(_bars(ticker, rng) for ticker in TICKERS).sort("ticker", "session")


def _bars(ticker: str, rng: np.random.Generator) -> pl.DataFrame:
    count = len(SESSIONS)
    start = {"PENNY": 0.3, "BRK.A": 540_000.0}.get(ticker, 40.0)
    wildness = 0.0 if ticker == "FLAT" else 0.02
    close = start * np.exp(np.cumsum(rng.normal(0.0008, wildness, count)) if wildness else np.zeros(count))
    opens = close * (1 + rng.normal(0, wildness / 2, count))
    reach = 1 + np.abs(rng.normal(0, wildness / 2, count))
    prices = {
        "open": opens,
        "high": np.maximum(opens, close) * reach,
        "low": np.minimum(opens, close) / reach,
        "close": close,
    }
    return pl.DataFrame(
        {
            "ticker": [ticker] * count,
            "session": SESSIONS,
            **prices,
            "volume": np.floor(rng.lognormal(14, 0.4, count)),
            "transactions": np.full(count, 5000),
        }
    )


@cache
def history() -> pl.DataFrame:
    """Return the bars with their indicators."""
    return bars().join(indicators(bars(), SESSIONS, SESSIONS[0]), on=["ticker", "session"])


@cache
def listed() -> pl.DataFrame:
    """Return the candidates of all sessions, by models of our own."""
    return candidates(history(), OWN)


def candidate_tables(**changed: object) -> CandidateTables:
    """Return the frames of SESSION's page, those given by name changed."""
    frames = {
        "listed": listed().filter(session=SESSION).join(history().drop("close"), on=["ticker", "session"]),
        "closes": bars().select("ticker", "session", "close"),
        "basis": BASIS,
        "before": listed().filter(session=BEFORE).select("model", "ticker", "rank"),
    }
    return CandidateTables(**{**frames, **changed})


session_page = partial(candidates_page, models=OWN)
"""From a session and its frames to the page of what models of our own list."""


def ticker_tables(**changed: object) -> TickerTables:
    """Return the frames of the tickers' pages, those given by name changed."""
    return TickerTables(**{"history": history(), "basis": BASIS, "listed": listed(), **changed})


def signals(*tickers: str, text: str = "Close 2.9 % under the stop") -> pl.DataFrame:
    """Return a sell signal of each ticker."""
    rows = [{"ticker": one, "rule": "trailing_stop", "severity": "sell", "reasons": [text]} for one in tickers]
    schema = {"ticker": pl.String, "rule": pl.String, "severity": pl.String, "reasons": pl.List(pl.String)}
    return pl.DataFrame(rows, schema=schema)
