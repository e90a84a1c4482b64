"""Every secret is planted in the settings, commands and jobs succeed and fail, and everything they left is searched."""

import base64
import gzip
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from pytest_httpserver import HTTPServer

from assets_tests.commands import served_ui, typed
from assets_tests.s3_server import S3Server
from assets_tests.secrets_search import Text, found, said_by, texts_under, told_by
from assets_tests.sources.vendor_aggregates import AggregatesApi, bar
from assets_tests.sources.vendor_rest import KEY
from assets_tests.vendor_day import day_file, key_of, row
from pipeline.market.calendar import new_york
from pipeline.partitions import latest_published

PLANTED = {
    "S3 secret": "owner-secret",
    "S3 key id": "owner-key",
    "REST key": KEY,
    "password of an alert": "pass+Planted/Secret=1",
    "path of an alert": "pathPlantedSecret2",
    "header of an alert": "headerPlantedSecret3",
    "token of an alert": "555555555:AAPlantedPlantedPlantedPlantedPlante",
    "wrong S3 secret": "wrongPlanted/S3+Secret4",
    "wrong REST key": "wrongPlantedRestKey5",
    "S3 secret of the lake": "lakePlanted/S3+Secret6",
    "S3 key id of the lake": "lakePlantedKeyId7",
}


@pytest.fixture(scope="module")
def swept(
    s3_server: S3Server, module_server: HTTPServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, subprocess.CompletedProcess[str]], list[Text]]:
    """What each command answered, and everything that was said or left behind."""
    home = tmp_path_factory.mktemp("secrets") / "home"
    session = latest_published(datetime.now(UTC), None)
    before = new_york().offset(session, -1)
    bucket = s3_server.make_bucket()
    s3_server.client.put_object(Bucket=bucket, Key=key_of(session), Body=day_file(row(session, "NA")))
    api = AggregatesApi(module_server)
    api.days = {before: {"NA": bar(10)}}
    reference = home.parent / "reference"
    reference.mkdir()
    for name in ("tickers", "splits", "dividends"):
        (reference / f"{name}.json").write_text('{"status": "OK", "results": []}')

    password = quote(PLANTED["password of an alert"], safe="")
    path, header = PLANTED["path of an alert"], PLANTED["header of an alert"]
    address = f"json://somebody:{password}@{module_server.host}:{module_server.port}/{path}?retry=0&+X-Key={header}"
    closed = f"mailto://somebody:{password}@example.com/?smtp=127.0.0.1&port=1&retry=0&to=me@example.com"
    settings = {
        "CANDLELAKE_FLAT_FILES": f"s3://{bucket}",
        "CANDLELAKE_FLAT_FILES_ENDPOINT": s3_server.endpoint,
        "CANDLELAKE_FLAT_FILES_KEY_ID": s3_server.key_id,
        "CANDLELAKE_FLAT_FILES_SECRET": s3_server.secret,
        "CANDLELAKE_REST_URL": api.url,
        "CANDLELAKE_REST_KEY": KEY,
        "CANDLELAKE_REST_CALLS_PER_MINUTE": "10000",
        "CANDLELAKE_REFERENCE": str(reference),
        "CANDLELAKE_ALERTS": f"{address} {closed} tgram://{PLANTED['token of an alert']}",
        "CANDLELAKE_LAKE_SECRET": PLANTED["S3 secret of the lake"],
        "CANDLELAKE_LAKE_KEY_ID": PLANTED["S3 key id of the lake"],
    }
    wrong_s3 = {"CANDLELAKE_FLAT_FILES_SECRET": PLANTED["wrong S3 secret"]}
    wrong_rest = {"CANDLELAKE_REST_KEY": PLANTED["wrong REST key"]}
    from_rest = {"CANDLELAKE_FLAT_FILES": "rest"}
    day, earlier = str(session), str(before)
    commands: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
        "run": (("--debug", "run", "--date", day), {}),
        "run of REST": (("--debug", "run", "--date", earlier), from_rest),
        "run with a wrong secret": (("--debug", "run", "--date", day), wrong_s3),
        "run with a wrong key": (("--debug", "run", "--date", earlier), wrong_rest | from_rest),
        "doctor": (("--debug", "doctor"), {}),
        "doctor with a wrong secret": (("--debug", "doctor"), wrong_s3 | wrong_rest),
        "alerts": (("--debug", "alerts", "test"), {}),
        "status": (("--debug", "status", "--json"), {}),
        "explain": (("--debug", "explain", "NA", day, "--json"), {}),
        "sql": (("--debug", "sql", "SELECT current_setting('s3_secret_access_key')"), {}),
        "setting": (("--debug", "status"), {"CANDLELAKE_ALERTS": PLANTED["path of an alert"]}),
    }
    answers = {name: typed(home, *arguments, **(settings | changed)) for name, (arguments, changed) in commands.items()}
    with served_ui(home, home.parent / "words", **settings) as served:
        told = list(told_by(served))
    texts = [*texts_under(home), ("the UI's words", (home.parent / "words").read_bytes()), *told, *said_by(answers)]
    return answers, texts


def test_no_planted_secret_is_anywhere(swept: tuple[dict[str, subprocess.CompletedProcess[str]], list[Text]]) -> None:
    assert found(PLANTED, swept[1]) == set()


def test_the_commands_did_and_failed_what_they_should_so_that_there_was_something_to_tell(
    swept: tuple[dict[str, subprocess.CompletedProcess[str]], list[Text]],
) -> None:
    answers, texts = swept
    codes = {name: answer.returncode for name, answer in answers.items()}
    for name in ("run", "run of REST", "doctor", "status"):
        assert codes[name] == 0, f"{name}: {answers[name].stdout[-2000:]}{answers[name].stderr[-4000:]}"
    for name in codes.keys() - {"run", "run of REST", "doctor", "status", "explain"}:
        assert codes[name] != 0, f"{name}: {answers[name].stdout[-2000:]}"
    assert "Traceback" in answers["run with a wrong secret"].stderr
    assert "credentials are not accepted" in answers["run with a wrong secret"].stderr
    assert "the key is not accepted" in answers["run with a wrong key"].stderr
    names = {"refusal": "CANDLELAKE_REST_KEY", "ticker": "NA", "job": "stocks_by_day"}
    where = {(name, place.split(":")[0]) for name, place in found(names, texts)}
    assert {("refusal", "GraphQL"), ("job", "GraphQL"), ("ticker", "GraphQL")} <= where
    assert any(name == "refusal" and "dagster" in place for name, place in where)


SECRET = "planted/Secret+In=Clothes"


@pytest.mark.parametrize("shift", range(3))
def test_the_search_finds_a_secret_in_whatever_clothes(tmp_path: Path, shift: int) -> None:
    around = f"{'x' * shift}{SECRET}{'y' * shift}".encode()
    (tmp_path / "plain.log").write_bytes(around)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(around))
    (tmp_path / "base64").write_bytes(base64.b64encode(around))
    (tmp_path / "urlsafe").write_bytes(base64.urlsafe_b64encode(around))
    (tmp_path / "quoted").write_text(quote(SECRET, safe=""))
    (tmp_path / "hex").write_text(around.hex())
    pl.DataFrame({"text": [around.decode()] * 9}).write_parquet(tmp_path / "table.parquet", compression="zstd")
    with closing(sqlite3.connect(tmp_path / "events.db")) as database, database:
        database.execute("CREATE TABLE events (body TEXT)")
        database.execute("INSERT INTO events VALUES (?)", [around.decode()])
    (tmp_path / quote(SECRET, safe="")).mkdir()

    everywhere = {where for _, where in found({"it": SECRET}, list(texts_under(tmp_path)))}
    assert everywhere == {path.name for path in tmp_path.iterdir()}
    assert found({"it": "somethingElse"}, list(texts_under(tmp_path))) == set()
