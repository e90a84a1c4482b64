"""The first stage: the vendor's files of each session, byte for byte, with every replaced version."""

from collections.abc import Mapping, Sequence
from datetime import date

from dagster import AssetExecutionContext, AssetsDefinition, ResourceParam, asset

from pipeline.errors import NotPublished
from pipeline.ingest.answers import stored_answers
from pipeline.ingest.fetch import fetched_files
from pipeline.ingest.intake import EDITIONS, Clean
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.market.market import Market
from pipeline.orchestration.partitions import ONE_RUN, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import OWNERS, stage
from pipeline.progress import Progress
from pipeline.sources.massive.rest_days import NoFlatFiles, RestDays
from pipeline.sources.port import PUBLICATION, FlatFile, FlatFiles
from pipeline.venues.session_words import first_sessions, share_of_sessions


def day_files_of(
    market: Market, partitions: SessionPartitions, editions: Mapping[str, Clean] = EDITIONS
) -> AssetsDefinition:
    """Return the asset of the vendor's day files of `market`: the first of `editions` is the dataset of its files.

    Where there is no file yet, the answers of the source of `rest_days` stand in, if there is one.
    """
    dataset = next(iter(editions))

    @asset(
        key=[market.venue.market, "raw_day_aggs"],
        group_name="raw",
        description="Files of each session as the vendor delivered them, untouched; until the flat file is there, the "
        "answer of the REST API. An earlier version is kept.",
        kinds={"s3", "csv"},
        owners=OWNERS,
        metadata=stage("raw files", source="the vendor's files", datasets=editions, counts_sessions_as="files"),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def raw_day_aggs(
        context: AssetExecutionContext,
        flat_files: ResourceParam[FlatFiles],
        rest_days: ResourceParam[RestDays | None],
        raw_files: ResourceParam[RawFiles],
        progress: ResourceParam[Progress],
    ) -> None:
        """Fetch each session's file unless its published version is stored, or an answer where there is no file."""
        sessions = sessions_of(context.partition_keys)
        files = flat_files.files(dataset, sessions[0], sessions[-1])
        missing = without_file(sessions, files)
        if missing and rest_days is None:
            raise not_published(dataset, missing, sessions)
        requested = [file for file in files if file.session in set(sessions)]
        receipts = fetched_files(flat_files, requested, raw_files, progress.track("vendor files", requested))

        # A partition exists from the midnight after its session: the day is over, and its answer complete.
        without_any_file = [session for session in missing if raw_files.current(dataset, session) is None]
        answers = stored_answers(rest_days, without_any_file, raw_files, progress) if rest_days else []
        if answers and not isinstance(flat_files, NoFlatFiles):
            share = share_of_sessions(without_any_file, sessions)
            warning = f"{share} no flat file yet, the bars are the morning edition: {first_sessions(without_any_file)}."
            context.log.warning(warning)
            progress.warnings.append(warning)
        size = sum(receipt.size for receipt in [*receipts, *answers])
        # Totals of the run: attached to every session of a range, they would look like that session's own.
        context.add_asset_metadata(
            {"files": len(receipts), "answers": len(answers), "bytes": size}, partition_key=str(sessions[-1])
        )

    return raw_day_aggs


def without_file(sessions: Sequence[date], files: Sequence[FlatFile]) -> list[date]:
    """Return the sessions without a file in `files`."""
    listed = {file.session for file in files}
    return [session for session in sessions if session not in listed]


def not_published(dataset: str, missing: Sequence[date], sessions: Sequence[date]) -> NotPublished:
    """Return the error that lists the sessions without a file."""
    return NotPublished(
        f"{share_of_sessions(missing, sessions)} no file in {dataset}: {first_sessions(missing)}.",
        remedy=f"{PUBLICATION.words}; `candlelake status` shows gaps. With "
        "CANDLELAKE_REST_KEY set, sessions are taken from the REST API until then.",
    )
