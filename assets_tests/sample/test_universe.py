import re
from datetime import date
from pathlib import Path

from assets_tests.sample.conftest import ODD, SESSIONS, TEST_SYMBOLS, closes, results, rows_of
from pipeline.sample.universe import draw_universe


def test_a_delisted_ticker_has_no_row_from_its_delisting_on(market: Path):
    delisted = [ticker for ticker in results(market, "tickers") if not ticker["active"]]
    assert delisted
    for ticker in delisted:
        gone = date.fromisoformat(ticker["delisted_utc"][:10])
        traded = closes(market, ticker["ticker"])
        assert traded
        assert max(traded) < gone


def test_some_tickers_are_listed_on_the_way(market: Path):
    first = {row["ticker"] for session in SESSIONS[:20] for row in rows_of(market, session)}
    last = {row["ticker"] for row in rows_of(market, SESSIONS[-1])}
    listed = last - first
    assert listed
    assert listed <= {ticker["ticker"] for ticker in results(market, "tickers")}


def test_odd_tickers_and_test_symbols_trade_every_session_exactly_as_written(market: Path):
    for session in SESSIONS:
        assert {*ODD, *TEST_SYMBOLS} <= {row["ticker"] for row in rows_of(market, session)}


def test_test_symbols_are_no_securities_and_odd_tickers_are(market: Path):
    tickers = [ticker["ticker"] for ticker in results(market, "tickers")]
    assert set(ODD) <= set(tickers)
    assert not set(TEST_SYMBOLS) & set(tickers)
    assert len(tickers) == len(set(tickers))


def test_a_market_of_full_size_has_that_many_distinct_tickers_and_a_twelfth_are_sparse():
    universe = draw_universe(10_500, sessions=300, seed=7)
    assert len(set(universe.ticker)) == len(universe.ticker)
    for number in (0, 150, 299):
        assert 10_300 < universe.alive(number).sum() < 10_700
    assert 0.07 < (universe.trade_chance < 1).mean() < 0.09
    words = [ticker for ticker in universe.ticker if ticker not in {*ODD, *TEST_SYMBOLS}]
    assert all(re.fullmatch(r"[A-Z]{1,4}(p[A-Z]|\.WS|\.U|r)?", word) for word in words)
