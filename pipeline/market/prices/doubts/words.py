"""Words of doubts: ratios, prices and what is unusual, as Polars expressions that yield text. Pure."""

import polars as pl

from pipeline.market.screen.wording import decimal, percent


def number(value: pl.Expr) -> pl.Expr:
    """Return a number with up to four decimals, and none if it is whole: `10`, `0.2725`."""
    rounded = value.cast(pl.Float64).round(4)
    return pl.when(rounded == rounded.round()).then(decimal(rounded, 0)).otherwise(rounded.cast(pl.String))


def ratio(old: pl.Expr | str, new: pl.Expr | str) -> pl.Expr:
    """Return a split in words: `2:1 split`, `1:10 reverse split`; new shares come first."""
    old, new = (pl.col(side) if isinstance(side, str) else side for side in (old, new))
    kind = pl.when(old > new).then(pl.lit("reverse split")).otherwise(pl.lit("split"))
    return pl.format("{}:{} {}", number(new), number(old), kind)


def times(factor: pl.Expr) -> pl.Expr:
    """Return a factor with as many decimals as matter: `× 10.02`, `× 0.076`."""
    small = pl.when(factor < 0.1).then(decimal(factor, 4)).otherwise(decimal(factor, 3))
    return pl.format("× {}", pl.when(factor >= 10).then(decimal(factor, 2)).otherwise(small))


def move(log_return: pl.Expr) -> pl.Expr:
    """Return a log return as a change in percent with its sign: `+0.4 %`, `-38.0 %`."""
    change = log_return.exp() - 1
    return pl.format("{}{}", pl.when(change >= 0).then(pl.lit("+")).otherwise(pl.lit("")), percent(change))


def evidence() -> pl.Expr:
    """Return the numbers of a day's move, its trading, and what is usual for the ticker."""
    shares = pl.format(", shares {} the median of 20 bars", times(pl.col("volume_ratio")))
    usual = pl.format(", usual move {}", percent(pl.col("usual_move").exp() - 1))
    return pl.format(
        "Close {} on {}; open {} ({}), close {} on {}{}{}.",
        number(pl.col("previous_close")),
        pl.col("previous_session"),
        number(pl.col("open")),
        times(pl.col("open") / pl.col("previous_close")),
        number(pl.col("close")),
        pl.col("session"),
        shares.fill_null(""),
        usual.fill_null(""),
    )
