"""The declarations, what follows from them, and how a user adds one."""

import subprocess
import sys

import polars as pl
import pytest

from assets_tests.market.indicators.tape import SESSIONS, tape
from assets_tests.stocks import INDICATORS_TABLE, LOOKBACK_SESSIONS, indicators
from pipeline.errors import ContractBroken, IndicatorError
from pipeline.market.indicators import INDICATORS, Indicator, IndicatorColumn, expressed
from pipeline.market.indicators.families import exponential_average, macd, relative_strength, simple_average


def test_the_table_has_the_columns_declared_in_their_order():
    declared = [column.name for indicator in INDICATORS for column in indicator.columns]
    assert list(INDICATORS_TABLE.columns) == ["ticker", "session", *declared]
    assert INDICATORS_TABLE.key == ("ticker", "session")
    assert INDICATORS_TABLE.sql_name == "stocks.indicators"
    assert all(INDICATORS_TABLE.descriptions.values())


def test_the_window_is_that_of_the_indicator_that_looks_back_furthest():
    assert max(indicator.lookback for indicator in INDICATORS) == LOOKBACK_SESSIONS
    assert LOOKBACK_SESSIONS >= 257


@pytest.mark.parametrize(
    ("indicator", "seed", "newest"),
    [
        (exponential_average(12), 12, 2 / 13),
        (exponential_average(100), 100, 2 / 101),
        (relative_strength(14), 15, 1 / 14),
        (macd(12, 26, 9), 34, 2 / 27),
    ],
)
def test_a_recursive_indicator_looks_back_until_its_seed_weighs_a_hundred_trillionth(indicator, seed, newest):
    kept = (1 - newest) ** (indicator.lookback - seed)
    assert 0.5e-14 < kept <= 1e-14


def test_loading_the_package_does_not_load_the_compiler():
    code = "import sys, pipeline.market.built_in as b; sys.exit('numba' in sys.modules or not b.BUILT_IN.lookback)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 (our own code)


def test_an_indicator_is_declared_by_an_expression_over_each_tickers_bars():
    gap = IndicatorColumn("gap", "Open over the close before.", unit="free")
    declared = expressed({gap: pl.col("open") / pl.col("close").shift(1) - 1}, lookback=2)
    bars = pl.concat([tape([4, 8, 2], ticker="B"), tape([1, 2, 3], ticker="A", at=[0, 1, 9])])
    rows = indicators(bars, SESSIONS, SESSIONS[1], declared=[declared], lookback=5)
    assert rows.columns == ["ticker", "session", "gap"]
    # The last bar of A is alone in its window of five sessions.
    assert rows["gap"].to_list() == [1.0, None, 1.0, -0.75]


def test_what_an_expression_cannot_divide_is_null():
    share = IndicatorColumn("share", "Volume over nothing.", unit="free")
    rows = indicators(
        tape([1, 2], volume=[0.0, 5.0]),
        SESSIONS,
        SESSIONS[0],
        declared=[expressed({share: pl.col("volume") / (pl.col("volume") * 0)})],
    )
    assert rows["share"].to_list() == [None, None]


def test_a_macd_whose_fast_average_is_the_slower_is_refused():
    with pytest.raises(ValueError, match="slower"):
        macd(26, 12, 9)


def test_only_the_wanted_sessions_are_answered_sorted_by_ticker_then_session():
    bars = pl.concat([tape([1, 2, 3], ticker="b"), tape([1, 2, 3], ticker="B"), tape([1], ticker="A")])
    rows = indicators(bars, SESSIONS, SESSIONS[1], declared=[simple_average(2)])
    assert rows.rows() == [
        ("B", SESSIONS[1], 1.5),
        ("B", SESSIONS[2], 2.5),
        ("b", SESSIONS[1], 1.5),
        ("b", SESSIONS[2], 2.5),
    ]


@pytest.mark.parametrize("since", [0, 5])
def test_without_wanted_bars_the_answer_is_an_empty_table(since):
    bars = tape([1, 2, 3]).head(since and 3)
    rows = indicators(bars, SESSIONS, SESSIONS[since])
    assert rows.is_empty()
    assert rows.schema == INDICATORS_TABLE.empty().schema


@pytest.mark.parametrize(
    ("bars", "sessions", "reason"),
    [
        (pl.concat([tape([1, 2]), tape([3], at=[1])]), SESSIONS, "more than one bar"),
        (tape([1, 2, 3]), SESSIONS[:2], "exceed the sessions"),
        (tape([1, 2, 3]), [SESSIONS[0], SESSIONS[2]], "2020-01-02 is not a session"),
        (tape([1, 2, 3]), [], "exceed the sessions"),
        (tape([1, 2, 3]), SESSIONS[::-1], "not in order"),
        (tape([1, float("nan"), 3]), SESSIONS, "not finite"),
        (tape([1, 0, 3]), SESSIONS, "not positive"),
        (tape([1, 2], volume=[1.0, -1.0]), SESSIONS, "not positive"),
        (tape([1, 2], volume=[1.0, None]), SESSIONS, "missing"),
        (tape([1, 2], ticker=None), SESSIONS, "missing"),
        (tape([1, 2]).drop("volume"), SESSIONS, "volume are missing or of another type"),
        (tape([1, 2]).with_columns(pl.col("close").cast(pl.Float32)), SESSIONS, "close are missing or of another type"),
    ],
)
def test_bars_that_break_their_contract_are_refused_with_the_reason(bars, sessions, reason):
    with pytest.raises(ContractBroken, match=reason):
        indicators(bars, sessions, SESSIONS[0])


def test_the_contract_refuses_what_is_out_of_bounds_or_not_a_number():
    row = indicators(tape([1.0] * 300), SESSIONS, SESSIONS[299])
    INDICATORS_TABLE.enforce(row)
    for name, value in {"rsi_14": 101.0, "sma_20": float("nan"), "macd": float("inf"), "td_setup": 10}.items():
        with pytest.raises(ContractBroken):
            INDICATORS_TABLE.enforce(row.with_columns(pl.lit(value, dtype=row.schema[name]).alias(name)))


def test_an_indicator_that_fails_is_named_in_one_error():
    column = IndicatorColumn("broken", "Nothing.", unit="free")

    def fail(_panel):
        raise ValueError("boom\nmore")

    for compute, words in (
        (fail, r"broken cannot be computed: ValueError: boom\."),
        (lambda _: [[1.0]], "returned 1 val"),
    ):
        declared = [Indicator((column,), 1, compute)]
        with pytest.raises(IndicatorError, match=words):
            indicators(tape([4, 8, 2]), SESSIONS, SESSIONS[0], declared=declared, lookback=5)
