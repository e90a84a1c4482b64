"""The measurement of price doubts: faults are planted as declared, and the figures hold on a market of its own."""

from datetime import timedelta

import polars as pl
import pytest

from benchmarks.doubts import LEFT_OUT, Invented, alarms, doubts_of, invented, recall
from benchmarks.options import Options
from benchmarks.planting import FAULTS, HISTORY, Planted, plant
from pipeline.contracts.bars import DAILY_BARS
from pipeline.sample.full_market import last_sessions
from pipeline.sample.prices import on_tick

SMALL = Options(sessions=150, tickers=500, rounds=1)


@pytest.fixture(scope="module")
def market() -> Invented:
    return invented(SMALL.tickers, last_sessions(SMALL.sessions))


@pytest.fixture(scope="module")
def planted(market: Invented) -> Planted:
    return plant(market.bars, market.splits, 300, seed=3)


def test_the_synthetic_market_is_hardly_ever_doubted_though_it_has_honest_jumps(market):
    assert set(market.news["kind"]) >= {"earnings", "buy-out", "approval", "halt"}

    figures = alarms(market, doubts_of(market, market.bars, market.splits))

    assert figures["alarms_in_20000"] <= 1
    assert figures["left_out"] <= LEFT_OUT


def test_nearly_every_planted_fault_is_found(market):
    figures = recall(market, SMALL)
    assert figures["planted"] == 100
    assert figures["found"] >= 0.9


def test_every_kind_of_fault_is_planted_once_a_ticker_where_there_is_a_past(market, planted):
    faults = planted.faults
    assert set(faults["fault"]) == set(FAULTS)
    assert faults["ticker"].n_unique() == len(faults)
    assert not set(faults["ticker"]) & set(market.splits["ticker"])
    before = market.bars.join(faults.select("ticker", day="session"), on="ticker").filter(
        pl.col("session") < pl.col("day")
    )
    assert before.group_by("ticker").len()["len"].min() >= HISTORY


def test_a_planted_split_moves_prices_and_shares_from_its_day_on_and_nothing_before(market, planted):
    fault = planted.faults.filter(fault="missing").row(0, named=True)
    was, now = (
        bars.filter(pl.col("ticker") == fault["ticker"]).sort("session") for bars in (market.bars, planted.bars)
    )
    since = pl.col("session") >= fault["session"]
    factor = fault["old"] / fault["new"]

    assert now.filter(~since).equals(was.filter(~since))
    assert now.filter(since)["close"].to_list() == on_tick(was.filter(since)["close"].to_numpy() * factor).tolist()
    assert now.filter(since)["volume"].to_list() == pytest.approx((was.filter(since)["volume"] / factor).to_list())
    assert planted.splits.filter(pl.col("ticker") == fault["ticker"]).is_empty()


@pytest.mark.parametrize(("fault", "rows"), [("missing", 0), ("phantom", 1), ("reversed", 1), ("doubled_after", 2)])
def test_the_vendor_is_made_to_tell_as_many_splits_as_the_fault_says(planted, fault, rows):
    faults = planted.faults.filter(fault=fault)
    told = planted.splits.join(faults, on="ticker")
    assert len(told) == rows * len(faults)
    assert told.filter((pl.col("execution_date") - pl.col("session")).abs() > timedelta(days=7)).is_empty()


def test_planted_bars_keep_the_contract_and_the_other_tickers_stay_as_they_were(market, planted):
    rows = planted.bars.select(list(DAILY_BARS.columns))
    assert DAILY_BARS.enforce(rows).equals(rows)
    others = pl.col("ticker").is_in(planted.faults["ticker"].implode()).not_()
    assert planted.bars.filter(others).equals(market.bars.filter(others))


@pytest.mark.thorough
def test_the_full_market_is_doubted_less_than_promised_and_nearly_every_fault_is_found():
    whole = Options(sessions=300)
    market = invented(whole.tickers, last_sessions(whole.sessions))
    figures = alarms(market, doubts_of(market, market.bars, market.splits))
    assert figures["alarms_in_20000"] <= 1
    assert figures["left_out"] <= LEFT_OUT
    assert recall(market, whole)["found"] >= 0.95
