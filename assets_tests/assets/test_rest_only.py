"""Users without flat files: every session from the REST API, of the whole market or of some tickers."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from dagster import DagsterResourceFunctionError

from assets_tests.dagster_runs import TO_BARS, instance, rows, run
from assets_tests.sources.vendor_aggregates import AggregatesApi, bar
from pipeline.checks.editions import nothing_left_provisional
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.errors import NotPublished
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.settings import Settings
from pipeline.sources.choose import Sources

THU, FRI, MON = (date(2024, 1, day) for day in (4, 5, 8))
REST = "rest/grouped_daily"


@pytest.fixture
def api(httpserver):
    api = AggregatesApi(httpserver)
    api.days = {
        THU: {"AAPL": bar(11), "IBM": bar(12), "MANY": bar(1, o=1, l=1)},
        FRI: {"AAPL": bar(13), "MANY": bar(2, o=2, l=2)},
        MON: {"AAPL": bar(14), "IBM": bar(15, v=0.5, n=None), "MANY": bar(3, o=3, l=3)},
    }
    return api


@pytest.fixture
def dagster():
    with instance() as ephemeral:
        yield ephemeral


@pytest.fixture
def home(tmp_path, api):
    def of(**changed):
        return Settings(home=tmp_path / "home", flat_files="rest", **api.settings, **changed)

    return of


def bars(settings):
    return rows(settings, DAILY_BARS).sort("session", "ticker").select("session", "ticker", "close").rows()


def test_the_whole_market_is_a_call_a_session(home, api, dagster):
    assert run(home(), [THU, FRI, MON], instance=dagster).success
    assert len(api.requests) == 3
    assert len(bars(home())) == 8
    assert rows(home(), DELIVERIES).select("rows_read", "kept", "provisional").rows() == [
        (3, 3, True),
        (2, 2, True),
        (3, 3, True),
    ]


def test_tickers_are_a_call_each_for_the_whole_range(home, api, dagster):
    run(home(tickers="AAPL,IBM"), [THU, FRI, MON], instance=dagster, only=TO_BARS)
    assert len(api.requests) == 2
    assert bars(home()) == [
        (THU, "AAPL", 11.0),
        (THU, "IBM", 12.0),
        (FRI, "AAPL", 13.0),
        (MON, "AAPL", 14.0),
        (MON, "IBM", 15.0),
    ]
    assert rows(home(), DAILY_BARS)["volume"].min() == 0.5
    assert rows(home(), DAILY_BARS)["transactions"].min() == 0


@pytest.mark.thorough
def test_another_list_of_tickers_is_requested_although_the_session_is_here(home, api, dagster):
    run(home(tickers="AAPL,IBM"), [THU], instance=dagster, only=TO_BARS)
    run(home(tickers="AAPL,IBM"), [THU], instance=dagster, only=TO_BARS)
    assert len(api.requests) == 2, "it is here, and settled"
    run(home(tickers="IBM,MANY"), [THU], instance=dagster, only=TO_BARS)
    assert bars(home()) == [(THU, "IBM", 12.0), (THU, "MANY", 1.0)]
    run(home(), [THU], instance=dagster, only=TO_BARS)
    assert len(bars(home())) == 3
    assert len(RawFiles(home().lake).versions(REST, THU)) == 3


def test_a_session_of_none_of_the_tickers_fails_and_nothing_is_written(home, dagster):
    with pytest.raises(NotPublished, match=f"None of IBM has a bar in 1 of 2 sessions \\(first {FRI}\\)"):
        run(home(tickers="IBM"), [THU, FRI], instance=dagster, only=TO_BARS)
    assert Lake(home().lake).tables() == []


def test_a_bar_that_is_wrong_is_quarantined_as_of_the_document(home, api, dagster):
    api.days[THU]["ODD"] = bar(4)
    settings = home(tickers="AAPL,IBM,ODD", max_bad_share=0.5)
    run(settings, [THU], instance=dagster, only=TO_BARS)
    (row,) = rows(settings, QUARANTINE).to_dicts()
    assert (row["ticker"], row["close"], row["reasons"]) == ("ODD", "4", ["open_or_close_outside_range"])


def test_without_a_key_the_setting_that_lacks_is_named(tmp_path, dagster):
    settings = Settings(home=tmp_path / "home", flat_files="rest")
    with pytest.raises(DagsterResourceFunctionError) as refused:
        run(settings, [THU], instance=dagster)
    assert "CANDLELAKE_REST_KEY must be set" in str(refused.value.__cause__)


def left_provisional(settings, now):
    with time_machine.travel(now):
        return nothing_left_provisional(lake=Lake(settings.lake), settings=settings, sources=Sources(settings))


@pytest.mark.thorough
def test_a_session_left_provisional_is_reported_when_its_file_is_due_and_never_without_flat_files(home, dagster):
    run(home(), [THU, FRI], instance=dagster, only=TO_BARS)
    after_noon = datetime(2024, 1, 8, 18, tzinfo=UTC)
    assert left_provisional(home(), after_noon).passed
    flat = home().model_copy(update={"flat_files": "s3://flatfiles"})
    found = left_provisional(flat, after_noon)
    assert not found.passed
    assert found.metadata["provisional"].value == 2
    in_the_morning = datetime(2024, 1, 6, 8, tzinfo=UTC)
    assert left_provisional(flat, in_the_morning).metadata["provisional"].value == 1, "Friday's comes at noon"
