"""Outcomes of the candidates: `stocks/candidate_outcomes`, and scores of each list and each model."""

import math

import pandera.polars as pa
import polars as pl

from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS

HORIZONS = (1, 5, 20, 60)
"""Sessions after the list's at whose close a return is measured."""

LONGEST = max(HORIZONS)

RUNNING, COMPLETE, DELISTED, NO_ENTRY, IN_DOUBT = "running", "complete", "delisted", "no_entry", "in_doubt"

FATES = {
    RUNNING: "The lake does not have all the sessions yet that its horizons need.",
    COMPLETE: "Every horizon is reached.",
    DELISTED: "Its bars end for good within the 60 sessions; what lies beyond is reckoned to its last close.",
    NO_ENTRY: "The lake has the next session, but no bar of the ticker: it could not be bought.",
    IN_DOUBT: "A split that is in doubt falls into the 60 sessions; there is no return across it.",
}
"""Code to meaning."""

ROUNDING = 2e-12
"""Largest difference between an excess return and return less universe, all three rounded to 12 decimals."""


class ModelList(pa.DataFrameModel):
    """The model of a list."""

    model: str = pa.Field(description="Name of the model.")
    model_version: pl.Int32 = pa.Field(ge=1, description="Version of the model's declaration that made the list.")


class CandidateOutcome(ModelList):
    """The outcome of a candidate after its list, bought at the next session's open. Returns are added below."""

    session: pl.Date = pa.Field(description="Session of the list.")
    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    rank: pl.Int32 = pa.Field(ge=1, description="Its rank on the list; 1 is best.")
    score: float = pa.Field(description="Its score on the list.")
    entry_session: pl.Date = pa.Field(description="Session after the list's, at whose open it is bought.")
    entry_open: float = pa.Field(gt=0, nullable=True, description="That open, USD as traded; null without a bar.")
    last_session: pl.Date = pa.Field(nullable=True, description="Its last bar within the 60 sessions, so far.")
    fate: str = pa.Field(isin=list(FATES), description=" ".join(f"{code}: {words}" for code, words in FATES.items()))
    worst_60: float = pa.Field(
        ge=-1, le=0, nullable=True, description="Lowest low of the 60 sessions by the entry, less 1; total return."
    )
    best_60: float = pa.Field(
        ge=0, lt=math.inf, nullable=True, description="Highest high of the 60 sessions by the entry, less 1; likewise."
    )

    @pa.dataframe_check(name="excess_is_return_less_universe")
    def _excess_adds_up(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        away = [pl.col(f"excess_{h}") - (pl.col(f"return_{h}") - pl.col(f"universe_{h}")) for h in HORIZONS]
        return data.lazyframe.select(
            pl.max_horizontal(difference.abs().fill_null(0) for difference in away) <= ROUNDING
        )

    @pa.dataframe_check(name="no_return_without_an_entry")
    def _returns_follow_entry(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        returned = pl.any_horizontal(pl.col(f"return_{h}").is_not_null() for h in HORIZONS)
        return data.lazyframe.select(pl.col("entry_open").is_not_null() | ~returned)

    @pa.dataframe_check(name="complete_has_every_return")
    def _complete_is_whole(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        returned = pl.all_horizontal(pl.col(f"return_{h}").is_not_null() for h in HORIZONS)
        return data.lazyframe.select((pl.col("fate") != COMPLETE) | returned)


class SessionScore(ModelList):
    """How good a model's list of one session was, over one horizon."""

    session: pl.Date = pa.Field(description="Session of the list.")
    horizon: pl.Int32 = pa.Field(isin=HORIZONS, description="Sessions after the list's.")
    listed: pl.Int32 = pa.Field(ge=1, description="Tickers on the list.")
    covered: pl.Int32 = pa.Field(ge=0, nullable=True, description="Those with a return; null until it is reached.")
    hits: pl.Int32 = pa.Field(ge=0, nullable=True, description="Those whose excess return is above 0.")
    mean_excess: float = pa.Field(lt=math.inf, nullable=True, description="Mean excess return of the list.")
    ranked: pl.Int32 = pa.Field(
        ge=0, nullable=True, description="Tickers that passed the model's universe and have a return."
    )
    ic: float = pa.Field(
        ge=-1, le=1, nullable=True, description="Rank IC: Spearman correlation of their scores with their returns."
    )
    turnover: float = pa.Field(
        ge=0, le=1, nullable=True, description="Share of the list that was not on the list of the session before."
    )
    coverage: float = pa.Field(ge=0, le=1, nullable=True, description="Covered as a share of the listed.")

    @pa.dataframe_check(name="hits_at_most_covered_at_most_listed")
    def _counts_in_order(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        hits, covered = pl.col("hits").fill_null(0), pl.col("covered").fill_null(0)
        return data.lazyframe.select((hits <= covered) & (covered <= pl.col("listed")))


class ModelScore(ModelList):
    """How good a model's lists of one month were, over one horizon."""

    month: str = pa.Field(str_matches=r"^\d{4}-\d{2}$", description="Month of the lists' sessions, YYYY-MM.")
    horizon: pl.Int32 = pa.Field(isin=HORIZONS, description="Sessions after each list's.")
    sessions: pl.Int32 = pa.Field(ge=0, description="Lists whose horizon is reached.")
    candidates: pl.Int32 = pa.Field(ge=0, description="Tickers on these lists.")
    hit_rate: float = pa.Field(ge=0, le=1, nullable=True, description="Share of the covered with an excess above 0.")
    mean_excess: float = pa.Field(
        lt=math.inf, nullable=True, description="Mean over the sessions of the list's mean excess return."
    )
    mean_excess_se: float = pa.Field(
        ge=0, lt=math.inf, nullable=True, description="Its standard error (Newey-West); null if too few sessions."
    )
    mean_ic: float = pa.Field(ge=-1, le=1, nullable=True, description="Mean over the sessions of the rank IC.")
    ic_t: float = pa.Field(
        lt=math.inf, nullable=True, description="Mean rank IC by its standard error; null if too few sessions."
    )
    turnover: float = pa.Field(ge=0, le=1, nullable=True, description="Mean turnover of the month's lists.")
    coverage: float = pa.Field(ge=0, le=1, nullable=True, description="Share of the candidates with a return.")


def _returns(horizon: int) -> dict[str, pa.Column]:
    words = {
        f"return_{horizon}": f"Total return from the entry to the close {horizon} sessions after the list's.",
        f"universe_{horizon}": "Median of the same over all tickers that passed the model's universe that session.",
        f"excess_{horizon}": f"return_{horizon} less universe_{horizon}.",
    }
    return {
        name: pa.Column(
            pl.Float64, pa.Check.lt(math.inf), nullable=True, description=f"{meaning} Null until it is known."
        )
        for name, meaning in words.items()
    }


CANDIDATE_OUTCOMES = Table(
    venue=US_STOCKS,
    name="candidate_outcomes",
    schema=CandidateOutcome.to_schema().add_columns({k: v for h in HORIZONS for k, v in _returns(h).items()}),
    key=("model", "session", "ticker"),
    description="Outcomes of every candidate: total returns beside its universe's, best and worst, its fate.",
    may_be_empty=True,
)

SESSION_SCORES = Table(
    venue=US_STOCKS,
    name="session_scores",
    schema=SessionScore.to_schema(),
    key=("model", "session", "horizon"),
    description="Scores of every list over each horizon: hits, mean excess return, rank IC, turnover, coverage.",
    may_be_empty=True,
    counted_as="",
)

MODEL_SCORES = Table(
    venue=US_STOCKS,
    name="model_scores",
    schema=ModelScore.to_schema(),
    key=("model", "model_version", "month", "horizon"),
    description="Scores of each model's lists by month: hit rate, mean excess return, rank IC, and their errors.",
    may_be_empty=True,
    session=None,
)
