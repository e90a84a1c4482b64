"""The limit of REST calls per minute, shared by all runs on this machine."""

import sqlite3
from pathlib import Path
from time import time_ns

from pyrate_limiter import (
    AbstractBucket,
    Duration,
    InMemoryBucket,
    Limiter,
    Rate,
    RateItem,
    SingleBucketFactory,
    SQLiteBucket,
)
from requests_ratelimiter import LimiterSession

from pipeline.errors import SettingsError

CALLS = "calls"
"""The table of the file in which calls are counted."""


def limited_session(calls_per_minute: int, file: Path | None, longest_turn: float) -> LimiterSession:
    """Return a session that waits before each call until it is within the limit.

    The calls of all processes with the same `file` count together; without one, only those of this session. A call
    that would wait longer than `longest_turn` seconds raises requests' Timeout. Close the session after use.
    Raises SettingsError when `calls_per_minute` is not positive or the file cannot be used.
    """
    if calls_per_minute < 1:
        raise SettingsError(
            f"CANDLELAKE_REST_CALLS_PER_MINUTE is {calls_per_minute}: no call would be possible.",
            remedy="Set it to the calls per minute of your plan, 5 on the free one.",
        )
    rates = [Rate(calls_per_minute, Duration.MINUTE)]
    bucket = InMemoryBucket(rates) if file is None else _shared(rates, file)
    return LimiterSession(
        limiter=Limiter(_OneBucket(bucket), buffer_ms=0),
        per_host=False,
        bucket_name="rest",
        max_delay=longest_turn,
        # What a 429 means is read from its Retry-After.
        limit_statuses=(),
    )


class _OneBucket(SingleBucketFactory):
    """One bucket that drops old calls at every new call; the library would run a thread for that."""

    def __init__(self, bucket: AbstractBucket) -> None:
        super().__init__(bucket, schedule_leak=False)

    def get(self, item: RateItem) -> AbstractBucket:
        self.bucket.leak(item.timestamp)
        return self.bucket


def _shared(rates: list[Rate], file: Path) -> SQLiteBucket:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        bucket = SQLiteBucket.init_from_file(rates, table=CALLS, db_path=str(file), use_file_lock=True)
        _remove_future_calls(bucket)
        return bucket
    except (OSError, sqlite3.Error) as unusable:
        raise unusable_file(file, unusable) from unusable


def _remove_future_calls(bucket: SQLiteBucket) -> None:
    """Remove calls counted while the clock was ahead: they would use up the limit until that day."""
    # Another process may have counted a call since this one read the clock.
    latest = time_ns() // 1_000_000 + Duration.MINUTE.value
    with bucket.lock, bucket.conn:
        bucket.conn.execute(f"DELETE FROM '{CALLS}' WHERE item_timestamp > ?", (latest,))  # noqa: S608 (our own name)


def unusable_file(file: Path, cause: Exception) -> SettingsError:
    """Return the error for a `file` in which calls cannot be counted."""
    return SettingsError(
        f"Calls cannot be counted in {file}: {cause}.",
        remedy="Correct its permissions, or remove it; it is created again.",
    )
