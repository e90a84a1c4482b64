"""A folder of reference data for tests, and refreshes of it as Dagster runs them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster import AssetCheckKey, DagsterInstance, ExecuteInProcessResult

from assets_tests.dagster_runs import QUIET, instance
from pipeline.definitions import build_definitions
from pipeline.progress import Progress
from pipeline.settings import Settings


def split(ticker: str = "X", new: object = 2, **others: object) -> dict[str, object]:
    fields = {"ticker": ticker, "execution_date": "2024-01-05", "split_from": 1, "split_to": new, "id": f"{ticker}1"}
    return fields | others


def dividend(ticker: str = "X", amount: object = 0.5, **others: object) -> dict[str, object]:
    fields = {"ticker": ticker, "ex_dividend_date": "2024-01-05", "cash_amount": amount, "currency": "USD"}
    return fields | {"id": f"{ticker}1"} | others


def security(ticker: str = "X", **others: object) -> dict[str, object]:
    return {"ticker": ticker, "type": "CS", "active": True, "composite_figi": f"F-{ticker}"} | others


def renamed(figi: str, **days: str) -> dict[str, object]:
    """Return the vendor's answer about a security that changed its ticker on these days."""
    changes = [
        {"type": "ticker_change", "date": day, "ticker_change": {"ticker": ticker}} for ticker, day in days.items()
    ]
    return {"composite_figi": figi, "events": changes}


@dataclass(frozen=True)
class ReferenceFolder:
    """A folder of the vendor's answers, and a home beside it whose settings point at it."""

    root: Path

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root / "home", reference=self.root / "reference")

    def tell(self, **answers: list[Any]) -> None:
        """Lay down the answers: tickers, splits, dividends and ticker_events, empty by default."""
        (self.root / "reference").mkdir(exist_ok=True)
        for name in ("tickers", "splits", "dividends"):
            self.write(f"{name}.json", json.dumps({"status": "OK", "results": answers.get(name, [])}))
        if "ticker_events" in answers:
            self.write("ticker_events.json", json.dumps({"status": "OK", "results": answers["ticker_events"]}))

    def write(self, name: str, text: str) -> None:
        (self.root / "reference" / name).write_text(text)


@dataclass(frozen=True)
class Refreshed:
    """A run of the job, and its warnings."""

    result: ExecuteInProcessResult
    warnings: list[str]

    @property
    def metadata(self) -> dict[str, dict[str, Any]]:
        """Return the numbers and rows of each table's materialization."""
        return {
            event.asset_key.path[-1]: {name: plain(value) for name, value in event.materialization.metadata.items()}
            for event in self.result.get_asset_materialization_events()
        }

    @property
    def failed_checks(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the metadata of each check that did not pass, by table and name."""
        return {
            (one.asset_key.path[-1], one.check_name): {name: plain(value) for name, value in one.metadata.items()}
            for one in self.result.get_asset_check_evaluations()
            if not one.passed
        }


def plain(value: Any) -> Any:
    return [row.data for row in value.records] if hasattr(value, "records") else value.value


def refresh(settings: Settings, *, dagster: DagsterInstance | None = None) -> Refreshed:
    """Run the job of reference data, without its checks."""
    return _refreshed(settings, dagster, frozenset())


def refresh_with_checks(settings: Settings, *, dagster: DagsterInstance | None = None) -> Refreshed:
    """Run the job of reference data, and its checks."""
    return _refreshed(settings, dagster, None)


def _refreshed(
    settings: Settings, dagster: DagsterInstance | None, checks: frozenset[AssetCheckKey] | None
) -> Refreshed:
    if dagster is None:
        with instance() as ephemeral:
            return _refreshed(settings, ephemeral, checks)
    progress = Progress()
    job = build_definitions(settings, progress).resolve_job_def("reference_data")
    if checks is not None:
        job = job.get_subset(asset_selection=job.asset_layer.executable_asset_keys, asset_check_selection=checks)
    result = job.execute_in_process(instance=dagster, run_config=QUIET, raise_on_error=False)
    return Refreshed(result, progress.warnings)
