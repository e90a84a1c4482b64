"""Reference data from the REST vendor, from a folder, and from nowhere: the same frames."""

import json
import shutil
from datetime import date

import polars as pl
import pytest

from assets_tests.sources.vendor_rest import KEY, say, say_json
from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS, vendor_columns
from pipeline.errors import AnswerRefused, NotPublished, SettingsError
from pipeline.sample.real import lay_down_real
from pipeline.settings import Settings
from pipeline.sources.choose import Sources
from pipeline.sources.massive.reference import NoReference, RestReference
from pipeline.sources.massive.reference_folder import FolderReference

META = {
    "composite_figi": "BBG000MM2P62",
    "events": [{"type": "ticker_change", "date": "2022-06-09", "ticker_change": {"ticker": "META"}}],
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The real sample: flat files, and REST answers in `rest`."""
    return lay_down_real(tmp_path_factory.mktemp("sample")).folder


@pytest.fixture
def folder(sample, tmp_path):
    """A copy of the sample's REST answers."""
    shutil.copytree(sample / "rest", tmp_path / "reference")
    return tmp_path / "reference"


def results(folder, name):
    return json.loads((folder / name).read_text())["results"]


def test_the_sample_s_folder_has_its_tickers_its_split_and_its_dividends(folder):
    source = FolderReference(folder)
    assert source.tickers()["ticker"].to_list() == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    split = ("AAPL", date(2005, 2, 28), 1.0, 2.0, "forward_split", "SAAPL20050228")
    assert source.splits().rows() == [split]
    assert len(source.dividends()) == 77
    assert source.dividends()["cash_amount"].min() > 0


def test_the_rest_vendor_gives_the_same_as_the_folder_however_many_pages_it_takes(folder, rest, vendor):
    vendor.page = 10
    vendor.lists = {
        "/v3/reference/tickers": results(folder, "tickers.json"),
        "/stocks/v1/splits": results(folder, "splits.json"),
        "/stocks/v1/dividends": results(folder, "dividends.json"),
    }
    answers, expected = RestReference(rest), FolderReference(folder)
    assert answers.tickers().equals(expected.tickers())
    assert answers.splits().equals(expected.splits())
    assert answers.dividends().equals(expected.dividends())


def test_the_rest_vendor_is_asked_for_listed_and_delisted_stocks_in_the_largest_pages(rest, vendor):
    gone = {"ticker": "LEH", "active": False, "delisted_utc": "2008-09-17T04:00:00Z"}
    vendor.lists |= {"/v3/reference/tickers": [{"ticker": "F", "active": True}, gone], "/stocks/v1/dividends": []}
    source = RestReference(rest)
    assert source.tickers().select("ticker", "active", "delisted_on").rows() == [
        ("F", True, None),
        ("LEH", False, date(2008, 9, 17)),
    ]
    source.dividends()
    assert vendor.paths() == [
        "/v3/reference/tickers?market=stocks&active=true&limit=1000",
        "/v3/reference/tickers?market=stocks&active=false&limit=1000",
        "/stocks/v1/dividends?limit=5000",
    ]


def test_renames_are_requested_one_by_one_and_the_unknown_have_none(rest, vendor):
    vendor.objects["/vX/reference/tickers/BBG000MM2P62/events"] = META | {"composite_figi": None}
    renames = RestReference(rest).ticker_events(["BBG000MM2P62", "BBG000000000"])
    assert renames.rows.rows() == [("BBG000MM2P62", "META", date(2022, 6, 9))]
    assert renames.figis == ["BBG000MM2P62", "BBG000000000"]
    assert [request.path for request in vendor.requests][1] == "/vX/reference/tickers/BBG000000000/events"


def test_a_rename_without_results_is_an_error(rest, vendor):
    vendor.faults = [say_json({"status": "OK"})]
    with pytest.raises(AnswerRefused, match="no results"):
        RestReference(rest).ticker_events(["BBG000MM2P62"])


def test_a_page_lost_on_the_way_leaves_no_frame(rest, vendor):
    vendor.faults = [say_json({"status": "OK", "results": [{"ticker": "A"}], "next_url": "/x?cursor=1"}), say("<html>")]
    with pytest.raises(AnswerRefused, match="not JSON"):
        RestReference(rest).splits()


def test_an_endpoint_that_is_gone_is_no_empty_table(rest, vendor):
    with pytest.raises(NotPublished):
        RestReference(rest).dividends()


def test_renames_in_a_folder_cover_all_securities_and_their_absence_none(folder):
    none = FolderReference(folder).ticker_events(["BBG000MM2P62"])
    assert (len(none.rows), none.figis) == (0, ())
    (folder / "ticker_events.json").write_text(json.dumps({"status": "OK", "results": [META]}))
    renames = FolderReference(folder).ticker_events([])
    assert (renames.rows["ticker"].to_list(), renames.figis) == (["META"], None)


BAD_FILES = {
    "is not JSON": '{"results": [',
    "is not an answer": '[{"ticker": "A"}]',
    "is not an answer with": '{"status": "ERROR", "error": "Unknown API Key"}',
    "is not an answer with a list": '{"results": {"ticker": "A"}}',
    "with a list of objects": '{"results": ["A"]}',
    "one page of several": '{"results": [], "next_url": "https://api.massive.com/stocks/v1/splits?cursor=1"}',
    "has no ticker": '{"results": [{"execution_date": "2024-01-05"}]}',
}


@pytest.mark.parametrize("words", BAD_FILES)
def test_a_file_that_is_no_whole_answer_is_refused(folder, words):
    (folder / "splits.json").write_text(BAD_FILES[words])
    with pytest.raises(AnswerRefused, match=f"splits.json.*{words}"):
        FolderReference(folder).splits()


def test_a_missing_file_is_named_with_the_setting(folder):
    (folder / "dividends.json").unlink()
    with pytest.raises(SettingsError, match=r"dividends\.json cannot be read.*CANDLELAKE_REFERENCE"):
        FolderReference(folder).dividends()


def test_no_source_gives_no_rows_in_the_same_columns():
    nobody = NoReference()
    frames = [nobody.tickers(), nobody.splits(), nobody.dividends(), nobody.ticker_events(["X"]).rows]
    for frame, table in zip(frames, (TICKERS, SPLITS, DIVIDENDS, TICKER_EVENTS), strict=True):
        assert frame.equals(pl.DataFrame(schema=vendor_columns(table)))


def chosen(tmp_path, **settings):
    with Sources(Settings(home=tmp_path / "home", **settings)).reference() as source:
        return type(source), str(source)


def test_the_folder_that_is_set_comes_first_then_the_key_then_what_lies_beside_the_flat_files(folder, sample, tmp_path):
    beside = {"flat_files": str(sample)}
    key = {"rest_key": KEY, "rest_url": "http://127.0.0.1:9"}
    assert chosen(tmp_path, reference=folder, **key, **beside) == (FolderReference, f"the folder {folder}")
    assert chosen(tmp_path, **key, **beside) == (RestReference, "the REST API at http://127.0.0.1:9")
    assert chosen(tmp_path, **beside) == (FolderReference, f"the folder {sample / 'rest'}")
    assert chosen(tmp_path, flat_files=sample.as_uri()) == (FolderReference, f"the folder {sample / 'rest'}")
    assert chosen(tmp_path, flat_files=str(tmp_path))[0] is NoReference
    assert chosen(tmp_path, flat_files="s3://flatfiles")[0] is NoReference


def test_without_a_key_there_is_no_rest_api(tmp_path):
    with pytest.raises(SettingsError, match="CANDLELAKE_REST_KEY must be set"):
        Sources(Settings(home=tmp_path)).rest()


def test_the_calls_of_a_home_are_counted_in_it(tmp_path):
    settings = Settings(home=tmp_path / "home", rest_key=KEY, rest_url="http://127.0.0.1:9")
    with Sources(settings).rest():
        assert settings.rest_calls.exists()
    assert KEY not in repr(settings)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "9" * 5_000,
        r'{"results": [{"ticker": "\ud800"}]}',
        '{"a":' * 100_000,
        '{"results": [], "results": []}',
    ],
)
def test_a_file_that_json_cannot_hold_is_refused_by_name(tmp_path, text):
    (tmp_path / "splits.json").write_text(text)
    with pytest.raises(AnswerRefused, match=r"splits\.json is not JSON"):
        FolderReference(tmp_path).splits()
