"""The SQLite files of the Dagster instance, kept open: one engine, one connection and its settings per file.

Dagster 1.13 makes an engine and a connection for every statement, and reads the schema's revision with its migration
tool whenever it opens a file: together half of the time that one session takes. Statements, tables and revisions are
Dagster's own; only the owner of the connection differs.

Without it: a run of one session takes twice its time in Dagster.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.pool import QueuePool

MOST_OPEN = 8
"""Files kept open by one process; a web server that shows many runs opens and closes them in turn."""

PATIENCE = 30
"""Seconds to wait for another process that writes to the file; as long as Dagster waits."""

REVISION = "alembic_version"
"""Table of Dagster's migration tool with the revision of a file's tables."""


class OpenFiles:
    """Connections to SQLite files by path. A replaced file, and every file after a fork, is opened again."""

    def __init__(self) -> None:
        self._engines: OrderedDict[tuple[int, int, str], Engine] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def begin(self, path: Path) -> Iterator[Connection]:
        """Give a connection to the file at `path`, created if missing, in a transaction that ends with the context."""
        with self._engine(path).begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close every file."""
        with self._lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    def _engine(self, path: Path) -> Engine:
        path.touch(exist_ok=True)
        key = (os.getpid(), path.stat().st_ino, str(path))
        with self._lock:
            engine = self._engines.pop(key, None) or _open_engine(path)
            self._engines[key] = engine
            while len(self._engines) > MOST_OPEN:
                self._engines.popitem(last=False)[1].dispose()
            return engine


def _open_engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path.as_posix()}",
        # One connection is kept; more, where threads or nested calls need them, come and go.
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": PATIENCE, "check_same_thread": False},
    )

    # Dagster's files are in write-ahead mode: there, a power cut damages no file even without a flush per commit. The
    # newest events may be lost then, but the tables they describe exist.
    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: object, _: object) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")  # type: ignore[attr-defined]

    return engine


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the tables in a file; None when Dagster has not made them yet."""
    if not inspect(connection).has_table(REVISION):
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {REVISION}")).scalar()  # noqa: S608
    return revision


def stamp(connection: Connection, revision: str) -> None:
    """Record in a new file that its tables are at `revision`, as Dagster's migration tool does."""
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {REVISION} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text(f"DELETE FROM {REVISION}"))  # noqa: S608
    connection.execute(text(f"INSERT INTO {REVISION} VALUES (:revision)"), {"revision": revision})  # noqa: S608
