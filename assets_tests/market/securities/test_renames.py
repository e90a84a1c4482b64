"""The securities whose renames are requested, and when each has its turn."""

from datetime import date, timedelta

import polars as pl

from pipeline.contracts.reference import TICKER_EVENTS, TICKERS
from pipeline.market.securities.renames import MOST_A_DAY, figis_due, figis_without_events

FIRST = date(2024, 1, 2)


def securities(**figis):
    rows = [
        {"ticker": ticker, "composite_figi": figi, "type": "CS", "active": True} | dict.fromkeys(["cik"])
        for ticker, figi in figis.items()
    ]
    return pl.concat([TICKERS.empty(), pl.DataFrame(rows)], how="diagonal_relaxed")


def first_sessions(**days):
    first = [FIRST + timedelta(days=number) for number in days.values()]
    return pl.DataFrame({"ticker": list(days), "first": first}, schema={"ticker": pl.String, "first": pl.Date})


def events(**figis):
    rows = [{"ticker": ticker, "composite_figi": figi, "since": FIRST} for ticker, figi in figis.items()]
    return pl.concat([TICKER_EVENTS.empty(), pl.DataFrame(rows, schema=TICKER_EVENTS.columns)])


def test_renames_of_the_newest_tickers_are_requested_and_those_of_the_first_session_never():
    listed = securities(OLD="F0", A="F1", B="F2", C="F3")
    assert figis_without_events(listed, first_sessions(OLD=0, A=3, B=9, C=9), events()) == ["F2", "F3", "F1"]


def test_renames_of_a_ticker_without_bars_or_figi_or_of_another_type_are_not_requested():
    listed = securities(OLD="F0", A=None, B="F2", C="F3", D="F4").with_columns(
        type=pl.when(pl.col("ticker") == "B").then(pl.lit("ETF")).otherwise("type"),
        active=pl.col("ticker") != "C",
    )
    assert figis_without_events(listed, first_sessions(OLD=0, A=1, B=1, C=1), events()) == []


def test_a_security_whose_ticker_is_among_its_events_is_not_requested_again_until_it_takes_another():
    listed = securities(OLD="F0", META="F1", NEW="F2")
    known = events(META="F1", FB="F1", OTHER="F2")
    assert figis_without_events(listed, first_sessions(OLD=0, META=1, NEW=2), known) == ["F2"]


def test_nothing_is_requested_without_bars_or_tickers():
    assert figis_without_events(securities(A="F1"), first_sessions(), events()) == []
    assert figis_without_events(TICKERS.empty(), first_sessions(A=1), events()) == []


def test_no_more_are_requested_a_day_than_the_vendor_s_calls_allow_and_every_security_has_a_turn():
    waiting = [f"F{number}" for number in range(437)]
    days = [date(2024, 1, 2) + timedelta(days=number) for number in range(9)]
    turns = [figis_due(waiting, day) for day in days]
    for turn in turns:
        assert len(turn) == len(set(turn)) == MOST_A_DAY
        assert turn[:50] == waiting[:50]
    assert set().union(*turns) == set(waiting)


def test_a_few_are_requested_all_at_once():
    assert figis_due(["F2", "F1"], FIRST) == ["F2", "F1"]
    assert figis_due([], FIRST) == []
