"""Small markets to look back on: bars of a few tickers over numbered sessions, and lists drawn up on some of them."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.market.scorekeeping.outcomes import PAIR, Aftermath, aftermath, candidate_outcomes, forward_returns
from pipeline.market.securities.listings import LISTING
from pipeline.venues.us_stocks import US_STOCKS

DAYS = US_STOCKS.calendar.between(date(2024, 1, 2), date(2024, 12, 31))
"""Sessions by number: lists are of DAYS[1] by default, bought on DAYS[2]."""

NO_SPLITS = pl.DataFrame(
    schema={"ticker": pl.String, "execution_date": pl.Date, "split_from": pl.Float64, "split_to": pl.Float64}
)
NO_DIVIDENDS = pl.DataFrame(schema={"ticker": pl.String, "ex_dividend_date": pl.Date, "cash_amount": pl.Float64})
NO_DOUBTS = pl.DataFrame(schema={"ticker": pl.String, "execution_date": pl.Date, "reaches_from": pl.Date})
NO_LISTINGS = pl.DataFrame(schema=LISTING)

Bar = tuple[float, float, float, float]
"""Open, high, low, close."""


def flat(price: float) -> Bar:
    """Return a bar that stands still."""
    return price, price, price, price


def tape(ticker: str, bars: Mapping[int, Bar]) -> pl.DataFrame:
    """Return the bars of one ticker, by the numbers of their sessions."""
    rows = [
        {
            "ticker": ticker,
            "session": DAYS[number],
            **dict(zip(("open", "high", "low", "close"), map(float, bar), strict=True)),
            "volume": 1000.0,
            "transactions": 10,
        }
        for number, bar in bars.items()
    ]
    return pl.DataFrame(rows, schema=DAILY_BARS.columns)


def still(ticker: str, numbers: Sequence[int], price: float = 10.0) -> pl.DataFrame:
    """Return a ticker whose price stands still on these sessions."""
    return tape(ticker, dict.fromkeys(numbers, flat(price)))


def listing(*rows: tuple[str, str | None, date | None, date | None]) -> pl.DataFrame:
    """Return listings by ticker, FIGI, first and last day."""
    return pl.DataFrame([(t, f, "CS", first, last) for t, f, first, last in rows], schema=LISTING, orient="row")


def what_followed(
    bars: pl.DataFrame,
    *,
    splits: pl.DataFrame = NO_SPLITS,
    dividends: pl.DataFrame = NO_DIVIDENDS,
    doubtful: pl.DataFrame = NO_DOUBTS,
    listed: pl.DataFrame = NO_LISTINGS,
) -> Aftermath:
    """Return the outcomes that the bars give to the lists of the year."""
    return aftermath(bars, splits, dividends, doubtful, listed, DAYS)


def lists(scores: Mapping[str, float], *, on: int = 1, model: str = "trend", version: int = 1) -> pl.DataFrame:
    """Return the scores of a session's tickers as `screen.rank.scores` does."""
    rows = [(model, version, DAYS[on], ticker, score) for ticker, score in scores.items()]
    schema = {name: CANDIDATES.columns[name] for name in ("model", "model_version", "session", "ticker", "score")}
    return pl.DataFrame(rows, schema=schema, orient="row")


def ranked(scored: pl.DataFrame, top: int = 2) -> pl.DataFrame:
    """Return the best of each list as rows of candidates."""
    best_first = pl.col("score").rank("ordinal", descending=True).over("model", "session").cast(pl.Int32)
    return scored.with_columns(rank=best_first).filter(pl.col("rank") <= top)


def outcomes(listed: pl.DataFrame, scored: pl.DataFrame, after: Aftermath) -> pl.DataFrame:
    """Return the outcomes of the lists."""
    pairs = pl.concat([listed.select(PAIR), scored.select(PAIR)]).unique()
    return candidate_outcomes(listed, scored, forward_returns(pairs, after), after)
