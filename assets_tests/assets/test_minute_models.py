"""Models that weigh what minutes say, beside one that does not, through the real assets."""

import statistics
from datetime import date

import pytest

from assets_tests.dagster_runs import TO_BARS, instance, rows, run
from assets_tests.market.screen.panels import EVERYBODY, factor
from assets_tests.stocks import STOCKS, declare, declaring
from assets_tests.vendor_day import VendorFolder, row
from assets_tests.vendor_minutes import lay_minutes, minute, run_minutes
from pipeline.contracts.candidates import CANDIDATES
from pipeline.lake.lake import Lake
from pipeline.market.market import market_of
from pipeline.market.screen.factors import PREMARKET_GAP
from pipeline.market.screen.model import Model
from pipeline.market.screen.models import MODELS, STRONG_CLOSE
from pipeline.queries.explanation import explanation
from pipeline.queries.minute_features import features_for, missing_minutes_warnings
from pipeline.queries.published_lists import publications, ranked_again
from pipeline.queries.report_rows import ReportRows
from pipeline.queries.report_tables import ReportTables
from pipeline.venues.us_stocks import US_STOCKS

pytestmark = pytest.mark.thorough

FRI, MON = date(2024, 1, 5), date(2024, 1, 8)
HISTORY = US_STOCKS.calendar.between(US_STOCKS.calendar.offset(FRI, -20), MON)
GAPS = Model(name="gaps", version=1, description="", universe=EVERYBODY, factors=((PREMARKET_GAP, 1.0),), winsorize=0.0)
BUSY = Model(
    name="busy", version=1, description="", universe=EVERYBODY, factors=((factor("busy", "relative_volume"), 1.0),)
)
EARLY = {"A": "11", "B": "10.5", "C": "9"}
"""Last price before the open of each ticker that has minutes; all closed at 10 the day before."""


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """Return the settings of a home whose Friday has minutes and whose Monday has none, and the warnings of the run."""
    vendor = VendorFolder(tmp_path_factory.mktemp("ranked"))
    settings = vendor.settings()
    for session in HISTORY:
        vendor.lay(session, *(row(session, ticker, "10") for ticker in "ABCD"))
    lay_minutes(vendor, FRI, *(minute(FRI, ticker, "04:00", close) for ticker, close in EARLY.items()))
    with instance() as dagster, pytest.MonkeyPatch.context() as patched:
        declarations = declaring(models=(BUSY, GAPS))
        declare(patched, declarations)
        market = market_of(US_STOCKS, declarations)
        run(settings, HISTORY, instance=dagster, only=[*TO_BARS, "indicators"])
        run_minutes(settings, [FRI], instance=dagster)
        result = run(settings, [FRI, MON], instance=dagster, only=["candidates"])
        assert result.success
        lake = Lake(settings.lake)
        again = {session: ranked_again(lake, market, publications(lake, session)[-1]) for session in (FRI, MON)}
        notices = ReportTables(ReportRows(lake, market, [MON]), MON).notices
    return settings, again, notices


def test_tickers_with_minutes_are_ranked_by_what_the_minutes_say(ranked):
    listed = rows(ranked[0], CANDIDATES).filter(model="gaps").sort("rank")
    assert listed["session"].unique().to_list() == [FRI]
    assert listed["ticker"].to_list() == ["A", "B", "C"]
    values = [0.1, 0.05, -0.1]
    mean, deviation = statistics.mean(values), statistics.pstdev(values)
    assert listed["score"].to_list() == pytest.approx([(value - mean) / deviation for value in values])
    assert [part[0]["value"] for part in listed["contributions"]] == pytest.approx(values)
    assert listed["passed"].to_list() == [3, 3, 3]
    assert listed["scanned"].to_list() == [4, 4, 4]
    assert listed["reasons"][0].to_list() == [
        "Up 10.0 % before the open against the day before, more than all 2 other stocks"
    ]


def test_a_model_without_minutes_ranks_every_session_as_before(ranked):
    listed = rows(ranked[0], CANDIDATES).filter(model="busy")
    assert dict(listed.group_by("session").len().iter_rows()) == {FRI: 4, MON: 4}


def test_the_page_of_a_session_without_minutes_names_the_models_with_an_empty_list(ranked):
    assert any("no minutes, so no stock is listed by gaps: 2024-01-08" in notice for notice in ranked[2])


def test_a_list_records_the_features_it_was_made_from_and_can_be_ranked_again(ranked):
    settings, again, _ = ranked
    for session in (FRI, MON):
        stored = rows(settings, CANDIDATES).filter(session=session).sort("model", "rank")
        assert again[session].sort("model", "rank").equals(stored)
    explained = explanation(Lake(settings.lake), STOCKS, "A", FRI)
    assert "stocks.intraday_features" in explained.commits["stocks.candidates"]["read"]
    assert explained.candidates.filter(model="gaps")["rank"].to_list() == [1]


def test_sessions_without_minutes_are_named_with_the_models_that_need_them(tmp_path):
    lake = Lake(tmp_path)
    features = features_for(lake, [FRI, MON], [BUSY, GAPS, STRONG_CLOSE])
    (warning,) = missing_minutes_warnings(features, [FRI, MON], [BUSY, GAPS, STRONG_CLOSE])
    assert warning == (
        "2 of 2 sessions have no minutes, so no stock is listed by gaps, strong_close: 2024-01-05, 2024-01-08. "
        "Run the job `minutes_by_day` for them, then their candidates again."
    )


def test_where_no_model_uses_minutes_none_are_read(tmp_path):
    assert features_for(Lake(tmp_path), [FRI], [BUSY]) == []
    assert missing_minutes_warnings([], [FRI], [BUSY]) == []


def test_the_shipped_models_need_no_minutes():
    assert [model.name for model in MODELS if model.needs_minutes] == []
    assert STRONG_CLOSE.needs_minutes
    assert "premarket_volume" in STRONG_CLOSE.columns
