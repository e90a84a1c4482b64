"""Small days to rank: one row per ticker and session, with every column a model may use."""

from datetime import date

import polars as pl

from assets_tests.stocks import INDICATORS_TABLE
from pipeline.contracts.bars import DAILY_BARS
from pipeline.market.screen.model import OF_MINUTES, Factor, Universe
from pipeline.market.screen.wording import ABOVE, BELOW, VALUE, decimal

COLUMNS = tuple(dict.fromkeys((*DAILY_BARS.columns, *INDICATORS_TABLE.columns, *OF_MINUTES)))

MONDAY, TUESDAY = date(2024, 3, 4), date(2024, 3, 5)

EVERYBODY = Universe(min_price=0.0, min_dollar_volume=0.0, min_bars=0, security_types=())

ORDINARY = {"session": MONDAY, "close": 50.0, "dollar_volume_20": 1e8, "bars": 400}


def day(*rows: dict[str, object]) -> pl.DataFrame:
    """Return a day of these rows; what they leave out is ordinary or null."""
    types = dict.fromkeys(COLUMNS, pl.Float64) | {"ticker": pl.String, "session": pl.Date, "bars": pl.Int64}
    filled = [dict.fromkeys(COLUMNS) | ORDINARY | row for row in rows]
    extra = {name: pl.String for row in rows for name in row if name not in types}
    return pl.DataFrame(filled, schema=types | extra)


def factor(name: str, column: str) -> Factor:
    """Return a factor that takes a column as it is, with plain sentences."""
    return Factor(
        name=name,
        value=pl.col(column),
        high=pl.format("{} {}, above {}", pl.lit(column), decimal(VALUE, 1), ABOVE),
        low=pl.format("{} {}, below {}", pl.lit(column), decimal(VALUE, 1), BELOW),
    )
