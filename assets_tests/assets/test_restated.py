"""A split told late: named first, then exactly its rows computed anew, as if it had always been known."""

import json
from datetime import date

import polars as pl
import pytest
from dagster import DagsterRun, DagsterRunStatus, build_sensor_context
from polars.testing import assert_frame_equal

from assets_tests.assets.reference_runs import refresh as reference_refresh
from assets_tests.dagster_runs import QUIET, SIGNALS, TO_BARS, instance, rows, run, span_tags
from assets_tests.vendor_day import VendorFolder, row
from pipeline.definitions import build_definitions
from pipeline.lake.tables import Lake
from pipeline.market.indicators import INDICATORS_TABLE
from pipeline.orchestration.sensors import changed_past
from pipeline.queries.outdated import restatement
from pipeline.venues.calendar import new_york

SESSIONS = new_york().between(date(2024, 1, 29), date(2024, 2, 6))
SPLIT_ON = SESSIONS[4]
DAILY = [*TO_BARS, *SIGNALS]
SPLIT = {"ticker": "SPLIT", "execution_date": str(SPLIT_ON), "split_from": 1, "split_to": 2, "id": "S1"}


def tell(vendor, *splits):
    folder = vendor.files / "rest"
    folder.mkdir(exist_ok=True)
    for name, results in {"splits": list(splits), "dividends": [], "tickers": []}.items():
        (folder / f"{name}.json").write_text(json.dumps({"status": "OK", "results": results}))


def refresh(settings, dagster):
    assert reference_refresh(settings, dagster=dagster).result.success


def restate(settings, dagster):
    for first, last in restatement(Lake(settings.lake)).spans:
        config = QUIET | {"ops": {"stocks__indicators": {"config": {"only_outdated": True}}}}
        build_definitions(settings).resolve_job_def("restated_signals").execute_in_process(
            instance=dagster, run_config=config, tags=span_tags([first, last])
        )


@pytest.fixture
def vendor(tmp_path):
    folder = VendorFolder(tmp_path)
    for number, session in enumerate(SESSIONS):
        price = 30 + number
        halved = price / 2 if session >= SPLIT_ON else price
        lines = [
            row(session, ticker, str(close), open=str(close), high=str(close + 1), low=str(close - 1))
            for ticker, close in (("PLAIN", price), ("SPLIT", halved))
        ]
        folder.lay(session, *lines)
    return folder


def test_after_a_late_split_the_table_is_as_if_it_had_always_been_known(vendor, new_lake):
    late, early = vendor.settings("late", **new_lake()), vendor.settings("early", **new_lake())
    with instance() as dagster:
        tell(vendor)
        refresh(late, dagster)
        run(late, SESSIONS, instance=dagster, only=DAILY)
        before = rows(late, INDICATORS_TABLE)
        tell(vendor, SPLIT)
        refresh(late, dagster)
        due = restatement(Lake(late.lake))
        assert due.outdated.select("ticker", "first_session", "last_session", "event_date").rows() == [
            ("SPLIT", SPLIT_ON, SESSIONS[-1], SPLIT_ON)
        ]
        restate(late, dagster)
        refresh(early, dagster)
        run(early, SESSIONS, instance=dagster, only=DAILY)
    after = rows(late, INDICATORS_TABLE)
    assert_frame_equal(after, rows(early, INDICATORS_TABLE), check_exact=True)
    affected = (pl.col("ticker") == "SPLIT") & (pl.col("session") >= SPLIT_ON)
    assert_frame_equal(after.filter(~affected), before.filter(~affected), check_exact=True)
    assert after.filter(affected)["return_1"][0] == pytest.approx(34 / 33 - 1)
    assert before.filter(affected)["return_1"][0] == pytest.approx(17 / 33 - 1)
    assert restatement(Lake(late.lake)).spans == []


@pytest.mark.thorough
def test_only_outdated_rows_are_computed_and_the_commit_tells_what_they_rest_on(vendor):
    settings = vendor.settings()
    lake = Lake(settings.lake)
    with instance() as dagster:
        tell(vendor)
        refresh(settings, dagster)
        run(settings, SESSIONS, instance=dagster, only=DAILY)
        tell(vendor, SPLIT)
        refresh(settings, dagster)
        restate(settings, dagster)
    newest = lake.history("stocks/indicators").row(0, named=True)
    assert (newest["first_session"], newest["last_session"]) == (SPLIT_ON, SESSIONS[-1])
    read = {one["table"]: one["version"] for one in newest["read"]}
    assert read["reference.splits"] == lake.history("reference/splits")["version"].max()


def asked_of(settings, dagster, cursor=None):
    """Return what the watch asks for, its words, and where it stands afterwards."""
    context = build_sensor_context(instance=dagster, cursor=cursor, resources={"lake": Lake(settings.lake)})
    answer = changed_past.evaluate_tick(context)
    return [request.tags for request in answer.run_requests], answer.skip_message or "", answer.cursor


def test_the_watch_asks_for_one_run_of_the_outdated_sessions_and_does_not_ask_again(vendor):
    settings = vendor.settings()
    with instance() as dagster:
        tell(vendor)
        refresh(settings, dagster)
        run(settings, SESSIONS, instance=dagster, only=DAILY)
        tell(vendor, SPLIT)
        refresh(settings, dagster)
        spans, _, cursor = asked_of(settings, dagster)
        (tags,) = spans
        assert span_tags([SPLIT_ON, SESSIONS[-1]]).items() <= tags.items()
        assert asked_of(settings, dagster, cursor)[0] == []
        restate(settings, dagster)
        spans, words, _ = asked_of(settings, dagster, cursor)
    assert spans == []
    assert "follows from the bars" in words


def test_the_watch_waits_while_a_run_is_under_way(vendor):
    with instance() as dagster:
        dagster.add_run(DagsterRun(job_name="stocks_by_day", status=DagsterRunStatus.STARTED))
        spans, words, cursor = asked_of(vendor.settings(), dagster)
    assert spans == []
    assert "under way" in words
    assert cursor is None


def test_the_watch_of_an_empty_lake_asks_for_nothing(vendor):
    with instance() as dagster:
        assert asked_of(vendor.settings(), dagster)[0] == []
