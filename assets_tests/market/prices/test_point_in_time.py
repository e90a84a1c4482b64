"""Each session's indicators on its own price basis: those of an unsplit twin, and of its window worked out alone."""

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples, first_quick
from assets_tests.market.corporate_actions import NO_DIVIDENDS, NO_SPLITS, PRICES, adjusted_by_hand, day, splits
from assets_tests.market.indicators.tape import SESSIONS, tape, traded, wandering
from assets_tests.market.indicators.test_windows import SHORT, assert_same
from assets_tests.stocks import LOOKBACK_SESSIONS, in_doubt, indicators, point_in_time_indicators
from pipeline.errors import ContractBroken
from pipeline.market.indicators import INDICATORS
from pipeline.market.prices.splits import split_factors
from pipeline.market.securities.listings import LISTING

LISTED = pl.DataFrame(schema=LISTING)
COLUMNS = [column for indicator in INDICATORS for column in indicator.columns]
IN_VOLUMES = [column.name for column in COLUMNS if column.unit == "shares"]
IN_PRICES = [column.name for column in COLUMNS if column.unit == "price"]


def split_bars(twin: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return the bars of `twin`, which never splits, as they would have traded with the splits of `events`."""
    spans = twin.select("ticker", since="session", until=pl.lit(SESSIONS[0]))
    # To the first day's basis and not to the session's: the twin is what the first shares are worth.
    worth = split_factors(events, spans)["split_factor"]
    return twin.with_columns(*(pl.col(name) / worth for name in PRICES), volume=pl.col("volume") * worth)


def on_the_twins_basis(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return indicators on the basis of the first day: prices by the factor, volumes inversely, ratios untouched."""
    spans = rows.select("ticker", since="session", until=pl.lit(SESSIONS[0]))
    factor = split_factors(events, spans)["split_factor"]
    return rows.with_columns(pl.col(IN_PRICES) * factor, pl.col(IN_VOLUMES) / factor)


# 2:1, a 1:20 reverse split, two in one window, one on the first day, one on the last.
EVENTS = splits(("A", 0, 1, 5), ("A", 300, 1, 2), ("A", 620, 20, 1), ("A", 640, 1, 3), ("A", 699, 2, 3))
ANOTHER = splits(("gone", 300, 1, 2), ("C", 710, 1, 2))
TWIN = traded(wandering(700, seed=4), ticker="A", seed=4)
BESIDE = traded(wandering(700, seed=5), ticker="B", seed=5)
BARS = pl.concat([split_bars(TWIN, EVENTS), BESIDE])
ALL_EVENTS = pl.concat([EVENTS, ANOTHER])


def pit(bars: pl.DataFrame, events: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    """Return the indicators of sessions `first` … `last` from the bars that a run of them reads."""
    window = SESSIONS[max(first - LOOKBACK_SESSIONS + 1, 0) : last + 1]
    read = bars.filter(pl.col("session").is_between(window[0], window[-1]))
    return point_in_time_indicators(read, events, window, SESSIONS[first])


@pytest.fixture(scope="module")
def of_the_twin() -> pl.DataFrame:
    return indicators(pl.concat([TWIN, BESIDE]), SESSIONS[:700], SESSIONS[0])


@pytest.fixture(scope="module")
def whole() -> pl.DataFrame:
    return pit(BARS, ALL_EVENTS, 0, 699)


def test_a_ticker_that_splits_has_the_indicators_of_its_unsplit_twin_up_to_the_factor(whole, of_the_twin):
    assert_same(on_the_twins_basis(whole, EVENTS), of_the_twin, pl.concat([TWIN, BESIDE]), within=1e-9)


def test_without_splits_the_columns_and_rows_are_those_of_indicators(of_the_twin):
    plain = pl.concat([TWIN, BESIDE])
    assert point_in_time_indicators(plain, NO_SPLITS, SESSIONS[:700], SESSIONS[0]).equals(of_the_twin)


@pytest.mark.parametrize(
    ("first", "last"), first_quick([(280, 310), (300, 300), (500, 639), (600, 699), (299, 299), (690, 699)], quick=2)
)
def test_a_range_gives_what_the_whole_history_gives(whole, first, last):
    expected = whole.filter(pl.col("session").is_between(day(first), day(last)))
    assert_same(pit(BARS, ALL_EVENTS, first, last), expected, BARS, within=1e-9)


@pytest.mark.parametrize("one", first_quick([300, 0, 299, 301, 619, 620, 639, 640, 698, 699], quick=2))
def test_a_day_alone_gives_what_the_whole_history_gives(whole, one):
    assert_same(pit(BARS, ALL_EVENTS, one, one), whole.filter(pl.col("session") == day(one)), BARS, within=1e-9)


@pytest.mark.parametrize("split_at", first_quick([300, 620, 640, 699]))
def test_a_split_changes_no_session_before_it_whether_it_was_known_or_not(whole, split_at):
    not_yet = ALL_EVENTS.filter(pl.col("execution_date") < day(split_at))
    before = pit(BARS, not_yet, split_at - 20, split_at - 1)
    assert pit(BARS, ALL_EVENTS, split_at - 20, split_at - 1).equals(before)
    expected = whole.filter(pl.col("session").is_between(day(split_at - 20), day(split_at - 1)))
    assert_same(before, expected, BARS, within=1e-9)


def test_a_split_moves_no_ticker_beside_it(whole, of_the_twin):
    of_b = pl.col("ticker") == "B"
    assert whole.filter(of_b).equals(of_the_twin.filter(of_b))


def test_ties_stay_ties_across_splits():
    # The close equals that of four bars before: a TD count of 0 that a rounded factor would turn into 1.
    frozen = pl.concat([tape([27.81] * 40), tape([9.27] * 20, at=range(40, 60))])
    rows = point_in_time_indicators(frozen, splits(("A", 40, 1, 3)), SESSIONS[:60], SESSIONS[0])
    assert set(rows["td_setup"].drop_nulls()) == {0}
    assert set(rows["return_1"].drop_nulls()) == {0.0}


def test_a_ticker_can_be_any_text_even_the_name_of_another_s_time_before_a_split():
    names = ["000000000", "000000001", "A", "A\x00000000000", "ü"]
    bars = pl.concat([traded(wandering(30, seed=k), ticker=name, seed=k) for k, name in enumerate(names)])
    events = splits(*((name, 12 + k, 1, 2 + k) for k, name in enumerate(names)))
    rows = point_in_time_indicators(bars, events, SESSIONS[:30], SESSIONS[0], declared=SHORT, lookback=12)
    assert rows.select("ticker", "session").rows() == bars.sort("ticker", "session").select("ticker", "session").rows()
    for name in names:
        own = pl.col("ticker") == name
        alone = point_in_time_indicators(
            bars.filter(own), events.filter(own), SESSIONS[:30], SESSIONS[0], declared=SHORT, lookback=12
        )
        assert rows.filter(own).equals(alone)


def test_the_order_of_the_rows_does_not_matter(whole):
    shuffled = BARS.sample(fraction=1, shuffle=True, seed=1)
    assert pit(shuffled, ALL_EVENTS.reverse(), 0, 699).equals(whole)


def test_bars_outside_the_sessions_are_refused_as_ever():
    with pytest.raises(ContractBroken, match="exceed the sessions"):
        point_in_time_indicators(BARS, ALL_EVENTS, SESSIONS[:699], SESSIONS[600])


def listing(ticker: str, figi: str | None, first: int | None, last: int | None) -> dict:
    first_day, last_day = (None if at is None else day(at) for at in (first, last))
    return {"ticker": ticker, "composite_figi": figi, "type": "CS", "first_day": first_day, "last_day": last_day}


def listings_of(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=LISTING)


SYMBOL = pl.concat([traded(wandering(60, seed=1, start=20), ticker="FB", seed=1), BESIDE.head(60)])


def short(bars: pl.DataFrame, events: pl.DataFrame = NO_SPLITS, listed: pl.DataFrame = LISTED) -> pl.DataFrame:
    return point_in_time_indicators(
        bars, events, SESSIONS[:60], SESSIONS[20], listed=listed, declared=SHORT, lookback=15
    )


@pytest.mark.parametrize("taken_over", [10, 20, 21, 40, 59])
def test_a_ticker_s_later_owner_does_not_see_the_bars_of_the_earlier(taken_over):
    owners = listings_of(listing("FB", "META", None, taken_over - 1), listing("FB", "FUND", taken_over, None))
    is_earlier = (pl.col("ticker") == "FB") & (pl.col("session") < day(taken_over))
    apart = pl.concat([short(SYMBOL.filter(is_earlier)), short(SYMBOL.filter(~is_earlier))]).sort("ticker", "session")
    assert_same(short(SYMBOL, listed=owners), apart, SYMBOL, within=1e-9)


def test_an_owner_without_a_figi_separates_nothing():
    unknown = listings_of(listing("FB", None, None, 39), listing("FB", "FUND", 40, None))
    the_same = listings_of(listing("FB", "FUND", None, 39), listing("FB", "FUND", 40, None))
    assert short(SYMBOL, listed=unknown).equals(short(SYMBOL))
    assert short(SYMBOL, listed=the_same).equals(short(SYMBOL))


def test_bars_without_a_known_owner_between_two_owners_stay_in_the_windows_of_both_sides():
    owners = listings_of(listing("FB", "META", None, 29), listing("FB", "FUND", 40, None))
    rows = short(SYMBOL, listed=owners)
    of_fb = pl.col("ticker") == "FB"
    bars = rows.filter(of_fb, pl.col("session") == day(40))["bars"].item()
    assert bars == 10, "sessions 31 to 40: on 30 the vendor may have ended what traded last on that day"
    assert rows.filter(of_fb, pl.col("session") == day(39))["bars"].item() == 15


RATIOS = st.sampled_from([(1, 2), (1, 3), (20, 1), (1, 1), (20, 21)])
FIGIS = st.sampled_from(["F1", "F2", None])


@st.composite
def ownerships(draw: st.DrawFn) -> list[dict]:
    """Return the owners of a ticker, one after another, with gaps between some."""
    cuts = sorted(draw(st.sets(st.integers(1, 44), max_size=3)))
    ends = [first - draw(st.integers(1, 4)) for first in cuts]
    starts = [None, *cuts]
    found = zip(starts, [*ends, None], strict=True)
    return [
        listing("A", draw(FIGIS), first, last)
        for first, last in found
        if last is None or last >= (0 if first is None else first)
    ]


def by_itself(
    bars: pl.DataFrame, events: pl.DataFrame, owners: list[dict], session: date, lookback: int
) -> pl.DataFrame:
    """Return the indicators of one session from the window that it may see, adjusted row by row."""
    place = SESSIONS.index(session)
    begin = SESSIONS[max(place - lookback + 1, 0)]
    seen = bars.filter(pl.col("session").is_between(begin, session))
    foreign_until = _foreign_until([one for one in owners if one["composite_figi"]], session)
    if foreign_until:
        seen = seen.filter(pl.col("session") > foreign_until)
    on_own_basis = adjusted_by_hand(seen, events, NO_DIVIDENDS, session, "split")
    return indicators(on_own_basis, SESSIONS[: place + 1], session, declared=SHORT, lookback=lookback)


def _foreign_until(known: list[dict], session: date) -> date | None:
    """Return the last day, up to `session`, on which the ticker was not yet that of its owner then."""
    foreign = None
    for former, later in pairwise(known):
        if former["composite_figi"] != later["composite_figi"] and later["first_day"] <= session:
            foreign = min(former["last_day"] + timedelta(days=1), later["first_day"] - timedelta(days=1))
    return foreign


@pytest.mark.thorough
@examples(100)
@given(
    at=st.sets(st.integers(0, 44), min_size=1, max_size=45).map(sorted),
    events=st.dictionaries(st.integers(0, 46), RATIOS, max_size=5),
    owners=ownerships(),
    lookback=st.integers(2, 30),
    first=st.integers(0, 44),
    seed=st.integers(0, 9),
)
def test_every_session_is_what_its_own_window_gives(*, at, events, owners, lookback, first, seed):
    bars = traded(wandering(len(at), seed=seed), ticker="A", seed=seed, at=at)
    split = splits(*(("A", number, *ratio) for number, ratio in events.items()))
    listed = listings_of(*owners)
    rows = point_in_time_indicators(
        bars, split, SESSIONS[:45], SESSIONS[first], listed=listed, declared=SHORT, lookback=lookback
    )
    expected = [
        by_itself(bars, split, owners, session, lookback) for session in bars["session"] if session >= day(first)
    ]
    assert_same(rows, pl.concat(expected) if expected else rows.clear(), bars, within=1e-9)


@pytest.mark.parametrize(
    ("executed", "doubtful"),
    [
        (-1, []),
        (0, []),
        (1, [4]),
        (2, [4, 5]),
        (4, [4, 5, 6, 7]),
        (7, [7, 8, 9]),
        (10, []),
    ],
)
def test_a_split_in_doubt_casts_doubt_on_the_sessions_whose_window_it_falls_into(executed, doubtful):
    # Windows of five sessions: of session 4, they are 0 to 4, and a split before session 0 opened is in none.
    rows = pl.concat([tape([1.0] * 6, at=range(4, 10)), tape([1.0] * 6, at=range(4, 10), ticker="a")]).reverse()
    doubts = pl.DataFrame({"ticker": ["A"], "execution_date": [date.fromordinal(day(0).toordinal() + executed)]})
    doubts = doubts.with_columns(taken_on=pl.lit(None, pl.Date))
    doubtful_rows = in_doubt(rows, doubts, SESSIONS[:10], lookback=5)
    assert rows.filter(doubtful_rows)["session"].sort().to_list() == [day(k) for k in doubtful]
    assert set(rows.filter(doubtful_rows)["ticker"]) <= {"A"}
