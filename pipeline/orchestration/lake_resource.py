"""The lake for the steps of a run: they write only while the run is in progress, and redo a write that conflicted.

Each commit carries the fingerprints of the code that computes its table.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl
from dagster import AssetExecutionContext, DagsterInstance, InitResourceContext, ResourceDefinition, RetryRequested

from pipeline.contracts.table import Table
from pipeline.errors import RunReplaced, WriteConflict
from pipeline.lake.delta.commits import Reading, WriteResult
from pipeline.lake.delta.open_tables import OpenTables
from pipeline.lake.lake import Lake
from pipeline.lake.storage.s3_prefix import S3Prefix
from pipeline.market.computed import computed_by
from pipeline.market.market import Market
from pipeline.orchestration.signals import insist_on_signals

MOST_RETRIES = 5
FIRST_PAUSE = 0.5
"""Seconds. Each pause is twice as long as the one before, minus a random part of up to a half."""


class LakeOfRun(Lake):
    """A lake whose conflicts make Dagster redo the whole step, since its rows may come from replaced data.

    After `MOST_RETRIES` the conflict itself is raised. No other error is retried.
    """

    def replace(  # noqa: PLR0913 (as `Lake.replace`)
        self,
        table: Table,
        sessions: Sequence[date],
        pieces: Iterable[pl.DataFrame],
        *,
        run_id: str,
        read: Sequence[Reading] = (),
        tickers: Sequence[str] | None = None,
    ) -> WriteResult:
        """Replace the rows of `sessions` as `Lake.replace` does."""
        with step_redone_after_conflict():
            return super().replace(table, sessions, pieces, run_id=run_id, read=read, tickers=tickers)

    def refresh(self, table: Table, rows: pl.DataFrame, *, run_id: str, read: Sequence[Reading] = ()) -> WriteResult:
        """Replace all rows as `Lake.refresh` does."""
        with step_redone_after_conflict():
            return super().refresh(table, rows, run_id=run_id, read=read)

    def require_newest(self, writings: Mapping[Table, WriteResult]) -> None:
        """Require that no other run has written the same rows since, as `Lake.require_newest` does."""
        with step_redone_after_conflict():
            super().require_newest(writings)


def lake_of_run(
    place: Path | S3Prefix, market: Market, opened: OpenTables, require: Callable[[], None] = lambda: None
) -> ResourceDefinition:
    """Return the resource that gives each run its lake of `market` at `place`; `opened` are tables open already.

    `require` is called when a run begins, and raises to refuse it.
    """
    return ResourceDefinition(lambda context: _lake(place, market, opened, require, context))


def _lake(
    place: Path | S3Prefix,
    market: Market,
    opened: OpenTables,
    require: Callable[[], None],
    context: InitResourceContext,
) -> Lake:
    if context.instance is None or context.run is None:  # schedules and sensors only read
        return Lake(place)
    require()
    insist_on_signals()
    return LakeOfRun(
        place,
        may_write=only_in_progress(context.instance),
        computed_by=partial(computed_by, market),
        opened=opened,
    )


def only_in_progress(instance: DagsterInstance) -> Callable[[str], None]:
    """Return a function that raises RunReplaced for a run that is over according to `instance`."""

    def require(run_id: str) -> None:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            raise RunReplaced(
                f"The run {run_id} was given up ({run.status.value if run else 'deleted'}) while it was still alive; "
                "it wrote nothing more, since another run may have replaced it.",
                remedy="Nothing is lost: look at the run that came after it, or run its sessions again.",
            )

    return require


@contextmanager
def step_redone_after_conflict() -> Iterator[None]:
    """Turn a WriteConflict into a Dagster request to redo the step after a pause, while retries are left."""
    try:
        yield
    except WriteConflict as conflict:
        retries = AssetExecutionContext.get().retry_number
        if retries >= MOST_RETRIES:
            raise
        pause = FIRST_PAUSE * 2**retries * random.uniform(0.5, 1)  # noqa: S311 (no secret depends on it)
        raise RetryRequested(max_retries=MOST_RETRIES, seconds_to_wait=pause) from conflict
