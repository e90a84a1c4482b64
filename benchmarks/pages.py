"""Ticker pages of 500 bars, against Bokeh's own `file_html` for the same panes, built anew for every page.

`python -m benchmarks.pages --pages 50 --json pages.json`. Machines are noisy: what counts are the ratios between runs
of one round, not the seconds.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from bokeh.embed import file_html
from bokeh.layouts import column
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from bokeh.resources import Resources

from pipeline.contracts.candidates import CANDIDATES
from pipeline.market.indicators import indicators
from pipeline.reports.html import ticker_html
from pipeline.reports.ticker_page import TickerPage, TickerTables, ticker_pages


def tables(pages: int, bars: int, seed: int = 7) -> tuple[TickerTables, list[str], date]:
    """Return the frames of so many tickers with random bars, the tickers, and the last session."""
    rng = np.random.default_rng(seed)
    sessions = [date(2020, 1, 1) + timedelta(days=k) for k in range(bars)]
    tickers = [f"T{k:04d}" for k in range(pages)]
    traded = pl.concat(_bars(ticker, rng, sessions) for ticker in tickers)
    history = traded.join(indicators(traded, sessions, sessions[0]), on=["ticker", "session"])
    return TickerTables(history=history, basis="USD", listed=CANDIDATES.empty()), tickers, sessions[-1]


def _bars(ticker: str, rng: np.random.Generator, sessions: list[date]) -> pl.DataFrame:
    close = rng.uniform(2, 400) * np.exp(np.cumsum(rng.normal(0, 0.02, len(sessions))))
    opens = close * (1 + rng.normal(0, 0.01, len(sessions)))
    return pl.DataFrame(
        {
            "ticker": pl.repeat(ticker, len(sessions), eager=True),
            "session": sessions,
            "open": opens,
            "high": np.maximum(opens, close) * 1.01,
            "low": np.minimum(opens, close) / 1.01,
            "close": close,
            "volume": np.floor(rng.lognormal(11, 2, len(sessions))),
        }
    )


def bokeh_page(page: TickerPage) -> str:
    """Return the four panes as Bokeh puts them into a page: a document of its own for each."""
    bars = page.bars.with_columns(x=pl.int_range(pl.len()))
    source = ColumnDataSource({name: bars[name].to_numpy() for name in bars.columns if name != "session"})
    price = figure(height=400)
    price.segment("x", "high", "x", "low", source=source)
    price.vbar("x", 0.7, "open", "close", source=source)
    price.line("x", "sma_50", source=source)
    price.line("x", "sma_200", source=source)
    histogram, macd, rsi = (figure(height=120, x_range=price.x_range) for _ in range(3))
    histogram.vbar("x", 0.7, "macd_histogram", source=source)
    macd.line("x", "macd", source=source)
    macd.line("x", "macd_signal", source=source)
    rsi.line("x", "rsi_14", source=source)
    return file_html(column(price, histogram, macd, rsi), Resources(mode="cdn"), page.ticker)


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def write_all(pages: list[str], folder: Path) -> None:
    """Write texts to files, one by one."""
    for number, text in enumerate(pages):
        (folder / f"{number}.html").write_text(text)


def compare(data: TickerTables, tickers: list[str], session: date, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way, one after another in every round; files written in both."""
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)

        def ours() -> None:
            write_all([ticker_html(page) for page in ticker_pages(session, tickers, data)], folder)

        def bokeh() -> None:
            write_all([bokeh_page(page) for page in ticker_pages(session, tickers, data)], folder)

        ways = {"file_html per page": bokeh, "pages": ours}
        first = {name: seconds(work) for name, work in ways.items()}
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, work in ways.items():
                taken[name].append(seconds(work))
    print("first time: " + ", ".join(f"{name} {spent:.2f} s" for name, spent in first.items()))
    return taken


def main() -> None:
    """Measure, print a table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.pages")
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--bars", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the measurements to this file")
    options = parser.parse_args()

    data, tickers, session = tables(options.pages, options.bars)
    page = next(ticker_pages(session, tickers[:1], data))
    sizes = {"file_html per page": len(bokeh_page(page).encode()), "pages": len(ticker_html(page).encode())}
    taken = compare(data, tickers, session, options.rounds)
    print(f"{options.pages} pages of {options.bars} bars, {options.rounds} rounds")
    print(f"{'':20}{'seconds':>9}{'× Bokeh':>9}{'least':>8}{'most':>8}{'KB a page':>11}")
    ratios = {}
    for name, own in taken.items():
        ratio = [mine / theirs for mine, theirs in zip(own, taken["file_html per page"], strict=True)]
        ratios[name] = {"median": statistics.median(ratio), "least": min(ratio), "most": max(ratio)}
        middle, least, most = ratios[name].values()
        print(f"{name:20}{statistics.median(own):9.2f}{middle:9.2f}{least:8.2f}{most:8.2f}{sizes[name] / 1000:11.1f}")
    result = {"pages": options.pages, "bars": options.bars, "seconds": taken, "ratios": ratios, "bytes": sizes}
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
