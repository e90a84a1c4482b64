"""What the lake computed from bars or splits that have changed since: named before anything is run again."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import SPLITS
from pipeline.contracts.table import Table
from pipeline.lake.commit_moments import no_later_than_successors
from pipeline.lake.commits import version_read
from pipeline.lake.tables import Lake
from pipeline.market.calendar import new_york
from pipeline.market.indicators import INDICATORS_TABLE, LOOKBACK_SESSIONS
from pipeline.market.restatement import OUTDATED, outdated_by_bars, outdated_by_splits


@dataclass(frozen=True)
class Restatement:
    """The indicators that no longer follow from what the lake holds, and why."""

    outdated: pl.DataFrame
    """Ranges of (ticker, session) with their cause, in the columns of `OUTDATED`."""

    @property
    def spans(self) -> list[tuple[date, date]]:
        """Return the sessions to run again, as unbroken spans in order: their lists are ranked anew as a whole."""
        merged: list[tuple[date, date]] = []
        for first, last in sorted(set(self.outdated.select("first_session", "last_session").iter_rows())):
            if merged and first <= new_york().offset(merged[-1][1], 1):
                merged[-1] = merged[-1][0], max(last, merged[-1][1])
            else:
                merged.append((first, last))
        return merged

    @property
    def sessions(self) -> int:
        """Return how many sessions the spans hold."""
        return sum(len(new_york().between(*span)) for span in self.spans)

    def within(self, first: date, last: date) -> pl.DataFrame:
        """Return the outdated ranges as far as they lie in the sessions `first` … `last`."""
        held = self.outdated.filter(pl.col("first_session") <= last, pl.col("last_session") >= first)
        return held.with_columns(
            first_session=pl.max_horizontal("first_session", pl.lit(first)),
            last_session=pl.min_horizontal("last_session", pl.lit(last)),
        )


def restatement(lake: Lake) -> Restatement:
    """Return what of `stocks/indicators` does not follow from the bars and splits that the lake holds now.

    Read from the commits, which tell what each session was computed from, and from the bars of sessions that were
    written again since. A session whose commit tells nothing is taken as computed without splits.
    """
    if not lake.exists(INDICATORS_TABLE):
        return Restatement(pl.DataFrame(schema=OUTDATED))
    computed = _computed(lake)
    history = lake.read(SPLITS).rows.collect()
    calendar = new_york().sessions
    by_splits = outdated_by_splits(computed.select("session", "known_at"), history, calendar, LOOKBACK_SESSIONS)
    by_bars = outdated_by_bars(_changed_bars(lake, computed), calendar, LOOKBACK_SESSIONS)
    return Restatement(pl.concat([by_splits, by_bars]).sort("first_session", "ticker", "event_date"))


def _computed(lake: Lake) -> pl.DataFrame:
    """Return each session with indicators, the version of bars it read, and the moment of the splits it knew."""
    newest = _writings(lake, INDICATORS_TABLE).sort("version").unique("session", keep="last")
    refreshed = lake.history("reference/splits") if lake.exists(SPLITS) else None
    known = pl.DataFrame(schema={"splits": pl.Int64, "known_at": pl.Datetime("us", "UTC")})
    if refreshed is not None:
        # A clock that was ahead stamped a version with a day to come: what was learnt before that day is news still.
        known = no_later_than_successors(refreshed).select(splits="version", known_at="committed_at")
    return (
        newest.with_columns(bars=version_read(DAILY_BARS), splits=version_read(SPLITS))
        .join(known, on="splits", how="left")
        .select("session", "bars", "known_at")
        .sort("session")
    )


def _writings(lake: Lake, table: Table) -> pl.DataFrame:
    """Return a row for each session and each commit that wrote it: session, version, read."""
    commits = lake.history(f"{table.market}/{table.name}").drop_nulls("first_session")
    calendar = pl.DataFrame({"session": new_york().sessions}, schema={"session": pl.Date})
    spans = calendar.join_where(
        commits, pl.col("session") >= pl.col("first_session"), pl.col("session") <= pl.col("last_session")
    )
    return spans.select("session", "version", "read")


def _changed_bars(lake: Lake, computed: pl.DataFrame) -> pl.DataFrame:
    """Return the bars that differ from those that computed sessions have read, with the sessions that read them."""
    found = [
        _differing(lake, was, group)
        for (was,), group in _written_since(lake, computed).partition_by("was", as_dict=True).items()
    ]
    return pl.concat(found) if found else pl.DataFrame(schema=_CHANGED)


_CHANGED = {"ticker": pl.String, "session": pl.Date, "first_computed": pl.Date, "last_computed": pl.Date}


def _written_since(lake: Lake, computed: pl.DataFrame) -> pl.DataFrame:
    """Return the sessions of bars written again after they were read: session, was, first_computed, last_computed.

    `was` is the version of the bars that wrote what was read, null when there was nothing to read yet.
    """
    writings = _writings(lake, DAILY_BARS).sort("version")
    newest = writings.group_by("session").agg(newest=pl.col("version").max())
    # A window spans fewer calendar days than this.
    longest = timedelta(days=2 * LOOKBACK_SESSIONS)
    places = pl.DataFrame({"session": new_york().sessions}, schema={"session": pl.Date}).with_row_index("place")
    readers = computed.join(places, on="session").rename({"session": "reader", "place": "reader_place"})
    read = newest.join(places, on="session").join_where(
        readers,
        pl.col("session") <= pl.col("reader"),
        pl.col("newest") > pl.col("bars").fill_null(-1),
        pl.col("reader") <= pl.col("session") + longest,
    )
    in_window = read.filter(pl.col("reader_place") - pl.col("place") < LOOKBACK_SESSIONS)
    # Polars cannot look at the order within sessions, and warns; both sides are sorted by version.
    before = in_window.sort("bars").join_asof(
        writings.select("session", was="version", bars="version"), on="bars", by="session", check_sortedness=False
    )
    return before.group_by("session", "was").agg(
        first_computed=pl.col("reader").min(), last_computed=pl.col("reader").max()
    )


def _differing(lake: Lake, was: int | None, sessions: pl.DataFrame) -> pl.DataFrame:
    first, last = sessions.select(first=pl.min("session"), last=pl.max("session")).row(0)
    now = lake.scan(DAILY_BARS, first, last).collect().join(sessions, on="session", how="semi")
    then = _as_of(lake, was, first, last).join(sessions, on="session", how="semi")
    key = list(DAILY_BARS.key)
    columns = list(DAILY_BARS.columns)
    differing = pl.concat(
        [
            now.join(then, on=columns, how="anti", nulls_equal=True).select(key),
            then.join(now, on=columns, how="anti", nulls_equal=True).select(key),
        ]
    ).unique()
    return differing.join(sessions, on="session").select(list(_CHANGED))


def _as_of(lake: Lake, version: int | None, first: date, last: date) -> pl.DataFrame:
    """Return the bars of a past version; none when there was none, or its files are gone: then all count as changed."""
    if version is None:
        return DAILY_BARS.empty()
    try:
        return lake.scan(DAILY_BARS, first, last, version=version).collect()
    except FileNotFoundError:
        return DAILY_BARS.empty()
