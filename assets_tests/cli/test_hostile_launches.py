"""What a person can hand to a run in the Dagster UI is data: refused in words, or kept as it is, and never run.

The texts that the UI takes: keys of partitions, of one run, a range or a backfill; run configuration; tags; names of
assets and jobs; titles. Nothing of a run takes a ticker, a model, a path or SQL.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import polars as pl
import pytest

from assets_tests.commands import Served, served_ui, typed
from assets_tests.secrets_search import LOGS, response_to
from assets_tests.stocks import EVERY_TABLE
from assets_tests.vendor_day import VendorFolder, row
from pipeline.lake.lake import Lake

pytestmark = pytest.mark.thorough

FRI = date(2024, 1, 5)
SECRET = "planted/Rest+Key9"
MARKUP = "<img src=x onerror=alert(1)>"
HOSTILE = [
    "'; DROP TABLE stocks.daily_bars; --", "2024-01-05' OR '1'='1", "../../outside", MARKUP, "nul\0nul",
    "$(touch hacked)", "a" * 10_000, "2024-01-05,2024-01-08", "",
]  # fmt: skip
DAILY, UPKEEP = "stocks_by_day", "maintenance"
PARTITION, FIRST, LAST = (
    f"dagster/{name}" for name in ("partition", "asset_partition_range_start", "asset_partition_range_end")
)

LAUNCH = """mutation launch($job: String!, $config: RunConfigData, $tags: [ExecutionTag!], $assets: [AssetKeyInput!]) {
    launchRun(executionParams: {selector: {repositoryLocationName: "pipeline.definitions",
        repositoryName: "__repository__", jobName: $job, assetSelection: $assets},
        runConfigData: $config, executionMetadata: {tags: $tags}}) {
        __typename ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}
        ... on RunConfigValidationInvalid {errors {message}} ... on InvalidSubsetError {message}}}"""
BACKFILL = """mutation backfill($parameters: LaunchBackfillParams!) {
    launchPartitionBackfill(backfillParams: $parameters) {
        __typename ... on LaunchBackfillSuccess {backfillId} ... on PythonError {message}}}"""
RUNS = "{runsOrError {... on Runs {results {runId status tags {key value}}}}}"
OVER = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass(frozen=True)
class Ui:
    """A UI over a home of one session."""

    served: Served
    root: Path

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the answer; Dagster gives that of a launch which failed the status 500."""
        try:
            return response_to(self.served.dagster, query, **variables)
        except HTTPError as failed:
            answer: dict[str, Any] = json.load(failed)
            return answer

    def launch(self, job: str, config: Any = None, assets: Any = None, **tags: str) -> dict[str, Any]:
        tag_list = [{"key": key, "value": value} for key, value in tags.items()]
        given = {"job": job, "config": json.dumps(config or {}), "tags": tag_list, "assets": assets}
        launched: dict[str, Any] = self.ask(LAUNCH, **given)["data"]["launchRun"]
        return launched

    def runs(self) -> dict[str, dict[str, Any]]:
        return {run["runId"]: run for run in self.ask(RUNS)["data"]["runsOrError"]["results"]}

    def finished(self, *runs: str) -> dict[str, dict[str, Any]]:
        """Return some runs once they are over."""
        while not all(self.runs()[run]["status"] in OVER for run in runs):
            time.sleep(0.5)
        return {run: self.runs()[run] for run in runs}

    def content(self) -> dict[str, pl.DataFrame]:
        lake = Lake(self.root / "home/lake")
        tables = [table for table in EVERY_TABLE if lake.exists(table)]
        return {one.sql_name: lake.scan(one).collect().drop("run_id", strict=False).sort(one.key) for one in tables}


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    vendor = VendorFolder(tmp_path_factory.mktemp("hostile") / "place")
    vendor.lay(FRI, row(FRI, "NA"))
    home = vendor.root / "home"
    settings = {
        "CANDLELAKE_FLAT_FILES": str(vendor.files),
        "CANDLELAKE_START": str(FRI),
        "CANDLELAKE_END": "2024-01-08",
    }
    ran = typed(home, "run", "--date", str(FRI), **settings)
    assert ran.returncode == 0, ran.stderr
    with served_ui(home, vendor.root / "words", **settings, PLANTED=SECRET) as served:
        yield Ui(served, vendor.root)


@pytest.fixture
def untouched(ui: Ui) -> Iterator[None]:
    """Compare the runs and the tables with those that are there afterwards."""
    runs, tables = ui.runs(), ui.content()
    yield
    assert ui.runs() == runs
    after = ui.content()
    assert [name for name in tables if not after[name].equals(tables[name])] == []


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("text", HOSTILE)
def test_a_key_of_a_partition_that_is_no_session_is_refused_and_starts_nothing(ui: Ui, text: str) -> None:
    day = str(FRI)
    for tags in ({PARTITION: text}, {FIRST: text, LAST: text}, {FIRST: day, LAST: text}, {FIRST: text, LAST: day}):
        refused = ui.launch(DAILY, **tags)
        assert refused["__typename"] == "PythonError", tags
    bars = {"path": ["stocks", "daily_bars"]}
    backfill = {"partitionNames": [text], "assetSelection": [bars], "title": text[:99], "description": text}
    assert ui.ask(BACKFILL, parameters=backfill)["data"]["launchPartitionBackfill"]["__typename"] == "PythonError"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("text", HOSTILE[:7])
def test_configuration_of_another_shape_and_names_that_there_are_not_are_refused(ui: Ui, text: str) -> None:
    of_indicators = {"ops": {"stocks__indicators": {"config": {"only_outdated": text}}}}
    for config in (
        {text: text},
        {"ops": {text: {"config": {"only_outdated": True}}}},
        of_indicators,
        {"ops": {"stocks__indicators": {"config": {"ticker": text}}}},
        {"resources": {text: {"config": {}}}},
        {"resources": {"duckdb_catalog": {"config": {"database": text}}}},
        {"resources": {"duckdb_catalog": {"config": {"connection_config": {"access_mode": text}}}}},
    ):
        refused = ui.launch(DAILY, config, **{PARTITION: str(FRI)})
        assert refused["__typename"] in {"RunConfigValidationInvalid", "PythonError"}, config
        assert refused.get("errors") or refused["message"]
    assert ui.launch(UPKEEP, assets=[{"path": [text, "../.."]}])["__typename"] == "InvalidSubsetError"
    assert ui.launch(text)["__typename"] == "PipelineNotFoundError"


def test_tags_and_unused_configuration_are_data_that_a_run_keeps_and_does_not_follow(ui: Ui) -> None:
    tables, beside = ui.content(), names_in(ui.root)
    tags = {f"{text[:60]}": text for text in HOSTILE if text}
    away = str(ui.root / "outside")
    unasked = {
        "resources": {name: {"config": {"home": away, "place": away, "root": away}} for name in ("settings", "lake")},
        "ops": {"stocks__candidates": {"config": {"model": HOSTILE[0], "ticker": MARKUP, "session": HOSTILE[1]}}},
    }
    launched = ui.launch(DAILY, unasked, **tags, **{PARTITION: str(FRI)})
    of_env = {"ops": {"stocks__indicators": {"config": {"only_outdated": {"env": "PLANTED"}}}}}
    reads_env = ui.launch(DAILY, of_env, **{PARTITION: str(FRI)})
    well, of_env_too = (one["run"]["runId"] for one in (launched, reads_env))
    runs = ui.finished(well, of_env_too)
    assert runs[well]["status"] == "SUCCESS"
    kept = {tag["key"]: tag["value"] for tag in runs[well]["tags"]}
    assert {key: kept[key] for key in tags} == tags
    assert names_in(ui.root) == beside
    after = ui.content()
    assert [name for name in tables if not after[name].equals(tables[name])] == []
    pages = [path.read_text() for path in (ui.root / "home/reports").rglob("*.html")]
    assert pages
    assert not any(MARKUP in page for page in pages)
    # Configuration may name a variable of the environment; its value is not shown.
    assert SECRET not in json.dumps([ui.ask(LOGS, run=of_env_too), runs])


def names_in(root: Path) -> set[str]:
    """Return what lies beside the home, and in it."""
    return {path.name for folder in (root.parent, root, root / "home") for path in folder.iterdir()}
