"""Splits, listings and doubts on their way through the assets: from reference tables to indicators and lists."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from assets_tests.assets.test_rerunning import HISTORY, LAST, MARKET, with_history
from assets_tests.dagster_runs import SIGNALS, instance, rows, run
from assets_tests.stocks import INDICATORS_TABLE
from assets_tests.vendor_day import VendorFolder
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.reference import SPLITS, TICKER_EVENTS, TICKERS
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake

SEEN = {"first_seen_at": datetime(2024, 1, 1, tzinfo=UTC), "last_seen_at": datetime(2024, 1, 1, tzinfo=UTC)}
SPLIT_DAY = HISTORY[-3]
NEW_SHARES = 4.0


def as_traded(bars: pl.DataFrame) -> pl.DataFrame:
    """Return the bars with SURGES at four times the price until it splits 1:4; `bars` are its unsplit twin's."""
    before = (pl.col("ticker") == "SURGES") & (pl.col("session") < SPLIT_DAY)
    prices = [pl.when(before).then(pl.col(name) * NEW_SHARES).otherwise(name).alias(name) for name in _PRICES]
    return bars.with_columns(*prices, volume=pl.when(before).then(pl.col("volume") / NEW_SHARES).otherwise("volume"))


_PRICES = ("open", "high", "low", "close")


def split(ticker: str, executed: date, new: float = NEW_SHARES, doubt: str | None = None) -> dict:
    ratio = {"split_from": 1.0, "split_to": new}
    return SEEN | ratio | {"ticker": ticker, "execution_date": executed, "doubt": doubt, "id": f"{ticker}{new}"}


def home_with(vendor: VendorFolder, name: str, reference: dict[Table, list[dict]]):
    home = with_history(vendor, name, as_traded(MARKET))
    for table, events in reference.items():
        Lake(home.lake).refresh(table, pl.DataFrame(events, schema=table.columns), run_id="reference")
    return home


def signals(home, sessions) -> tuple[pl.DataFrame, pl.DataFrame]:
    with instance() as dagster:
        run(home, sessions, instance=dagster, only=SIGNALS)
    within = pl.col("session").is_in(list(sessions))
    return rows(home, INDICATORS_TABLE).filter(within), rows(home, CANDIDATES).filter(within)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    return VendorFolder(tmp_path_factory.mktemp("adjusted"))


@pytest.fixture(scope="module")
def split_home(vendor):
    # Conflicting splits and those beyond the last session change no indicator.
    conflicting = [split("SWAYS", SPLIT_DAY, new, "conflicting") for new in (2.0, 3.0)]
    splits = [split("SURGES", SPLIT_DAY), *conflicting, split("RISES", date(2024, 1, 31))]
    return home_with(vendor, "split", {SPLITS: splits})


@pytest.fixture(scope="module")
def in_a_range(split_home):
    return signals(split_home, HISTORY[-6:])


@pytest.fixture(scope="module")
def of_the_twin(vendor):
    return signals(with_history(vendor, "twin", MARKET), HISTORY[-6:])


@pytest.mark.thorough
def test_indicators_of_a_range_are_on_each_session_s_own_basis(in_a_range, of_the_twin):
    surges, before = pl.col("ticker") == "SURGES", pl.col("session") < SPLIT_DAY
    indicators, twins = in_a_range[0], of_the_twin[0]
    for name in ("return_1", "return_252", "rsi_14", "td_setup", "dollar_volume_20", "bars"):
        assert_frame_equal(indicators.select(name), twins.select(name), rel_tol=1e-9)
    factor = pl.when(surges & before).then(NEW_SHARES).otherwise(1.0)
    assert_frame_equal(
        indicators.select("ticker", "session", "sma_200", "atr_14", "high_252", "support"),
        twins.select("ticker", "session", *(pl.col(n) * factor for n in ("sma_200", "atr_14", "high_252", "support"))),
        rel_tol=1e-9,
    )
    assert_frame_equal(indicators.select("volume_sma_20"), twins.select(pl.col("volume_sma_20") / factor), rel_tol=1e-9)


@pytest.mark.thorough
def test_a_session_run_alone_gives_what_the_range_gave(split_home, in_a_range):
    for session in (HISTORY[-4], SPLIT_DAY, LAST):
        alone = signals(split_home, [session])
        for found, ranged in zip(alone, in_a_range, strict=True):
            assert_frame_equal(found, ranged.filter(pl.col("session") == session), rel_tol=1e-9, abs_tol=1e-12)


def test_a_ticker_with_a_split_in_doubt_is_in_no_list_from_that_day_on(in_a_range, of_the_twin):
    listed, twins = (lists.filter(pl.col("model") == "trend") for _, lists in (in_a_range, of_the_twin))
    doubtful = pl.col("session") >= SPLIT_DAY
    assert "SWAYS" in set(twins.filter(doubtful)["ticker"])
    assert "SWAYS" not in set(listed.filter(doubtful)["ticker"])
    assert_frame_equal(listed.filter(~doubtful).drop("close"), twins.filter(~doubtful).drop("close"), rel_tol=1e-9)


@pytest.mark.thorough
def test_only_wanted_types_are_listed_and_a_new_owner_of_a_ticker_starts_without_history(vendor):
    taken_over = HISTORY[-30]
    securities = [
        *({"ticker": t, "composite_figi": f"F{t}", "type": "CS", "active": True} for t in ("RISES", "FALLS", "GAPS")),
        {"ticker": "SURGES", "composite_figi": "FSURGES", "type": "ETF", "active": True},
        {"ticker": "SWAYS", "composite_figi": "FOLD", "type": "CS", "active": False, "delisted_on": taken_over},
        {"ticker": "SWAYS", "composite_figi": "FNEW", "type": "CS", "active": True},
    ]
    renames = [{"composite_figi": "FNEW", "ticker": "SWAYS", "since": taken_over}]
    reference = {TICKERS: [SEEN | one for one in securities], TICKER_EVENTS: [SEEN | one for one in renames]}
    home = home_with(vendor, "typed", reference | {SPLITS: [split("SURGES", SPLIT_DAY)]})
    indicators, listed = signals(home, [LAST])
    bars = dict(indicators.select("ticker", "bars").iter_rows())
    assert bars["SWAYS"] == 30
    assert bars["RISES"] > 400
    trend = set(listed.filter(pl.col("model") == "trend")["ticker"])
    assert "RISES" in trend
    assert not {"SURGES", "SWAYS"} & trend, "a fund, and a stock of 30 bars"
