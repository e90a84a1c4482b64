"""The SQLite files of the Dagster instance, kept open: an engine, a connection and its settings made once for each.

Dagster 1.13 makes an engine and a connection for every statement, and asks its migration tool for the schema's revision
whenever it opens a file: together half of the time that one session takes. Statements, tables and revisions are its
own; only who holds the connection differs.

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
"""Table of Dagster's migration tool with the one revision that a file's tables stand at."""


class OpenFiles:
    """Connections to SQLite files by path. A file that was replaced, and every file after a fork, is opened anew."""

    def __init__(self) -> None:
        self._engines: OrderedDict[tuple[int, int, str], Engine] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def begin(self, path: Path) -> Iterator[Connection]:
        """Give a connection to the file at `path`, created if need be, in a transaction that ends with the context."""
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
            engine = self._engines.pop(key, None) or _opened(path)
            self._engines[key] = engine
            while len(self._engines) > MOST_OPEN:
                self._engines.popitem(last=False)[1].dispose()
            return engine


def _opened(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path.as_posix()}",
        # One connection is kept; more, where threads or nested calls need them, come and go.
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": PATIENCE, "check_same_thread": False},
    )

    # In write-ahead mode, which Dagster's files are in, no commit can damage a file at a power cut without a flush for
    # each: the newest events may be lost then, and tell of tables that are there.
    @event.listens_for(engine, "connect")
    def _settle(connection: object, _: object) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")  # type: ignore[attr-defined]

    return engine


def revision_of(connection: Connection) -> str | None:
    """Return the revision that the tables of a file stand at; None when Dagster has not made them yet."""
    if not inspect(connection).has_table(REVISION):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {REVISION}")).scalar()  # noqa: S608
    return found


def stamp(connection: Connection, revision: str) -> None:
    """Note in a new file that its tables stand at `revision`, as Dagster's migration tool does."""
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {REVISION} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text(f"DELETE FROM {REVISION}"))  # noqa: S608
    connection.execute(text(f"INSERT INTO {REVISION} VALUES (:revision)"), {"revision": revision})  # noqa: S608
