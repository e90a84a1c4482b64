"""Alerts: one message per session to each channel, when the session is the newest and recent."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetsDefinition,
    DagsterEventType,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    asset,
)

from pipeline.alerts.channels import channels_of
from pipeline.alerts.delivery import Alert, Outcome, deliver, reason_not_sent
from pipeline.alerts.message import FailedCheck, session_message
from pipeline.alerts.wording import TEXT, written
from pipeline.assets.reports import document_path, report_keys
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.orchestration.partitions import ONE_RUN, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import asset_key, declared, stage
from pipeline.progress import Progress
from pipeline.queries.alert_day import newest_session, read_day
from pipeline.settings import Settings

AFTER_THE_CHECKS = {"dagster/priority": "-1"}
"""The message lists failed checks, so the checks run first."""


def alerts_of(market: Market, partitions: SessionPartitions) -> AssetsDefinition:
    """Return the asset of the alerts of `market`."""

    @asset(
        **declared(market, ALERTS, group="operations", stage=stage("alerts")),
        deps=[report_keys(market)[0], asset_key(market.candidates), asset_key(POSITION_MARKS), asset_key(SIGNALS)],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        op_tags=AFTER_THE_CHECKS,
        check_specs=[
            AssetCheckSpec(
                "reached_every_channel",
                asset=asset_key(ALERTS),
                description="Every channel of CANDLELAKE_ALERTS has the session's alert. A channel that fails is tried "
                "again when the session runs again; the data is sound either way.",
            )
        ],
    )
    def alerts(
        context: AssetExecutionContext,
        lake: ResourceParam[Lake],
        settings: ResourceParam[Settings],
        progress: ResourceParam[Progress],
    ) -> MaterializeResult:
        """Send the alert of the run's newest session to every channel that lacks it, and record the outcomes."""
        session = sessions_of(context.partition_keys)[-1]
        outcomes, metadata = sent_to_channels(context, lake, market, settings, session)
        # Attached to this one session: returned metadata would go to every session of a range.
        context.add_asset_metadata(metadata, partition_key=str(session))
        failed = {outcome.channel: outcome.failure for outcome in outcomes if outcome.failure}
        for channel, failure in failed.items():
            warning = f"The alert of {session} did not reach {channel}: {failure}."
            context.log.warning(warning)
            progress.warnings.append(warning)
        return MaterializeResult(
            check_results=[
                AssetCheckResult(
                    check_name="reached_every_channel",
                    passed=not failed,
                    severity=AssetCheckSeverity.WARN,
                    metadata={"session": str(session), "channels": len(outcomes), **failed},
                )
            ]
        )

    return alerts


def sent_to_channels(
    context: AssetExecutionContext, lake: Lake, market: Market, settings: Settings, session: date
) -> tuple[Sequence[Outcome], Mapping[str, str | int | MetadataValue]]:
    """Send the alert of `session`; return the outcome at each channel, and the metadata to record."""
    if not settings.alerts:
        return [], {"alerts": "not sent: CANDLELAKE_ALERTS has no channel"}
    today = market.venue.today(datetime.now(UTC))
    if reason := reason_not_sent(session, newest_session(lake, session), today):
        return [], {"alerts": reason}
    day = read_day(lake, market, session, failed_checks(context))
    page = page_of(settings, session)
    models = [model.name for model in market.models]
    alert = Alert(day, models, settings.alerts_top, page, context.run.run_id)
    outcomes = deliver(lake, alert, channels_of(settings.alerts), lambda: datetime.now(UTC))
    text = written(session_message(day, models, settings.alerts_top), TEXT)
    return outcomes, {
        "alerts": f"{sum(not outcome.failure for outcome in outcomes)} of {len(outcomes)} channels have it",
        **{outcome.channel: str(outcome) for outcome in outcomes},
        "message": MetadataValue.text(text),
    }


def failed_checks(context: AssetExecutionContext) -> list[FailedCheck]:
    """Return the checks of this run that have failed or warned up to now."""
    logged = context.instance.all_logs(context.run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    evaluations = [entry.get_dagster_event().asset_check_evaluation_data for entry in logged]
    return [
        FailedCheck(
            check.check_name, check.asset_key.to_user_string(), stops=check.severity == AssetCheckSeverity.ERROR
        )
        for check in evaluations
        if not check.passed
    ]


def page_of(settings: Settings, session: date) -> Path | None:
    """Return the session's page as one file to send; None when there is none."""
    page = document_path(settings.reports, session)
    return page if page.is_file() else None
