"""Minutes of each session, in stages of their own beside the daily ones: files, bars and features."""

from collections.abc import Iterator
from datetime import date

import polars as pl
from dagster import (
    AssetExecutionContext,
    AssetIn,
    AssetsDefinition,
    MaterializeResult,
    ResourceParam,
    asset,
)

from pipeline.assets.cleaned import CleaningStep, cleaned_bars_of
from pipeline.assets.raw import without_file
from pipeline.contracts.deliveries import MINUTE_DELIVERIES
from pipeline.contracts.minutes import INTRADAY_FEATURES, MINUTE_BARS
from pipeline.contracts.quarantine import MINUTE_QUARANTINE
from pipeline.contracts.reference import SPLITS
from pipeline.errors import NotPublished
from pipeline.ingest.fetch import fetched_files
from pipeline.ingest.intake import MINUTES
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.market.market import Market
from pipeline.market.minutes.features import close_before, intraday_features
from pipeline.market.securities.reference import applicable_splits
from pipeline.orchestration.comparison import Uncompared
from pipeline.orchestration.partitions import ONE_RUN, look_back, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import OWNERS, asset_key, declared, record, stage
from pipeline.progress import Progress
from pipeline.sources.port import PUBLICATION, Dataset, FlatFiles
from pipeline.venues.session_words import first_sessions, share_of_sessions


def minutes_of(
    market: Market, partitions: SessionPartitions
) -> tuple[AssetsDefinition, AssetsDefinition, AssetsDefinition]:
    """Return the assets of minutes: vendor files, bars and features."""

    @asset(
        key=["stocks", "raw_minute_aggs"],
        group_name="raw",
        description="The vendor's file of minutes of each session, untouched. An earlier version is kept.",
        kinds={"s3", "csv"},
        owners=OWNERS,
        metadata=stage(
            "minute files", source="the vendor's files of minutes", datasets=MINUTES, counts_sessions_as="files"
        ),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def raw_minute_aggs(
        context: AssetExecutionContext,
        flat_files: ResourceParam[FlatFiles],
        raw_files: ResourceParam[RawFiles],
        progress: ResourceParam[Progress],
    ) -> MaterializeResult:
        """Fetch the file of each session whose published version is not stored yet."""
        sessions = sessions_of(context.partition_keys)
        files = flat_files.files(Dataset.MINUTE_AGGS, sessions[0], sessions[-1])
        if missing := without_file(sessions, files):
            raise NotPublished(
                f"{share_of_sessions(missing, sessions)} no file in {Dataset.MINUTE_AGGS}: {first_sessions(missing)}.",
                remedy=f"{PUBLICATION.words}. Minutes come from flat files only, not from the REST API.",
            )
        requested = [file for file in files if file.session in set(sessions)]
        receipts = fetched_files(flat_files, requested, raw_files, progress.track("minute files", requested))
        return MaterializeResult(metadata={"files": len(receipts), "bytes": sum(receipt.size for receipt in receipts)})

    minutes = CleaningStep(
        name="cleaned_minute_aggs",
        stage="minute bars",
        raw=("stocks", "raw_minute_aggs"),
        editions=MINUTES,
        bars=MINUTE_BARS,
        quarantine=MINUTE_QUARANTINE,
        trail=MINUTE_DELIVERIES,
        label="cleaning minutes",
        chunk=MINUTE_BARS.layout.sessions_at_once,
        # Millions of rows a session: to read them all again for a comparison would take longer than to clean them.
        compare=Uncompared,
        described=lambda counts, *_: counts,
    )
    cleaned_minute_aggs = cleaned_bars_of(market, partitions, minutes)

    @asset(
        **declared(market, INTRADAY_FEATURES, group="signals", stage=stage("minute features")),
        ins={
            "minute_bars": AssetIn(asset_key(MINUTE_BARS)),
            "daily_bars": AssetIn(asset_key(market.bars), partition_mapping=look_back(2)),
            "splits": AssetIn(asset_key(SPLITS)),
        },
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def stock_intraday_features(  # noqa: PLR0913, PLR0917 (Dagster passes each table by its name)
        context: AssetExecutionContext,
        minute_bars: Reading,
        daily_bars: Reading,
        splits: Reading,
        lake: ResourceParam[Lake],
        progress: ResourceParam[Progress],
    ) -> MaterializeResult:
        """Compute the features of each session's minutes, one session at a time."""
        sessions = sessions_of(context.partition_keys)
        closes = daily_bars.rows.select("ticker", "session", "close").collect()
        applied_splits = applicable_splits(splits.rows.collect())
        for warning in warnings_of_gaps(sessions, closes):
            context.log.warning(warning)
            progress.warnings.append(warning)

        def of_sessions() -> Iterator[pl.DataFrame]:
            for session in progress.track("intraday features", sessions):
                minutes = minute_bars.rows.filter(pl.col("session") == session).collect()
                close = close_before(closes, applied_splits, session_before(session), session)
                yield intraday_features(minutes, close, session, MINUTE_BARS.venue)

        readings = [minute_bars, daily_bars, splits]
        written = lake.replace(INTRADAY_FEATURES, sessions, of_sessions(), run_id=context.run.run_id, read=readings)
        return MaterializeResult(metadata=record(context, INTRADAY_FEATURES, written))

    return raw_minute_aggs, cleaned_minute_aggs, stock_intraday_features


def session_before(session: date) -> date:
    """Return the exchange's session before `session`."""
    return MINUTE_BARS.venue.calendar.offset(session, -1)


def warnings_of_gaps(sessions: list[date], closes: pl.DataFrame) -> list[str]:
    """Return warnings about sessions without daily bars of the session before in `closes`."""
    stored_sessions = set(closes["session"].unique())
    without = [session for session in sessions if session_before(session) not in stored_sessions]
    if not without:
        return []
    share = share_of_sessions(without, sessions)
    return [f"{share} no daily bars of the session before, so no gap: {first_sessions(without)}."]
