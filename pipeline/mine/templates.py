"""The files that `candlelake new` writes: each works as it stands, and says what to change."""

from string import Template

INDICATOR = Template('''"""My indicator $name."""

import polars as pl

from pipeline.market.indicators import IndicatorColumn, expressed

# The column of the table: its name, what it says, and how a split changes it. `unit` is "price" for USD per share,
# "shares" for a number of shares, "free" for what a split does not change, such as a ratio.
COLUMN = IndicatorColumn("$name", "Where the close lies in the range of 20 bars: 0 its low, 1 its high.", unit="free")

# The value: a Polars expression over one ticker's bars, the oldest first, with the columns open, high, low, close,
# volume and session, adjusted for splits. `lookback` is how many bars it uses, the newest included.
LOW, HIGH = pl.col("low").rolling_min(20), pl.col("high").rolling_max(20)
$constant = expressed({COLUMN: (pl.col("close") - LOW) / (HIGH - LOW)}, lookback=20)

# The next run writes the column; `candlelake restate` computes it for the sessions before.
''')

MODEL = Template('''"""My model $name."""

import polars as pl

from pipeline.market.screen.model import Factor, Model, Universe
from pipeline.market.screen.wording import ABOVE, BELOW, VALUE, percent

# A number by which the tickers of a session are compared, from the columns of stocks.daily_bars and
# stocks.indicators, and a sentence for tickers far above and far below the others.
STRENGTH = Factor(
    name="$name",
    value=pl.col("close") / pl.col("sma_50") - 1,
    high=pl.format("{} from its 50-day average, higher than {}", percent(VALUE), ABOVE),
    low=pl.format("{} from its 50-day average, lower than {}", percent(VALUE), BELOW),
)

# The tickers that may be ranked, the factors with their weights (below 0: low values are better), and how many to
# list. Raise `version` whenever you change something: a list says which version ranked it.
$constant = Model(
    name="$name",
    version=1,
    description="What the model looks for, in one sentence.",
    universe=Universe(min_price=5.0, min_dollar_volume=5_000_000.0, min_bars=50),
    factors=((STRENGTH, 1.0),),
    top=20,
)

# The next run lists its candidates; `candlelake restate` ranks the sessions before.
''')

RULE = Template('''"""My sell rule $name."""

import polars as pl

from pipeline.market.portfolio.sell.rule import Rule
from pipeline.market.screen.wording import decimal

# A reason to sell: a condition on a position, with the columns of portfolio.position_marks, the bar and indicators of
# the session, and those of the bar before (with the ending _before). `value` is compared with `threshold`; the first
# of the `reasons` is always there. Raise `version` whenever you change something.
$constant = Rule(
    name="$name",
    version=1,
    severity="medium",  # high, medium or low
    description="The close lies more than 10 % below the highest close since the purchase.",
    condition=pl.col("drawdown") < -0.10,
    value=pl.col("drawdown"),
    threshold=pl.lit(-0.10),
    reasons=(pl.format("Fell {} % from its highest close", decimal(-pl.col("drawdown") * 100, 1)),),
)

# The next run applies it to what you hold; `candlelake restate` to the sessions before.
''')

TEMPLATES = {"indicator": INDICATOR, "model": MODEL, "rule": RULE}
"""By kind of declaration."""


def text_of(kind: str, name: str) -> str:
    """Return the file of a new declaration of a kind of TEMPLATES. `name` is in snake_case."""
    return TEMPLATES[kind].substitute(name=name, constant=name.upper())
