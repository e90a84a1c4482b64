import math
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np

from assets_tests.sample.conftest import FAULTY, SEED, SESSIONS, TICKERS, closes, results, rows_of
from pipeline.sample.actions import draw_splits
from pipeline.sample.full_market import last_sessions
from pipeline.sample.prices import Market
from pipeline.sample.universe import draw_universe


def test_prices_of_a_clean_row_are_in_order_on_the_tick_and_traded(market: Path):
    for session in set(SESSIONS) - FAULTY:
        for row in rows_of(market, session):
            opening, high, low, close = (float(row[column]) for column in ("open", "high", "low", "close"))
            assert 0 < low <= min(opening, close) <= max(opening, close) <= high
            for price in (opening, high, low, close):
                assert price == round(price, 2 if price >= 1 else 4)
            assert 1 <= int(row["transactions"]) <= float(row["volume"])
            if row["transactions"] == "1":
                assert opening == high == low == close


def test_a_split_in_the_reference_data_moves_the_traded_price(market: Path):
    splits = results(market, "splits")
    assert splits
    for split in splits:
        bars = closes(market, split["ticker"])
        day = date.fromisoformat(split["execution_date"])
        before = bars[max(session for session in bars if session < day)]
        after = bars[min(session for session in bars if session >= day)]
        expected = split["split_from"] / split["split_to"]
        # Each ratio is at least twofold, a day's own move is far less.
        assert abs(math.log(after / before / expected)) < 0.3
        assert split["adjustment_type"] == ("forward_split" if expected < 1 else "reverse_split")


def test_dear_stocks_split_two_or_three_for_one_and_cheap_ones_consolidate():
    price = np.repeat([200.0, 30.0, 0.5], 20_000)
    splits = draw_splits(np.random.default_rng(1), 0, price, np.ones(len(price), dtype=bool))
    ratios = zip(splits.split_from.tolist(), splits.split_to.tolist(), strict=True)
    by_price = Counter(zip(price[splits.position].tolist(), ratios, strict=True))
    assert set(by_price) == {(200.0, (1, 2)), (200.0, (1, 3)), (0.5, (10, 1)), (0.5, (20, 1))}


def test_what_may_not_split_does_not_even_when_a_split_is_due():
    splits = draw_splits(np.random.default_rng(1), 7, np.full(100, 0.5), np.arange(100) == 42)
    assert splits.position.tolist() == [42]
    assert not draw_splits(np.random.default_rng(1), 7, np.full(100, 0.5), np.zeros(100, dtype=bool)).position.size


def test_dividends_are_paid_by_listed_tickers_in_whole_cents(market: Path):
    dividends = results(market, "dividends")
    tickers = {ticker["ticker"] for ticker in results(market, "tickers")}
    assert dividends
    for dividend in dividends:
        assert dividend["ticker"] in tickers
        assert date.fromisoformat(dividend["ex_dividend_date"]) in SESSIONS
        assert dividend["cash_amount"] == round(dividend["cash_amount"], 2) > 0
        assert dividend["declaration_date"] < dividend["ex_dividend_date"] < dividend["pay_date"]


def test_sparse_tickers_miss_sessions(market: Path):
    rows = Counter(row["ticker"] for session in SESSIONS if session not in FAULTY for row in rows_of(market, session))
    universe = draw_universe(TICKERS, len(SESSIONS), SEED)
    chance = dict(zip(universe.ticker[:TICKERS], universe.trade_chance[:TICKERS], strict=True))
    stayed = {ticker for ticker, gone in zip(universe.ticker, universe.delisted, strict=True) if gone >= len(SESSIONS)}
    sparse = {ticker for ticker in chance if chance[ticker] < 1} & stayed
    assert sparse
    assert all(rows[ticker] < len(SESSIONS) - len(FAULTY) for ticker in sparse)
    assert all(rows[ticker] == len(SESSIONS) - len(FAULTY) for ticker in (set(chance) - sparse) & stayed)


def test_returns_have_heavy_tails_and_volume_grows_with_the_size_of_the_move():
    universe = draw_universe(2_000, sessions=60, seed=5)
    trading = Market(universe, seed=5)
    days = [trading.trade(session) for session in last_sessions(60)]
    steady = np.flatnonzero((universe.trade_chance == 1) & (universe.listed == 0) & (universe.delisted > 60))
    split = np.unique(np.concatenate([day.splits.position for day in days]))
    steady = np.setdiff1d(steady, split)
    close, volume = (
        np.array([_by_position(day.position, values(day), len(universe.ticker))[steady] for day in days])
        for values in (lambda day: day.close, lambda day: day.volume)
    )
    moves = np.diff(np.log(close), axis=0)
    standard = (moves - moves.mean(axis=0)) / moves.std(axis=0)
    assert (standard**4).mean() > 3.5  # 3 for a normal distribution
    activity = np.log(volume[1:]) - np.log(volume[1:]).mean(axis=0)
    assert np.corrcoef(np.abs(standard).ravel(), activity.ravel())[0, 1] > 0.25
    assert np.log10(np.quantile(volume, 0.999) / np.quantile(volume, 0.001)) > 4
    # Tickers move together: the market's factor.
    assert moves.mean(axis=1).std() > 3 * moves.std() / np.sqrt(len(steady))


def _by_position(position: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    filled = np.full(count, np.nan)
    filled[position] = values
    return filled
