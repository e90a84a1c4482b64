"""Each fault by the real path: a newer version of a session is published, the daily job runs, the lake is checked."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
import time_machine
from pytest_httpserver import HTTPServer

from assets_tests.dagster_runs import TO_BARS, failure_of, instance, rows, run
from assets_tests.faulty_proxy import FaultyProxy
from assets_tests.s3_server import S3Server
from assets_tests.sources.vendor_aggregates import AggregatesApi, bar, grouped
from assets_tests.sources.vendor_rest import say_json
from assets_tests.vendor_day import VendorFolder, day_file, key_of, row
from assets_tests.vendor_faults.cases import SOURCES, Case
from assets_tests.vendor_faults.plays import answers_to, play_in_bucket, play_in_folder, spoilt
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.settings import Settings
from pipeline.sources.transfer.patience import Patience

THU, FRI = date(2024, 1, 4), date(2024, 1, 5)
SATURDAY = datetime(2024, 1, 6, 17, tzinfo=UTC)

OLD, NEW, NEWER = 10.0, 12.0, 13.0
"""Closes of Friday's versions: the one in the lake, the one with the fault, and one that replaces that."""

pytestmark = pytest.mark.filterwarnings("ignore::pipeline.sources.port.MisplacedFile")

QUICK = {"first_wait": 0.01, "longest_wait": 0.02, "read_timeout": 20.0}


def friday(close: float) -> bytes:
    return day_file(*(row(FRI, ticker, f"{close:g}") for ticker in ("NA", "TRUE", "AAp")))


BEFORE_EVERY_COMMIT = {
    "bucket": {"forbidden_file", "slow_down", "reset", "short_for_ever", "bit", "page", "replaced", "listing_paths"},
    "folder": {"pipe", "link_to_nowhere", "empty", "bomb", "garbage_behind", "other_day"},
    "rest": {"unknown_key", "unavailable", "short_unannounced", "rows_lost", "adjusted", "elsewhere"},
}
"""The cases of each source that `make test` plays: one of each kind. `make test-all` plays the others."""


def cases(source: str) -> pytest.MarkDecorator:
    marks = dict.fromkeys(BEFORE_EVERY_COMMIT[source], ())
    played = [
        pytest.param(case, id=case.name, marks=marks.get(case.name, pytest.mark.thorough)) for case in SOURCES[source]
    ]
    return pytest.mark.parametrize("case", played)


@pytest.fixture(autouse=True)
def bounded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits of every attempt; only the case's own patience ends one early."""
    patience = partial(Patience, **(QUICK | request.node.callspec.params["case"].bounds))
    for module in ("transfer.s3", "massive.rest"):
        monkeypatch.setattr(f"pipeline.sources.{module}.Patience", patience)


@pytest.fixture(scope="module")
def dagster() -> Iterator[SimpleNamespace]:
    with instance() as ephemeral:
        confined = {"sessions": [THU, FRI], "instance": ephemeral, "only": TO_BARS, "raises": False}
        yield SimpleNamespace(run=partial(run, **confined))


def stored_tables(settings: Settings) -> list[pl.DataFrame]:
    return [rows(settings, table).drop("run_id", strict=False) for table in (DAILY_BARS, QUARANTINE, DELIVERIES)]


def require_outcome(settings: Settings, dagster: SimpleNamespace, case: Case) -> None:
    """Run the daily job under the fault, and compare the lake with the table."""
    before = stored_tables(settings)
    assert closes(settings) == {OLD}
    result = dagster.run(settings)
    if case.error:
        assert not result.success
        assert f"{case.error}: " in failure_of(result)
        assert case.words in failure_of(result)
        assert all(now.equals(then) for now, then in zip(stored_tables(settings), before, strict=True))
    else:
        assert result.success, failure_of(result)
        assert closes(settings) == {NEW}
        assert len(rows(settings, DAILY_BARS)) == 4


def closes(settings: Settings) -> set[float]:
    return set(rows(settings, DAILY_BARS).filter(pl.col("session") == FRI)["close"])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds Thursday and the old version of Friday, to be copied."""
    vendor = VendorFolder(tmp_path_factory.mktemp("filled"))
    vendor.lay(THU, row(THU, "NA"))
    vendor.lay_bytes(FRI, friday(OLD))
    with instance() as ephemeral:
        run(vendor.settings(), [THU, FRI], instance=ephemeral, only=TO_BARS)
    return vendor.root


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    return s3_server.make_bucket()


@pytest.fixture
def put(s3_server: S3Server, bucket: str) -> Callable[[date, bytes], object]:
    return lambda session, body: s3_server.client.put_object(Bucket=bucket, Key=key_of(session), Body=body)


@cases("bucket")
def test_a_fault_of_a_bucket_leaves_the_lake_as_it_was_or_right(
    *, filled: Path, s3_server: S3Server, bucket: str, put: Callable[[date, bytes], object],
    faulty_proxy: FaultyProxy, dagster: SimpleNamespace, tmp_path: Path, case: Case,
) -> None:  # fmt: skip
    shutil.copytree(filled / "home", tmp_path / "home")
    settings = Settings(
        home=tmp_path / "home", flat_files=f"s3://{bucket}", flat_files_endpoint=faulty_proxy.endpoint,
        flat_files_key_id=s3_server.key_id, flat_files_secret=s3_server.secret,
    )  # fmt: skip
    put(THU, day_file(row(THU, "NA")))
    put(FRI, spoilt(case.name, friday(NEW), FRI))
    play_in_bucket(case.name, faulty_proxy, FRI, partial(put, FRI, friday(NEWER)))

    require_outcome(settings, dagster, case)

    assert len(faulty_proxy.requests) <= 12
    if case.name == "replaced":
        faulty_proxy.always = lambda _: None
        assert dagster.run(settings).success
        assert closes(settings) == {NEWER}


@cases("folder")
def test_a_fault_of_a_folder_leaves_the_lake_as_it_was_or_right(
    filled: Path, dagster: SimpleNamespace, tmp_path: Path, case: Case
) -> None:
    shutil.copytree(filled, tmp_path / "all")
    vendor = VendorFolder(tmp_path / "all")
    vendor.lay_bytes(FRI, spoilt(case.name, friday(NEW), FRI))
    play_in_folder(case.name, vendor.path(FRI))

    require_outcome(vendor.settings(), dagster, case)


@pytest.fixture(scope="module")
def filled_from_rest(
    module_server: HTTPServer, dagster: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> tuple[AggregatesApi, Path]:
    """An API, and a home that holds Thursday and the old version of Friday from it, to be copied."""
    api = AggregatesApi(module_server)
    api.days = {THU: {"NA": bar(10)}, FRI: dict.fromkeys(("NA", "TRUE", "AAp"), bar(OLD))}
    home = tmp_path_factory.mktemp("from-rest") / "home"
    with time_machine.travel(SATURDAY):
        assert dagster.run(Settings(home=home, flat_files="rest", **api.settings)).success
    return api, home


@cases("rest")
def test_a_fault_of_the_rest_api_leaves_the_lake_as_it_was_or_right(
    filled_from_rest: tuple[AggregatesApi, Path], dagster: SimpleNamespace, tmp_path: Path, case: Case
) -> None:
    api, filled = filled_from_rest
    settings = Settings(home=shutil.copytree(filled, tmp_path / "home"), flat_files="rest", **api.settings)
    with time_machine.travel(SATURDAY):
        newer = grouped(FRI, dict.fromkeys(("NA", "TRUE", "AAp"), bar(NEW)))
        good = {"status": "OK", "adjusted": False, "queryCount": 3, "resultsCount": 3, "results": newer}
        # The first question is Thursday's.
        thursday = {**good, "queryCount": 1, "resultsCount": 1, "results": grouped(THU, api.days[THU])}
        api.faults = [say_json(thursday), *answers_to(case.name, good)]
        api.requests.clear()

        require_outcome(settings, dagster, case)

    assert len(api.requests) <= 6
