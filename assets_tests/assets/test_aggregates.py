"""Aggregates of chosen tickers, on both bases, as the vendor has them."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
import time_machine
from dagster import AssetKey

from assets_tests.dagster_runs import QUIET, failure_of, instance, rows, span_tags
from assets_tests.examples import first_quick
from assets_tests.sources.vendor_aggregates import AggregatesApi, bar
from assets_tests.sources.vendor_rest import say_json
from pipeline.contracts.aggregates import AGGREGATES
from pipeline.contracts.reference import SPLITS
from pipeline.definitions import build_definitions
from pipeline.lake.lake import Lake
from pipeline.settings import Settings

THU, FRI, MON = (date(2024, 1, day) for day in (4, 5, 8))
TWO_FOR_ONE = ("AAPL", MON, 1, 2)


@pytest.fixture
def api(httpserver):
    api = AggregatesApi(httpserver)
    api.splits = [TWO_FOR_ONE]
    api.days = {
        THU: {"AAPL": bar(10.1255, v=1001), "IBM": bar(12)},
        FRI: {"AAPL": bar(13, v=0.5)},
        MON: {"AAPL": bar(7), "IBM": bar(15, n=None)},
    }
    return api


@pytest.fixture
def settings(tmp_path, api):
    return Settings(home=tmp_path / "home", tickers="AAPL,IBM,GONE", **api.settings)


def run(settings, *sessions, raises=True):
    job = build_definitions(settings).resolve_job_def("aggregates")
    spans = {"partition_key": str(sessions[0])} if len(sessions) == 1 else {"tags": span_tags(sessions)}
    with instance() as dagster, time_machine.travel(datetime(2024, 1, 20, 3, tzinfo=UTC)):
        only = [AssetKey(["stocks", "aggregates"])]
        return job.execute_in_process(
            instance=dagster, run_config=QUIET, raise_on_error=raises, asset_selection=only, **spans
        )


def metadata_of(result):
    event = result.get_asset_materialization_events()[0].materialization
    return {name: getattr(value, "records", value.value) for name, value in event.metadata.items()}


def check(result):
    (found,) = [one for one in result.get_asset_check_evaluations() if one.check_name == "agrees_with_our_splits"]
    return found


def know_splits(settings, *splits):
    seen = datetime(2024, 1, 1, tzinfo=UTC)
    rows_known = [
        {"ticker": ticker, "execution_date": day, "split_from": old, "split_to": new}
        | {"id": ticker, "first_seen_at": seen, "last_seen_at": seen}
        for ticker, day, old, new in splits
    ]
    known = pl.DataFrame(rows_known, schema=SPLITS.columns)
    Lake(settings.lake).refresh(SPLITS, known, run_id="reference")


def test_each_session_has_both_bases_of_each_ticker_as_of_the_day_they_were_fetched(settings, api):
    result = run(settings, THU, FRI, MON)
    stored = rows(settings, AGGREGATES).sort("ticker", "basis", "session")
    assert stored.select("ticker", "basis", "session", "close", "volume").rows() == [
        ("AAPL", "none", THU, 10.1255, 1001.0),
        ("AAPL", "none", FRI, 13.0, 0.5),
        ("AAPL", "none", MON, 7.0, 1000.0),
        ("AAPL", "split", THU, 5.0628, 2002.0),
        ("AAPL", "split", FRI, 6.5, 1.0),
        ("AAPL", "split", MON, 7.0, 1000.0),
        ("IBM", "none", THU, 12.0, 1000.0),
        ("IBM", "none", MON, 15.0, 1000.0),
        ("IBM", "split", THU, 12.0, 1000.0),
        ("IBM", "split", MON, 15.0, 1000.0),
    ]
    assert set(stored["fetched_on"]) == {date(2024, 1, 19)}, "it is still the day before in New York"
    assert len(api.requests) == 6, "a call a ticker and basis"
    assert {"tickers": 3, "tickers_without_bars": "GONE", "rejected": 0}.items() <= metadata_of(result).items()


def test_every_row_keeps_the_contract_of_bars_and_both_bases_are_requested(settings, api):
    assert run(settings, THU, FRI, MON).success
    AGGREGATES.enforce(rows(settings, AGGREGATES))
    parameters = [(request.args["adjusted"], request.args["limit"]) for request in api.requests]
    assert parameters == [("false", "50000")] * 3 + [("true", "50000")] * 3


@pytest.mark.thorough
def test_running_again_replaces_and_a_session_without_bars_is_empty(settings, api):
    run(settings, THU, FRI, MON)
    api.days[FRI] = {"IBM": bar(12.5)}
    api.days[MON] = {}
    run(settings, FRI, MON)
    stored = rows(settings, AGGREGATES).filter(basis="none").sort("session", "ticker")
    assert stored.select("session", "ticker", "close").rows() == [
        (THU, "AAPL", 10.1255),
        (THU, "IBM", 12.0),
        (FRI, "IBM", 12.5),
    ]


def test_a_row_that_is_wrong_is_left_out_and_reported(settings, api):
    api.days[FRI]["AAPL"] = bar(13, v=-1)
    found = metadata_of(run(settings, FRI))
    assert rows(settings, AGGREGATES).is_empty()
    assert found["rejected"] == 2
    rejected = [dict(record.data) for record in found["rejected_rows"]]
    assert [(one["basis"], one["ticker"], one["reasons"]) for one in rejected] == [
        ("none", "AAPL", "negative_volume"),
        ("split", "AAPL", "negative_volume"),
    ]


def test_the_bases_agree_when_our_splits_are_the_vendor_s(settings):
    know_splits(settings, TWO_FOR_ONE)
    found = check(run(settings, THU, FRI, MON))
    assert found.passed
    assert found.metadata["bars"].value == 10


@pytest.mark.parametrize(
    "known", first_quick([[], [("AAPL", MON, 1, 3)], [("AAPL", FRI, 1, 2)], [TWO_FOR_ONE, ("IBM", FRI, 1, 2)]])
)
def test_a_split_that_one_of_the_two_does_not_know_is_a_warning_with_the_bars(settings, known):
    know_splits(settings, *known)
    result = run(settings, THU, FRI, MON)
    found = check(result)
    assert result.success
    assert (found.passed, found.severity.value) == (False, "WARN")
    assert found.metadata["differing"].value >= 1


@pytest.mark.thorough
def test_without_any_split_known_the_check_still_speaks(settings):
    found = check(run(settings, THU, FRI, MON))
    first = dict(found.metadata["first"].records[0].data)
    assert (first["ticker"], first["session"], first["our_close"], first["vendor_close"]) == (
        "AAPL",
        str(THU),
        10.1255,
        5.0628,
    )


@pytest.mark.thorough
def test_pages_are_followed(settings, api):
    api.page = 1
    run(settings, THU, FRI, MON)
    assert len(rows(settings, AGGREGATES)) == 10


def refusal(settings):
    return failure_of(run(settings, THU, raises=False))


def test_without_tickers_or_key_the_asset_says_what_to_set(settings):
    assert "CANDLELAKE_TICKERS must be set" in refusal(settings.model_copy(update={"tickers": None}))
    assert "CANDLELAKE_REST_KEY must be set" in refusal(settings.model_copy(update={"rest_key": None}))


@pytest.mark.thorough
def test_an_answer_that_is_refused_leaves_what_is_there(settings, api):
    run(settings, THU)
    api.faults = [say_json({"status": "OK", "resultsCount": 5})]
    assert "no results" in refusal(settings)
    assert len(rows(settings, AGGREGATES)) == 4
