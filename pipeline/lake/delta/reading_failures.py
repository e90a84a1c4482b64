"""What it means when rows cannot be read: Polars and the system speak of files, a person asks about tables.

Rows are read when they are collected, long after their table was opened, by whoever made something of them. So a
failure is understood where it is told, and not where it happens.
"""

from polars.exceptions import ComputeError

from pipeline.errors import CandlelakeError, TableDamaged
from pipeline.lake.storage.store import Store


def meaning(failed: BaseException, store: Store) -> CandlelakeError | None:
    """Return what an error that Polars raised over rows of a lake stands for; None when it speaks of something else.

    A data file that is missing, or no Parquet any more, is TableDamaged; an object store that does not answer is what
    `Store.answering` says of it.
    """
    said = str(failed).strip()
    if isinstance(failed, FileNotFoundError) and ".parquet" in said:
        return _damaged(said)
    if isinstance(failed, ComputeError) and said.startswith("parquet"):
        return _damaged(said)
    # The errors of the system have a number, those that Polars makes of a server's answer have none.
    return _of_server(failed, store) if isinstance(failed, OSError) and failed.errno is None else None


def _damaged(said: str) -> TableDamaged:
    # Polars cuts off the beginning of a path, and with it the name of the table.
    return TableDamaged(
        f"A data file of the lake is missing or damaged: {said.splitlines()[0].rstrip('.')}.",
        remedy="Run `candlelake verify`, which names it, then `candlelake verify --repair`.",
    )


def _of_server(failed: OSError, store: Store) -> CandlelakeError | None:
    try:
        with store.answering():
            raise failed
    except CandlelakeError as understood:
        return understood
    except OSError:
        return None
