"""Ticker pages of 500 bars, against Bokeh's own `file_html` for the same panes, built again for every page."""

import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from bokeh.embed import file_html
from bokeh.layouts import column
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from bokeh.resources import Resources

from benchmarks.measuring import Comparison, Figures, in_its_own_process, taking_turns, timed
from benchmarks.options import Options
from benchmarks.stocks import indicators
from pipeline.contracts.candidates import CANDIDATES
from pipeline.reports.html import ticker_html
from pipeline.reports.ticker_page import TickerPage, TickerTables, ticker_pages

PAGES, BARS = 50, 500

BOKEH, OURS = "file_html for each page", "pages"


def tables(pages: int, bars: int, seed: int = 7) -> tuple[TickerTables, list[str], date]:
    """Return the frames of that many tickers with random bars, the tickers, and the last session."""
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


def write_all(pages: list[str], folder: Path) -> None:
    """Write texts to files, one by one."""
    for number, text in enumerate(pages):
        (folder / f"{number}.html").write_text(text)


def compare(options: Options) -> list[Comparison]:
    """Measure Bokeh's way and ours in turn, in one process, after a first time that does not count."""
    figures = in_its_own_process(in_turn, pages=min(PAGES, options.tickers // 10), rounds=options.rounds)
    facts = {"pages": figures["pages"], "bars": BARS, "bytes a page": figures["bytes"]}
    return [Comparison("Ticker pages", BOKEH, figures["rounds"], [], facts)]


def in_turn(pages: int, rounds: int) -> Figures:
    """Return the figures of each way, one after another in every round; files written in both."""
    data, tickers, session = tables(pages, BARS)
    page = next(ticker_pages(session, tickers[:1], data))
    sizes = {BOKEH: len(bokeh_page(page).encode()), OURS: len(ticker_html(page).encode())}
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)

        def ours() -> None:
            write_all([ticker_html(page) for page in ticker_pages(session, tickers, data)], folder)

        def bokeh() -> None:
            write_all([bokeh_page(page) for page in ticker_pages(session, tickers, data)], folder)

        ways = {BOKEH: lambda: timed(bokeh), OURS: lambda: timed(ours)}
        taking_turns(ways, 1)
        return {"pages": pages, "bytes": sizes, "rounds": taking_turns(ways, rounds)}
