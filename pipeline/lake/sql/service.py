"""The child's work behind its walls: reads queries, writes pieces of answers or errors."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO

from pipeline.errors import CandlelakeError, QueryError
from pipeline.lake.sql.sandbox.failures import LESS, SIMPLER, error_body
from pipeline.lake.sql.sandbox.frames import (
    LARGEST_JSON,
    BrokenFrame,
    Kind,
    json_of,
    read_frame,
    write_json,
    write_rows,
)
from pipeline.lake.sql.sandbox.resource_limits import grant_processor_time
from pipeline.lake.sql.sandbox.terms import Setup, Standing

LOOK_AT_PARENT_EVERY = 0.5


def serve(setup: Setup, standing: Standing, incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer queries until the parent closes its side."""
    threading.Thread(target=_end_with_parent, args=(setup.parent,), daemon=True).start()

    def write(content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[outgoing.write(rest) :]

    engine: Any = None

    def start() -> None:
        nonlocal engine
        # Only now: the engine starts threads, and walls apply to the thread that puts them up and its children.
        from pipeline.lake.sql.engine import Engine, version  # noqa: PLC0415

        engine = Engine(setup)
        write_json(write, Kind.READY, {**asdict(standing), "engine": version()})

    if not _succeeds(start, write):
        return
    while (query := _next_query(incoming)) is not None:
        if setup.walls.limits:
            grant_processor_time(setup.limits.processor_seconds)

        def answer(query: str = query) -> None:
            for piece in engine.answer(query):
                write_rows(write, piece)
            write_json(write, Kind.DONE, {})

        _succeeds(answer, write)


def _succeeds(work: Callable[[], None], write: Callable[[bytes], Any]) -> bool:
    """Do the work, and send its errors to the parent. Return whether it succeeded."""
    try:
        work()
        return True
    except CandlelakeError as error:
        failed: CandlelakeError = error
    except MemoryError:
        failed = QueryError("The query needs more memory than its limit.", remedy=LESS)
    except RecursionError:
        failed = QueryError("The query is nested too deeply.", remedy=SIMPLER)
    except BaseException as error:  # libraries in Rust raise panics, which are not Exceptions
        first = (str(error).strip() or "no message").splitlines()[0]
        if type(error).__name__ == "PanicException":
            first = "a column is of a type that Polars does not have, such as INTERVAL or UNION"
        failed = QueryError(
            f"The query cannot be answered ({type(error).__name__}): {first}.",
            remedy="Cast columns of a rare type to VARCHAR, or leave them out.",
        )
    write_json(write, Kind.FAILED, error_body(failed))
    return False


def _next_query(incoming: BinaryIO) -> str | None:
    """Return the next query; None when the parent has closed its side."""
    try:
        kind, body = read_frame(incoming.read, lambda _: 8 * LARGEST_JSON)
    except BrokenFrame:
        return None
    return str(json_of(body)["query"]) if kind is Kind.QUERY else None


def _end_with_parent(parent: int) -> None:
    """End when the parent has ended, on systems whose kernel does not do that."""
    while os.getppid() == parent:
        time.sleep(LOOK_AT_PARENT_EVERY)
    os._exit(1)
