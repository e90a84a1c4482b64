"""Outdated sessions: computed from bars, splits or code that have changed since, listed before anything runs again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from pipeline.contracts.table import Table
from pipeline.errors import VersionGone
from pipeline.lake.delta.commits import version_read
from pipeline.lake.delta.past import rows_at
from pipeline.lake.lake import Lake
from pipeline.market.computed import computations
from pipeline.market.market import Market
from pipeline.market.outdated_ranges import OUTDATED, outdated_by_bars, outdated_by_events, outdated_unknown
from pipeline.market.securities.listings import NO_LISTINGS
from pipeline.queries.known_listings import known_listings
from pipeline.queries.outdated_code import DUE, dependent_sessions, outdated_by_code, tables_with_sessions
from pipeline.queries.outdated_inputs import never_computed, outdated_by_inputs
from pipeline.queries.outdated_listings import outdated_by_changed_listings
from pipeline.queries.outdated_reference import outdated_by_reference
from pipeline.queries.session_writings import calendar, newest_writings, possible_writings, with_known_at
from pipeline.venues.venue import Venue

COLUMNS = {"table": pl.String, **OUTDATED}
"""Columns of outdated ranges: the table's SQL name and those of `OUTDATED`. Code changes have no ticker and day."""


@dataclass(frozen=True)
class Stretch:
    """Consecutive sessions for which the same tables are due."""

    first: date
    last: date
    tables: tuple[str, ...]
    """By SQL name, in alphabetical order."""


@dataclass(frozen=True)
class OutdatedSessions:
    """The sessions that today's data and code would compute differently, and why."""

    outdated: pl.DataFrame
    """Ranges of (ticker, session) of a table with their cause, in the columns of `COLUMNS`; no ticker means all."""
    dependent: pl.DataFrame
    """The sessions of other tables that were computed from these, in the columns of `DUE`."""
    venue: Venue

    @property
    def spans(self) -> list[tuple[date, date]]:
        """Return the sessions to run again, as unbroken spans in order."""
        return merged(self.venue, [(stretch.first, stretch.last) for stretch in self.stretches])

    @property
    def sessions(self) -> int:
        """Return how many sessions are in the spans."""
        return sum(len(self.venue.calendar.between(*span)) for span in self.spans)

    @property
    def due(self) -> pl.DataFrame:
        """Return every session of every table that must run again, in the columns of `DUE`."""
        return pl.concat([_sessions_of(self.outdated, self.venue), self.dependent]).unique().sort("session", "table")

    @property
    def stretches(self) -> list[Stretch]:
        """Return the sessions to run again, split where the due tables change."""
        stretches: list[Stretch] = []
        for session, tables in self.due.group_by("session", maintain_order=True).agg("table").iter_rows():
            last = stretches[-1] if stretches else None
            if last and last.tables == tuple(tables) and session == self.venue.calendar.offset(last.last, 1):
                stretches[-1] = Stretch(last.first, session, last.tables)
            else:
                stretches.append(Stretch(session, session, tuple(tables)))
        return stretches

    def within(self, first: date, last: date) -> pl.DataFrame:
        """Return the outdated ranges as far as they lie in the sessions `first` … `last`."""
        ranges = self.outdated.filter(pl.col("first_session") <= last, pl.col("last_session") >= first)
        return ranges.with_columns(
            first_session=pl.max_horizontal("first_session", pl.lit(first)),
            last_session=pl.min_horizontal("last_session", pl.lit(last)),
        )


def merged(venue: Venue, spans: Sequence[tuple[date, date]]) -> list[tuple[date, date]]:
    """Return sorted spans with neighbours merged."""
    wide: list[tuple[date, date]] = []
    for first, last in spans:
        if wide and first <= venue.calendar.offset(wide[-1][1], 1):
            wide[-1] = wide[-1][0], max(last, wide[-1][1])
        else:
            wide.append((first, last))
    return wide


def _sessions_of(ranges: pl.DataFrame, venue: Venue) -> pl.DataFrame:
    """Return the sessions of each table that lie in any of the ranges, in the columns of `DUE`."""
    spans = ranges.select("table", "first_session", "last_session").unique()
    within = spans.join_where(
        calendar(venue), pl.col("session") >= pl.col("first_session"), pl.col("session") <= pl.col("last_session")
    )
    return within.select(list(DUE)).unique()


def outdated_sessions(lake: Lake, market: Market, tables: Collection[Table] | None = None) -> OutdatedSessions:
    """Return the sessions of `tables` that other bars, splits or code would compute differently now.

    `tables` are all computed ones when None. The commits say from which versions and by which code each session was
    computed; bars and computed rows of sessions that were written again since are compared, and so are the splits,
    dividends and listings that each session rests on. Where versions and their
    records are gone, the session counts as outdated. A session whose commit says nothing counts as computed without
    splits, and by the code version before commits recorded one.
    """
    tables = computations(market) if tables is None else tables
    by_data = [_outdated_by_data(lake, market, table) for table in tables_with_sessions(lake, market, tables)]
    by_code, by_inputs = outdated_by_code(lake, market, tables), outdated_by_inputs(lake, market, tables)
    by_word, missing = outdated_by_reference(lake, market, tables), never_computed(lake, market, tables)
    ranges = pl.concat([pl.DataFrame(schema=COLUMNS), by_code, by_inputs, *by_data, by_word, missing], how="diagonal")
    outdated = ranges.sort("first_session", "table", "ticker", "event_date", maintain_order=True)
    dependent = dependent_sessions(lake, market, _sessions_of(outdated, market.venue), tables)
    return OutdatedSessions(outdated, dependent, market.venue)


def _outdated_by_data(lake: Lake, market: Market, table: Table) -> pl.DataFrame:
    """Return the rows of a table that were computed from other bars, events or listings than the current ones."""
    computation, sessions = computations(market)[table], market.calendar.sessions
    listed = known_listings(lake) if computation.follows_renames else NO_LISTINGS
    written = newest_writings(lake, table)
    ranges = [
        outdated_by_events(
            with_known_at(lake, written, events.table, "known_at").select("session", "known_at"),
            lake.read(events.table).rows.collect(),
            sessions,
            reach,
            events,
            listed,
        )
        for events, reach in computation.events.items()
    ]
    if computation.follows_renames:
        ranges.append(outdated_by_changed_listings(lake, market))
    if computation.window:
        computed = written.with_columns(bars=version_read(market.bars))
        changed, undecided = _changed_bars(lake, market, computed, computation.window)
        ranges.append(outdated_by_bars(changed, sessions, computation.window, listed))
        inputs = {market.bars, *(events.table for events in computation.events)}
        undecided |= _without_commit(lake, table, computed) | _read_missing_versions(lake, computed, inputs)
        ranges.append(outdated_unknown(_rows_of(lake, market, table, sorted(undecided)), sessions))
    return pl.concat([pl.DataFrame(schema=OUTDATED), *ranges]).with_columns(table=pl.lit(table.sql_name))


def _without_commit(lake: Lake, table: Table, computed: pl.DataFrame) -> set[date]:
    """Return the sessions of a table whose commit, and so their inputs, is no longer known."""
    if not lake.trail(table).unknown():
        return set()
    return set(lake.sessions(table)) - set(computed["session"])


def _read_missing_versions(lake: Lake, computed: pl.DataFrame, inputs: Collection[Table]) -> set[date]:
    """Return the sessions computed from versions that do not exist: an older copy has replaced the table."""
    ahead = set[date]()
    for table in inputs:
        newest = lake.version(table) if lake.exists(table) else -1
        ahead |= set(computed.filter(version_read(table) > newest)["session"])
    return ahead


def _rows_of(lake: Lake, market: Market, table: Table, sessions: list[date]) -> pl.DataFrame:
    """Return ticker and session of every row of `sessions` that exists, or would if they were computed now."""
    key = ["ticker", "session"]
    if not sessions:
        return market.indicators.empty().select(key)
    tables = [one for one in (table, market.bars) if lake.exists(one)]
    rows = [lake.scan(one, sessions[0], sessions[-1], key).collect() for one in tables]
    return pl.concat(rows).filter(pl.col("session").is_in(sessions)).unique()


def _changed_bars(lake: Lake, market: Market, computed: pl.DataFrame, lookback: int) -> tuple[pl.DataFrame, set[date]]:
    """Return the bars that differ from those that computed sessions read, with the sessions that read them.

    And the computed sessions for which that cannot be decided.
    """
    changed, undecided = [pl.DataFrame(schema=_CHANGED)], set[date]()
    for (last_read,), group in (
        _written_since(lake, market, computed, lookback).partition_by("last_read", as_dict=True).items()
    ):
        try:
            changed.append(_differing(lake, market.bars, last_read, group))
        except VersionGone:
            readers = computed.filter(pl.col("bars").fill_null(-1) <= last_read).join_where(
                group,
                pl.col("session") >= pl.col("first_computed"),
                pl.col("session") <= pl.col("last_computed"),
            )
            undecided |= set(readers["session"])
    return pl.concat(changed), undecided


_CHANGED = {"ticker": pl.String, "session": pl.Date, "first_computed": pl.Date, "last_computed": pl.Date}


def _written_since(lake: Lake, market: Market, computed: pl.DataFrame, lookback: int) -> pl.DataFrame:
    """Return the sessions of bars written again after they were read.

    Columns session, last_read, first_computed, last_computed. `last_read` is the last version that still has the bars
    as they were read, the one before the next writing: the newest such version is the most likely to still exist.
    """
    writings = possible_writings(lake, market.bars)
    newest = writings.group_by("session").agg(newest=pl.col("version").max())
    # A window spans fewer calendar days than this.
    longest = timedelta(days=2 * lookback)
    places = calendar(market.venue).with_row_index("place")
    readers = computed.join(places, on="session").rename({"session": "reader", "place": "reader_place"})
    written_after = newest.join(places, on="session").join_where(
        readers.with_columns(pl.col("bars").fill_null(-1)),
        pl.col("session") <= pl.col("reader"),
        pl.col("newest") > pl.col("bars"),
        pl.col("reader") <= pl.col("session") + longest,
    )
    in_window = written_after.filter(pl.col("reader_place") - pl.col("place") < lookback)
    # Polars cannot look at the order within sessions, and warns; both sides are sorted by version.
    following = in_window.sort("bars").join_asof(
        writings.select("session", following="version"),
        left_on="bars",
        right_on="following",
        by="session",
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    return following.group_by("session", last_read=pl.col("following") - 1).agg(
        first_computed=pl.col("reader").min(), last_computed=pl.col("reader").max()
    )


def _differing(lake: Lake, bars: Table, last_read: int, sessions: pl.DataFrame) -> pl.DataFrame:
    first, last = sessions.select(first=pl.min("session"), last=pl.max("session")).row(0)
    now = lake.scan(bars, first, last).collect().join(sessions, on="session", how="semi")
    then = bars.empty() if last_read < 0 else rows_at(lake, bars, last_read, first, last)
    then = then.join(sessions, on="session", how="semi")
    key = list(bars.key)
    columns = list(bars.columns)
    differing = pl.concat(
        [
            now.join(then, on=columns, how="anti", nulls_equal=True).select(key),
            then.join(now, on=columns, how="anti", nulls_equal=True).select(key),
        ]
    ).unique()
    return differing.join(sessions, on="session").select(list(_CHANGED))
