"""The meaning of failures to read rows: Polars, Delta and the system name files, a person asks about tables.

Rows are read when they are collected, long after their table was opened, by any code that uses them. So a failure is
interpreted where it is reported, not where it happens.
"""

import re

from deltalake.exceptions import DeltaError
from polars.exceptions import ComputeError

from pipeline.errors import CandlelakeError, TableDamaged
from pipeline.lake.storage.store import Store

_DATA_FILE = re.compile(r"[^\s/]+\.parquet")


def meaning(failed: BaseException, store: Store) -> CandlelakeError | None:
    """Return the meaning of an error that a library raised over rows of a lake; None when it is about something else.

    A data file that is missing, or no longer Parquet, is TableDamaged; an object store that does not respond is the
    error that `Store.answering` raises.
    """
    message = str(failed).strip()
    if isinstance(failed, FileNotFoundError) and ".parquet" in message:
        return damaged_file(_name_in(message))
    if isinstance(failed, ComputeError) and message.startswith("parquet"):
        return damaged_file(_name_in(message))
    if isinstance(failed, DeltaError) and "Parquet error" in message and (file := _DATA_FILE.search(message)):
        return damaged_file(file[0])
    # Errors of the system have a number; those that Polars makes from a server's response have none.
    return _of_server(failed, store) if isinstance(failed, OSError) and failed.errno is None else None


def damaged_file(name: str) -> TableDamaged:
    """Return the error of rows that cannot be read because of the data file `name`."""
    return TableDamaged(
        f"A data file of the lake is missing or damaged: {name}.",
        remedy="Run `candlelake verify`, which names its table, then `candlelake verify --repair`.",
    )


def _name_in(message: str) -> str:
    """Return the name of the data file in a message of Polars, which cuts off the start of long paths."""
    file = _DATA_FILE.search(message)
    return file[0] if file else message.splitlines()[0].rstrip(".")


def _of_server(failed: OSError, store: Store) -> CandlelakeError | None:
    try:
        with store.answering():
            raise failed
    except CandlelakeError as meaning:
        return meaning
    except OSError:
        return None
