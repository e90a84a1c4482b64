"""Asset checks of bars: coverage, the latest session, and agreement with the audit trail."""

from datetime import UTC, date, datetime

import polars as pl
from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    MetadataValue,
    ResourceParam,
    asset_check,
)

from pipeline.checks.contract import sessions_in_question
from pipeline.contracts.deliveries import MINUTE_DELIVERIES
from pipeline.contracts.minutes import MINUTE_BARS
from pipeline.contracts.quarantine import MINUTE_QUARANTINE
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.market.gate.audit import unreconciled
from pipeline.market.market import Market
from pipeline.orchestration.table_metadata import asset_key, table_preview
from pipeline.queries.coverage import TRAILING, session_coverage
from pipeline.settings import Settings
from pipeline.sources.choose import Sources

LEAST_COVERAGE = 0.7
"""A session with fewer bars than this share of the median comes from a file with a part of the market missing."""


def bar_checks(market: Market) -> list[AssetChecksDefinition]:
    """Return the checks of the bars of `market`."""

    @asset_check(
        asset=asset_key(market.bars),
        description=f"No session has fewer than {LEAST_COVERAGE:.0%} of the bars of the {TRAILING} sessions before it.",
    )
    def covers_the_market(context: AssetCheckExecutionContext, lake: ResourceParam[Lake]) -> AssetCheckResult:
        """Find files with a part missing, by their number of bars."""
        sessions = sessions_in_question(context, lake, market.bars)
        coverage = session_coverage(lake, market.bars, sessions)
        thin = coverage.filter(pl.col("coverage") < LEAST_COVERAGE)
        least: float = coverage.select(pl.col("coverage").min().fill_null(1.0)).item()
        return AssetCheckResult(
            passed=thin.is_empty(),
            metadata={
                "least_coverage": MetadataValue.float(least),
                "thin_sessions": table_preview(thin),
            },
        )

    @asset_check(
        asset=asset_key(market.bars),
        description="The newest session whose file the vendor must have published is here.",
    )
    def has_the_latest_session(
        lake: ResourceParam[Lake], settings: ResourceParam[Settings], sources: ResourceParam[Sources]
    ) -> AssetCheckResult:
        """Compare the newest bars with the exchange's calendar; holidays and weekends are not gaps."""
        expected = sources.publication.newest(market.venue, datetime.now(UTC), settings.end)
        recent = lake.scan(market.bars, start=market.calendar.offset(expected, -TRAILING), columns=["session"])
        newest: date | None = recent.max().collect().item()
        return AssetCheckResult(
            passed=newest is not None and newest >= expected,
            # It is about the lake, not the run: filling in an old year is not a failure.
            severity=AssetCheckSeverity.WARN,
            metadata={"expected": str(expected), "newest": str(newest)},
        )

    return [
        covers_the_market,
        has_the_latest_session,
        reconciliation_check(market.deliveries, market.bars, market.quarantine),
    ]


def reconciliation_check(trail: Table, bars: Table, quarantine: Table) -> AssetChecksDefinition:
    """Return the check that `bars` and `quarantine` agree with the audit trail `trail` for each current file."""

    @asset_check(
        asset=asset_key(trail),
        name="reconciles",
        additional_deps=[asset_key(bars), asset_key(quarantine)],
        description="For every current file, rows read = kept + duplicates + quarantined, and the tables have as many.",
        blocking=True,
    )
    def reconciles(context: AssetCheckExecutionContext, lake: ResourceParam[Lake]) -> AssetCheckResult:
        sessions = sessions_in_question(context, lake, trail)
        span = sessions[0], sessions[-1]
        differing = unreconciled(
            lake.scan(trail, *span), lake.scan(bars, *span), lake.scan(quarantine, *span)
        ).collect()
        return AssetCheckResult(
            passed=differing.is_empty(),
            metadata={"sessions": len(sessions), "differing": len(differing), "first": table_preview(differing)},
        )

    return reconciles


minutes_reconcile = reconciliation_check(MINUTE_DELIVERIES, MINUTE_BARS, MINUTE_QUARANTINE)
