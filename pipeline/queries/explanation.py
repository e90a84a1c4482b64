"""Where a number comes from: from a ticker's row back to its bars, the splits, the vendor's files, and the versions."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.reference import SPLITS
from pipeline.contracts.table import Table
from pipeline.errors import PermanentError, TableMissing, VersionGone
from pipeline.lake.delta.commits import writings
from pipeline.lake.delta.past import rows_at
from pipeline.lake.lake import Lake
from pipeline.market.computed import version_of
from pipeline.market.market import Market
from pipeline.market.prices.splits import split_factors
from pipeline.market.securities.own_bars import own_rows
from pipeline.market.securities.reference import applicable_splits, as_known, with_split_doubts
from pipeline.queries.doubts import doubts_in_window
from pipeline.queries.known_listings import known_listings
from pipeline.queries.outdated import outdated_sessions


@dataclass(frozen=True)
class Explanation:
    """All inputs of the indicators and the ranking of one ticker on one session."""

    ticker: str
    session: date
    candidates: pl.DataFrame
    """Its rows in the lists of the session, with score, contributions and reasons; empty when no model lists it."""
    indicators: dict[str, Any]
    bars: pl.DataFrame
    """The bars of its look-back window as traded, those before a rename under the ticker of their day; a price times
    `split_factor` is on the session's basis."""
    splits: pl.DataFrame
    """The splits applied to them: execution_date, split_from, split_to, first_seen_at, id, ruling."""
    doubted: pl.DataFrame
    """The vendor's splits of the window that were not applied, with the reason."""
    price_doubts: pl.DataFrame
    """The rows of `stocks/price_doubts` in the window, the newest first: what its prices contradict."""
    deliveries: pl.DataFrame
    """The version of the vendor's file behind each of the bars: key, etag, sha256 and when it was written."""
    commits: dict[str, dict[str, Any]]
    """By table: the commit that wrote the session's rows, the versions it read, and the code that computed them."""
    outdated: list[str]
    """Why the row would differ if it were computed now; empty while it would not."""
    gone: list[str]
    """The versions that can no longer be read, each with what is shown instead; mostly empty."""


def explanation(lake: Lake, market: Market, ticker: str, session: date) -> Explanation:
    """Return the inputs of the row of `ticker` on `session` in `stocks/indicators`, and of that day's lists.

    Bars and splits are those of the versions read at the time; where such a version is gone, those of today, and
    `gone` says so. Raises PermanentError when there is no such row, TableMissing when a table does not exist.
    """
    row = lake.scan(market.indicators, session, session).filter(pl.col("ticker") == ticker).collect()
    if row.is_empty():
        raise PermanentError(f"{ticker} has no indicators on {session}.", remedy=_nearest(lake, ticker, session))
    commits = {table.sql_name: _commit(lake, table, session) for table in (market.indicators, CANDIDATES)}
    inputs = _TablesAsRead(lake, commits[market.indicators.sql_name])
    start = market.calendar.offset(session, 1 - market.lookback)
    listed = known_listings(lake)
    bars = own_rows(inputs.bars(start, session), "session", [ticker], session, listed).sort("session")
    every = inputs.splits().filter(pl.col("execution_date") > start, pl.col("execution_date") <= session)
    applied = own_rows(applicable_splits(every), "execution_date", [ticker], session, listed)
    reference_splits = every.join(_stated_days(every, ticker, session, listed), on=["ticker", "execution_date"])
    spans = bars.select("ticker", since="session", until=pl.lit(session))
    factor = split_factors(applied, spans)["split_factor"]
    traded = bars.with_columns(ticker="stated_for").drop("stated_for")
    causes = (
        outdated_sessions(lake, market, [market.indicators, market.price_doubts, CANDIDATES])
        .within(session, session)
        .filter(
            pl.col("table").is_in([market.indicators.sql_name, market.price_doubts.sql_name, CANDIDATES.sql_name]),
            pl.col("ticker").is_null() | (pl.col("ticker") == ticker),
        )
    )
    return Explanation(
        ticker=ticker,
        session=session,
        candidates=_list_rows(lake, ticker, session),
        indicators=row.row(0, named=True),
        bars=traded.with_columns(factor),
        splits=reference_splits.join(
            applied, left_on=["ticker", "execution_date"], right_on=["stated_for", "execution_date"], how="semi"
        )
        .filter(pl.col("doubt").is_null(), pl.col("withdrawn_at").is_null())
        .select("execution_date", "split_from", "split_to", "first_seen_at", "id", "ruling")
        .sort("execution_date"),
        doubted=reference_splits.filter(pl.col("doubt").is_not_null(), pl.col("withdrawn_at").is_null()).select(
            "execution_date", "split_from", "split_to", "doubt", "id"
        ),
        price_doubts=own_rows(doubts_in_window(lake, market, session), "event_date", [ticker], session, listed)
        .drop("stated_for")
        .sort("event_date", "kind", descending=[True, False]),
        deliveries=_deliveries(lake, bars),
        commits=commits,
        outdated=[
            f"{day}: {cause}" if day else cause for day, cause in causes.select("event_date", "cause").iter_rows()
        ],
        gone=inputs.gone,
    )


class _TablesAsRead:
    """The tables as a commit of indicators read them, as far as they are still readable; `gone` names the rest."""

    def __init__(self, lake: Lake, commit: dict[str, Any]) -> None:
        self._lake = lake
        self._versions_read: dict[str, int | None] = commit.get("read", {})
        self.gone: list[str] = []
        if not commit:
            self.gone.append(
                "The commit of the indicators that wrote this row is no longer known, nor the versions it read: "
                "bars and splits are shown as they are now."
            )

    def bars(self, start: date, end: date) -> pl.DataFrame:
        """Return the bars of a window."""
        try:
            return self._at(DAILY_BARS, start, end)
        except VersionGone:
            self._say_gone(DAILY_BARS, "the bars are shown as they are now")
            return self._lake.read(DAILY_BARS, start, end).rows.collect()

    def splits(self) -> pl.DataFrame:
        """Return every split that was known."""
        try:
            return self._at(SPLITS)
        except VersionGone:
            commits = self._lake.trail(SPLITS).commits().filter(version=self._versions_read[SPLITS.sql_name])
            current = self._lake.read(SPLITS).rows.collect()
            if commits.is_empty():
                self._say_gone(SPLITS, "the splits are shown as they are now")
                return current
            self._say_gone(SPLITS, "its splits are rebuilt from the dates when each was first seen and withdrawn")
            known = as_known(current, commits["committed_at"][0])
            return with_split_doubts(known.with_columns(withdrawn_at=pl.lit(None, SPLITS.columns["withdrawn_at"])))

    def _at(self, table: Table, start: date | None = None, end: date | None = None) -> pl.DataFrame:
        """Return the table as the commit read it; as it is now when the commit does not say. Raises VersionGone."""
        if table.sql_name not in self._versions_read:
            return self._lake.read(table, start, end).rows.collect()
        version = self._versions_read[table.sql_name]
        return table.empty() if version is None else rows_at(self._lake, table, version, start, end)

    def _say_gone(self, table: Table, instead: str) -> None:
        version = self._versions_read[table.sql_name]
        self.gone.append(f"Version {version} of {table.sql_name}, which it read, can no longer be read: {instead}.")


def _commit(lake: Lake, table: Table, session: date) -> dict[str, Any]:
    """Return the newest commit that wrote the table's rows of the session; empty when there is none."""
    if not lake.exists(table):
        return {}
    written = writings(lake.trail(table).commits(), session).head(1)
    if written.is_empty():
        return {}
    commit = written.row(0, named=True)
    del commit["changes"]
    parts = json.loads(commit["computed_by"] or "{}")
    return commit | {
        "read": {reading["table"]: reading["version"] for reading in commit["read"] or ()},
        "computed_by": parts,
        "code_version": version_of(parts),
    }


def _stated_days(splits: pl.DataFrame, ticker: str, session: date, listed: pl.DataFrame) -> pl.DataFrame:
    """Return ticker and execution_date of the splits, applied or not, of the security that has `ticker`."""
    stated = splits.select("ticker", "execution_date").unique()
    own = own_rows(stated, "execution_date", [ticker], session, listed)
    return own.select("execution_date", ticker="stated_for")


def _list_rows(lake: Lake, ticker: str, session: date) -> pl.DataFrame:
    listed = lake.read(CANDIDATES, session, session).rows
    return listed.filter(pl.col("ticker") == ticker).sort("model").collect()


def _deliveries(lake: Lake, bars: pl.DataFrame) -> pl.DataFrame:
    if bars.is_empty():
        return DELIVERIES.empty()
    current = lake.scan(DELIVERIES, bars["session"][0], bars["session"][-1]).filter("is_current").collect()
    return current.join(bars, on="session", how="semi").sort("session")


def _nearest(lake: Lake, ticker: str, session: date) -> str:
    """Return which sessions of the ticker can be explained."""
    try:
        bars = lake.scan(DAILY_BARS, columns=["ticker", "session"]).filter(pl.col("ticker") == ticker)
        first, last, before = (
            bars.select(
                first=pl.min("session"),
                last=pl.max("session"),
                before=pl.col("session").filter(pl.col("session") < session).max(),
            )
            .collect()
            .row(0)
        )
    except TableMissing:
        return "The lake is empty: run `candlelake demo` or `candlelake backfill`."
    if first is None:
        return "No session has a bar of that ticker; case matters: `AAP` and `AAp` are two tickers."
    near = f", the last before that day is of {before}" if before else ""
    return f"Its bars reach from {first} to {last}{near}; `candlelake run --date {session}` adds a session."
