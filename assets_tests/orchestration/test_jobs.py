"""The schedule and the sensor: which sessions they ask for, and when."""

from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import time_machine
from dagster import RunRequest, SkipReason, build_schedule_context, build_sensor_context

from assets_tests.stock_graph import SCHEDULES, SENSORS
from assets_tests.stocks import STOCKS
from assets_tests.vendor_day import VendorFolder, key_of, row
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.definitions import defs
from pipeline.errors import SettingsError
from pipeline.lake.lake import Lake
from pipeline.orchestration.sensors import MOST_RUNS_A_TICK, due, stored_versions_of
from pipeline.settings import Settings
from pipeline.sources.choose import Sources
from pipeline.sources.port import Dataset
from pipeline.venues.us_stocks import US_STOCKS

vendor_files = SENSORS["vendor_files"]

every_morning, every_session, every_sunday = (
    SCHEDULES["every_morning"],
    SCHEDULES["every_session"],
    SCHEDULES["every_sunday"],
)

NEW_YORK = ZoneInfo("America/New_York")
REPOSITORY = defs.get_repository_def()
TUE, WED, THU, FRI, MON = (date(2024, 1, day) for day in (2, 3, 4, 5, 8))
SATURDAY = date(2024, 1, 6)
NOON_OF_MONDAY = datetime(2024, 1, 8, 12, tzinfo=NEW_YORK)


def ticks(cron, first, last):
    """Return the moments of a daily cron line in New York from one day to another."""
    minute, hour, *every_day = cron.split()
    assert every_day == ["*", "*", "*"]
    days = ((first + timedelta(days=number)) for number in range((last - first).days + 1))
    return [datetime.combine(day, time(int(hour), int(minute)), NEW_YORK) for day in days]


def test_the_schedule_requests_every_session_of_a_year_once_on_the_day_after_at_half_past_eleven():
    assert (every_session.cron_schedule, every_session.execution_timezone) == ("30 11 * * *", "America/New_York")
    requested = []
    for moment in ticks(every_session.cron_schedule, date(2024, 1, 1), date(2024, 12, 31)):
        with time_machine.travel(moment, tick=False):
            data = every_session.evaluate_tick(build_schedule_context(scheduled_execution_time=moment))
        requested += [(request.partition_key, moment.date()) for request in data.run_requests or []]
    sessions = US_STOCKS.calendar.between(date(2023, 12, 31), date(2024, 12, 30))
    assert requested == [(str(session), session + timedelta(days=1)) for session in sessions]


def morning_requests(settings, first, last):
    """Return the sessions requested by the schedule's ticks from one day to another, and its reasons to skip."""
    sessions, reasons = [], set()
    for moment in ticks(every_morning.cron_schedule, first, last):
        with time_machine.travel(moment, tick=False):
            context = build_schedule_context(
                scheduled_execution_time=moment, resources={"settings": settings}, repository_def=REPOSITORY
            )
            data = every_morning.evaluate_tick(context)
        sessions += [(request.partition_key, moment.date()) for request in data.run_requests or []]
        reasons |= {data.skip_message} if data.skip_message else set()
    return sessions, reasons


def test_the_morning_edition_is_requested_at_a_quarter_past_midnight_after_every_session(tmp_path):
    assert (every_morning.cron_schedule, every_morning.execution_timezone) == ("15 0 * * *", "America/New_York")
    settings = Settings(home=tmp_path, rest_key="key")
    requested, reasons = morning_requests(settings, date(2024, 1, 12), date(2024, 1, 23))
    sessions = US_STOCKS.calendar.between(date(2024, 1, 11), date(2024, 1, 22))
    assert requested == [(str(session), session + timedelta(days=1)) for session in sessions]
    assert "2024-01-15 brought no new session." in reasons, "a holiday"


def test_without_a_key_there_is_no_morning_edition(tmp_path):
    requested, reasons = morning_requests(Settings(home=tmp_path), date(2024, 1, 3), date(2024, 1, 4))
    assert requested == []
    assert len(reasons) == 1
    assert "CANDLELAKE_REST_KEY" in reasons.pop()


def test_no_morning_comes_after_the_end_or_before_the_start_of_the_tables(tmp_path):
    settings = Settings(home=tmp_path, rest_key="key", start=WED, end=THU)
    requested, _ = morning_requests(settings, date(2024, 1, 2), date(2024, 1, 9))
    assert [session for session, _ in requested] == [str(WED), str(THU)]


def test_maintenance_runs_on_sundays_without_a_partition():
    assert (every_sunday.cron_schedule, every_sunday.execution_timezone) == ("0 6 * * 0", "America/New_York")
    moment = datetime(2024, 1, 7, 6, tzinfo=NEW_YORK)
    (request,) = every_sunday.evaluate_tick(build_schedule_context(scheduled_execution_time=moment)).run_requests
    assert request.partition_key is None


@pytest.fixture
def vendor(tmp_path):
    return VendorFolder(tmp_path)


def take_in(vendor, *sessions):
    """Enter the published version of each session in the audit trail, as a run would."""
    settings = vendor.settings()
    source = Sources(settings).flat_files()
    lake = Lake(settings.lake)
    for session in sessions:
        file = source.file(Dataset.DAY_AGGS, session)
        delivery = {
            "session": session,
            "key": file.key,
            "etag": file.etag,
            "is_current": True,
            "size": file.size,
            "last_modified": file.last_modified,
            "sha256": "0" * 64,
            **dict.fromkeys(("rows_read", "kept"), 1),
            **dict.fromkeys(("duplicates", "quarantined"), 0),
            "run_id": "earlier",
        }
        lake.replace(DELIVERIES, [session], [pl.DataFrame([delivery], schema=DELIVERIES.columns)], run_id="earlier")


def take_in_morning(vendor, session):
    """Enter the morning edition of a session in the audit trail, as a run would."""
    answer = {
        "session": session,
        "key": f"rest/grouped_daily/{session}.json.gz",
        "etag": "answer",
        "is_current": True,
        "size": 1,
        "last_modified": NOON_OF_MONDAY,
        "sha256": "0" * 64,
        **dict.fromkeys(("rows_read", "kept"), 1),
        **dict.fromkeys(("duplicates", "quarantined"), 0),
        "run_id": "earlier",
        "provisional": True,
    }
    rows = pl.DataFrame([answer], schema=DELIVERIES.columns)
    Lake(vendor.settings().lake).replace(DELIVERIES, [session], [rows], run_id="earlier")


def tick(vendor, now=NOON_OF_MONDAY, **changed):
    """Return what the sensor answers at a moment, over the vendor's folder and the lake beside it."""
    settings = vendor.settings(**changed)
    with time_machine.travel(now, tick=False):
        found = vendor_files(
            build_sensor_context(),
            lake=Lake(settings.lake),
            sources=Sources(settings),
            settings=settings,
        )
        return list(found)


def requested_sessions(answer):
    assert all(isinstance(one, RunRequest) for one in answer)
    return [one.partition_key for one in answer]


def test_before_the_first_run_the_watch_requests_the_latest_session_only(vendor):
    for session in (TUE, WED, THU, FRI):
        vendor.lay(session, row(session, "NA"))
    assert requested_sessions(tick(vendor)) == [str(FRI)]


def test_nothing_new_is_a_reason_to_skip(vendor):
    for session in (THU, FRI):
        vendor.lay(session, row(session, "NA"))
    take_in(vendor, THU, FRI)
    (answer,) = tick(vendor)
    assert isinstance(answer, SkipReason)
    assert "since 2024-01-04" in answer.skip_message


def test_a_new_and_a_late_file_are_run_the_oldest_first(vendor):
    for session in (TUE, THU):
        vendor.lay(session, row(session, "NA"))
    take_in(vendor, TUE, THU)
    vendor.lay(FRI, row(FRI, "NA"))
    vendor.lay(WED, row(WED, "NA"))
    assert requested_sessions(tick(vendor)) == [str(WED), str(FRI)]


def test_a_replaced_file_is_run_again_under_a_key_of_its_own(vendor):
    for session in (THU, FRI):
        vendor.lay(session, row(session, "NA"))
    first = [one.run_key for one in tick(vendor)]
    take_in(vendor, THU, FRI)
    vendor.lay(FRI, row(FRI, "NA", "11"))
    (request,) = tick(vendor)
    etag = Sources(vendor.settings()).flat_files().file(Dataset.DAY_AGGS, FRI).etag
    assert (request.partition_key, request.run_key) == (str(FRI), f"{FRI}:{etag}")
    assert request.run_key not in first


def test_a_morning_edition_is_replaced_as_soon_as_the_file_is_there(vendor):
    vendor.lay(THU, row(THU, "NA"))
    take_in(vendor, THU)
    take_in_morning(vendor, FRI)
    (answer,) = tick(vendor)
    assert isinstance(answer, SkipReason)
    vendor.lay(FRI, row(FRI, "NA"))
    assert requested_sessions(tick(vendor)) == [str(FRI)]


def test_where_there_are_no_flat_files_nothing_is_watched_and_no_server_called(vendor):
    settings = Settings(home=vendor.root / "home", flat_files="rest", rest_key="key", rest_url="http://nobody.invalid")
    (answer,) = vendor_files(
        build_sensor_context(), lake=Lake(settings.lake), sources=Sources(settings), settings=settings
    )
    assert isinstance(answer, SkipReason)
    assert "no files to watch" in answer.skip_message


def test_the_same_version_keeps_its_key_so_that_it_is_run_once(vendor):
    vendor.lay(FRI, row(FRI, "NA"))
    assert [one.run_key for one in tick(vendor)] == [one.run_key for one in tick(vendor)]


def test_a_file_dated_on_a_weekend_is_passed_over(vendor):
    for session in (THU, SATURDAY):
        vendor.lay(session, row(session, "NA"))
    take_in(vendor, THU)
    (answer,) = tick(vendor)
    assert isinstance(answer, SkipReason)


def test_a_file_of_a_session_that_has_no_partition_yet_waits(vendor):
    for session in (FRI, MON):
        vendor.lay(session, row(session, "NA"))
    take_in(vendor, FRI)
    (answer,) = tick(vendor, NOON_OF_MONDAY)
    assert isinstance(answer, SkipReason), "Monday's partition begins at midnight"
    assert requested_sessions(tick(vendor, datetime(2024, 1, 9, 0, 1, tzinfo=NEW_YORK))) == [str(MON)]


def test_sessions_before_the_start_are_passed_over_even_when_their_file_is_replaced(vendor):
    for session in (WED, THU, FRI):
        vendor.lay(session, row(session, "NA"))
    take_in(vendor, WED)
    vendor.lay(WED, row(WED, "NA", "11"))
    assert requested_sessions(tick(vendor, start=FRI)) == [str(FRI)]


def test_files_after_the_end_of_a_complete_history_are_passed_over(vendor):
    for session in (WED, THU, FRI):
        vendor.lay(session, row(session, "NA"))
    take_in(vendor, WED)
    assert requested_sessions(tick(vendor, end=THU)) == [str(THU)]


def test_a_tick_requests_no_more_runs_than_its_bound(vendor):
    sessions = US_STOCKS.calendar.between(date(2023, 11, 1), date(2023, 12, 29))
    for session in sessions:
        vendor.lay(session, row(session, "NA"))
    take_in(vendor, sessions[0])
    found = requested_sessions(tick(vendor))
    assert found == [str(session) for session in sessions[1 : MOST_RUNS_A_TICK + 1]]


def test_a_source_that_is_not_there_fails_the_tick_and_says_so(vendor):
    with pytest.raises(SettingsError, match="does not exist"):
        tick(vendor)


def test_versions_held_are_the_current_ones_and_none_before_the_first_run(vendor):
    lake = Lake(vendor.settings().lake)
    assert stored_versions_of(lake, DELIVERIES) == {}
    vendor.lay(FRI, row(FRI, "NA"))
    take_in(vendor, FRI)
    assert stored_versions_of(lake, DELIVERIES) == {
        FRI: Sources(vendor.settings()).flat_files().file(Dataset.DAY_AGGS, FRI).etag
    }


def test_due_are_the_versions_that_the_tables_do_not_come_from():
    files = [SimpleNamespace(session=session, etag="v2", key=key_of(session)) for session in (TUE, WED, THU, SATURDAY)]
    assert due(STOCKS, files, {TUE: "v2", WED: "v1"}) == files[1:3]
