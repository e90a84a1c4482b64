"""The sentences that say why a ticker is listed, strongest first, and what counts against it."""

import polars as pl

from pipeline.market.screen.model import Factor, Model
from pipeline.market.screen.wording import compared, whole

NOTABLE = 0.75
"""A factor that counts against a ticker is mentioned from this many standard deviations on."""


def add_reasons(listed: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Return the listed rows with `reasons`.

    Uses for each factor the columns `value:`, `zscore:`, `contribution:`, `less:`, `more:` and `known:` + its name:
    the last three count the passed tickers with a lower value, with a higher value, and with any value.
    """
    by_factor = [_sentences(listed, factor) for factor, _ in model.factors]
    sentences = pl.concat_list([pl.struct(contribution=rows["contribution"], text=rows["text"]) for rows in by_factor])
    strongest_first = pl.element().sort_by(
        pl.element().struct.field("contribution").abs(), descending=True, maintain_order=True
    )
    helps = strongest_first.struct.field("contribution") > 0
    text = strongest_first.struct.field("text")
    lines = listed.select("passed", sentences=sentences).with_columns(
        helping=pl.col("sentences").list.eval(text.filter(helps)).list.drop_nulls(),
        against=pl.col("sentences").list.eval(text.filter(~helps)).list.drop_nulls(),
    )
    helping = pl.when(pl.col("helping").list.len() > 0).then("helping").otherwise(pl.concat_list(_nothing_stands_out()))
    return listed.with_columns(lines.select(reasons=pl.concat_list(helping, "against"))["reasons"])


def _nothing_stands_out() -> pl.Expr:
    return pl.format(
        "Passed every filter; no factor lifts it above the average of {}",
        pl.when(pl.col("passed") == 1)
        .then(pl.lit("the 1 stock that passed"))
        .otherwise(pl.format("the {} stocks that passed", whole(pl.col("passed")))),
    )


def _sentences(listed: pl.DataFrame, factor: Factor) -> pl.DataFrame:
    """Return a factor's contribution and sentence for each row; no sentence when it is not notable."""
    contribution, zscore = pl.col(f"contribution:{factor.name}"), pl.col(f"zscore:{factor.name}")
    count = pl.col(f"known:{factor.name}")
    sentence = pl.col("sentence")
    capital = pl.concat_str(sentence.str.head(1).str.to_uppercase(), sentence.str.slice(1))
    notable_against = (contribution < 0) & (zscore.abs() >= NOTABLE)
    worded = listed.with_columns(
        value=pl.col(f"value:{factor.name}"),
        above=compared(pl.col(f"less:{factor.name}"), count),
        below=compared(pl.col(f"more:{factor.name}"), count),
    )
    # Put into a column first: Polars computes an expression again wherever it is used.
    with_sentence = worded.with_columns(sentence=pl.when(zscore > 0).then(factor.high).otherwise(factor.low))
    return with_sentence.select(
        contribution=contribution,
        text=pl.when(contribution > 0).then(capital).when(notable_against).then(pl.format("But {}", sentence)),
    )
