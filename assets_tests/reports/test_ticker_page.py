from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from assets_tests.reports.market import (
    BASIS,
    BEFORE,
    SESSION,
    SESSIONS,
    TICKERS,
    bars,
    history,
    listed,
    signals,
    ticker_tables,
)
from pipeline.errors import ContractBroken
from pipeline.reports.chart_data import chart_data
from pipeline.reports.ticker_page import CHARTED, TickerPage, ticker_page, ticker_pages

SPLITS = pl.DataFrame(
    {
        "ticker": ["CON", "CON", "CON", "AAP"],
        "execution_date": [date(2024, 6, 10), date(2023, 9, 2), date(2024, 7, 1), date(2024, 1, 2)],
        "split_from": [1.0, 20.0, 1.0, 1.0],
        "split_to": [2.0, 1.0, 3.0, 5.0],
    }
)

TRADES = pl.DataFrame(
    {
        "ticker": ["CON", "CON", "AAP"],
        "session": [SESSIONS[-20], SESSIONS[-200], SESSIONS[-5]],
        "side": ["exit", "entry", "entry"],
        "quantity": [40.0, 100.0, 1.0],
        "price": [50.0, 41.5, 9.0],
    }
)


def page(ticker: str = "CON", session: date = SESSION, **changed: object) -> TickerPage:
    return ticker_page(session, ticker, ticker_tables(**changed))


def figures(made: TickerPage) -> dict[str, tuple[str, str]]:
    return {one.label: (one.text, one.detail) for one in made.figures}


def test_the_bars_are_those_of_the_ticker_up_to_the_session_in_order():
    made = page(history=history().sample(fraction=1, shuffle=True, seed=1), session=BEFORE)
    own = history().filter(pl.col("ticker") == "CON", pl.col("session") <= BEFORE).sort("session")
    assert made.bars.equals(own.select("session", *CHARTED, "td_setup"))


def test_tickers_that_differ_in_case_only_keep_apart():
    assert page("AAp").bars["close"].to_list() == bars().filter(ticker="AAp")["close"].to_list()
    assert page("AAP").bars["close"].to_list() == bars().filter(ticker="AAP")["close"].to_list()


def test_key_figures_are_those_of_the_last_bar():
    bar = history().filter(ticker="CON", session=SESSION).row(0, named=True)
    texts = figures(page())
    assert texts["Open"] == (f"{bar['open']:.2f}", "")
    assert texts["RSI 14"] == (f"{bar['rsi_14']:.1f}", "")
    assert texts["SMA 200"][0] == f"{bar['sma_200']:.2f}"
    away = 100 * (bar["close"] / bar["sma_200"] - 1)
    assert texts["SMA 200"][1] == f"{away:+.1f} %".replace("-", "−")
    assert texts["252-day return"][0] == f"{100 * bar['return_252']:+.1f} %".replace("-", "−")


def test_a_stock_below_a_dollar_shows_the_digits_that_matter():
    bar = history().filter(ticker="PENNY", session=SESSION).row(0, named=True)
    texts = figures(page("PENNY"))
    assert texts["Open"][0] == f"{bar['open']:.4f}"
    assert texts["MACD histogram"][0] == f"{bar['macd_histogram']:+.5f}".replace("-", "−")


def test_a_young_ticker_shows_dashes_where_it_has_no_value_yet():
    texts = figures(page(session=SESSIONS[9]))
    assert texts["SMA 200"] == ("–", "")
    assert texts["252-day return"] == ("–", "")
    assert texts["Volume"][1] == ""


def test_a_ticker_that_did_not_trade_today_says_so_and_shows_its_last_bar():
    halted = history().filter((pl.col("ticker") != "CON") | (pl.col("session") < BEFORE))
    made = page(history=halted)
    assert str(SESSIONS[-3]) in made.notices[0]
    assert made.latest["session"] == SESSIONS[-3]


def test_a_ticker_without_any_bar_has_a_page_that_says_so():
    made = page("NEVER")
    assert "No bar up to" in made.notices[0]
    assert (made.figures, made.latest, len(made.bars)) == ((), {}, 0)
    assert chart_data(made)["sessions"] == []


def test_the_listing_of_the_day_has_every_factor_s_contribution():
    candidate = listed().filter(ticker="CON", session=SESSION).row(0, named=True)
    (listing,) = page().listings
    assert (listing.model, listing.rank, listing.passed, listing.score) == ("strong", 1, 5, candidate["score"])
    assert sum(one.contribution for one in listing.contributions) == pytest.approx(candidate["score"])
    assert [one.factor for one in listing.contributions] == [one["factor"] for one in candidate["contributions"]]
    assert list(listing.reasons) == candidate["reasons"]


def test_the_past_is_the_newest_places_on_the_lists_and_how_many_there_were():
    own = listed().filter(pl.col("ticker") == "CON", pl.col("session") <= BEFORE)
    made = page(session=BEFORE)
    assert made.times_listed == len(own)
    assert [(one.session, one.model) for one in made.past[:2]] == [(BEFORE, "dips"), (BEFORE, "strong")]
    assert len(made.past) == 30
    assert made.listed_on == tuple(sorted(set(own["session"])))


def test_splits_of_the_ticker_up_to_the_session_are_marked():
    made = page(splits=SPLITS)
    assert [(one.session, one.split_from, one.split_to) for one in made.splits] == [
        (date(2023, 9, 2), 20.0, 1.0),
        (date(2024, 6, 10), 1.0, 2.0),
    ]
    assert page("AAp", splits=SPLITS).splits == ()
    assert page(splits=None).splits is None


def test_a_split_stands_before_the_bar_on_whose_day_it_opens():
    splits = chart_data(page(splits=SPLITS))["splits"]
    # 2 September 2023 is a Saturday, and Monday is Labor Day: the first day in new shares is the 5th.
    assert splits == [
        [SESSIONS.index(date(2023, 9, 5)) - 0.5, 20.0, 1.0],
        [SESSIONS.index(date(2024, 6, 10)) - 0.5, 1.0, 2.0],
    ]


def test_a_split_before_the_first_bar_or_on_it_is_listed_but_not_drawn():
    short = history().filter(pl.col("session") >= date(2024, 6, 10))
    made = page(history=short, splits=SPLITS)
    assert len(made.splits) == 2
    assert chart_data(made)["splits"] == []


def test_trades_stand_at_their_bar_and_price():
    made = page(trades=TRADES)
    assert [(one.side, one.quantity) for one in made.trades] == [("entry", 100.0), ("exit", 40.0)]
    count = len(SESSIONS)
    assert chart_data(made)["trades"] == [[count - 200, "entry", 41.5], [count - 20, "exit", 50.0]]


def test_a_trade_on_a_day_without_a_bar_stays_in_the_table():
    made = page(trades=TRADES, history=history().filter(pl.col("session") != SESSIONS[-20]))
    assert len(made.trades) == 2
    assert [side for _, side, _ in chart_data(made)["trades"]] == ["entry"]


def test_complete_td_setups_are_marked_and_no_other_counts():
    counts = history().filter(ticker="CON")["td_setup"].to_list()
    expected = [[at, 1 if count > 0 else -1] for at, count in enumerate(counts) if count in (9, -9)]
    assert expected
    assert chart_data(page())["setups"] == expected


def test_the_chart_s_columns_are_the_tables_to_the_last_bit():
    own = history().filter(ticker="CON").sort("session")
    assert chart_data(page())["columns"] == {name: own[name].to_list() for name in CHARTED}


def test_a_number_that_is_no_number_is_missing():
    broken = history().with_columns(rsi_14=pl.lit(float("nan")))
    assert set(chart_data(page(history=broken))["columns"]["rsi_14"]) == {None}


def test_signals_and_securities_are_those_of_the_ticker():
    securities = pl.DataFrame(
        {"ticker": ["CON", "AAP"], "name": ["Continental", "x"], "type": ["CS", "CS"], "primary_exchange": [None, "X"]}
    )
    made = page(signals=signals("AAP", "CON"), securities=securities)
    assert [one.rule for one in made.signals] == ["trailing_stop"]
    assert (made.name, made.security) == ("Continental", "CS")
    assert (page("FLAT", securities=securities).name, page("FLAT").security) == (None, "")


def test_pages_come_in_order_each_with_its_neighbours():
    pages = list(ticker_pages(SESSION, TICKERS[:3], ticker_tables(), notices=["Provisional"]))
    assert [(one.better, one.ticker, one.worse) for one in pages] == [
        (None, "AAP", "AAp"),
        ("AAP", "AAp", "BRK.A"),
        ("AAp", "BRK.A", None),
    ]
    assert {one.notices for one in pages} == {("Provisional",)}
    assert {one.basis for one in pages} == {BASIS}


@pytest.mark.parametrize(
    ("frame", "column"),
    [
        ("history", "resistance"),
        ("listed", "contributions"),
        ("splits", "split_to"),
        ("trades", "price"),
        ("signals", "severity"),
        ("securities", "type"),
    ],
)
def test_a_frame_that_lacks_a_column_is_named_with_it(frame, column):
    schema = dict.fromkeys(("ticker", "name", "type", "primary_exchange"), pl.String)
    complete = ticker_tables(splits=SPLITS, trades=TRADES, signals=signals(), securities=pl.DataFrame(schema=schema))
    lacking = replace(complete, **{frame: getattr(complete, frame).drop(column)})
    with pytest.raises(ContractBroken, match=f"{frame} lack {column}"):
        ticker_page(SESSION, "CON", lacking)
