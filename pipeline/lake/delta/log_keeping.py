"""Keeping what a table's commits wrote: its log by a property of the table, and its files through a power cut."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError

from pipeline.errors import WriteConflict
from pipeline.lake.delta.files import folder_of
from pipeline.lake.delta.layout import LOG_KEPT
from pipeline.lake.delta.log_entries import LAST_CHECKPOINT, checkpoint_name, entry_name
from pipeline.lake.delta.overwrite import KEEP_LOG
from pipeline.lake.storage.durable import make_durable
from pipeline.lake.storage.store import Store

ATTEMPTS = 5
"""Another writer may set the same properties at the same moment."""


def is_log_kept(opened: DeltaTable) -> bool:
    """Return whether the table tells every Delta program to keep its log."""
    properties = opened.metadata().configuration
    return all(properties.get(name) == value for name, value in LOG_KEPT.items())


def keep_log(store: Store, opened: DeltaTable, run_id: str) -> bool:
    """Set the properties that keep the log of `opened`, in one commit that changes no row; return whether it took one.

    `opened` is at the newest version afterwards if it did. Raises WriteConflict when others change the table's
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
                    post_commithook_properties=KEEP_LOG,
                )
        except CommitFailedError:
            opened.update_incremental()
        else:
            return True
    raise WriteConflict(
        f"Others changed the properties of {opened.table_uri} {ATTEMPTS} times while its log was to be kept.",
        remedy="Run it again.",
    )


def flush_commits(opened: DeltaTable, versions: Iterable[int], data_files: Iterable[str], *, below: Path) -> None:
    """Flush the entries and checkpoints of `versions`, and data files, to the disk, if the table is on one.

    `below` is the lake's folder: the folders on the way to it are flushed too.
    """
    folder = folder_of(opened)
    if folder is not None:
        log_files = [folder / name(version) for version in versions for name in (entry_name, checkpoint_name)]
        make_durable((folder / unquote(file) for file in data_files), below=below)
        make_durable([*log_files, folder / LAST_CHECKPOINT], below=below)
