"""The gate of the bars: which rows of a file are accepted, which are rejected and why. Numbers in, numbers out.

A row is judged by itself first. Only valid rows then compete for a key (a ticker in a day file, a
ticker's minute in a minute file):

1. Rows equal in every column collapse into one; the repeats are counted as duplicates.
2. Of rows that share a key and differ, the one with most transactions stays, then with most volume; if those are equal
   too, the one with the higher open, close, high, low, and at last the later window start. The rule reads values only,
   so the order of the rows decides nothing.
3. The others are rejected as `conflicting_duplicate`, each of them, repeated or not.

An invalid row is rejected each time it occurs.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

import polars as pl

from pipeline.contracts.delivered import PRICES
from pipeline.contracts.table import in_strict_order
from pipeline.errors import ContractBroken
from pipeline.venues.venue import Venue

Span = tuple[int, int]
"""When a day begins and when the next one does, in nanoseconds since 1970 UTC."""

EXACT_VOLUMES_END = 2.0**53
"""From here on a 64-bit float cannot hold every whole number."""

_STRENGTH = ("transactions", "volume", *PRICES, "window_start")
"""Columns that rank rows with the same key, strongest first. With the key they are all columns of a row."""

_NO_REJECTS = pl.DataFrame(schema={"row_number": pl.Int64, "reasons": pl.List(pl.String)})

_PLAIN_TICKER = "^[!-~]+$"
"""Visible ASCII. A ticker with other characters may be right, but is checked."""

_STRAY_CHARACTER = r"^\s|\s$|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"
"""White space at an end, and invisible characters: two tickers that look the same would be two securities."""


@dataclass(frozen=True)
class Cleaned:
    """What became of the rows of a file. rows_read = kept + duplicates + quarantined."""

    bars: pl.DataFrame
    """The accepted rows, sorted by key, in their own columns without `malformed`; one row per key."""
    rejected: pl.DataFrame
    """`row_number` and `reasons` (codes of contracts.quarantine, in its order) of the others, by row number."""
    rows_read: int
    kept: int
    duplicates: int
    quarantined: int


def clean(
    rows: pl.DataFrame,
    session: date,
    venue: Venue,
    key: Sequence[str] = ("ticker",),
    further: Mapping[str, pl.Expr] = MappingProxyType({}),
) -> Cleaned:
    """Return the rows of one session's file sorted into bars, duplicates and rejected rows, by the rules above.

    `rows` holds `row_number` (Int64, unique), `malformed` (the line does not fit the columns; no more checks),
    `ticker`, `volume`, `open`, `close`, `high`, `low`, `window_start` (nanoseconds since 1970 UTC) and `transactions`.
    A null is an unreadable number. `key` are the columns that identify a bar within the session. `further` are
    reasons to reject these rows beyond those for all bars, each with its condition on a well-formed row.
    A row belongs to `session` when its window starts on that date at the venue.
    Raises ContractBroken when a row is neither kept nor duplicate nor rejected, which would be a fault of this module.
    """
    valid, rejected = _judged(rows, _nanoseconds(venue.bounds(session)), further)
    bars, conflicting = _one_row_per_key(_unsigned_zeros(valid.drop("malformed")), tuple(key))
    rejected = pl.concat([rejected, conflicting]).sort("row_number")
    duplicates = len(valid) - len(bars) - len(conflicting)
    return _reconciled(Cleaned(bars, rejected, len(rows), len(bars), duplicates, len(rejected)), rows)


def _reconciled(cleaned: Cleaned, rows: pl.DataFrame) -> Cleaned:
    """Return `cleaned`, once every row of `rows` is accounted for and none twice."""
    accounted = cleaned.kept + cleaned.duplicates + cleaned.quarantined
    numbers = pl.concat([cleaned.bars["row_number"], cleaned.rejected["row_number"]])
    repeated = len(numbers) - numbers.n_unique()
    if accounted != cleaned.rows_read or cleaned.duplicates < 0 or repeated or rows["row_number"].null_count():
        raise ContractBroken(
            f"Cleaning lost track of rows: {cleaned.rows_read:,} read, but {cleaned.kept:,} kept + "
            f"{cleaned.duplicates:,} duplicates + {cleaned.quarantined:,} quarantined ({repeated:,} of them twice).",
            remedy="This is a fault of the program, not of the data: please report it.",
        )
    return cleaned


def _judged(rows: pl.DataFrame, day: Span, further: Mapping[str, pl.Expr]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows without fault, and number and reasons of the others; only suspicious rows are checked in full."""
    suspects = _suspects(rows, day, further)
    if suspects.is_empty():
        return rows, _NO_REJECTS
    judged = rows[suspects].with_columns(_finite_numbers())
    verdicts = _verdicts(day, further)
    is_bad = judged.select(pl.any_horizontal(verdicts.values())).to_series()
    rejected = judged.filter(is_bad).select("row_number", reasons=_reasons(verdicts))
    is_valid = pl.repeat(value=True, n=len(rows), dtype=pl.Boolean, eager=True)
    return rows.filter(is_valid.scatter(suspects.filter(is_bad.fill_null(value=True)), values=False)), rejected


def _suspects(rows: pl.DataFrame, day: Span, further: Mapping[str, pl.Expr]) -> pl.Series:
    """Return the positions of rows that are not plainly without fault."""
    ticker = pl.col("ticker")
    midnight, next_midnight = day
    plain = [
        ~pl.col("malformed"),
        *_without_fault(pl.lit(midnight), pl.lit(next_midnight)),
        *(~holds for holds in further.values()),
    ]
    # Minutes of a ticker come together: its name is checked once.
    names = ticker.filter(ticker.ne_missing(ticker.shift()))
    conditions = [names.str.contains(_PLAIN_TICKER), *plain]
    if rows.select(pl.all_horizontal(condition.all(ignore_nulls=False) for condition in conditions)).item() is True:
        return pl.Series(dtype=pl.UInt32)
    is_plain = pl.all_horizontal(ticker.str.contains(_PLAIN_TICKER), *plain)
    return rows.select((~is_plain.fill_null(value=False)).arg_true()).to_series()


def _without_fault(midnight: pl.Expr, next_midnight: pl.Expr) -> list[pl.Expr]:
    """Return the conditions that a row plainly without fault meets, except for the spelling of its ticker."""
    window = pl.col("window_start")
    open_, close, high, low = pl.col("open"), pl.col("close"), pl.col("high"), pl.col("low")
    return [
        pl.col("ticker").is_not_null(),
        low > 0,
        low <= open_,
        low <= close,
        open_ <= high,
        close <= high,
        high < math.inf,  # false for NaN, which Polars puts above every number
        pl.col("volume") >= 0,
        pl.col("volume") < EXACT_VOLUMES_END,
        pl.col("transactions") >= 0,
        window >= midnight,
        window < next_midnight,
    ]


def _unsigned_zeros(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with a volume of -0 as 0."""
    is_zero = pl.col("volume") == 0
    if not rows.select(is_zero.any()).item():
        return rows
    return rows.with_columns(volume=pl.when(is_zero).then(0.0).otherwise("volume"))


def _finite_numbers() -> list[pl.Expr]:
    """Return the float columns with NaN and the infinities as null."""
    finite = pl.col("volume", *PRICES)
    return [pl.when(finite.is_finite()).then(finite)]


def _verdicts(day: Span, further: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Return an expression per reason for which a row is bad in itself. Null where a number it needs is missing."""
    ticker, volume, transactions = pl.col("ticker"), pl.col("volume"), pl.col("transactions")
    high, low = pl.col("high"), pl.col("low")
    midnight, next_midnight = day
    of_well_formed = {
        "missing_ticker": ticker.is_null() | (ticker.str.strip_chars() == ""),
        "malformed_ticker": (ticker.str.strip_chars() != "") & ticker.str.contains(_STRAY_CHARACTER),
        "not_a_number": pl.any_horizontal(pl.col(*_STRENGTH).is_null()),
        "non_positive_price": pl.any_horizontal(pl.col(*PRICES) <= 0),
        "high_below_low": high < low,
        "open_or_close_outside_range": pl.any_horizontal(pl.col("open", "close") < low, pl.col("open", "close") > high),
        "negative_volume": volume < 0,
        "volume_too_large": volume >= EXACT_VOLUMES_END,
        "negative_transactions": transactions < 0,
        "wrong_session": ~pl.col("window_start").is_between(midnight, next_midnight, closed="left"),
        **further,
    }
    malformed = pl.col("malformed")
    return {"malformed_row": malformed} | {reason: ~malformed & bad for reason, bad in of_well_formed.items()}


def _nanoseconds(bounds: tuple[datetime, datetime]) -> Span:
    """Return the moments in nanoseconds since 1970 UTC."""
    begin, end = (int(moment.timestamp()) * 10**9 for moment in bounds)
    return begin, end


def _reasons(verdicts: dict[str, pl.Expr]) -> pl.Expr:
    """Return the codes of the verdicts that hold, as a list in their order, which is that of REASONS."""
    codes = [pl.when(holds).then(pl.lit(reason)) for reason, holds in verdicts.items()]
    return pl.concat_list(codes).list.drop_nulls()


def _one_row_per_key(valid: pl.DataFrame, key: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the strongest row of each key sorted by key, and number and reason of the rows that differ from it."""
    # The vendor mostly sorts; a check costs less than a sort, and a strictly rising key has no repeats.
    if in_strict_order(valid, key):
        return valid, _NO_REJECTS
    if valid.select(key).n_unique() == len(valid):
        return valid.sort(key), _NO_REJECTS
    is_repeated = valid.select(pl.struct(key).is_duplicated()).to_series()
    descending = [False] * len(key) + [True] * len(_STRENGTH) + [False]
    repeated = valid.filter(is_repeated).sort(*key, *_STRENGTH, "row_number", descending=descending)
    strongest = repeated.unique(key, keep="first", maintain_order=True)
    differs = pl.any_horizontal(pl.col(name) != pl.col(name).first().over(key) for name in _STRENGTH)
    bars = pl.concat([valid.filter(~is_repeated), strongest])
    reason = pl.lit(["conflicting_duplicate"], pl.List(pl.String))
    return bars.sort(key), repeated.filter(differs).select("row_number", reasons=reason)
