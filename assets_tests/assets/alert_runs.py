"""Runs of the asset that sends alerts, over a lake made for it, and the metadata of its materializations."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl
from dagster import AssetKey

from assets_tests.dagster_runs import QUIET, instance, span_tags
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.definitions import build_definitions
from pipeline.lake.lake import Lake
from pipeline.progress import Progress
from pipeline.settings import Settings

SATURDAY_NOON = datetime(2024, 1, 6, 17, tzinfo=UTC)
KEY = AssetKey(["operations", "alerts"])


def bars(session):
    row = {"ticker": "GOOG", "session": session, "volume": 1.0, "transactions": 1}
    prices = dict.fromkeys(("open", "high", "low", "close"), 10.0)
    return pl.DataFrame([row | prices], schema=DAILY_BARS.columns)


def delivery(session, **changed):
    row = {
        "session": session,
        "key": f"{session}.csv.gz",
        "etag": "1",
        "is_current": True,
        "size": 1,
        "last_modified": SATURDAY_NOON,
        "sha256": "0" * 64,
        "rows_read": 1,
        "kept": 1,
        "duplicates": 0,
        "quarantined": 0,
        "run_id": "earlier",
        "provisional": False,
    }
    return pl.DataFrame([row | changed], schema=DELIVERIES.columns)


@dataclass
class Home:
    """A home with two sessions in the lake, and the channels of its settings."""

    settings: Settings
    progress: Progress = field(default_factory=Progress)
    """The progress of the newest run, as a person sees it."""

    @property
    def lake(self):
        return Lake(self.settings.lake)

    def put(self, table, rows):
        for (session,), of_session in rows.group_by("session"):
            self.lake.replace(table, [session], [of_session.select(list(table.columns))], run_id="earlier")

    def alert_run(self, *sessions, **settings):
        """Run the asset for one session or a range, with some settings changed; return its metadata."""
        changed = self.settings.model_copy(update=settings)
        self.progress = Progress()
        job = build_definitions(changed, self.progress).resolve_job_def("stocks_by_day")
        span = {"tags": span_tags(sessions)} if len(sessions) > 1 else {"partition_key": str(sessions[0])}

        with instance() as dagster:
            return AlertRun(job.execute_in_process(instance=dagster, run_config=QUIET, asset_selection=[KEY], **span))

    @property
    def ledger(self):
        entries = self.lake.read(ALERTS).rows.collect().sort("session", "service", "kind", "part")
        return list(entries.select("session", "service", "kind", "part").iter_rows())


class AlertRun:
    """The metadata and check of one run of the asset."""

    def __init__(self, result):
        assert result.success
        evaluations = result.get_asset_check_evaluations()
        (self.check,) = (one for one in evaluations if one.check_name == "reached_every_channel")
        materializations = result.asset_materializations_for_node("operations__alerts")
        self.sessions = [one.partition for one in materializations]
        self.metadata = {
            one.partition: {name: value.value for name, value in one.metadata.items()} for one in materializations
        }

    @property
    def failures(self):
        assert self.check.severity.value == "WARN"
        found = {name: value.value for name, value in self.check.metadata.items()}
        assert self.check.passed == (len(found) == 2)
        return {name: why for name, why in found.items() if name not in {"session", "channels"}}
