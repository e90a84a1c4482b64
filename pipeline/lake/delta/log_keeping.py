"""Keeps what a table's commits wrote: the log by a property of the table, and the files through a power cut."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from pipeline.errors import CandlelakeError, WriteConflict
from pipeline.lake.delta.files import folder_of, name_of
from pipeline.lake.delta.layout import ENTRIES_TO_CHECKPOINT, LOG_KEPT
from pipeline.lake.delta.log_entries import LAST_CHECKPOINT, checkpoint_name, entry_name
from pipeline.lake.delta.overwrite import NOTHING_AFTER
from pipeline.lake.storage.durable import make_durable
from pipeline.lake.storage.store import Store


class CheckpointNotWritten(UserWarning):
    """A commit exists, but the checkpoint that was due after it does not."""


ATTEMPTS = 5
"""Another writer may set the same properties at the same moment."""


def is_log_kept(opened: DeltaTable) -> bool:
    """Return whether the table's properties make every Delta program keep its log."""
    properties = opened.metadata().configuration
    return all(properties.get(name) == value for name, value in LOG_KEPT.items())


def keep_log(store: Store, opened: DeltaTable, run_id: str) -> bool:
    """Set the properties that keep the log of `opened`, in a commit that changes no row; return whether it was needed.

    If so, `opened` is at the newest version afterwards. Raises WriteConflict when others change the table's
    properties again and again.
    """
    for _ in range(ATTEMPTS):
        if is_log_kept(opened):
            return False
        try:
            with store.answering():
                opened.alter.set_table_properties(
                    LOG_KEPT,
                    commit_properties=CommitProperties(custom_metadata={"run_id": run_id}),
                    post_commithook_properties=NOTHING_AFTER,
                )
        except CommitFailedError:
            with store.answering(DeltaError):
                opened.update_incremental()
        else:
            return True
    raise WriteConflict(
        f"Others changed the properties of {opened.table_uri} {ATTEMPTS} times while its log retention was set.",
        remedy="Run it again.",
    )


def sum_up_or_warn(store: Store, opened: DeltaTable, versions: Sequence[int]) -> None:
    """Make the checkpoint that is due after one of `versions`, which have just been committed; warn when it fails."""
    if not any((version + 1) % ENTRIES_TO_CHECKPOINT == 0 for version in versions):
        return
    try:
        with store.answering():
            opened.create_checkpoint()
    except (OSError, DeltaError, CandlelakeError) as failed:
        why = failed.message if isinstance(failed, CandlelakeError) else str(failed).splitlines()[0]
        warnings.warn(
            f"Version {versions[-1]} of {name_of(opened).replace('/', '.', 1)} is written, but no checkpoint of it "
            f"({why.rstrip('.')}). Until the next one comes, the table takes longer to open.",
            CheckpointNotWritten,
            stacklevel=2,
        )


def flush_commits(opened: DeltaTable, versions: Iterable[int], data_files: Iterable[str], *, below: Path) -> None:
    """Flush the entries and checkpoints of `versions`, and data files, to the disk, if the table is on one.

    `below` is the lake's folder: the folders on the way up to it are flushed, too.
    """
    folder = folder_of(opened)
    if folder is not None:
        log_files = [folder / name(version) for version in versions for name in (entry_name, checkpoint_name)]
        make_durable((folder / unquote(file) for file in data_files), below=below)
        make_durable([*log_files, folder / LAST_CHECKPOINT], below=below)
