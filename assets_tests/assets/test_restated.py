"""Outdated rows are named first, then exactly those are computed again: after a late split, or after other code."""

import json
from datetime import date

import polars as pl
import pytest
from dagster import AssetKey, AssetMaterialization, DagsterRun, DagsterRunStatus, build_sensor_context
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest
from polars.testing import assert_frame_equal

from assets_tests import dagster_runs
from assets_tests.assets.reference_runs import refresh as reference_refresh
from assets_tests.dagster_runs import QUIET, TO_BARS, instance, rows, run, span_tags
from assets_tests.stock_graph import SENSORS
from assets_tests.stocks import EVERY_TABLE, INDICATORS_TABLE, STOCKS, code_version, computed_by
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.definitions import build_definitions
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake
from pipeline.market import code_changes
from pipeline.orchestration.sensors import reruns
from pipeline.orchestration.table_metadata import asset_key
from pipeline.queries.outdated import outdated_sessions
from pipeline.venues.us_stocks import US_STOCKS

changed_past = SENSORS["changed_past"]

SESSIONS = US_STOCKS.calendar.between(date(2024, 1, 29), date(2024, 2, 6))
SPLIT_ON = SESSIONS[4]
DAILY = [*TO_BARS, *dagster_runs.SIGNALS]
SPLIT = {"ticker": "SPLIT", "execution_date": str(SPLIT_ON), "split_from": 1, "split_to": 2, "id": "S1"}


def tell(vendor, *splits):
    folder = vendor.files / "rest"
    folder.mkdir(exist_ok=True)
    for name, results in {"splits": list(splits), "dividends": [], "tickers": []}.items():
        (folder / f"{name}.json").write_text(json.dumps({"status": "OK", "results": results}))


def refresh(settings, dagster):
    assert reference_refresh(settings, dagster=dagster).result.success


def restate(settings, dagster):
    """Run what is due, and return the runs that it took."""
    needed = reruns(STOCKS, outdated_sessions(Lake(settings.lake), STOCKS))
    for one in needed:
        build_definitions(settings).resolve_job_def(one.job).execute_in_process(
            instance=dagster,
            run_config=QUIET | {"ops": one.ops},
            tags=span_tags([one.first, one.last]),
            asset_selection=one.assets,
        )
    return needed


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


@pytest.mark.thorough
def test_after_a_late_split_the_table_is_as_if_it_had_always_been_known(vendor, new_lake):
    late, early = vendor.settings("late", **new_lake()), vendor.settings("early", **new_lake())
    with instance() as dagster:
        tell(vendor)
        refresh(late, dagster)
        run(late, SESSIONS, instance=dagster, only=DAILY)
        before = rows(late, INDICATORS_TABLE)
        tell(vendor, SPLIT)
        refresh(late, dagster)
        due = outdated_sessions(Lake(late.lake), STOCKS)
        # Its indicators, and the doubts about its prices.
        assert (
            due.outdated.select("ticker", "first_session", "last_session", "event_date").rows()
            == [("SPLIT", SPLIT_ON, SESSIONS[-1], SPLIT_ON)] * 2
        )
        restate(late, dagster)
        refresh(early, dagster)
        run(early, SESSIONS, instance=dagster, only=DAILY)
    after = rows(late, INDICATORS_TABLE)
    assert_frame_equal(after, rows(early, INDICATORS_TABLE), check_exact=True)
    affected = (pl.col("ticker") == "SPLIT") & (pl.col("session") >= SPLIT_ON)
    assert_frame_equal(after.filter(~affected), before.filter(~affected), check_exact=True)
    assert after.filter(affected)["return_1"][0] == pytest.approx(34 / 33 - 1)
    assert before.filter(affected)["return_1"][0] == pytest.approx(17 / 33 - 1)
    assert outdated_sessions(Lake(late.lake), STOCKS).spans == []


@pytest.mark.thorough
def test_only_outdated_rows_are_computed_and_the_commit_records_what_they_were_made_from(vendor):
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


def sensor_tick(settings, dagster, cursor=None):
    """Return the tags of the requested runs, the sensor's message, and its cursor."""
    resources = {"lake": Lake(settings.lake), "settings": settings}
    context = build_sensor_context(instance=dagster, cursor=cursor, resources=resources)
    answer = changed_past.evaluate_tick(context)
    return [request.tags for request in answer.run_requests], answer.skip_message or "", answer.cursor


def test_the_watch_requests_one_run_of_the_outdated_sessions_and_no_second_one(vendor):
    settings = vendor.settings()
    with instance() as dagster:
        tell(vendor)
        refresh(settings, dagster)
        run(settings, SESSIONS, instance=dagster, only=DAILY)
        tell(vendor, SPLIT)
        refresh(settings, dagster)
        spans, _, cursor = sensor_tick(settings, dagster)
        (tags,) = spans
        assert span_tags([SPLIT_ON, SESSIONS[-1]]).items() <= tags.items()
        assert sensor_tick(settings, dagster, cursor)[0] == []
        restate(settings, dagster)
        spans, words, _ = sensor_tick(settings, dagster, cursor)
    assert spans == []
    assert "up to date with the bars" in words


def test_the_watch_waits_while_a_run_is_under_way(vendor):
    with instance() as dagster:
        dagster.add_run(DagsterRun(job_name="stocks_by_day", status=DagsterRunStatus.STARTED))
        spans, words, cursor = sensor_tick(vendor.settings(), dagster)
    assert spans == []
    assert "under way" in words
    assert cursor is None


def test_the_watch_of_an_empty_lake_requests_nothing(vendor):
    with instance() as dagster:
        assert sensor_tick(vendor.settings(), dagster)[0] == []


def computed_by_other_code(settings, table, sessions, rows, **parts):
    """Put rows into a table as if another version of the code had computed them."""
    lake = Lake(settings.lake, computed_by=lambda one: {**computed_by(one), **parts})
    newest = lake.trail(table).commits().row(0, named=True)
    tables = {one.sql_name: one for one in EVERY_TABLE}
    read = [Reading(tables[one["table"]], one["version"], table.empty().lazy()) for one in newest["read"]]
    lake.replace(table, sessions, [rows], run_id="other", read=read)


def filled(vendor, dagster):
    settings = vendor.settings()
    tell(vendor)
    refresh(settings, dagster)
    run(settings, SESSIONS, instance=dagster, only=DAILY)
    return settings


@pytest.mark.thorough
def test_every_row_of_the_sessions_that_other_code_computed_is_computed_again(vendor):
    with instance() as dagster:
        settings = filled(vendor, dagster)
        right = rows(settings, INDICATORS_TABLE)
        wrong = right.filter(pl.col("session") >= SESSIONS[2]).with_columns(return_1=0.5)
        computed_by_other_code(settings, INDICATORS_TABLE, SESSIONS[2:], wrong, return_1="0" * 12)
        (needed,) = restate(settings, dagster)
    assert (needed.job, needed.first, needed.last) == ("restated_signals", SESSIONS[2], SESSIONS[-1])
    assert [key.path[-1] for key in needed.assets] == ["indicators", "candidates"]
    assert_frame_equal(rows(settings, INDICATORS_TABLE), right, check_exact=True)
    assert outdated_sessions(Lake(settings.lake), STOCKS).stretches == []


@pytest.mark.thorough
def test_a_late_split_and_other_code_are_settled_by_the_same_runs(vendor):
    with instance() as dagster:
        settings = filled(vendor, dagster)
        first = rows(settings, INDICATORS_TABLE).filter(session=SESSIONS[0])
        computed_by_other_code(settings, INDICATORS_TABLE, SESSIONS[:1], first, return_1="0" * 12)
        tell(vendor, SPLIT)
        refresh(settings, dagster)
        needed = restate(settings, dagster)
    assert [(one.first, one.last) for one in needed] == [(SESSIONS[0], SESSIONS[0]), (SPLIT_ON, SESSIONS[-1])]
    assert outdated_sessions(Lake(settings.lake), STOCKS).stretches == []


@pytest.mark.thorough
def test_after_a_model_changed_only_the_lists_are_made_again(vendor):
    with instance() as dagster:
        settings = filled(vendor, dagster)
        before = Lake(settings.lake).version(INDICATORS_TABLE)
        computed_by_other_code(settings, CANDIDATES, SESSIONS[:3], CANDIDATES.empty(), pullback="0" * 12)
        (needed,) = restate(settings, dagster)
    assert [key.path[-1] for key in needed.assets] == ["candidates"]
    assert Lake(settings.lake).version(INDICATORS_TABLE) == before
    assert outdated_sessions(Lake(settings.lake), STOCKS).stretches == []


@pytest.mark.thorough
def test_after_a_rule_changed_only_marks_and_signals_are_computed_again(vendor):
    with instance() as dagster:
        settings = filled(vendor, dagster)
        lake = Lake(settings.lake, computed_by=lambda one: {**computed_by(one), "time_stop": "0" * 12})
        for table in (POSITION_MARKS, SIGNALS):
            lake.replace(table, SESSIONS, [table.empty()], run_id="other")
        (needed,) = restate(settings, dagster)
    assert [key.path[-1] for key in needed.assets] == ["position_marks", "signals"]
    assert outdated_sessions(Lake(settings.lake), STOCKS).stretches == []


@pytest.mark.thorough
def test_the_watch_looks_again_when_code_has_changed(vendor, monkeypatch):
    with instance() as dagster:
        settings = filled(vendor, dagster)
        spans, _, cursor = sensor_tick(settings, dagster)
        assert spans == []
        assert sensor_tick(settings, dagster, cursor)[1].startswith("No table was written and no code changed")
        now = {**computed_by(CANDIDATES), "trend": "0" * 12}
        monkeypatch.setattr(code_changes, "computed_by", lambda _, one: now if one is CANDIDATES else computed_by(one))
        monkeypatch.setattr("pipeline.orchestration.sensors.code_version", lambda _, one: f"another of {one.name}")
        resources = {"lake": Lake(settings.lake), "settings": settings}
        context = build_sensor_context(instance=dagster, cursor=cursor, resources=resources)
        (request,) = changed_past.evaluate_tick(context).run_requests
    assert (request.job_name, request.asset_selection) == ("restated_signals", (AssetKey(["stocks", "candidates"]),))
    assert span_tags(SESSIONS).items() <= request.tags.items()


@pytest.mark.thorough
def test_the_daemon_can_launch_the_watch_s_requests(vendor, tmp_path):
    """The run of a part of the job takes the job's own configuration, though it names an asset that is left out."""
    with instance() as dagster:
        settings = filled(vendor, dagster)
        job = build_definitions(settings).resolve_job_def("restated_signals")
        result = job.get_subset(asset_selection={AssetKey(["stocks", "candidates"])}).execute_in_process(
            instance=dagster, tags=span_tags(SESSIONS)
        )
    assert result.success


def stale_causes(definitions, dagster, table, session):
    """Return why Dagster's UI shows a partition as not up to date."""
    graph = definitions.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(dagster, graph, LoadingContextForTest(dagster))
    return [one.reason for one in resolver.get_stale_causes(asset_key(table), str(session))]


@pytest.mark.thorough
def test_dagster_knows_the_fingerprint_as_the_code_version_and_says_when_it_has_changed(vendor):
    with instance() as dagster:
        settings = filled(vendor, dagster)
        definitions = build_definitions(settings)
        for table in (INDICATORS_TABLE, CANDIDATES):
            event = dagster.get_latest_materialization_event(asset_key(table))
            assert event.asset_materialization.tags["dagster/code_version"] == code_version(table)
            assert stale_causes(definitions, dagster, table, SESSIONS[-1]) == []
        by_other_code = AssetMaterialization(
            asset_key(INDICATORS_TABLE),
            partition=str(SESSIONS[-1]),
            tags={"dagster/code_version": "0" * 12, "dagster/data_version": "1"},
        )
        dagster.report_runless_asset_event(by_other_code)
        assert "has a new code version" in stale_causes(definitions, dagster, INDICATORS_TABLE, SESSIONS[-1])
