"""The first stage: what the vendor delivered of each session, byte for byte, with every version it ever replaced."""

from collections.abc import Sequence
from datetime import date

from dagster import AssetExecutionContext, ResourceParam, asset

from pipeline.errors import NotPublished
from pipeline.ingest.answers import answers_taken_in
from pipeline.ingest.fetch import fetched_files
from pipeline.ingest.intake import EDITIONS
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.orchestration.partitions import ONE_RUN, STOCK_SESSIONS, sessions_of
from pipeline.orchestration.table_metadata import OWNERS, stage
from pipeline.progress import Progress
from pipeline.sources.massive.rest_days import NoFlatFiles, RestDays
from pipeline.sources.port import Dataset, FlatFile, FlatFiles
from pipeline.venues.session_words import first_sessions, share_of_sessions


@asset(
    key=["stocks", "raw_day_aggs"],
    group_name="raw",
    description="Files of each session as the vendor delivered them, untouched; until the flat file is there, the "
    "answer of the REST API. An earlier version is kept.",
    kinds={"s3", "csv"},
    owners=OWNERS,
    metadata=stage("raw files", source="the vendor's files", datasets=EDITIONS, counts_sessions_as="files"),
    partitions_def=STOCK_SESSIONS,
    backfill_policy=ONE_RUN,
)
def raw_day_aggs(
    context: AssetExecutionContext,
    flat_files: ResourceParam[FlatFiles],
    rest_days: ResourceParam[RestDays | None],
    raw_files: ResourceParam[RawFiles],
    progress: ResourceParam[Progress],
) -> None:
    """Fetch the file of each session whose published version is not here yet, and an answer where there is no file."""
    sessions = sessions_of(context.partition_keys)
    files = flat_files.files(Dataset.DAY_AGGS, sessions[0], sessions[-1])
    missing = without_file(sessions, files)
    if missing and rest_days is None:
        raise not_published(missing, sessions)
    wanted = [file for file in files if file.session in set(sessions)]
    receipts = fetched_files(flat_files, wanted, raw_files, progress.track("vendor files", wanted))

    # A partition exists from the midnight after its session: the day is over, and its answer whole.
    lacking = [session for session in missing if raw_files.current(Dataset.DAY_AGGS, session) is None]
    answers = answers_taken_in(rest_days, lacking, raw_files, progress) if rest_days else []
    if answers and not isinstance(flat_files, NoFlatFiles):
        share = share_of_sessions(lacking, sessions)
        warning = f"{share} no flat file yet, the bars are the morning edition: {first_sessions(lacking)}."
        context.log.warning(warning)
        progress.warnings.append(warning)
    size = sum(receipt.size for receipt in [*receipts, *answers])
    # What the run took in: on each session of a range it would read as that session's own.
    context.add_asset_metadata(
        {"files": len(receipts), "answers": len(answers), "bytes": size}, partition_key=str(sessions[-1])
    )


def without_file(sessions: Sequence[date], files: Sequence[FlatFile]) -> list[date]:
    """Return those of `sessions` of which none of `files` is."""
    listed = {file.session for file in files}
    return [session for session in sessions if session not in listed]


def not_published(missing: Sequence[date], sessions: Sequence[date]) -> NotPublished:
    """Return the error that names the sessions without a file."""
    return NotPublished(
        f"{share_of_sessions(missing, sessions)} no file in {Dataset.DAY_AGGS}: {first_sessions(missing)}.",
        remedy="A session's file comes by about 11:00 New York on the next day; `candlelake status` shows gaps. With "
        "CANDLELAKE_REST_KEY set, sessions are taken from the REST API until then.",
    )
