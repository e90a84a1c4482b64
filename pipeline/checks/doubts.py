"""The asset check of doubts about prices: it names those that are new."""

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    ResourceParam,
    asset_check,
)

from pipeline.checks.contract import sessions_in_question
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.orchestration.table_metadata import asset_key, table_preview

SHOWN = ("ticker", "event_date", "kind", "reading", "evidence", "leaves_out", "session")


def no_new_doubts(market: Market) -> AssetChecksDefinition:
    """Return the check that prices agree with splits and dividends in the sessions of a run."""

    @asset_check(
        asset=asset_key(market.price_doubts),
        name="no_new_doubts",
        description="The prices of each session agree with the splits and dividends that the vendor tells.",
    )
    def no_new_doubts_found(context: AssetCheckExecutionContext, lake: ResourceParam[Lake]) -> AssetCheckResult:
        sessions = sessions_in_question(context, lake, market.price_doubts)
        if not sessions:
            return AssetCheckResult(passed=True, metadata={"doubts": 0})
        found = lake.read(market.price_doubts, sessions[0], sessions[-1]).rows.select(SHOWN).collect()
        newest_first = found.sort("session", "ticker", "kind", descending=[True, False, False])
        return AssetCheckResult(
            passed=found.is_empty(),
            # It is about the vendor, not the run.
            severity=AssetCheckSeverity.WARN,
            metadata={
                "doubts": len(found),
                "tickers_left_out": found.filter("leaves_out")["ticker"].n_unique(),
                "rows": table_preview(newest_first),
            },
        )

    return no_new_doubts_found
