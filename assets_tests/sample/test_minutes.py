"""The sample's minute files: in the vendor's format, and in agreement with the day files beside them."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from assets_tests.dagster_runs import TO_BARS, instance, rows, run
from assets_tests.vendor_minutes import run_minutes
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import MINUTE_DELIVERIES
from pipeline.contracts.minutes import INTRADAY_FEATURES, MINUTE_BARS
from pipeline.sample.minutes import lay_down_minutes
from pipeline.settings import Settings

pytestmark = pytest.mark.thorough

SESSIONS = (date(2025, 11, 26), date(2025, 11, 28), date(2025, 12, 1))
"""The second closes early."""
FRACTIONAL = (date(2026, 3, 2),)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("minutes") / "vendor"
    lay_down_minutes(folder, sessions=SESSIONS)
    return folder


@pytest.fixture(scope="module")
def settings(folder, tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"), flat_files=str(folder))
    with instance() as dagster:
        run(settings, SESSIONS, instance=dagster, only=TO_BARS)
        assert run_minutes(settings, SESSIONS, instance=dagster).success
    return settings


def regular(minutes: pl.DataFrame) -> pl.DataFrame:
    local = pl.col("minute").dt.convert_time_zone("America/New_York").dt.time()
    return minutes.filter(local.is_between(time(9, 30), time(16)))


def test_every_row_is_kept(settings):
    trail = rows(settings, MINUTE_DELIVERIES)
    assert trail["kept"].to_list() == trail["rows_read"].to_list()
    assert trail["session"].to_list() == list(SESSIONS)


def test_regular_minutes_add_up_to_the_daily_bar(settings):
    summed = (
        regular(rows(settings, MINUTE_BARS))
        .sort("ticker", "minute")
        .group_by("ticker", "session", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume", "transactions").sum(),
        )
    )
    assert summed.sort("ticker", "session").equals(rows(settings, DAILY_BARS).select(summed.columns))


def test_a_liquid_ticker_trades_in_the_evening_whose_utc_date_is_the_next_day(settings):
    newest = rows(settings, MINUTE_BARS).filter(session=SESSIONS[-1])["minute"].max()
    assert newest == datetime(2025, 12, 1, 19, 30, tzinfo=ZoneInfo("America/New_York"))
    assert newest.date() == date(2025, 12, 2)


def test_on_an_early_close_nothing_regular_comes_after_one(settings):
    short = regular(rows(settings, MINUTE_BARS).filter(session=SESSIONS[1]))
    assert short["minute"].max() <= datetime(2025, 11, 28, 13, tzinfo=ZoneInfo("America/New_York"))


def test_features_have_a_gap_where_the_session_before_is_there(settings):
    gaps = rows(settings, INTRADAY_FEATURES).group_by("session").agg(pl.col("premarket_gap").count()).sort("session")
    assert gaps["premarket_gap"].to_list()[0] == 0
    assert min(gaps["premarket_gap"].to_list()[1:]) > 0


def test_the_same_arguments_give_the_same_bytes(folder, tmp_path):
    sample = lay_down_minutes(tmp_path / "again", sessions=SESSIONS)
    assert sample.files == 2 * len(SESSIONS)
    for file in folder.rglob("*.csv.gz"):
        assert (tmp_path / "again" / file.relative_to(folder)).read_bytes() == file.read_bytes()


def test_files_of_2026_have_six_decimals_and_are_kept_whole(tmp_path):
    lay_down_minutes(tmp_path / "vendor", sessions=FRACTIONAL)
    settings = Settings(home=tmp_path / "home", flat_files=str(tmp_path / "vendor"))
    with instance() as dagster:
        run_minutes(
            settings,
            FRACTIONAL,
            instance=dagster,
            only=["raw_minute_aggs", "minute_bars", "minute_quarantine", "minute_deliveries"],
        )
    (delivery,) = rows(settings, MINUTE_DELIVERIES).to_dicts()
    assert delivery["kept"] == delivery["rows_read"]
    assert (rows(settings, MINUTE_BARS)["volume"] % 1 > 0).any()
