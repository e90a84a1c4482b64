"""Days of bars from the REST vendor: a call a session for the whole market, a call a ticker for a list of them."""

import json
from datetime import date

import pytest
from pydantic import SecretStr

from assets_tests.sources.vendor_aggregates import AggregatesApi, bar, grouped, milliseconds
from assets_tests.sources.vendor_rest import KEY, say
from pipeline.errors import AccessDenied, AnswerRefused, NotPublished, SettingsError
from pipeline.settings import Settings
from pipeline.sources.choose import Sources
from pipeline.sources.massive.grouped_daily import parse_answer
from pipeline.sources.massive.rest import Rest
from pipeline.sources.massive.rest_days import MarketDays, NoFlatFiles, TickerDays, rows_by_session, ticker_rows
from pipeline.sources.port import Dataset, last_day

THU, FRI, SAT, MON = (date(2024, 1, day) for day in (4, 5, 6, 8))


@pytest.fixture
def api(httpserver):
    api = AggregatesApi(httpserver)
    api.days = {
        THU: {"AAPL": bar(11), "IBM": bar(12)},
        FRI: {"AAPL": bar(13), "BRK/A": bar(14, v=0.25)},
        MON: {"AAPL": bar(15), "IBM": bar(16)},
    }
    return api


@pytest.fixture
def rest(api):
    with Rest(api.url, SecretStr(KEY), calls_per_minute=10_000) as rest:
        yield rest


def closes(documents):
    return {session: bars_of(body, session) for session, body in documents}


def bars_of(body, session):
    rows = parse_answer(body, session, "answer").rows
    return dict(rows.select("ticker", "close").sort("ticker").iter_rows())


def test_the_market_is_one_call_a_session_and_the_vendor_s_bytes(rest, api):
    body = json.dumps({"results": grouped(THU, {"A": bar()}), "resultsCount": 1, "status": "OK"}, indent=3)
    api.faults = [say(body)]
    assert list(MarketDays(rest).documents([THU])) == [(THU, body.encode())]
    assert closes(MarketDays(rest).documents([THU, MON])) == {
        THU: {"AAPL": 11.0, "IBM": 12.0},
        MON: {"AAPL": 15.0, "IBM": 16.0},
    }
    assert api.paths() == [f"/v2/aggs/grouped/locale/us/market/stocks/{day}" for day in (THU, THU, MON)]


def test_tickers_are_one_call_each_and_a_document_a_session(rest, api):
    days = TickerDays(rest, ["AAPL", "BRK/A", "GONE"])
    documents = list(days.documents([THU, FRI, MON]))
    assert closes(documents) == {THU: {"AAPL": 11.0}, FRI: {"AAPL": 13.0, "BRK/A": 14.0}, MON: {"AAPL": 15.0}}
    assert len(api.requests) == 3
    assert {parse_answer(body, session, "x").tickers for session, body in documents} == {("AAPL", "BRK/A", "GONE")}


def test_the_same_days_are_the_same_bytes(rest):
    days = TickerDays(rest, ["AAPL", "IBM"])
    assert list(days.documents([THU, MON])) == list(days.documents([THU, MON]))


def test_sessions_between_that_were_not_requested_are_left_out(rest):
    assert list(closes(TickerDays(rest, ["AAPL"]).documents([THU, MON]))) == [THU, MON]


def test_a_session_in_which_no_ticker_traded_is_an_error_that_names_it(rest):
    with pytest.raises(NotPublished, match=f"None of IBM has a bar in 1 of 3 sessions \\(first {FRI}\\)"):
        list(TickerDays(rest, ["IBM"]).documents([THU, FRI, MON]))


def test_pages_are_followed_to_the_end(rest, api):
    api.page = 1
    assert [row["c"] for row in ticker_rows(rest, "AAPL", THU, MON, adjusted=False)] == [11, 13, 15]
    assert len(api.requests) == 3


def test_an_empty_range_has_no_rows(rest):
    assert ticker_rows(rest, "GONE", THU, MON, adjusted=False) == []


def test_a_delayed_plan_answers_as_well(rest, api):
    api.status = "DELAYED"
    assert closes(MarketDays(rest).documents([THU])) == {THU: {"AAPL": 11.0, "IBM": 12.0}}


def test_the_vendor_s_refusal_stops_at_once(rest, api):
    api.faults = [say('{"status":"NOT_AUTHORIZED","message":"Upgrade your plan"}', 403)]
    with pytest.raises(AccessDenied, match="Upgrade your plan"):
        list(MarketDays(rest).documents([THU, FRI]))
    assert len(api.requests) == 1


def test_a_bar_of_a_day_without_trading_goes_with_the_session_before_it_where_it_is_rejected():
    stray = {"T": "A", "t": milliseconds(SAT)}
    assert rows_by_session([stray], [FRI, MON]) == {FRI: [stray], MON: []}


@pytest.mark.parametrize("time", [milliseconds(MON), milliseconds(THU) // 1000, None, "soon", 10**30, True])
def test_a_bar_without_a_time_or_outside_the_range_is_an_error(time):
    with pytest.raises(AnswerRefused, match="A bar of A"):
        rows_by_session([{"T": "A", "t": time}], [THU, FRI])


def chosen(tmp_path, **settings):
    with Sources(Settings(home=tmp_path, **settings)).rest_days() as days:
        return days


def test_the_settings_choose_the_tickers_requested_over_rest(tmp_path):
    key = {"rest_key": SecretStr("k")}
    assert chosen(tmp_path) is None
    assert isinstance(chosen(tmp_path, **key), MarketDays)
    assert isinstance(chosen(tmp_path, flat_files="rest", **key), MarketDays)
    assert chosen(tmp_path, flat_files="rest", tickers="AAPL, MSFT", **key).tickers == ("AAPL", "MSFT")
    assert isinstance(chosen(tmp_path, tickers="AAPL", **key), MarketDays), "the morning edition is of the market"


def test_without_flat_files_there_is_no_file_to_list(tmp_path):
    source = Sources(Settings(home=tmp_path, flat_files="rest", rest_key="k")).flat_files()
    assert isinstance(source, NoFlatFiles)
    assert source.files(Dataset.DAY_AGGS, THU, MON) == source.sessions(Dataset.DAY_AGGS, 2024) == []
    with pytest.raises(NotPublished):
        source.file(Dataset.DAY_AGGS, THU)
    with pytest.raises(NotPublished):
        last_day(source, Dataset.DAY_AGGS)
    with pytest.raises(SettingsError, match="CANDLELAKE_REST_KEY must be set"):
        Sources(Settings(home=tmp_path, flat_files="rest")).flat_files()


@pytest.mark.parametrize("ticker", ["A/B", "../../v3/reference/tickers", "A?apiKey=x", "A#b", "A%2F..%2FB", "é'; --"])
def test_a_ticker_is_one_segment_of_the_path_whatever_is_in_it(vendor, rest, ticker):
    path = f"/v2/aggs/ticker/{ticker}/range/1/day/{FRI}/{FRI}"
    vendor.lists[path] = [{"t": 1}]
    assert ticker_rows(rest, ticker, FRI, FRI, adjusted=False) == [{"T": ticker, "t": 1}]
    assert [request.path for request in vendor.requests] == [path]


@pytest.mark.parametrize("ticker", ["", ".", ".."])
def test_a_ticker_that_would_lead_up_the_path_is_not_requested(vendor, rest, ticker):
    with pytest.raises(SettingsError, match="cannot be queried for the name"):
        ticker_rows(rest, ticker, FRI, FRI, adjusted=False)
    assert vendor.requests == []
