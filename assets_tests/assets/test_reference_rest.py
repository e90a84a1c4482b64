"""Reference data as Dagster refreshes it from the REST vendor: renames are requested once, and the key stays hidden."""

from datetime import date

import pytest

from assets_tests.assets.reference_runs import dividend, refresh, refresh_with_checks, renamed, security, split
from assets_tests.dagster_runs import TO_BARS, failure_of, instance, rows, run
from assets_tests.examples import first_quick
from assets_tests.sources.vendor_rest import KEY, VendorApi, say, say_json
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS
from pipeline.orchestration.instance import open_instance

THU, FRI = date(2024, 1, 4), date(2024, 1, 5)
PATHS = {"tickers": "/v3/reference/tickers", "splits": "/stocks/v1/splits", "dividends": "/stocks/v1/dividends"}


@pytest.fixture
def api(httpserver):
    api = VendorApi(httpserver)
    api.lists = {
        PATHS["tickers"]: [security(ticker) for ticker in ("OLD", "META", "NEW")]
        + [security("GONE", active=False, delisted_utc="2024-01-04T05:00:00Z")],
        PATHS["splits"]: [split(ticker) for ticker in "ABC"],
        PATHS["dividends"]: [dividend(ticker) for ticker in "ABCDE"],
    }
    api.objects["/vX/reference/tickers/F-META/events"] = renamed("F-META", META="2024-01-05", FB="2012-05-18")
    return api


@pytest.fixture
def settings(api, tmp_path):
    """Settings of a home with the key, and with bars of a ticker from the first session and two from the second."""
    vendor = VendorFolder(tmp_path)
    vendor.lay(THU, row(THU, "OLD"))
    vendor.lay(FRI, row(FRI, "OLD"), row(FRI, "META"), row(FRI, "NEW"), row(FRI, "UNKNOWN"))
    settings = vendor.settings(rest_url=api.url, rest_key=KEY, rest_calls_per_minute=10_000)
    with instance() as dagster:
        run(settings, [THU, FRI], instance=dagster, only=TO_BARS)
    return settings


def renames_requested(api):
    return [request.path.split("/")[-2] for request in api.requests if request.path.endswith("/events")]


def test_every_page_is_taken_and_renames_are_requested_once(settings, api):
    refreshed = refresh_with_checks(settings)
    assert refreshed.result.success, failure_of(refreshed.result)
    assert len(rows(settings, TICKERS)) == 4
    assert rows(settings, SPLITS)["ticker"].to_list() == ["A", "B", "C"]
    assert rows(settings, DIVIDENDS)["ticker"].to_list() == ["A", "B", "C", "D", "E"]
    assert renames_requested(api) == ["F-META", "F-NEW"]
    known = [("FB", date(2012, 5, 18)), ("META", FRI)]
    assert rows(settings, TICKER_EVENTS).select("ticker", "since").rows() == known
    metadata = refreshed.metadata["ticker_events"]
    assert (metadata["securities_asked"], metadata["securities_waiting"], metadata["added"]) == (2, 0, 2)

    api.requests.clear()
    refreshed = refresh_with_checks(settings)
    # The vendor does not know the other; what is known of this one stays, without a request.
    assert renames_requested(api) == ["F-NEW"]
    assert rows(settings, TICKER_EVENTS)["withdrawn_at"].to_list() == [None, None]
    assert refreshed.metadata["ticker_events"]["holding"] == 2
    assert refreshed.failed_checks == {}


FAULTS = {
    "outside the plan": (
        say_json({"status": "NOT_AUTHORIZED", "message": "Upgrade your plan"}, 403),
        "Upgrade your plan",
    ),
    "a login page": (say("<html>Log in</html>"), "not JSON"),
    "a circle": (
        say_json({"status": "OK", "results": [], "next_url": "/x?cursor=1"}),
        "a page links to an earlier one",
    ),
}


@pytest.mark.parametrize("what", first_quick(FAULTS))
def test_a_refresh_that_does_not_reach_the_end_writes_nothing(settings, api, what):
    fault, words = FAULTS[what]
    refresh(settings)
    stored = {table.name: rows(settings, table) for table in (TICKERS, SPLITS, DIVIDENDS)}
    api.faults = [fault] * 30
    refreshed = refresh(settings)
    assert failure_of(refreshed.result).count(words) == 3
    for table in (TICKERS, SPLITS, DIVIDENDS):
        assert rows(settings, table).equals(stored[table.name])


@pytest.mark.thorough
def test_the_key_is_found_nowhere(settings, api, capfd, caplog):
    caplog.set_level("DEBUG")
    runs = []
    with open_instance(settings.home) as dagster:
        runs.append(refresh(settings, dagster=dagster))
        api.faults = [say_json({"status": "ERROR", "error": f"Unknown API Key {KEY}"}, 401)] * 30
        runs.append(refresh(settings, dagster=dagster))
        logged = [str(entry) for one in runs for entry in dagster.all_logs(one.result.run_id)]
    assert [one.result.success for one in runs] == [True, False]
    assert "Unknown API Key …" in failure_of(runs[1].result)
    assert len(logged) > 30
    output = "".join(capfd.readouterr())
    assert KEY not in "".join([*logged, output, caplog.text, failure_of(runs[1].result)])
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    assert settings.rest_calls in files
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
