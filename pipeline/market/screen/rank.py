"""Ranks each session's tickers by each model: filters, winsorized z-scores, weighted scores, the best with reasons."""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import add

import polars as pl

from pipeline.contracts.candidates import CANDIDATES
from pipeline.errors import ModelError
from pipeline.market.prices.tolerance import above
from pipeline.market.screen.exchange_test_symbols import is_exchange_test_symbol
from pipeline.market.screen.model import HAS_MINUTES, Factor, Model
from pipeline.market.screen.reasons import add_reasons

TYPE = "type"
"""Optional column of a day: the vendor's code of the security's type."""

SPLIT_IN_DOUBT = "split_in_doubt"
"""Optional column of a day: whether a split that could not be applied falls into the window of its indicators."""

PRICE_DOUBT = "price_doubt"
"""Optional column of a day: why the ticker's prices are in doubt within its window, in words; null where they are not.
"""

ZSCORE_DECIMALS = 9
"""Polars sums a session alone in another order than in a range; rounding makes both rank alike."""


def candidates(day: pl.DataFrame | pl.LazyFrame, models: Sequence[Model]) -> pl.DataFrame:
    """Return the ranked candidates of every session in `day` and every model: the columns of `stocks/candidates`.

    `day` holds one row per ticker and session: the bar joined with its indicators, for one or many sessions, and
    optionally `type`, `split_in_doubt` and `price_doubt`, and the columns of `stocks/intraday_features` when a model
    uses one of them. A ticker in doubt is not ranked; each row of a list says how many are only for that reason not.
    Such a model lists no ticker for a session without minutes. Each session is ranked by itself: a row depends only on
    its own session.

    A z-score is taken among the tickers that pass the model's universe: values are clipped at the model's percentiles
    (linear interpolation), centred, divided by the population standard deviation, and rounded to 9 decimals. A factor
    with equal values scores 0 for all. A null, NaN or infinite value is left out of the statistics and scores 0. Equal
    scores are ranked by ticker.

    Raises ModelError when no model is given, two share a name, or `day` lacks columns that a model needs.
    """
    _require_distinct(models)
    rows = _needed_columns(day, models)
    rankings = [_named(model, partial(_ranking, rows, model)) for model in models]
    return pl.concat(rankings).sort("session", "model", "rank")


def scores(day: pl.DataFrame | pl.LazyFrame, models: Sequence[Model]) -> pl.DataFrame:
    """Return the score of every ticker that passes a model's universe, by session, model and ticker, without words.

    `day` and the scores are those of `candidates`, which lists the best of them. Columns: model, model_version,
    session, ticker, score. Raises ModelError as `candidates` does.
    """
    _require_distinct(models)
    rows = _needed_columns(day, models)
    scored = [_named(model, partial(_scores_of, rows, model)) for model in models]
    return pl.concat(scored).sort("session", "model", "ticker")


def _scores_of(rows: pl.DataFrame, model: Model) -> pl.DataFrame:
    return _scored(rows, model).select(*_identity(model), "session", "ticker", "score").collect()


def _named(model: Model, compute: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """Return what `compute` returns. Raises ModelError, naming the model, when an expression of it fails."""
    try:
        return compute()
    except pl.exceptions.PolarsError as failed:
        raise ModelError(
            f"Model {model.name} cannot be computed: {str(failed).splitlines()[0].rstrip('.')}.",
            remedy="Let each factor be a number: `candlelake mine` says which file the model is in, if it is yours.",
        ) from failed


def unapplied_filters(columns: Sequence[str], models: Sequence[Model]) -> tuple[str, ...]:
    """Return, in words, the filters that cannot be applied to a day with these columns; empty if all can."""
    unapplied = []
    if SPLIT_IN_DOUBT not in columns:
        unapplied.append(f"Splits are not known (no column `{SPLIT_IN_DOUBT}`), so one looks like a gain or a loss.")
    if TYPE not in columns:
        unapplied += [
            f"{model.name}: security types are not known (no column `{TYPE}`), so any type passes, funds included; "
            f"wanted are {', '.join(model.universe.security_types)}."
            for model in models
            if model.universe.security_types
        ]
    return tuple(unapplied)


def columns_needed(models: Sequence[Model]) -> set[str]:
    """Return the columns of a day that ranking by `models` uses, with the optional ones."""
    return {column for model in models for column in model.columns} | {TYPE, SPLIT_IN_DOUBT, PRICE_DOUBT}


def _require_distinct(models: Sequence[Model]) -> None:
    names = [model.name for model in models]
    if not names:
        raise ModelError("There is no model to rank by.", remedy="Give at least one.")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ModelError(f"More than one model is named {', '.join(repeated)}.", remedy="Give each model its own name.")


def _needed_columns(day: pl.DataFrame | pl.LazyFrame, models: Sequence[Model]) -> pl.DataFrame:
    """Return the columns the models need, NaN as null."""
    available = day.lazy().collect_schema().names()
    for model in models:
        if missing := [column for column in model.columns if column not in available]:
            raise ModelError(
                f"Model {model.name} needs {', '.join(missing)}, which the day does not have.",
                remedy=f"It has: {', '.join(available)}. Join the bars with their indicators first.",
            )
    needed = sorted(columns_needed(models) & set(available))
    return day.lazy().select(needed).with_columns(pl.col(pl.Float64, pl.Float32).fill_nan(None)).collect()


def ranked(rows: pl.DataFrame, model: Model) -> pl.LazyFrame:
    """Return the rows that pass the model's universe, with `score`, its parts and `rank`; without words.

    `rows` have the columns that the model needs, without NaN.
    """
    # Rows come sorted by ticker, and the ordinal rank keeps the order of equal scores.
    best_first = (-pl.col("score")).rank("ordinal").over("session").cast(pl.Int32)
    return _scored(rows, model).with_columns(rank=best_first)


def _ranking(rows: pl.DataFrame, model: Model) -> pl.DataFrame:
    listed = (
        ranked(rows, model)
        .with_columns(count for factor, _ in model.factors for count in _standing(factor))
        .filter(pl.col("rank") <= model.top)
        .collect()
    )
    return (
        add_reasons(listed, model)
        .join(_left_out(rows, model), on="session", how="left", maintain_order="left")
        .select(
            *_identity(model),
            session="session",
            rank="rank",
            ticker="ticker",
            score="score",
            close="close",
            contributions=pl.concat_list([_detail(factor, weight) for factor, weight in model.factors]),
            reasons="reasons",
            scanned="scanned",
            passed="passed",
            **_counted_out(rows.columns),
        )
        .select(list(CANDIDATES.columns))
    )


def _identity(model: Model) -> tuple[pl.Expr, pl.Expr]:
    return pl.lit(model.name).alias("model"), pl.lit(model.version, pl.Int32).alias("model_version")


def _scored(rows: pl.DataFrame, model: Model) -> pl.LazyFrame:
    """Return the rows that pass the model's universe, by session and ticker, with `score` and its parts."""
    return (
        _passed(rows, model)
        .with_columns(_value(factor) for factor, _ in model.factors)
        .with_columns(_clipped(factor, model.winsorize) for factor, _ in model.factors)
        .with_columns(_zscore(factor) for factor, _ in model.factors)
        .with_columns(_contribution(factor, weight) for factor, weight in model.factors)
        .with_columns(score=reduce(add, [pl.col(f"contribution:{factor.name}") for factor, _ in model.factors]))
    )


def _passed(rows: pl.DataFrame, model: Model) -> pl.LazyFrame:
    """Return the rows that pass, by session and ticker, with how many were scanned and passed in their session."""
    in_session = pl.len().over("session").cast(pl.Int32)
    passed = _before_doubts(rows, model).filter(_why_in_doubt(rows.columns).is_null())
    # Sorted, so that neither sums of floats nor ties depend on the order in which rows arrive.
    return passed.sort("session", "ticker").with_columns(passed=in_session)


def _before_doubts(rows: pl.DataFrame, model: Model) -> pl.LazyFrame:
    """Return the rows that pass every filter but that of doubts, with how many were scanned in their session."""
    universe = model.universe
    filters = [
        ~is_exchange_test_symbol(),
        pl.col("close") >= universe.min_price,
        pl.col("dollar_volume_20") >= universe.min_dollar_volume,
        pl.col("bars") >= universe.min_bars,
        *universe.conditions,
    ]
    if universe.security_types and TYPE in rows.columns:
        filters.append(pl.col(TYPE).is_in(universe.security_types) | pl.col(TYPE).is_null())
    if model.needs_minutes:
        filters.append(pl.col(HAS_MINUTES).is_not_null())
    scanned = pl.len().over("session").cast(pl.Int32)
    return rows.lazy().with_columns(scanned=scanned).filter(pl.all_horizontal(filters))


def _why_in_doubt(columns: Sequence[str]) -> pl.Expr:
    """Return why a ticker is in doubt, in words, null where it is not, as far as the `columns` of a day tell."""
    doubt = pl.col(PRICE_DOUBT) if PRICE_DOUBT in columns else pl.lit(None, pl.String)
    if SPLIT_IN_DOUBT not in columns:
        return doubt
    return pl.when(SPLIT_IN_DOUBT).then(doubt.fill_null("a split that is in doubt is not applied")).otherwise(doubt)


def _left_out(rows: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Return how many tickers of each session are in doubt and pass every other filter, with each one's reason."""
    in_doubt = _before_doubts(rows, model).with_columns(doubt=_why_in_doubt(rows.columns)).drop_nulls("doubt")
    named = in_doubt.sort("session", "ticker").select("session", reason=pl.format("{}: {}", "ticker", "doubt"))
    counted = named.group_by("session").agg(left_out=pl.len().cast(pl.Int32), left_out_reasons="reason")
    return counted.collect()


def _counted_out(columns: Sequence[str]) -> dict[str, pl.Expr]:
    """Return the columns of a list about the tickers left out; null where nothing is known of doubts."""
    if not {SPLIT_IN_DOUBT, PRICE_DOUBT} & set(columns):
        unknown = {name: CANDIDATES.columns[name] for name in ("left_out", "left_out_reasons")}
        return {name: pl.lit(None, dtype) for name, dtype in unknown.items()}
    nobody = pl.lit([], dtype=CANDIDATES.columns["left_out_reasons"])
    return {
        "left_out": pl.col("left_out").fill_null(0),
        "left_out_reasons": pl.col("left_out_reasons").fill_null(nobody),
    }


def _value(factor: Factor) -> pl.Expr:
    value = factor.value.cast(pl.Float64)
    return pl.when(value.is_finite()).then(value).alias(f"value:{factor.name}")


def _clipped(factor: Factor, share: float) -> pl.Expr:
    value = pl.col(f"value:{factor.name}")
    lowest, highest = (value.quantile(q, "linear").over("session") for q in (share, 1 - share))
    return value.clip(lowest, highest).alias(f"clipped:{factor.name}")


def _zscore(factor: Factor) -> pl.Expr:
    clipped = pl.col(f"clipped:{factor.name}")
    mean, deviation = clipped.mean().over("session"), clipped.std(ddof=0).over("session")
    # The deviation of equal values can be a rounding error, so the values themselves are compared.
    has_spread = above(clipped.max().over("session"), clipped.min().over("session"))
    zscore = ((clipped - mean) / deviation).round(ZSCORE_DECIMALS)
    counts = has_spread & zscore.is_finite() & (zscore != 0)
    return pl.when(counts).then(zscore).otherwise(0.0).alias(f"zscore:{factor.name}")


def _contribution(factor: Factor, weight: float) -> pl.Expr:
    zscore = pl.col(f"zscore:{factor.name}")
    # A negative weight would turn 0 into −0.
    return pl.when(zscore != 0).then(weight * zscore).otherwise(0.0).alias(f"contribution:{factor.name}")


def _standing(factor: Factor) -> tuple[pl.Expr, ...]:
    """Return how many passed tickers of the session have a lower value, a higher value, and any value."""
    value = pl.col(f"value:{factor.name}")
    count = value.count().over("session").cast(pl.Int64)
    return (
        (value.rank("min").over("session").cast(pl.Int64) - 1).alias(f"less:{factor.name}"),
        (count - value.rank("max").over("session").cast(pl.Int64)).alias(f"more:{factor.name}"),
        count.alias(f"known:{factor.name}"),
    )


def _detail(factor: Factor, weight: float) -> pl.Expr:
    return pl.struct(
        factor=pl.lit(factor.name),
        value=pl.col(f"value:{factor.name}"),
        zscore=pl.col(f"zscore:{factor.name}"),
        weight=pl.lit(float(weight)),
        contribution=pl.col(f"contribution:{factor.name}"),
    )
