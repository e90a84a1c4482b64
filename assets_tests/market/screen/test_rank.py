import math
from dataclasses import replace

import polars as pl
import pytest

from assets_tests.market.screen.panels import EVERYBODY, MONDAY, TUESDAY, day, factor
from pipeline.contracts.candidates import CANDIDATES
from pipeline.errors import ModelError
from pipeline.market.screen.model import Factor, Model, Universe
from pipeline.market.screen.models import MODELS, PULLBACK, TREND
from pipeline.market.screen.rank import PRICE_DOUBT, SPLIT_IN_DOUBT, candidates, unapplied_filters

MOMENTUM, RSI = factor("momentum", "return_60"), factor("rsi", "rsi_14")
SIMPLE = Model(
    name="simple", version=3, description="", universe=EVERYBODY, factors=((MOMENTUM, 1.0),), top=10, winsorize=0.0
)


def details(ranked: pl.DataFrame, ticker: str) -> dict[str, dict[str, float]]:
    row = ranked.row(by_predicate=pl.col("ticker") == ticker, named=True)
    return {detail["factor"]: detail for detail in row["contributions"]}


def tickers(ranked: pl.DataFrame) -> list[str]:
    return ranked.sort("model", "session", "rank")["ticker"].to_list()


def test_zscores_use_the_population_deviation():
    ranked = candidates(
        day(*({"ticker": t, "return_60": v} for t, v in zip("ABCD", (1, 2, 3, 4), strict=True))), [SIMPLE]
    )
    assert tickers(ranked) == ["D", "C", "B", "A"]
    assert ranked["rank"].to_list() == [1, 2, 3, 4]
    # Mean 2.5, variance (2.25 + 0.25 + 0.25 + 2.25) / 4 = 1.25.
    assert ranked["score"].to_list() == pytest.approx(
        [1.5 / 1.25**0.5, 0.5 / 1.25**0.5, -0.5 / 1.25**0.5, -1.5 / 1.25**0.5]
    )
    assert details(ranked, "D")["momentum"] == pytest.approx(
        {"factor": "momentum", "value": 4.0, "zscore": 1.5 / 1.25**0.5, "weight": 1.0, "contribution": 1.5 / 1.25**0.5}
    )


def test_extremes_are_clipped_at_the_percentiles_before_the_zscore():
    rows = [{"ticker": t, "return_60": v} for t, v in zip("ABCDE", (0, 1, 2, 3, 100), strict=True)]
    ranked = candidates(day(*rows), [replace(SIMPLE, winsorize=0.25)])
    # The quartiles are 1 and 3: 1 1 2 3 3 has mean 2 and variance 4 / 5.
    assert [details(ranked, t)["momentum"]["zscore"] for t in "ABCDE"] == pytest.approx(
        [-1 / 0.8**0.5, -1 / 0.8**0.5, 0.0, 1 / 0.8**0.5, 1 / 0.8**0.5]
    )
    assert details(ranked, "E")["momentum"]["value"] == 100


def test_a_percentile_between_two_values_is_interpolated():
    rows = [{"ticker": t, "return_60": v} for t, v in zip("ABC", (0, 10, 30), strict=True)]
    ranked = candidates(day(*rows), [replace(SIMPLE, winsorize=0.1)])
    # The 10th percentile lies 0.2 of the way from 0 to 10, the 90th 0.8 of the way from 10 to 30: 2 10 26.
    mean, deviation = 38 / 3, math.sqrt((4 + 100 + 676) / 3 - (38 / 3) ** 2)
    assert details(ranked, "A")["momentum"]["zscore"] == pytest.approx((2 - mean) / deviation)
    assert details(ranked, "C")["momentum"]["zscore"] == pytest.approx((26 - mean) / deviation)


def test_a_score_is_the_weighted_sum_over_the_factors():
    model = replace(SIMPLE, factors=((MOMENTUM, 0.75), (RSI, -0.25)))
    rows = [{"ticker": "A", "return_60": 0.1, "rsi_14": 80.0}, {"ticker": "B", "return_60": 0.3, "rsi_14": 60.0}]
    ranked = candidates(day(*rows), [model])
    assert dict(ranked.select("ticker", "score").iter_rows()) == pytest.approx({"A": -1.0, "B": 1.0})
    assert details(ranked, "A")["rsi"]["contribution"] == pytest.approx(-0.25)


def test_equal_scores_are_ranked_by_ticker_with_case():
    rows = [{"ticker": t, "return_60": 1.0} for t in ("b", "AAp", "B", "AAP", "1E5")]
    assert tickers(candidates(day(*rows), [SIMPLE])) == ["1E5", "AAP", "AAp", "B", "b"]


def test_only_the_top_is_listed():
    rows = [{"ticker": t, "return_60": float(v)} for v, t in enumerate("ABCDE")]
    ranked = candidates(day(*rows), [replace(SIMPLE, top=2)])
    assert tickers(ranked) == ["E", "D"]
    assert ranked["passed"].to_list() == [5, 5]


@pytest.mark.parametrize("unusable", [None, math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_counts_nothing_and_distorts_no_other(unusable):
    rows = [{"ticker": t, "return_60": v} for t, v in zip("ABCX", (1.0, 2.0, 3.0, unusable), strict=True)]
    ranked = candidates(day(*rows), [SIMPLE])
    assert [details(ranked, t)["momentum"]["zscore"] for t in "ABC"] == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])
    assert details(ranked, "X")["momentum"] == {
        "factor": "momentum",
        "value": None,
        "zscore": 0.0,
        "weight": 1.0,
        "contribution": 0.0,
    }
    assert ranked["passed"].to_list() == [4] * 4


@pytest.mark.parametrize("values", [(0.1, 0.1, 0.1), (None, None, None), (0.1, None, None)])
def test_a_factor_without_spread_counts_nothing(values):
    rows = [{"ticker": t, "return_60": v} for t, v in zip("ABC", values, strict=True)]
    ranked = candidates(day(*rows), [SIMPLE])
    assert ranked["score"].to_list() == [0.0, 0.0, 0.0]
    assert tickers(ranked) == ["A", "B", "C"]


def test_a_ticker_alone_scores_zero_and_is_listed():
    ranked = candidates(day({"ticker": "A", "return_60": 0.5}), [replace(SIMPLE, factors=((MOMENTUM, -1.0),))])
    assert ranked["score"].to_list() == [0.0]
    assert str(ranked["score"][0]) == "0.0"  # and not -0.0
    assert ranked["reasons"].to_list() == [
        ["Passed every filter; no factor lifts it above the average of the 1 stock that passed"]
    ]


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({"close": 5.0}, True),
        ({"close": 4.99}, False),
        ({"close": None}, False),
        ({"dollar_volume_20": 1e6}, True),
        ({"dollar_volume_20": 999_999.0}, False),
        ({"dollar_volume_20": None}, False),
        ({"dollar_volume_20": math.nan}, False),
        ({"bars": 100}, True),
        ({"bars": 99}, False),
        ({"bars": None}, False),
        ({"sma_200": 60.0}, False),
        ({"sma_200": None}, False),
        ({"ticker": "ZVZZT"}, False),
    ],
)
def test_a_ticker_is_ranked_only_when_it_passes_every_filter(changes, passes):
    universe = Universe(
        min_price=5.0, min_dollar_volume=1e6, min_bars=100, conditions=(pl.col("close") > pl.col("sma_200"),)
    )
    ordinary = {"ticker": "A", "return_60": 0.1, "sma_200": 4.0}
    ranked = candidates(day(ordinary, ordinary | {"ticker": "B"} | changes), [replace(SIMPLE, universe=universe)])
    assert ranked["passed"][0] == 1 + passes
    assert ranked["scanned"][0] == 2


def test_security_types_are_filtered_once_they_are_known():
    kinds = {"A": "CS", "B": "ADRC", "C": "ETF", "D": "WARRANT", "E": None}
    rows = [{"ticker": t, "type": kind, "return_60": 0.1} for t, kind in kinds.items()]
    model = replace(SIMPLE, universe=replace(EVERYBODY, security_types=("CS", "ADRC")))
    typed = day(*rows)
    assert tickers(candidates(typed, [model])) == ["A", "B", "E"]
    assert tickers(candidates(typed, [SIMPLE])) == ["A", "B", "C", "D", "E"]
    assert unapplied_filters([*typed.columns, SPLIT_IN_DOUBT], [model]) == ()


def test_unknown_security_types_are_reported_and_everybody_passes():
    untyped = day({"ticker": "A", "return_60": 0.1})
    model = replace(SIMPLE, universe=replace(EVERYBODY, security_types=("CS",)))
    assert tickers(candidates(untyped, [model])) == ["A"]
    (notice,) = unapplied_filters([*untyped.columns, SPLIT_IN_DOUBT], [model, SIMPLE])
    assert notice.startswith("simple: security types are not known")


def test_a_ticker_whose_split_is_in_doubt_is_not_ranked_once_splits_are_known():
    rows = day(*({"ticker": t, "return_60": 0.1} for t in "ABC"))
    known = rows.with_columns(pl.Series(SPLIT_IN_DOUBT, [False, True, False]))
    assert tickers(candidates(known, [SIMPLE])) == ["A", "C"]
    assert unapplied_filters(known.columns, [SIMPLE]) == ()


def test_a_list_says_who_is_left_out_only_because_of_a_doubt():
    rows = [{"ticker": t, "return_60": 0.1} for t in "ABCD"]
    known = day(*rows, {"ticker": "E", "return_60": 0.1, "close": 0.01}).with_columns(
        pl.Series(SPLIT_IN_DOUBT, [False, True, False, False, False]),
        pl.Series(PRICE_DOUBT, [None, None, "a 1:10 reverse split", None, "another"], pl.String),
    )
    model = replace(SIMPLE, universe=replace(EVERYBODY, min_price=1.0))
    ranked = candidates(known, [model])
    assert tickers(ranked) == ["A", "D"]
    assert ranked["passed"].to_list() == [2, 2]
    assert ranked["left_out"].to_list() == [2, 2], "E is too cheap in any case"
    assert ranked["left_out_reasons"][0].to_list() == [
        "B: a split that is in doubt is not applied",
        "C: a 1:10 reverse split",
    ]


def test_a_list_that_leaves_nobody_out_says_so_and_one_that_cannot_know_says_nothing():
    rows = day({"ticker": "A", "return_60": 0.1})
    checked = candidates(rows.with_columns(pl.lit(None, pl.String).alias(PRICE_DOUBT)), [SIMPLE])
    assert checked.select("left_out", "left_out_reasons").row(0) == (0, [])
    assert candidates(rows, [SIMPLE]).select("left_out", "left_out_reasons").row(0) == (None, None)


def test_who_is_left_out_is_counted_by_session():
    rows = [{"ticker": t, "return_60": 0.1, "session": session} for session in (MONDAY, TUESDAY) for t in ("A", "B")]
    known = day(*rows).with_columns(pl.Series(PRICE_DOUBT, [None, "a doubt", None, None], pl.String))
    ranked = candidates(known, [SIMPLE])
    assert ranked.select("session", "ticker", "left_out").rows() == [
        (MONDAY, "A", 1),
        (TUESDAY, "A", 0),
        (TUESDAY, "B", 0),
    ]


def test_unknown_splits_are_reported_and_everybody_passes():
    rows = day({"ticker": "A", "return_60": 0.1})
    assert tickers(candidates(rows, [SIMPLE])) == ["A"]
    (notice,) = unapplied_filters(rows.columns, [SIMPLE])
    assert notice.startswith("Splits are not known")


def test_sessions_are_ranked_apart():
    rows = [
        {"ticker": "A", "return_60": 1.0},
        {"ticker": "B", "return_60": 2.0},
        {"ticker": "A", "return_60": 500.0, "session": TUESDAY},
        {"ticker": "B", "return_60": 400.0, "session": TUESDAY},
        {"ticker": "C", "return_60": 300.0, "session": TUESDAY},
    ]
    ranked = candidates(day(*rows), [SIMPLE])
    assert ranked.select("session", "ticker", "scanned").rows() == [
        *((MONDAY, "B", 2), (MONDAY, "A", 2)),
        *((TUESDAY, "A", 3), (TUESDAY, "B", 3), (TUESDAY, "C", 3)),
    ]


def test_the_reasons_are_sentences_strongest_first_with_what_speaks_against():
    model = replace(SIMPLE, factors=((MOMENTUM, 0.2), (RSI, -0.5), (factor("week", "return_5"), -1.0)))
    rows = [
        {"ticker": "A", "return_60": 0.75, "rsi_14": 28.0, "return_5": 3.0},
        {"ticker": "B", "return_60": 0.25, "rsi_14": 50.0, "return_5": 2.0},
        {"ticker": "C", "return_60": 0.50, "rsi_14": 1234.5, "return_5": 1.0},
    ]
    reasons = dict(candidates(day(*rows), [model]).select("ticker", "reasons").iter_rows())
    assert reasons["A"] == [
        "Rsi_14 28.0, below all 2 other stocks",
        "Return_60 0.8, above all 2 other stocks",
        "But return_5 3.0, above all 2 other stocks",
    ]
    assert reasons["B"] == [
        "Rsi_14 50.0, below 1 of the 2 other stocks",
        "But return_60 0.2, below all 2 other stocks",
    ]
    assert reasons["C"] == [
        "Return_5 1.0, below all 2 other stocks",
        "But rsi_14 1,234.5, above all 2 other stocks",
    ]


def test_a_shipped_model_speaks_in_real_figures():
    calm = {"sma_50": 52.0, "sma_200": 48.0, "close": 50.0, "high_252": 60.0, "rsi_14": 28.2, "return_5": -0.061}
    rows = [
        calm | {"ticker": "A", "atr_14": 1.0},
        calm | {"ticker": "B", "atr_14": 2.5, "rsi_14": 45.0, "return_5": 0.004, "high_252": 50.0},
    ]
    reasons = dict(candidates(day(*rows), [PULLBACK]).select("ticker", "reasons").iter_rows())
    assert reasons["A"] == [
        "RSI 28: washed out within an uptrend",
        "Calm: an average day spans 2.0 % of the price, less than at the other stock",
        "Down 6.1 % in 5 days, weaker than the other stock",
        "But closes 16.7 % below its 52-week high, further from it than the other stock",
    ]
    assert reasons["B"] == [
        "Closes at its 52-week high",
        "But RSI 45.0, higher than at the other stock",
        "But volatile: an average day spans 5.0 % of the price, more than at the other stock",
        "But up 0.4 % in 5 days, stronger than the other stock",
    ]


def test_a_sentence_without_its_figure_is_left_out():
    spoken = Factor(
        name="room", value=pl.col("return_60"), high=pl.format("to {}", pl.col("resistance")), low=pl.lit("no")
    )
    rows = [{"ticker": "A", "return_60": 1.0}, {"ticker": "B", "return_60": 0.0}]
    ranked = candidates(day(*rows), [replace(SIMPLE, factors=((spoken, 1.0),))])
    assert ranked["reasons"].to_list() == [
        ["Passed every filter; no factor lifts it above the average of the 2 stocks that passed"],
        ["Passed every filter; no factor lifts it above the average of the 2 stocks that passed", "But no"],
    ]


def test_momentum_leaves_the_last_month_out():
    (momentum, _), *_ = TREND.factors
    # From 100 a year ago to 180 a month ago, then to 150: +50 % in all, −16.7 % in the last month.
    row = day({"ticker": "A", "return_252": 0.5, "return_20": 150 / 180 - 1})
    assert row.select(momentum.value).item() == pytest.approx(0.8)


def test_a_lazy_day_gives_the_same():
    rows = day(*({"ticker": t, "return_60": v} for t, v in zip("ABC", (1, 2, 3), strict=True)))
    assert candidates(rows.lazy(), [SIMPLE]).equals(candidates(rows, [SIMPLE]))


def test_a_day_without_rows_has_no_candidates():
    assert candidates(day(), [SIMPLE]).equals(CANDIDATES.empty())


def test_a_day_on_which_no_ticker_passes_has_no_candidates():
    dear = replace(SIMPLE, universe=Universe(min_price=5.0))
    assert candidates(day({"ticker": "A", "close": 1.0}), [dear]).equals(CANDIDATES.empty())


def test_a_day_without_a_needed_column_is_refused_with_the_columns_it_has():
    with pytest.raises(ModelError, match=r"Model simple needs return_60, .*It has: .*rsi_14"):
        candidates(day({"ticker": "A"}).drop("return_60"), [SIMPLE])


def test_two_models_of_one_name_are_refused():
    with pytest.raises(ModelError, match="More than one model is named simple"):
        candidates(day({"ticker": "A"}), [SIMPLE, replace(SIMPLE, version=4)])


def test_no_model_at_all_is_refused():
    with pytest.raises(ModelError, match="no model"):
        candidates(day({"ticker": "A"}), [])


def test_the_shipped_models_have_names_of_their_own():
    assert len({model.name for model in MODELS}) == len(MODELS)
