"""The command line over a lake on a real S3 server: what a person types is the same, and so are the answers."""

import json
from datetime import date
from types import SimpleNamespace

import pytest

from assets_tests.careless_s3 import careless_server
from assets_tests.commands import typed
from assets_tests.vendor_day import VendorFolder, row
from pipeline.lake.storage.s3_objects import S3Objects

pytestmark = pytest.mark.thorough

THU, FRI = date(2024, 1, 4), date(2024, 1, 5)


@pytest.fixture(scope="module")
def market(s3_server, tmp_path_factory):
    """A home whose lake is on S3, its settings in the environment, and the answer to the backfill of two days."""
    vendor = VendorFolder(tmp_path_factory.mktemp("cli-s3"))
    for session in (THU, FRI):
        vendor.lay(session, row(session, "AAPL"), row(session, "NA", "7"), row(session, "ODD", volume="-1"))
    place = s3_server.place()
    settings = {
        "CANDLELAKE_FLAT_FILES": str(vendor.files),
        "CANDLELAKE_START": str(THU),
        "CANDLELAKE_END": str(FRI),
        "CANDLELAKE_MAX_BAD_SHARE": "0.5",
        "CANDLELAKE_LAKE": str(place),
        "CANDLELAKE_LAKE_ENDPOINT": place.endpoint,
        "CANDLELAKE_LAKE_KEY_ID": place.key_id,
        "CANDLELAKE_LAKE_SECRET": place.secret.get_secret_value(),
    }
    home = vendor.root / "home"

    def ask(*arguments, **changed):
        return typed(home, *arguments, **(settings | changed))

    ran = ask("backfill", "--start", str(THU), "--end", str(FRI))
    assert ran.returncode == 0, ran.stderr
    return SimpleNamespace(ask=ask, home=home, place=place, ran=ran)


def test_nothing_of_the_lake_lies_in_the_home(market):
    assert not (market.home / "lake").exists()
    assert list(market.home.rglob("*.parquet")) == []
    assert (market.home / "reports").is_dir()


def test_sql_answers(market):
    answer = market.ask(
        "sql", "SELECT ticker, close FROM stocks.daily_bars WHERE session = '2024-01-05'", "--format=csv"
    )
    assert sorted(answer.stdout.splitlines()) == ["AAPL,10.0", "NA,7.0", "ticker,close"]


def test_status_shows_where_the_lake_is_and_what_it_holds(market):
    found = json.loads(market.ask("status", "--json").stdout)
    assert found["lake"] == str(market.place)
    (bars,) = [table for table in found["tables"] if table["table"] == "stocks.daily_bars"]
    assert (bars["sessions"], bars["rows"], found["missing"]) == (2, 4, [])
    assert found["quarantined"] == {"negative_volume": 2}


def test_explain_goes_back_to_the_vendor_s_file(market):
    explanation = json.loads(market.ask("explain", "AAPL", str(FRI), "--json").stdout)
    assert str(FRI) in json.dumps(explanation)
    assert "us_stocks_sip/day_aggs_v1/2024/01/2024-01-05.csv.gz" in json.dumps(explanation)


def test_doctor_finds_the_lake_well(market):
    answer = market.ask("doctor")
    output = " ".join(answer.stdout.split())
    assert answer.returncode == 0, output
    assert f"{market.place} at {market.place.endpoint} answers and refuses to overwrite a commit;" in output


def test_doctor_says_what_to_mend_when_the_key_is_wrong(market):
    answer = market.ask("doctor", CANDLELAKE_LAKE_SECRET="planted-secret")
    assert answer.returncode == 1
    assert "CANDLELAKE_LAKE_SECRET" in answer.stdout
    assert "planted-secret" not in answer.stdout + answer.stderr


def test_a_server_that_ignores_conditions_is_refused_in_one_line_before_anything_is_fetched(market, tmp_path):
    with careless_server() as careless:
        answer = market.ask("run", "--date", str(FRI), CANDLELAKE_LAKE_ENDPOINT=careless.endpoint)
        assert careless.objects == {}
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert "ignores If-None-Match" in line
    assert "docs/s3.md" in line


def test_the_secret_is_nowhere_in_the_home_nor_in_the_lake_nor_in_the_words_of_the_run(market):
    planted = market.place.secret.get_secret_value()
    assert planted not in market.ran.stdout + market.ran.stderr
    objects = S3Objects(market.place)
    assert [name for name in objects.names("") if planted.encode() in (objects.read(name) or b"")] == []
    assert [path for path in market.home.rglob("*") if path.is_file() and planted.encode() in path.read_bytes()] == []
