"""`candlelake verify` and its repair, over a lake on a real S3 server that real runs have filled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import Ask
from assets_tests.cli.harming import require_done, rows
from assets_tests.commands import typed
from assets_tests.s3_server import S3Server
from assets_tests.stocks import EVERY_TABLE
from assets_tests.vendor_day import VendorFolder, row
from assets_tests.vendor_minutes import lay_minutes, minute
from pipeline.lake.delta.log_entries import entry_name
from pipeline.lake.integrity.mending import DAMAGED
from pipeline.lake.lake import Lake
from pipeline.lake.storage.lake_objects import Objects
from pipeline.lake.storage.s3_prefix import S3Prefix
from pipeline.orchestration.jobs import MINUTES_BY_DAY
from pipeline.orchestration.runs import run_sessions
from pipeline.progress import Progress
from pipeline.settings import Settings

pytestmark = pytest.mark.thorough

JANUARY, FEBRUARY = (date(2024, 1, 30), date(2024, 1, 31)), (date(2024, 2, 1), date(2024, 2, 2))
SESSIONS = (*JANUARY, *FEBRUARY)
TICKERS = ("AAPL", "NA", "TRUE")


@dataclass(frozen=True)
class OnS3:
    """A home, and its lake in a bucket."""

    home: Path
    lake: Lake

    @property
    def objects(self) -> Objects:
        return self.lake.objects

    def content(self) -> dict[str, pl.DataFrame]:
        """Return the rows of every table."""
        return {table.sql_name: rows(self.lake, table) for table in EVERY_TABLE if self.lake.exists(table)}

    def live(self, table: str) -> list[str]:
        """Return the data files of a table's newest version."""
        paths = pl.DataFrame(self.lake.open_named(table).get_add_actions())["path"]
        return sorted(f"{table}/{path}" for path in paths)

    def flip(self, name: str) -> str:
        """Flip a bit of an object, and return its name."""
        data = bytearray(self.objects.read(name) or b"")
        data[len(data) // 3] ^= 4
        self.objects.put(name, bytes(data))
        return name


@pytest.fixture(scope="module")
def filled(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> OnS3:
    """Return a home whose lake on S3 holds four sessions of two months, their rejected rows and their minutes."""
    vendor = VendorFolder(tmp_path_factory.mktemp("verify-s3"))
    for session in SESSIONS:
        vendor.lay(session, *(row(session, ticker) for ticker in TICKERS), row(session, "ODD", volume="-1"))
        lay_minutes(vendor, session, *(minute(session, ticker, "09:30") for ticker in TICKERS))
    place = s3_server.place()
    home = vendor.root / "home"
    home.mkdir()
    (home / "settings.env").write_text(f"CANDLELAKE_FLAT_FILES={vendor.files}\nCANDLELAKE_MAX_BAD_SHARE=0.5\n")
    tell_the_lake(home, place)
    ran = typed(home, "backfill", "--start", str(SESSIONS[0]), "--end", str(SESSIONS[-1]))
    assert ran.returncode == 0, ran.stderr
    on_s3 = {f"lake_{name}": getattr(place, name) for name in ("endpoint", "key_id", "secret")}
    given = Settings(home=home, flat_files=str(vendor.files), CANDLELAKE_LAKE=str(place), **on_s3)
    run_sessions(given, SESSIONS, Progress(), job_name=MINUTES_BY_DAY)
    return OnS3(home, Lake(place))


def tell_the_lake(home: Path, place: S3Prefix) -> None:
    with (home / "settings.env").open("a") as settings:
        settings.write(f"CANDLELAKE_LAKE={place}\nCANDLELAKE_LAKE_ENDPOINT={place.endpoint}\n")
        settings.write(f"CANDLELAKE_LAKE_KEY_ID={place.key_id}\n")
        settings.write(f"CANDLELAKE_LAKE_SECRET={place.secret.get_secret_value()}\n")


@pytest.fixture
def harmed(filled: OnS3, s3_server: S3Server, tmp_path: Path) -> OnS3:
    """Return a copy of the filled lake in a bucket of its own, that a test may harm."""
    copy = OnS3(tmp_path / "home", Lake(s3_server.place()))
    copy.home.mkdir()
    kept = [line for line in (filled.home / "settings.env").read_text().splitlines() if "_LAKE" not in line]
    (copy.home / "settings.env").write_text("\n".join([*kept, ""]))
    tell_the_lake(copy.home, copy.lake.store.place)  # type: ignore[attr-defined]
    for name in filled.objects.names(""):
        copy.objects.put(name, filled.objects.read(name) or b"")
    return copy


@pytest.fixture
def ask(harmed: OnS3, ask_in: Callable[[Path], Ask]) -> Ask:
    return ask_in(harmed.home)


def test_what_runs_wrote_to_the_bucket_is_whole_and_recorded_to_the_last_object(ask: Ask) -> None:
    answer = ask("verify")
    assert (answer.code, answer.data) == (0, "")
    assert "all as written" in answer.words
    assert "No hashes" not in answer.words


def test_what_is_harmed_in_the_bucket_is_named_and_there_again_after_a_repair(ask: Ask, harmed: OnS3) -> None:
    tables, objects = harmed.content(), harmed.objects
    january, february = harmed.live("stocks/daily_bars")
    newest = harmed.lake.open_named("stocks/deliveries").version()
    commit = f"stocks/deliveries/{entry_name(newest)}"
    days, minutes = (
        next(name for name in objects.names("raw/") if name.endswith(".csv.gz") and dataset in name)
        for dataset in ("day_aggs", "minute_aggs")
    )
    of_minutes = harmed.live("stocks/minute_bars")[1]
    before = {name: objects.read(name) for name in (commit, days, minutes)}
    damage = [harmed.flip(january), harmed.flip(days), minutes, of_minutes, commit]
    for name in (minutes, of_minutes):
        objects.move(name, "elsewhere")
    objects.put(commit, b"")
    kept = objects.read(february)

    answer = ask("verify")
    assert answer.code == 1
    lines = answer.data.splitlines()
    assert [name for name in damage if not any(name in line for line in lines)] == []
    assert len(lines) == len(damage)

    require_done(ask("verify", "--repair"))
    require_done(ask("verify"))
    after = harmed.content()
    assert [name for name in tables if not after[name].equals(tables[name])] == []
    assert {name: objects.read(name) for name in before} == before
    assert objects.read(february) == kept, "the other month was left alone"
    aside = {name.split("/", 2)[2] for name in objects.names(f"{DAMAGED}/")}
    assert {january, commit, days} <= aside


def test_a_run_refuses_to_build_on_a_lost_commit_and_does_so_no_more_once_it_is_put_back(
    ask: Ask, harmed: OnS3
) -> None:
    newest = harmed.lake.open_named("stocks/daily_bars").version()
    harmed.objects.delete(f"stocks/daily_bars/{entry_name(newest)}")
    run = ("run", "--date", str(SESSIONS[-1]))
    refused = ask(*run)
    assert refused.code == 1
    assert "`candlelake verify --repair` puts it back" in refused.words
    require_done(ask("verify", "--repair"))
    require_done(ask(*run))


def test_a_damaged_checkpoint_in_the_bucket_is_made_again(ask: Ask, harmed: OnS3) -> None:
    for _ in range(10):
        require_done(ask("positions", "add", "AAPL", "1", "10", "--opened", str(SESSIONS[0]), "--force"))
    (checkpoint,) = (
        name for name in harmed.objects.names("portfolio/positions/") if name.endswith(".checkpoint.parquet")
    )
    before = harmed.content()["portfolio.positions"]
    harmed.objects.put(checkpoint, b"")
    assert checkpoint in ask("verify").data
    require_done(ask("verify", "--repair"))
    assert harmed.content()["portfolio.positions"].equals(before)
