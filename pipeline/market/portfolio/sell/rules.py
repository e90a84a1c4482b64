"""The rules that check every position each session. To add a rule, add it to RULES."""

import polars as pl

from pipeline.market.portfolio.sell.rule import BEFORE, Rule
from pipeline.market.prices.tolerance import above, below, closes_moved, without_noise
from pipeline.market.screen.wording import decimal, percent, up_or_down, whole


def price(number: pl.Expr) -> pl.Expr:
    """Return a price with the decimals that prices of its size are quoted with: `1,234.50`, `0.1234`."""
    return pl.when(number.abs() < 1).then(decimal(number, 4)).otherwise(decimal(number, 2))


def with_dividends(level: str) -> pl.Expr:
    """Return a stop or peak in words, with what lowered it: `45.00: 75.00 less the dividend of 30.00 of 2025-05-14`."""
    before, amount = price(pl.col(f"{level}_before_dividends")), price(pl.col(f"{level}_lowered_by"))
    newest = pl.col(f"{level}_lowered_on").dt.to_string("%Y-%m-%d")
    count = pl.col(f"{level}_dividends")
    lowered = (
        pl.when(count == 1)
        .then(pl.format(": {} less the dividend of {} of {}", before, amount, newest))
        .when(count > 1)
        .then(pl.format(": {} less {} dividends of {} in all, the last of {}", before, count, amount, newest))
        .otherwise(pl.lit(""))
    )
    return pl.concat_str(price(pl.col(level)), lowered)


STOP_HIT = Rule(
    name="stop_hit",
    version=3,
    severity="high",
    description="The price fell to the stop.",
    # A price as traded and a level that was typed are exact, and compare as they are.
    condition=pl.col("low") <= pl.col("stop"),
    value=pl.col("low"),
    threshold=pl.col("stop"),
    reasons=(
        pl.format("Fell to {}; the stop is {}", price(pl.col("low")), with_dividends("stop")),
        pl.when(pl.col("open") < pl.col("stop")).then(
            pl.format(
                "Opened at {}, already {} below the stop",
                price(pl.col("open")),
                percent(1 - pl.col("open") / pl.col("stop")),
            )
        ),
    ),
)

TARGET_HIT = Rule(
    name="target_hit",
    version=3,
    severity="high",
    description="The price rose to the target.",
    condition=pl.col("high") >= pl.col("target"),
    value=pl.col("high"),
    threshold=pl.col("target"),
    reasons=(
        pl.format("Rose to {}; the target is {}", price(pl.col("high")), price(pl.col("target"))),
        pl.when(pl.col("open") > pl.col("target")).then(
            pl.format(
                "Opened at {}, already {} above the target",
                price(pl.col("open")),
                percent(pl.col("open") / pl.col("target") - 1),
            )
        ),
    ),
)

TRAILING_RANGES = 3
"""Average true ranges below the peak: the distance customary for Charles LeBeau's chandelier exit."""

_TRAIL = pl.col("peak") - TRAILING_RANGES * pl.col("atr_14")

TRAILING_STOP = Rule(
    name="trailing_stop",
    version=3,
    severity="high",
    # Charles LeBeau's chandelier exit, as in Alexander Elder, "Come Into My Trading Room" (2002); measured from the
    # highest close since the purchase. It falls when the average true range grows, and by each dividend.
    description=f"The close lies more than {TRAILING_RANGES} average true ranges below the peak since the purchase.",
    condition=below(pl.col("close"), _TRAIL),
    value=pl.col("close"),
    threshold=_TRAIL,
    reasons=(
        pl.format(
            "Closes at {}, below the trailing stop of {}: {} average true ranges ({}) under the peak of {}",
            price(pl.col("close")),
            price(_TRAIL),
            pl.lit(str(TRAILING_RANGES)),
            price(pl.col("atr_14")),
            with_dividends("peak"),
        ),
    ),
)

_HISTOGRAM = without_noise(pl.col("macd_histogram"), pl.col("close"))
_HISTOGRAM_BEFORE = without_noise(
    pl.col(f"macd_histogram{BEFORE}"), pl.coalesce(pl.col(f"ema_26{BEFORE}"), pl.col("close"))
)

MACD_CROSS_DOWN = Rule(
    name="macd_cross_down",
    version=2,
    severity="medium",
    description="The MACD falls below its signal line.",
    # The sign of the histogram is the same on every share basis.
    condition=(_HISTOGRAM < 0) & (_HISTOGRAM_BEFORE >= 0),
    value=pl.col("macd"),
    threshold=pl.col("macd_signal"),
    reasons=(
        pl.format(
            "MACD crosses below its signal line (histogram {} of the price)",
            percent(pl.col("macd_histogram") / pl.col("close"), 2),
        ),
    ),
)

CLOSE_UNDER_SMA = Rule(
    name="close_under_sma_50",
    version=2,
    severity="medium",
    description="The close lies below the mean close of 50 bars.",
    condition=~pl.col("no_bar") & below(pl.col("close"), pl.col("sma_50")),
    value=pl.col("close"),
    threshold=pl.col("sma_50"),
    reasons=(
        pl.format(
            "Closes at {}, {} below its 50-day average of {}",
            price(pl.col("close")),
            percent(1 - pl.col("close") / pl.col("sma_50")),
            price(pl.col("sma_50")),
        ),
    ),
)

OVERBOUGHT = 70
"""Wilder's upper bound of the RSI."""

RSI_TURNS_DOWN = Rule(
    name="rsi_turns_down",
    version=2,
    severity="low",
    description=f"The RSI was above {OVERBOUGHT} at the bar before, and falls.",
    condition=above(pl.col(f"rsi_14{BEFORE}"), pl.lit(float(OVERBOUGHT)))
    & below(pl.col("rsi_14"), pl.col(f"rsi_14{BEFORE}"))
    & closes_moved().fill_null(value=True),
    value=pl.col("rsi_14"),
    threshold=pl.lit(float(OVERBOUGHT)),
    reasons=(
        pl.format(
            "Overbought and turning down: RSI {} after {}",
            decimal(pl.col("rsi_14"), 1),
            decimal(pl.col(f"rsi_14{BEFORE}"), 1),
        ),
    ),
)

TD_SELL_SETUP = Rule(
    name="td_sell_setup",
    version=2,
    severity="low",
    description="A TD sell setup is complete: nine closes in a row above the one four bars before.",
    condition=pl.col("td_setup") == -9,
    value=pl.col("td_setup").cast(pl.Float64),
    threshold=pl.lit(-9.0),
    reasons=(
        pl.lit("Completes a TD sell setup: nine closes in a row above the one four bars before"),
        pl.when(pl.col("td_perfected")).then(pl.lit("The setup is perfected")),
    ),
)

PATIENCE = 20
"""Sessions, about a month."""

_PROFIT = without_noise(pl.col("profit"), pl.col("cost"))

TIME_STOP = Rule(
    name="time_stop",
    version=2,
    severity="low",
    description=f"Held {PATIENCE} sessions or longer without a profit, dividends and commissions counted.",
    condition=(pl.col("sessions_held") >= PATIENCE) & (_PROFIT <= 0),
    value=pl.col("sessions_held").cast(pl.Float64),
    threshold=pl.lit(float(PATIENCE)),
    reasons=(
        pl.format(
            "Held {} sessions without a profit: {}",
            whole(pl.col("sessions_held")),
            pl.when(_PROFIT == 0).then(pl.lit("even")).otherwise(up_or_down(pl.col("profit") / pl.col("cost"))),
        ),
    ),
)

RULES: tuple[Rule, ...] = (
    STOP_HIT,
    TARGET_HIT,
    TRAILING_STOP,
    MACD_CROSS_DOWN,
    CLOSE_UNDER_SMA,
    RSI_TURNS_DOWN,
    TD_SELL_SETUP,
    TIME_STOP,
)
