"""A browser, and a folder of pages for it to open."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from assets_tests.reports.browser import ABSENT, Browser, chromium
from assets_tests.reports.market import (
    BEFORE,
    HOSTILE,
    SESSION,
    SESSIONS,
    candidate_tables,
    history,
    listed,
    session_page,
    signals,
    ticker_tables,
)
from pipeline.reports.folder import ReportsFolder
from pipeline.reports.index_page import index_page
from pipeline.reports.ticker_page import ticker_pages


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if ABSENT:
        pytest.skip(ABSENT)
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pages of two sessions, the older one written first; CON has a hostile name."""
    folder = ReportsFolder(tmp_path_factory.mktemp("site") / "pages with a space")
    names = pl.DataFrame({"ticker": ["CON"], "name": [HOSTILE], "type": ["CS"], "primary_exchange": ["XNYS"]})
    before = pl.DataFrame({"model": ["strong", "strong"], "ticker": ["CON", "GONE"], "rank": [2, 1]})
    for session in (BEFORE, SESSION):
        today = listed().filter(session=session).join(history().drop("close"), on=["ticker", "session"])
        tables = candidate_tables(listed=today, before=before, securities=names, signals=signals("AAP", text=HOSTILE))
        page = session_page(session, tables, notices=[HOSTILE])
        trades = pl.DataFrame(
            {
                "ticker": ["CON", "CON"],
                "session": [SESSIONS[-100], SESSIONS[-10]],
                "side": ["entry", "exit"],
                "quantity": [1.0, 1.0],
                "price": history().filter(ticker="CON")["close"].gather([-100, -10]),
            }
        )
        splits = pl.DataFrame(
            {"ticker": ["CON"], "execution_date": [SESSIONS[-50]], "split_from": [1.0], "split_to": [2.0]}
        )
        of_tickers = ticker_tables(securities=names, trades=trades, splits=splits, signals=tables.signals)
        folder.write(page, ticker_pages(session, page.tickers, of_tickers, notices=page.notices))
    folder.write_index(index_page(listed(), folder.sessions(), ["strong", "dips"]))
    return folder.path
