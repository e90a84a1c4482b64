"""The key of a lake on S3, a right one and a wrong one: nowhere in what commands, runs, the UI and the bucket hold."""

import subprocess
from datetime import date
from pathlib import Path

import pytest

from assets_tests.commands import free_port, served_ui, typed
from assets_tests.s3_server import S3Server
from assets_tests.secrets_search import Text, found, said_by, texts_under, told_by
from assets_tests.vendor_day import VendorFolder, row
from pipeline.lake.lake_objects import BucketObjects

FRI = date(2024, 1, 5)
WRONG = "wrongLakePlanted/S3+Secret8"
GOOD = ("run", "positions", "status", "sql", "verify", "doctor")

Swept = tuple[dict[str, subprocess.CompletedProcess[str]], list[Text]]


@pytest.fixture(scope="module")
def swept(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    """What each command answered, and everything that was said or left behind, in the home and in the bucket."""
    vendor = VendorFolder(tmp_path_factory.mktemp("secrets-s3"))
    vendor.lay(FRI, row(FRI, "NA"))
    home, place = vendor.root / "home", s3_server.place()
    right = {
        "CANDLELAKE_FLAT_FILES": str(vendor.files),
        "CANDLELAKE_LAKE": str(place),
        "CANDLELAKE_LAKE_ENDPOINT": place.endpoint,
        "CANDLELAKE_LAKE_KEY_ID": place.key_id,
        "CANDLELAKE_LAKE_SECRET": place.secret.get_secret_value(),
    }
    wrong = {"CANDLELAKE_LAKE_SECRET": WRONG}
    gone = {"CANDLELAKE_LAKE_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    run, day = ("--debug", "run", "--date", str(FRI)), str(FRI)
    commands: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
        "run": (run, {}),
        "positions": (("--debug", "positions", "add", "NA", "1", "10", "--opened", day, "--force"), {}),
        "status": (("--debug", "status", "--json"), {}),
        "sql": (("--debug", "sql", "SELECT count(*) FROM stocks.daily_bars"), {}),
        "verify": (("--debug", "verify", "--json"), {}),
        "doctor": (("--debug", "doctor"), {}),
        "sql of secrets": (("--debug", "sql", "SELECT * FROM duckdb_secrets(redact := false)"), {}),
        "run with a wrong secret": (run, wrong),
        "run without a server": (run, gone),
        "status with a wrong secret": (("--debug", "status"), wrong),
        "sql with a wrong secret": (("--debug", "sql", "SELECT count(*) FROM stocks.daily_bars"), wrong),
        "verify with a wrong secret": (("--debug", "verify", "--repair"), wrong),
        "doctor with a wrong secret": (("--debug", "doctor"), wrong),
    }
    answers = {name: typed(home, *arguments, **(right | changed)) for name, (arguments, changed) in commands.items()}
    with served_ui(home, home.parent / "words", **right) as served:
        told = list(told_by(served))
    texts = [*texts_under(home), ("the UI's words", (home.parent / "words").read_bytes()), *told, *said_by(answers)]
    texts += [(f"bucket: {where}", content) for where, content in texts_under(fetched(place, home.parent / "bucket"))]
    return answers, texts


def fetched(place: object, folder: Path) -> Path:
    """Return a folder with every object of the lake, so that it can be searched as one."""
    objects = BucketObjects(place)  # type: ignore[arg-type]
    for name in objects.names(""):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(objects.read(name) or b"")
    return folder


def test_no_key_of_the_lake_is_anywhere(swept: Swept, s3_server: S3Server) -> None:
    planted = {"secret": s3_server.secret, "key id": s3_server.key_id, "wrong secret": WRONG}
    assert found(planted, swept[1]) == set()


def test_the_commands_did_and_failed_what_they_should_so_that_there_was_something_to_tell(swept: Swept) -> None:
    answers, texts = swept
    for name, answer in answers.items():
        assert (answer.returncode == 0) == (name in GOOD), f"{name}: {answer.stdout[-2000:]}{answer.stderr[-4000:]}"
    for name in ("run with a wrong secret", "status with a wrong secret", "verify with a wrong secret"):
        assert "CANDLELAKE_LAKE_SECRET" in answers[name].stderr
        assert "Traceback" in answers[name].stderr
    assert "CANDLELAKE_LAKE_SECRET" in answers["doctor with a wrong secret"].stdout
    where = {place.split(":")[0] for _, place in found({"ticker": "daily_bars"}, texts)}
    assert {"GraphQL", "bucket", "status"} <= where
