"""Every secret is planted in the settings, commands and jobs succeed and fail, and everything they left is searched.

The vendor's files lie on S3, and so does the lake, each under a key of its own.
"""

import base64
import gzip
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from assets_tests.commands import free_port, served_ui, typed
from assets_tests.s3_server import S3Server
from assets_tests.secrets_search import Text, command_texts, found, texts_under, ui_texts
from assets_tests.sources.vendor_aggregates import AggregatesApi, bar
from assets_tests.sources.vendor_rest import KEY
from assets_tests.vendor_day import day_file, key_of, row
from pipeline.lake.storage.lake_objects import BucketObjects
from pipeline.lake.storage.s3_prefix import S3Prefix
from pipeline.sources.port import PUBLICATION
from pipeline.venues.us_stocks import US_STOCKS

PLANTED = {
    "S3 secret": S3Server.secret,
    "S3 key id": S3Server.key_id,
    "REST key": KEY,
    "password of an alert": "pass+Planted/Secret=1",
    "path of an alert": "pathPlantedSecret2",
    "header of an alert": "headerPlantedSecret3",
    "token of an alert": "555555555:AAPlantedPlantedPlantedPlantedPlante",
    "wrong S3 secret": "wrongPlanted/S3+Secret4",
    "wrong REST key": "wrongPlantedRestKey5",
    "S3 secret of the lake": S3Server.lake_secret,
    "S3 key id of the lake": S3Server.lake_key_id,
    "wrong S3 secret of the lake": "wrongLakePlanted/S3+Secret8",
}
GOOD = ("run", "run of REST", "positions", "status", "sql", "verify", "doctor")
EITHER = ("explain",)
OF_THE_LAKE = ("run with a wrong secret of the lake", "status with a wrong secret", "verify with a wrong secret")
TRACED = ("run with a wrong secret", *OF_THE_LAKE)
"""What fails with a traceback, since `--debug` is typed."""
EXPLAINED = {
    "run with a wrong secret": "credentials are not accepted",
    "run with a wrong key": "the key is not accepted",
    **dict.fromkeys([*OF_THE_LAKE, "doctor with wrong secrets"], "CANDLELAKE_LAKE_SECRET"),
}
"""Words in what the commands say of what went wrong."""
COUNT = "SELECT count(*) FROM stocks.daily_bars"

Command = tuple[tuple[str, ...], dict[str, str]]
"""What is typed, and which settings are others for it."""


@dataclass(frozen=True)
class Sweep:
    """The answer of each command, and everything that was written or left behind, in the home and in the bucket."""

    answers: dict[str, subprocess.CompletedProcess[str]]
    texts: list[Text]

    def require(self, name: str, *, is_good: bool) -> None:
        answer = self.answers[name]
        assert (answer.returncode == 0) == is_good, f"{name}: {answer.stdout[-2000:]}{answer.stderr[-4000:]}"


@pytest.fixture(scope="module")
def swept(
    s3_server: S3Server,
    module_server: HTTPServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Sweep:
    root = tmp_path_factory.mktemp("secrets")
    home, words = root / "home", root / "words"
    session = PUBLICATION.newest(US_STOCKS, datetime.now(UTC), None)
    before = US_STOCKS.calendar.offset(session, -1)
    api = AggregatesApi(module_server)
    api.days = {before: {"NA": bar(10)}}
    place = s3_server.place(key_id=s3_server.lake_key_id, secret=SecretStr(s3_server.lake_secret))
    settings = of_files(s3_server, session) | of_rest(api, root) | of_lake(place) | of_alerts(module_server)
    answers = {
        name: typed(home, "--debug", *arguments, **(settings | changed))
        for name, (arguments, changed) in commands(str(session), str(before)).items()
    }
    texts = [*texts_under(home), *command_texts(answers)]
    with served_ui(home, words, **settings) as served:
        texts += list(ui_texts(served))
    texts.append(("the UI's words", words.read_bytes()))
    texts += [(f"bucket: {where}", content) for where, content in texts_under(fetched(place, root / "bucket"))]
    return Sweep(answers, texts)


def of_files(s3_server: S3Server, session: date) -> dict[str, str]:
    """Return the settings of a bucket with the file of a session."""
    bucket = s3_server.make_bucket()
    s3_server.client.put_object(Bucket=bucket, Key=key_of(session), Body=day_file(row(session, "NA")))
    return {
        "CANDLELAKE_FLAT_FILES": f"s3://{bucket}",
        "CANDLELAKE_FLAT_FILES_ENDPOINT": s3_server.endpoint,
        "CANDLELAKE_FLAT_FILES_KEY_ID": s3_server.key_id,
        "CANDLELAKE_FLAT_FILES_SECRET": s3_server.secret,
    }


def of_rest(api: AggregatesApi, root: Path) -> dict[str, str]:
    """Return the settings of the REST API, and of reference data that are empty."""
    reference = root / "reference"
    reference.mkdir()
    for name in ("tickers", "splits", "dividends"):
        (reference / f"{name}.json").write_text('{"status": "OK", "results": []}')
    return {
        "CANDLELAKE_REST_URL": api.url,
        "CANDLELAKE_REST_KEY": KEY,
        "CANDLELAKE_REST_CALLS_PER_MINUTE": "10000",
        "CANDLELAKE_REFERENCE": str(reference),
    }


def of_lake(place: S3Prefix) -> dict[str, str]:
    """Return the settings of a lake on S3."""
    return {
        "CANDLELAKE_LAKE": str(place),
        "CANDLELAKE_LAKE_ENDPOINT": place.endpoint,
        "CANDLELAKE_LAKE_KEY_ID": place.key_id,
        "CANDLELAKE_LAKE_SECRET": place.secret.get_secret_value(),
    }


def of_alerts(server: HTTPServer) -> dict[str, str]:
    """Return the setting of three channels: one that answers no, one that is closed, one with a token."""
    password = quote(PLANTED["password of an alert"], safe="")
    path, header = PLANTED["path of an alert"], PLANTED["header of an alert"]
    address = f"json://somebody:{password}@{server.host}:{server.port}/{path}?retry=0&+X-Key={header}"
    closed = f"mailto://somebody:{password}@example.com/?smtp=127.0.0.1&port=1&retry=0&to=me@example.com"
    return {"CANDLELAKE_ALERTS": f"{address} {closed} tgram://{PLANTED['token of an alert']}"}


def commands(day: str, earlier: str) -> dict[str, Command]:
    """Return what is typed, by a name for each."""
    wrong_s3 = {"CANDLELAKE_FLAT_FILES_SECRET": PLANTED["wrong S3 secret"]}
    wrong_rest = {"CANDLELAKE_REST_KEY": PLANTED["wrong REST key"]}
    wrong_lake = {"CANDLELAKE_LAKE_SECRET": PLANTED["wrong S3 secret of the lake"]}
    from_rest = {"CANDLELAKE_FLAT_FILES": "rest"}
    no_server = {"CANDLELAKE_LAKE_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    run = ("run", "--date", day)
    return {
        "run": (run, {}),
        "run of REST": (("run", "--date", earlier), from_rest),
        "positions": (("positions", "add", "NA", "1", "10", "--opened", day, "--force"), {}),
        "status": (("status", "--json"), {}),
        "explain": (("explain", "NA", day, "--json"), {}),
        "sql": (("sql", COUNT), {}),
        "verify": (("verify", "--json"), {}),
        "doctor": (("doctor",), {}),
        "alerts": (("alerts", "test"), {}),
        "setting": (("status",), {"CANDLELAKE_ALERTS": PLANTED["path of an alert"]}),
        "sql of a setting": (("sql", "SELECT current_setting('s3_secret_access_key')"), {}),
        "sql of secrets": (("sql", "SELECT * FROM duckdb_secrets(redact := false)"), {}),
        "run with a wrong secret": (run, wrong_s3),
        "run with a wrong key": (("run", "--date", earlier), wrong_rest | from_rest),
        "run with a wrong secret of the lake": (run, wrong_lake),
        "run without a server": (run, no_server),
        "doctor with wrong secrets": (("doctor",), wrong_s3 | wrong_rest | wrong_lake),
        "status with a wrong secret": (("status",), wrong_lake),
        "sql with a wrong secret": (("sql", COUNT), wrong_lake),
        "verify with a wrong secret": (("verify", "--repair"), wrong_lake),
    }


def fetched(place: S3Prefix, folder: Path) -> Path:
    """Return a folder with every object of the lake, so that it can be searched as one."""
    objects = BucketObjects(place)
    for name in objects.names(""):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(objects.read(name) or b"")
    return folder


@pytest.mark.thorough
def test_no_planted_secret_is_anywhere(swept: Sweep) -> None:
    assert found(PLANTED, swept.texts) == set()


@pytest.mark.thorough
def test_the_commands_ended_as_they_should_so_that_there_was_something_to_write(swept: Sweep) -> None:
    for name in swept.answers.keys() - EITHER:
        swept.require(name, is_good=name in GOOD)
    for name, answer in swept.answers.items():
        assert EXPLAINED.get(name, "") in answer.stderr + answer.stdout, name
        if name in TRACED:
            assert "Traceback" in answer.stderr, name


@pytest.mark.thorough
def test_what_is_no_secret_is_found_where_it_must_stand(swept: Sweep) -> None:
    names = {"refusal": "CANDLELAKE_REST_KEY", "ticker": "NA", "job": "stocks_by_day", "table": "daily_bars"}
    standing = found(names, swept.texts)
    where = {(name, place.split(":")[0]) for name, place in standing}
    assert ("table", "bucket") in where
    assert any(name == "job" and "dagster" in place for name, place in standing)
    assert {("refusal", "GraphQL"), ("job", "GraphQL"), ("ticker", "GraphQL")} <= where
    assert {("table", place) for place in ("GraphQL", "status")} <= where
    assert any(name == "refusal" and "dagster" in place for name, place in standing)


SECRET = "planted/Secret+In=Clothes"


@pytest.mark.parametrize("shift", range(3))
def test_the_search_finds_a_secret_in_every_encoding(tmp_path: Path, shift: int) -> None:
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
