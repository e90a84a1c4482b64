"""The same files give the same bars, and the same bars the same signals: in any order, by day or by range.

What is promised. Bars, quarantine and deliveries of a session follow from its file alone. Its indicators and candidates
follow from the bars of its look-back: a session that ran before those of its look-back must run again.
"""

from datetime import date
from itertools import pairwise
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from dagster import AssetKey, AssetRecordsFilter
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from assets_tests.dagster_runs import SIGNALS, TO_BARS, instance, rows, run
from assets_tests.examples import examples
from assets_tests.stocks import INDICATORS_TABLE, TABLES
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.lake.lake import Lake
from pipeline.market.screen.models import PULLBACK, TREND
from pipeline.orchestration.instance import open_instance
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = [date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1)]


def contents(home):
    """Return every table of a home, without the run that wrote it."""
    tables = {table.sql_name: rows(home, table) for table in TABLES}
    tables[DELIVERIES.sql_name] = tables[DELIVERIES.sql_name].drop("run_id")
    return tables


def assert_same(found, expected):
    for name, table in expected.items():
        assert_frame_equal(found[name], table, check_exact=True)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    folder = VendorFolder(tmp_path_factory.mktemp("rerunning"))
    for number, session in enumerate(SESSIONS):
        tickers = [row(session, ticker, str(10 + number)) for ticker in ("AAP", "AAp", "NA", "TRUE", "1E5")]
        folder.lay(session, *tickers, tickers[0], row(session, "BAD", high="1"))
    return folder


@pytest.fixture(scope="module")
def in_one_range(vendor):
    with instance() as dagster:
        run(vendor.settings(), SESSIONS, instance=dagster)
    return contents(vendor.settings())


@st.composite
def runs(draw):
    """Spans that cover SESSIONS, in any order, cut anywhere, some sessions perhaps twice."""
    cuts = sorted(draw(st.sets(st.integers(1, len(SESSIONS) - 1), max_size=2)))
    bounds = [0, *cuts, len(SESSIONS)]
    spans = [SESSIONS[first:after] for first, after in pairwise(bounds)]
    first = draw(st.integers(0, len(SESSIONS) - 1))
    spans += draw(st.sampled_from([[], [SESSIONS[first : first + 2]]]))
    return draw(st.permutations(spans))


@pytest.mark.thorough
@examples(8, quick=0)
@given(of_bars=runs(), of_signals=runs())
@example(of_bars=[[session] for session in reversed(SESSIONS)], of_signals=[SESSIONS[1:], SESSIONS[:2]])
def test_any_order_and_grouping_of_runs_ends_in_the_same_tables(vendor, in_one_range, of_bars, of_signals):
    with TemporaryDirectory(dir=vendor.root) as home, instance() as dagster:
        for span in of_bars:
            run(vendor.settings(home), span, instance=dagster, only=TO_BARS)
        for span in of_signals:
            run(vendor.settings(home), span, instance=dagster, only=SIGNALS)
        assert_same(contents(vendor.settings(home)), in_one_range)


@pytest.mark.thorough
def test_a_session_run_too_early_is_put_right_by_running_it_again(vendor, in_one_range):
    home = vendor.settings("too-early")
    first, second = SESSIONS[:2]
    in_range = in_one_range[INDICATORS_TABLE.sql_name].filter(pl.col("session") == second)
    with instance() as dagster:
        run(home, [second], instance=dagster)
        assert set(rows(home, INDICATORS_TABLE)["bars"]) == {1}, "it knew nothing of the session before"
        run(home, [first], instance=dagster, only=TO_BARS)
        run(home, [second], instance=dagster, only=SIGNALS)
    assert_frame_equal(rows(home, INDICATORS_TABLE).filter(pl.col("session") == second), in_range, check_exact=True)
    assert set(in_range["bars"]) == {2}


@pytest.mark.thorough
def test_a_run_leaves_the_sessions_around_it_alone(vendor, in_one_range):
    first, middle, last = SESSIONS
    with instance() as dagster:
        run(vendor.settings(), [middle], instance=dagster, only=TO_BARS)
    assert_same(contents(vendor.settings()), in_one_range)
    run_of = dict(rows(vendor.settings(), DELIVERIES).select("session", "run_id").iter_rows())
    assert run_of[first] == run_of[last] != run_of[middle]


# Longer than the look-back, so that a day alone sees less than the whole history.
HISTORY = US_STOCKS.calendar.between(date(2022, 1, 3), date(2023, 12, 29))
LAST = HISTORY[-1]


def waves(ticker, *, price, growth, wave, sessions=HISTORY):
    """Return the bars of a stock that grows steadily and swings around that."""
    t = pl.int_range(len(sessions), eager=True).cast(pl.Float64)
    close = price * (1 + growth) ** t * (1 + 0.03 * (t / wave).sin())
    opened = close * (1 + 0.01 * (t * 1.7).sin())
    frame = pl.DataFrame({"session": list(sessions), "close": close, "open": opened, "t": t})
    return frame.select(
        "session",
        "open",
        "close",
        ticker=pl.lit(ticker),
        high=pl.max_horizontal("open", "close") * 1.004,
        low=pl.min_horizontal("open", "close") * 0.996,
        volume=1e6 + 1e5 * (pl.col("t") / 3).cos(),
        transactions=pl.lit(900, pl.Int64),
    ).select(list(DAILY_BARS.columns))


MARKET = pl.concat(
    [
        waves("RISES", price=20.0, growth=0.001, wave=5),
        waves("SURGES", price=30.0, growth=0.002, wave=9),
        waves("SWAYS", price=50.0, growth=0.0004, wave=14),
        waves("FALLS", price=90.0, growth=-0.001, wave=7),
        waves("GAPS", price=40.0, growth=0.0012, wave=11).gather_every(3),
        waves("NEW", price=25.0, growth=0.003, wave=6, sessions=HISTORY[-80:]),
    ]
)


def with_history(vendor, home, bars):
    settings = vendor.settings(home)
    sessions = bars["session"].unique().sort().to_list()
    Lake(settings.lake).replace(DAILY_BARS, sessions, [bars], run_id="history")
    return settings


def signals_of(home, session):
    return [rows(home, table).filter(pl.col("session") == session) for table in (INDICATORS_TABLE, CANDIDATES)]


@pytest.fixture(scope="module")
def whole_history(vendor):
    """The signals of every session at once: home, and what it holds of the last session and the fourth last."""
    home = with_history(vendor, "history", MARKET)
    with open_instance(home.home) as dagster:
        run(home, HISTORY, instance=dagster, only=SIGNALS)
    return home, signals_of(home, LAST), signals_of(home, HISTORY[-4])


def assert_equal_but_for_rounding(found, expected):
    for table, wanted in zip(found, expected, strict=True):
        assert_frame_equal(table, wanted, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.thorough
def test_the_history_has_something_to_compare(whole_history):
    _, (indicators, candidates), (_, earlier) = whole_history
    assert indicators["sma_200"].null_count() == 1, "the new stock"
    assert {TREND.name, PULLBACK.name} <= set(candidates["model"])
    trend = earlier.filter(pl.col("model") == TREND.name)
    assert set(trend["ticker"]) <= {"RISES", "SURGES", "SWAYS", "FALLS", "GAPS"}
    assert len(trend) > 2


@pytest.mark.thorough
def test_a_day_alone_and_the_day_in_a_range_are_the_day_in_the_whole_history(whole_history):
    home, in_history, _ = whole_history
    with instance() as dagster:
        run(home, HISTORY[-3:], instance=dagster, only=SIGNALS)
        in_range = signals_of(home, LAST)
        run(home, [LAST], instance=dagster, only=SIGNALS)
        alone = signals_of(home, LAST)
    assert Lake(home.lake).version(INDICATORS_TABLE) == 3, "three replacements were compared"
    assert_equal_but_for_rounding(in_range, in_history)
    assert_equal_but_for_rounding(alone, in_history)


@pytest.mark.thorough
def test_a_day_s_signals_do_not_change_when_later_bars_are_not_there(vendor, whole_history):
    _, _, with_later_bars = whole_history
    day = HISTORY[-4]
    home = with_history(vendor, "no-later-bars", MARKET.filter(pl.col("session") <= day))
    with instance() as dagster:
        run(home, [day], instance=dagster, only=SIGNALS)
    assert_equal_but_for_rounding(signals_of(home, day), with_later_bars)


@pytest.mark.thorough
def test_a_long_range_of_indicators_is_committed_in_stretches_and_ends_in_the_same_tables(
    vendor, in_one_range, monkeypatch
):
    monkeypatch.setattr("pipeline.assets.signals.MOST_IN_A_COMMIT", 2)
    with instance() as dagster:
        run(vendor.settings("stretches"), SESSIONS, instance=dagster)
        (materialization,) = dagster.fetch_materializations(
            AssetRecordsFilter(AssetKey(["stocks", "indicators"]), asset_partitions=[str(SESSIONS[-1])]), limit=2
        ).records
    assert_same(contents(vendor.settings("stretches")), in_one_range)
    commits = Lake(vendor.settings("stretches").lake).history("stocks/indicators").drop_nulls("first_session")
    assert commits.select("first_session", "last_session").rows() == [(SESSIONS[2], SESSIONS[2]), tuple(SESSIONS[:2])]
    metadata = materialization.asset_materialization.metadata
    assert metadata["rows_written"].value == len(rows(vendor.settings("stretches"), INDICATORS_TABLE))
    assert metadata["table_version"].value == commits["version"].max()
