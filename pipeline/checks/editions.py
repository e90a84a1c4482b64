"""Asset checks of data with several editions: whether the last one is here, and whether they agree."""

from datetime import UTC, datetime

import polars as pl
from dagster import AssetCheckExecutionContext, AssetCheckResult, AssetCheckSeverity, ResourceParam, asset_check

from pipeline.checks.contract import sessions_in_question
from pipeline.contracts.aggregates import AGGREGATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.reference import SPLITS
from pipeline.lake.lake import Lake
from pipeline.market.prices.agreement import split_disagreements
from pipeline.market.securities.reference import applicable_splits
from pipeline.orchestration.table_metadata import asset_key, table_preview
from pipeline.settings import Settings
from pipeline.sources.choose import Sources


@asset_check(
    asset=asset_key(DELIVERIES),
    description="No session whose flat file must be published still has the bars of its morning edition.",
)
def nothing_left_provisional(
    lake: ResourceParam[Lake], settings: ResourceParam[Settings], sources: ResourceParam[Sources]
) -> AssetCheckResult:
    """Find the sessions that were run before their flat file came, and not since."""
    expected = sources.publication.newest(DELIVERIES.venue, datetime.now(UTC), settings.end)
    left = (
        lake.scan(DELIVERIES, end=expected, columns=["session", "key", "is_current", "provisional"])
        .filter("is_current", pl.col("provisional").fill_null(value=False))
        .select("session", "key")
        .sort("session", descending=True)
        .collect()
    )
    return AssetCheckResult(
        passed=left.is_empty() or not sources.has_flat_files,
        # The bars are complete; the vendor may correct them, and its file has more.
        severity=AssetCheckSeverity.WARN,
        metadata={"provisional": len(left), "sessions": table_preview(left)},
    )


@asset_check(
    asset=asset_key(AGGREGATES),
    description="Bars as traded, adjusted for the splits we know, are the vendor's split-adjusted bars.",
)
def agrees_with_our_splits(context: AssetCheckExecutionContext, lake: ResourceParam[Lake]) -> AssetCheckResult:
    """Adjust the aggregates as traded ourselves and compare."""
    sessions = sessions_in_question(context, lake, AGGREGATES)
    rows = lake.scan(AGGREGATES, sessions[0], sessions[-1]).collect() if sessions else AGGREGATES.empty()
    differing = split_disagreements(rows, applicable_splits(lake.read(SPLITS).rows.collect()))
    return AssetCheckResult(
        passed=differing.is_empty(),
        # One of the two is wrong, and it may be the vendor; our prices do not use the vendor's adjusted ones.
        severity=AssetCheckSeverity.WARN,
        metadata={"bars": len(rows), "differing": len(differing), "first": table_preview(differing)},
    )
