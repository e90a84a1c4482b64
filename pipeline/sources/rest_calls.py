"""How often the REST vendor may be called: so many calls a minute, counted for all runs on this machine together."""

import sqlite3
from pathlib import Path

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


def limited_session(calls_per_minute: int, file: Path | None, longest_turn: float) -> LimiterSession:
    """Return a session that waits before each call until it is within the limit.

    The calls of every process that names the same `file` count together; without one, those of this session only. A
    call that waits longer than `longest_turn` seconds raises requests' Timeout. Close the session after use.
    Raises SettingsError when `calls_per_minute` is not positive or the file cannot be used.
    """
    if calls_per_minute < 1:
        raise SettingsError(
            f"CANDLELAKE_REST_CALLS_PER_MINUTE is {calls_per_minute}: nothing could be asked.",
            remedy="Set it to the calls a minute of your plan, 5 on the free one.",
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
    """One bucket, emptied of old calls at every new one, where the library would keep a thread for it."""

    def __init__(self, bucket: AbstractBucket) -> None:
        super().__init__(bucket, schedule_leak=False)

    def get(self, item: RateItem) -> AbstractBucket:
        self.bucket.leak(item.timestamp)
        return self.bucket


def _shared(rates: list[Rate], file: Path) -> SQLiteBucket:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return SQLiteBucket.init_from_file(rates, table="calls", db_path=str(file), use_file_lock=True)
    except (OSError, sqlite3.Error) as unusable:
        raise unusable_file(file, unusable) from unusable


def unusable_file(file: Path, cause: Exception) -> SettingsError:
    """Return the error that says the calls cannot be counted in `file`."""
    return SettingsError(
        f"Calls cannot be counted in {file}: {cause}.", remedy="Correct its permissions, or remove it; it comes back."
    )
