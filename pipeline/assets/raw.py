"""The first stage: the vendor's day files, byte for byte, with every version the vendor ever replaced."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from dagster import AssetExecutionContext, MaterializeResult, ResourceParam, asset

from pipeline.assets.session_table import OWNERS
from pipeline.errors import NotPublished
from pipeline.lake.raw_files import RawFiles, Receipt
from pipeline.partitions import ONE_RUN, STOCK_SESSIONS, sessions_of
from pipeline.progress import Progress
from pipeline.sources.flat_files import Dataset, FlatFile, FlatFiles


@asset(
    key=["stocks", "raw_day_aggs"],
    group_name="raw",
    description="The vendor's daily flat files, untouched; an earlier version is kept when the vendor replaces a file.",
    kinds={"s3", "csv"},
    owners=OWNERS,
    partitions_def=STOCK_SESSIONS,
    backfill_policy=ONE_RUN,
)
def raw_day_aggs(
    context: AssetExecutionContext,
    flat_files: ResourceParam[FlatFiles],
    raw_files: ResourceParam[RawFiles],
    progress: ResourceParam[Progress],
) -> MaterializeResult:
    """Fetch the file of each session whose published version is not here yet."""
    files = published(flat_files, Dataset.DAY_AGGS, sessions_of(context.partition_keys))
    receipts = [taken_in(flat_files, file, raw_files) for file in progress.track("vendor files", files)]
    return MaterializeResult(metadata={"files": len(receipts), "bytes": sum(receipt.size for receipt in receipts)})


def published(flat_files: FlatFiles, dataset: Dataset, sessions: Sequence[date]) -> list[FlatFile]:
    """Return the published file of each session. Raises NotPublished, naming every session that has none."""
    listed = {file.session: file for file in flat_files.files(dataset, sessions[0], sessions[-1])}
    missing = [str(session) for session in sessions if session not in listed]
    if missing:
        raise NotPublished(
            f"{len(missing)} of {len(sessions)} sessions have no file in {dataset}: {', '.join(missing[:10])}"
            f"{' …' if len(missing) > 10 else ''}.",
            remedy="A session's file comes by about 11:00 New York on the next day; `candlelake status` shows gaps.",
        )
    return [listed[session] for session in sessions]


def taken_in(flat_files: FlatFiles, file: FlatFile, raw_files: RawFiles) -> Receipt:
    """Return the receipt of `file`, fetched first unless this version of it is here already."""
    held = raw_files.current(file.dataset, file.session)
    if held is not None and (held.etag, held.size) == (file.etag, file.size):
        return held
    with TemporaryDirectory(prefix="candlelake-") as folder:
        download = flat_files.download(file, Path(folder) / "incoming.csv.gz")
        receipt = Receipt(file.session, file.key, file.etag, file.size, file.last_modified, download.sha256)
        return raw_files.store(receipt, download.path)
