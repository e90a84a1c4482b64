"""Reference data: the vendor's tickers, splits, dividends and renames, refreshed in full, with their history.

A refresh reads everything before it writes anything, so that an incomplete answer changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
from dagster import AssetExecutionContext, AssetsDefinition, AssetSpec, MaterializeResult, ResourceParam, asset

from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS
from pipeline.contracts.split_rulings import SPLIT_RULINGS
from pipeline.contracts.table import Table
from pipeline.errors import AnswerRefused
from pipeline.lake.delta.commits import Reading, WriteResult
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.securities.reference import (
    Judgement,
    as_known,
    changes_of,
    merged,
    require_later,
    told_by_vendor,
    with_dividend_doubts,
    with_split_doubts,
)
from pipeline.market.securities.renames import figis_due, figis_without_events
from pipeline.market.securities.rulings import ruled
from pipeline.orchestration.table_metadata import asset_key, declared, record, stage, table_preview
from pipeline.progress import Progress
from pipeline.sources.massive.reference import NoReference, ReferenceSource, TickerEvents

SET_A_SOURCE = "Set CANDLELAKE_REST_KEY, or CANDLELAKE_REFERENCE to a folder of the vendor's answers."


REFERENCE = stage("reference", source="its source")


def reference_of(market: Market) -> tuple[AssetsDefinition, ...]:
    """Return the assets of reference data of `market`."""

    @asset(**declared(market, TICKERS, group="reference", stage=REFERENCE))
    def reference_tickers(
        context: AssetExecutionContext,
        lake: ResourceParam[Lake],
        reference_source: ResourceParam[ReferenceSource],
        progress: ResourceParam[Progress],
    ) -> MaterializeResult:
        """Request every security, listed and delisted."""
        return Refresh(context, lake, reference_source, progress, TICKERS).of_all(reference_source.tickers)

    @asset(**declared(market, SPLITS, group="reference", stage=REFERENCE), deps=[asset_key(SPLIT_RULINGS)])
    def reference_splits(
        context: AssetExecutionContext,
        lake: ResourceParam[Lake],
        reference_source: ResourceParam[ReferenceSource],
        progress: ResourceParam[Progress],
    ) -> MaterializeResult:
        """Request every split, apply the user's rulings, and mark those in doubt."""
        rulings = lake.read(SPLIT_RULINGS)
        refresh = Refresh(context, lake, reference_source, progress, SPLITS, with_split_doubts, rulings)
        return refresh.of_all(reference_source.splits)

    @asset(**declared(market, DIVIDENDS, group="reference", stage=REFERENCE))
    def reference_dividends(
        context: AssetExecutionContext,
        lake: ResourceParam[Lake],
        reference_source: ResourceParam[ReferenceSource],
        progress: ResourceParam[Progress],
    ) -> MaterializeResult:
        """Request every cash dividend, and mark those in doubt."""
        refresh = Refresh(context, lake, reference_source, progress, DIVIDENDS, with_dividend_doubts)
        return refresh.of_all(reference_source.dividends)

    @asset(
        **declared(market, TICKER_EVENTS, group="reference", stage=REFERENCE),
        deps=[asset_key(TICKERS), asset_key(market.bars)],
    )
    def reference_ticker_events(
        context: AssetExecutionContext,
        lake: ResourceParam[Lake],
        reference_source: ResourceParam[ReferenceSource],
        progress: ResourceParam[Progress],
    ) -> MaterializeResult:
        """Request the earlier tickers of securities that may have had one."""
        waiting = figis_waiting(lake, market.bars)
        figis = figis_due(waiting, market.venue.today(datetime.now(UTC)))
        refresh = Refresh(context, lake, reference_source, progress, TICKER_EVENTS)
        return refresh.of_some(lambda: reference_source.ticker_events(figis), waiting=len(waiting))

    return reference_tickers, reference_splits, reference_dividends, reference_ticker_events


def recorded_rulings(market: Market) -> AssetSpec:
    """Return the rulings on splits as an asset: recorded by the user, so no run writes it."""
    recorded = declared(market, SPLIT_RULINGS, group="reference", stage={})
    return AssetSpec(**recorded | {"description": f"{recorded['description']} Recorded with `candlelake splits`."})


def figis_waiting(lake: Lake, bars: Table) -> list[str]:
    """Return the FIGIs whose renames are not known yet, the newest first; none before there are bars."""
    if not lake.exists(bars):
        return []
    first_sessions = lake.scan(bars, columns=["ticker", "session"]).group_by("ticker").agg(first=pl.min("session"))
    securities, events = (as_known(lake.read(table).rows.collect()) for table in (TICKERS, TICKER_EVENTS))
    return figis_without_events(securities, first_sessions.collect(), events)


@dataclass(frozen=True)
class Refresh:
    """One refresh of one table of reference data."""

    context: AssetExecutionContext
    lake: Lake
    source: ReferenceSource
    progress: Progress
    table: Table
    judged: Judgement = pl.DataFrame.clone
    """Computes the doubts of a history."""
    rulings: Reading | None = None
    """The user's rulings on its rows."""

    def of_all(self, request: Callable[[], pl.DataFrame]) -> MaterializeResult:
        """Store an answer with all rows of the table. Raises AnswerRefused when there is no row any more."""
        if isinstance(self.source, NoReference):
            return self._without_a_source()
        self._require_clock()
        answer = request()
        before = self._before()
        history = before.rows.collect()
        self._require_some(answer, history)
        # A ruling that was recorded and not applied, since its command was killed, comes first: before the answer.
        ruled_before = self._ruled(history, datetime.now(UTC))
        at = datetime.now(UTC)
        return self._written(self._ruled(merged(ruled_before, answer, at), at), before, at, {"rows_told": len(answer)})

    def of_some(self, request: Callable[[], TickerEvents], *, waiting: int) -> MaterializeResult:
        """Store an answer that may cover some securities only; rows of the others stay as they are."""
        if isinstance(self.source, NoReference):
            return self._without_a_source()
        self._require_clock()
        answer = request()
        if answer.figis is None:
            return self.of_all(lambda: answer.rows)
        before = self._before()
        stored = before.rows.collect()
        is_covered = pl.col("composite_figi").is_in(list(answer.figis))
        at = datetime.now(UTC)
        history = pl.concat([stored.filter(~is_covered), merged(stored.filter(is_covered), answer.rows, at)])
        numbers = {"securities_asked": len(answer.figis), "securities_waiting": waiting - len(answer.figis)}
        return self._written(history, before, at, {"rows_told": len(answer.rows), **numbers})

    def _ruled(self, history: pl.DataFrame, at: datetime) -> pl.DataFrame:
        return history if self.rulings is None else ruled(history, self.rulings.rows.collect(), at)

    def _require_clock(self) -> None:
        """Raise ClockBehind before any request: an answer may take an hour, and could not be written then."""
        require_later(self._before().rows.collect(), datetime.now(UTC))

    def _require_some(self, answer: pl.DataFrame, history: pl.DataFrame) -> None:
        holding = len(told_by_vendor(as_known(history)))
        if answer.is_empty() and holding:
            raise AnswerRefused(
                f"{self.source!r} has no {self.table.name} at all, where {holding:,} were known; they stay.",
                remedy="Check the source. If it is right, move the table's folder away and refresh again.",
            )

    def _before(self) -> Reading:
        return self.lake.read(self.table)

    def _written(
        self, history: pl.DataFrame, before: Reading, at: datetime, numbers: dict[str, Any]
    ) -> MaterializeResult:
        judged = self.judged(history)
        # A refresh that another one overtook must not undo the other's changes.
        read = [before] if self.rulings is None else [before, self.rulings]
        written = self.lake.refresh(self.table, judged, run_id=self.context.run.run_id, read=read)
        return MaterializeResult(metadata=self._recorded(written) | numbers | refresh_metadata(judged, at))

    def _without_a_source(self) -> MaterializeResult:
        """Warn that nothing was refreshed; known rows stay, and without any an empty table is written."""
        known = self._before().rows.collect()
        name, state = self.table.name.replace("_", " ").capitalize(), "unknown" if known.is_empty() else "not refreshed"
        warning = f"{name} {state}: there is no source of reference data. {SET_A_SOURCE}"
        self.context.log.warning(warning)
        self.progress.warnings.append(warning)
        if self.lake.exists(self.table):
            return MaterializeResult(metadata={"dagster/row_count": len(known), "source": repr(self.source)})
        written = self.lake.refresh(self.table, known, run_id=self.context.run.run_id)
        return MaterializeResult(metadata=self._recorded(written))

    def _recorded(self, written: WriteResult) -> dict[str, Any]:
        return record(self.context, self.table, written) | {"source": repr(self.source)}


def refresh_metadata(history: pl.DataFrame, at: datetime) -> dict[str, Any]:
    """Return metadata on a refresh at `at` and on the history after it."""
    changes = changes_of(history, at)
    holding = as_known(history)
    doubts = holding["doubt"].drop_nulls().value_counts(sort=True).rows() if "doubt" in holding.columns else []
    return {
        "holding": len(holding),
        "added": changes["change"].eq("added").sum(),
        "withdrawn": changes["change"].eq("withdrawn").sum(),
        **{f"doubt_{code}": rows for code, rows in sorted(doubts)},
        "changes": table_preview(changes),
    }
