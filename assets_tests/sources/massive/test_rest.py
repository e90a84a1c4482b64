"""The REST session against the vendor on loopback: pages to the end, and every way in which an answer can be bad."""

import gzip
import json
from datetime import date

import pytest
from pydantic import SecretStr
from werkzeug import Response

from assets_tests.sources.vendor_rest import KEY, SPLITS, say, say_json
from pipeline.errors import AnswerRefused, SettingsError
from pipeline.sources.massive.rest import Rest

OK = {"status": "OK", "results": []}


def read(rest, path=SPLITS, **params):
    return [row for page in rest.pages(path, **params) for row in page]


def test_pages_are_followed_to_the_end_though_their_links_name_another_host_and_path(rest, vendor):
    assert read(rest, limit=5000) == vendor.lists[SPLITS]
    assert vendor.paths()[0] == f"{SPLITS}?limit=5000"
    assert [request.path for request in vendor.requests[1:]] == [f"/further{SPLITS}"] * 2
    assert all(request.headers["Authorization"] == f"Bearer {KEY}" for request in vendor.requests)


def test_one_page_without_a_link_is_all_there_is(rest, vendor):
    vendor.lists[SPLITS] = [{"ticker": "A"}]
    assert list(rest.pages(SPLITS)) == [[{"ticker": "A"}]]
    vendor.faults = [say_json({**OK, "next_url": None})]
    assert list(rest.pages(SPLITS)) == [[]]


def test_parameters_are_written_as_the_vendor_reads_them(rest, vendor):
    vendor.faults = [say_json(OK)]
    read(rest, active=True, since=date(2024, 1, 5), ticker="BRK.A", nothing=None)
    assert vendor.paths() == [f"{SPLITS}?active=true&since=2024-01-05&ticker=BRK.A"]


def test_a_delayed_answer_is_a_good_one(rest, vendor):
    vendor.faults = [say_json({"status": "DELAYED", "results": [{"ticker": "A"}]})]
    assert read(rest) == [{"ticker": "A"}]


def test_a_netrc_does_not_take_the_key_s_place(rest, vendor, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert len(read(rest)) == 5


def test_a_link_that_carries_a_key_is_followed_without_it(rest, vendor):
    vendor.faults = [say_json({**OK, "next_url": f"/v3/more?cursor=abc&apiKey={KEY}"}), say_json(OK)]
    read(rest)
    assert vendor.paths()[1] == "/v3/more?cursor=abc"


def test_behind_a_proxy_s_path_links_of_the_vendor_and_of_the_proxy_lead_to_the_same_place(vendor, waits):
    vendor.faults = [
        say_json({**OK, "next_url": "https://api.polygon.io/v3/more?cursor=1"}),
        say_json({**OK, "next_url": f"{vendor.url}/massive/v3/more?cursor=2"}),
        say_json(OK),
    ]
    with Rest(f"{vendor.url}/massive/", SecretStr(KEY), calls_per_minute=10_000) as rest:
        read(rest, "/v3/first")
    assert vendor.paths() == ["/massive/v3/first", "/massive/v3/more?cursor=1", "/massive/v3/more?cursor=2"]


def test_links_of_aggregates_may_keep_their_cursor_while_the_path_moves_on(rest, vendor):
    pages = [{"status": "OK", "resultsCount": 1, "results": [{"t": day}]} for day in range(3)]
    links = [{"next_url": f"https://api.massive.com/v2/aggs/{day}?cursor=bGltaXQ9Mg"} for day in (1, 2)] + [{}]
    vendor.faults = [say_json(page | link) for page, link in zip(pages, links, strict=True)]
    assert list(rest.aggregate_pages("/v2/aggs/0", limit=2)) == [[{"t": 0}], [{"t": 1}], [{"t": 2}]]


def test_an_empty_range_of_aggregates_has_no_results_and_says_that_it_has_none(rest, vendor):
    empty = {"status": "OK", "ticker": "F", "queryCount": 0, "resultsCount": 0, "adjusted": False}
    vendor.faults = [say_json(empty), say_json(empty), say_json({"status": "OK", "resultsCount": 2})]
    assert list(rest.aggregate_pages("/v2/aggs/F")) == [[]]
    assert rest.get("/v2/aggs/F") == empty
    with pytest.raises(AnswerRefused, match="no results"):
        list(rest.aggregate_pages("/v2/aggs/F"))


STRANGE = {
    "a login page": (say("<html>Please log in</html>"), "not JSON"),
    "nothing": (say(""), "not JSON"),
    "half of a page": (say('{"status": "OK", "results": ['), "not JSON"),
    "a value given twice": (
        say('{"status": "OK", "results": [{"split_to": 2, "split_to": 3}]}'),
        'ambiguous: it has "split_to" twice in one object',
    ),
    "a list": (say_json([{"ticker": "A"}]), "not a JSON object but a list"),
    "no results": (say_json({"status": "OK", "count": 0}), "no results"),
    "results that are none": (say_json({"status": "OK", "results": None}), "not a list of objects"),
    "results that are no objects": (say_json({"status": "OK", "results": ["A"]}), "not a list of objects"),
    "an error with a status of success": (say_json({"status": "ERROR", "error": "Try  again"}), "ERROR: Try again"),
    "no status": (say_json({"results": []}), "status is None"),
    "a link that is no text": (say_json({**OK, "next_url": 7}), "next_url is not an address"),
    "an empty link": (say_json({**OK, "next_url": ""}), "next_url is not an address"),
    "a broken link": (say_json({**OK, "next_url": "https://[x/?cursor=1"}), "next_url is not an address"),
}


@pytest.mark.parametrize("what", STRANGE)
@pytest.mark.parametrize("page", [0, 1])
def test_a_page_that_is_not_the_requested_one_is_an_error_and_never_the_end(rest, vendor, what, page):
    fault, words = STRANGE[what]
    good = say_json({**OK, "next_url": "/v3/more?cursor=1"})
    vendor.faults = [*[good] * page, fault]
    with pytest.raises(AnswerRefused, match=words):
        read(rest)
    assert len(vendor.requests) == page + 1


def test_a_page_that_leads_back_to_an_earlier_one_is_an_error(rest, vendor):
    there = {"next_url": "https://api.massive.com/v3/more?cursor=1&limit=2"}
    vendor.faults = [say_json(OK | there), say_json(OK | {"next_url": "/v3/more?limit=2&cursor=1"})]
    with pytest.raises(AnswerRefused, match="a page links to an earlier one"):
        read(rest)
    vendor.faults = [say_json(OK | {"next_url": f"{SPLITS}?limit=2"})]
    with pytest.raises(AnswerRefused, match="a page links to an earlier one"):
        read(rest, limit=2)


def test_compressed_and_chunked_bodies_are_read(rest, vendor):
    whole = json.dumps({"status": "OK", "results": [{"ticker": "A" * 100_000}]}).encode()
    packed = gzip.compress(whole)
    pieces = [whole[start : start + 7_000] for start in range(0, len(whole), 7_000)]
    vendor.faults = [
        lambda _: Response(packed, headers={"Content-Encoding": "gzip"}),
        lambda _: Response(iter(pieces), headers={"Transfer-Encoding": "chunked"}),
    ]
    assert read(rest) == [{"ticker": "A" * 100_000}]


@pytest.mark.parametrize("base", ["", "api.massive.com", "ftp://x", "https://", "https://u:p@x", "https://x?apiKey=1"])
def test_an_address_that_is_none_is_refused(base):
    with pytest.raises(SettingsError, match="CANDLELAKE_REST_URL"):
        Rest(base, SecretStr(KEY))


@pytest.mark.parametrize("key", ["", "a key", "schlüssel", "key\n"])
def test_a_key_that_is_none_is_refused_without_being_shown(key):
    with pytest.raises(SettingsError, match="CANDLELAKE_REST_KEY") as refused:
        Rest("https://api.massive.com", SecretStr(key))
    assert key == "" or key not in str(refused.value)
