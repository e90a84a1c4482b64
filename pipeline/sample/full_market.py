"""The full-market sample: a seeded synthetic market of 10,500 tickers in the vendor's exact format."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from pipeline.errors import SampleError
from pipeline.sample.faults import PlantedFault, plant
from pipeline.sample.laying import Plan, Progress, Sample, SampleFile, lay_down
from pipeline.sample.prices import Market
from pipeline.sample.reference import Results, dividend_results, split_results, ticker_results
from pipeline.sample.universe import Universe, draw_universe, stream
from pipeline.sample.vendor_files import day_csv, gzipped, rest_answer
from pipeline.sources.port import Dataset, key_of
from pipeline.venues.us_stocks import US_STOCKS

MODEL = 2
"""Raise it with every change of the files, so that an older sample is not mistaken for this one."""
TICKERS = 10_500
SEED = 7
SESSIONS = 300
"""Enough for a return over 252 sessions, and one more month."""
LAST_SESSION = date(2026, 3, 31)
"""Fixed, so that everybody gets the same market; late enough for both of the vendor's number formats."""
FEWEST_TICKERS, MOST_TICKERS = 50, 100_000
LEDGER = "planted_faults.csv"
"""Every planted fault: session, kind, ticker, count. In the sample's folder, outside the vendor's layout."""
FAULTS = 31
"""Stream of random numbers."""


def last_sessions(count: int = SESSIONS, last: date = LAST_SESSION) -> tuple[date, ...]:
    """Return `count` sessions of New York that end with `last`. Raises ValueError when `last` is not a session."""
    return US_STOCKS.calendar.between(US_STOCKS.calendar.offset(last, 1 - count), last)


def lay_down_full_market(
    folder: Path,
    *,
    sessions: Sequence[date],
    tickers: int = TICKERS,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Sample:
    """Return a synthetic market written under `folder` in the vendor's layout, one file for each of `sessions`.

    About `tickers` are listed on any day; `rest/*.json` has their splits, dividends and names, LEDGER the planted
    faults. The same arguments give the same bytes, and a market with more sessions begins with the same files. Does
    nothing if it exists already. `last_sessions()` is a good choice of sessions.
    Raises SampleError when an argument is invalid, or the folder has other content or cannot be written.
    """
    _require_a_market(sessions, tickers, seed)
    days = "\n".join(session.isoformat() for session in sessions)
    identity = {
        "sample": "full market",
        "model": MODEL,
        "tickers": tickers,
        "seed": seed,
        "sessions": hashlib.sha256(days.encode()).hexdigest(),
    }
    plan = Plan(identity, tuple(sessions))
    return lay_down(folder, plan, _files(plan.sessions, tickers, seed), progress)


def _require_a_market(sessions: Sequence[date], tickers: int, seed: int) -> None:
    if not FEWEST_TICKERS <= tickers <= MOST_TICKERS or seed < 0:
        raise SampleError(
            f"No market can be built from {tickers} tickers with seed {seed}.",
            remedy=f"Use {FEWEST_TICKERS} to {MOST_TICKERS} tickers and a seed of 0 or more.",
        )
    calendar = US_STOCKS.calendar
    inside = sessions and calendar.first <= sessions[0] <= sessions[-1] < calendar.last
    if not inside or tuple(sessions) != calendar.between(sessions[0], sessions[-1]):
        raise SampleError(
            "The sample's sessions are not consecutive sessions of the New York Stock Exchange.",
            remedy="Use last_sessions(), or Calendar.between().",
        )


def _files(sessions: tuple[date, ...], tickers: int, seed: int) -> Iterator[SampleFile]:
    """Yield the flat files in the order of the sessions, then the REST answers and the ledger."""
    universe = draw_universe(tickers, len(sessions), seed)
    names = pl.Series(universe.ticker, dtype=pl.String)
    market = Market(universe, seed)
    splits: Results = []
    dividends: Results = []
    ledger: list[PlantedFault] = []
    for number, session in enumerate(sessions):
        day = market.trade(session)
        header, *lines = day_csv(day, names).splitlines()
        random = stream(seed, FAULTS, session.toordinal())
        lines, planted = plant(lines, number, session, US_STOCKS.calendar.offset(session, 1), random)
        text = "\n".join([header, *lines, ""])
        yield SampleFile(key_of(Dataset.DAY_AGGS, session), gzipped(text.encode()), session)
        splits += split_results(day, universe)
        dividends += dividend_results(day, universe)
        ledger += planted
    yield from _beside(sessions, universe, splits, dividends, ledger)


def _beside(
    sessions: tuple[date, ...], universe: Universe, splits: Results, dividends: Results, ledger: list[PlantedFault]
) -> Iterator[SampleFile]:
    last = sessions[-1]
    yield SampleFile("rest/splits.json", rest_answer(splits), last)
    yield SampleFile("rest/dividends.json", rest_answer(dividends), last)
    yield SampleFile("rest/tickers.json", rest_answer(ticker_results(universe, sessions)), last)
    yield SampleFile(LEDGER, ledger_csv(ledger).encode(), last)


def ledger_csv(ledger: list[PlantedFault]) -> str:
    """Return the planted faults as CSV: session, kind, ticker, count."""
    schema = {"session": pl.Date, "kind": pl.String, "ticker": pl.String}
    rows = pl.DataFrame([(fault.session, fault.kind, fault.ticker) for fault in ledger], schema=schema, orient="row")
    return rows.group_by("session", "kind", "ticker", maintain_order=True).len("count").write_csv()
