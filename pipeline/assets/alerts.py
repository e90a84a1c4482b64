"""What is told of a session by itself: one message to each channel, when the session is the newest and fresh."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    DagsterEventType,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    asset,
)

from pipeline.alerts.channels import channels_of
from pipeline.alerts.delivery import Alert, Outcome, deliver, why_not_told
from pipeline.alerts.message import FailedCheck, session_message
from pipeline.alerts.wording import TEXT, written
from pipeline.assets.reports import CANDIDATES_REPORT, document_path
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.lake.tables import Lake
from pipeline.market.screen.models import MODELS
from pipeline.orchestration.partitions import EXCHANGE_ZONE, ONE_RUN, STOCK_SESSIONS, sessions_of
from pipeline.orchestration.table_metadata import asset_key, declared, stage
from pipeline.progress import Progress
from pipeline.queries.alert_day import newest_session, read_day
from pipeline.settings import Settings

AFTER_THE_CHECKS = {"dagster/priority": "-1"}
"""The message tells which checks failed, so that they come first."""


@asset(
    **declared(ALERTS, group="operations", stage=stage("alerts")),
    deps=[CANDIDATES_REPORT, asset_key(CANDIDATES), asset_key(POSITION_MARKS), asset_key(SIGNALS)],
    partitions_def=STOCK_SESSIONS,
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
    """Tell the run's newest session to every channel that lacks it, and say what became of it."""
    session = sessions_of(context.partition_keys)[-1]
    outcomes, metadata = sent_to_channels(context, lake, settings, session)
    # On the one session that can be told: what is returned would go to every session of a range.
    context.add_asset_metadata(metadata, partition_key=str(session))
    failed = {outcome.channel: outcome.failure for outcome in outcomes if outcome.failure}
    for channel, failure in failed.items():
        warning = f"{session} was not told to {channel}: {failure}."
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


def sent_to_channels(
    context: AssetExecutionContext, lake: Lake, settings: Settings, session: date
) -> tuple[Sequence[Outcome], Mapping[str, str | int | MetadataValue]]:
    """Send what is to be sent of `session`; return what became of it at each channel, and what there is to record."""
    if not settings.alerts:
        return [], {"alerts": "not told: CANDLELAKE_ALERTS names no channel"}
    today = datetime.now(ZoneInfo(EXCHANGE_ZONE)).date()
    if why_not := why_not_told(session, newest_session(lake, session), today):
        return [], {"alerts": why_not}
    day = read_day(lake, session, failed_checks(context))
    page = page_of(settings, session)
    models = [model.name for model in MODELS]
    alert = Alert(day, models, settings.alerts_top, page, context.run.run_id)
    outcomes = deliver(lake, alert, channels_of(settings.alerts), lambda: datetime.now(UTC))
    text = written(session_message(day, models, settings.alerts_top), TEXT)
    return outcomes, {
        "alerts": f"{sum(not one.failure for one in outcomes)} of {len(outcomes)} channels have it",
        **{one.channel: str(one) for one in outcomes},
        "message": MetadataValue.text(text),
    }


def failed_checks(context: AssetExecutionContext) -> list[FailedCheck]:
    """Return the checks of this run that have failed or warned up to now."""
    logged = context.instance.all_logs(context.run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    found = [entry.get_dagster_event().asset_check_evaluation_data for entry in logged]
    return [
        FailedCheck(one.check_name, one.asset_key.to_user_string(), stops=one.severity == AssetCheckSeverity.ERROR)
        for one in found
        if not one.passed
    ]


def page_of(settings: Settings, session: date) -> Path | None:
    """Return the session's page as one file to send; None when there is none."""
    page = document_path(settings.reports, session)
    return page if page.is_file() else None
