"""The rows of the vendor's reference answers as frames, in the columns of the contracts.

Numbers come as numbers or as text, `2e+06` too. An unreadable value becomes null and its row stays: the table decides
what that means. A row without a ticker is useless, so its whole answer is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeGuard

import polars as pl

from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS, vendor_columns
from pipeline.contracts.table import Table
from pipeline.errors import AnswerRefused
from pipeline.venues.us_stocks import US_STOCKS

Row = Mapping[str, Any]

_DAY = r"^\d{4}-\d{2}-\d{2}$"
_MIDNIGHT_UTC = r"^\d{4}-\d{2}-\d{2}T00:00:00(\.0+)?Z$"


def ticker_rows(pages: Iterable[Sequence[Row]], place: str) -> pl.DataFrame:
    """Return the vendor's own columns of `reference/tickers`; a row without `active` is active unless delisted.

    `delisted_on` is the New York date of `delisted_utc`; midnight UTC is how the vendor writes a date without a
    time, and means that date. Raises AnswerRefused, naming `place`, when a row has no ticker.
    """
    rows = _frame(pages, [*vendor_columns(TICKERS), "delisted_utc"], "ticker", place)
    delisted = pl.col("delisted_utc").str.strip_chars()
    active = pl.col("active").replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    return rows.with_columns(
        delisted_on=_date_at_the_venue(delisted), active=active.fill_null(delisted.is_null())
    ).select(list(vendor_columns(TICKERS)))


def split_rows(pages: Iterable[Sequence[Row]], place: str) -> pl.DataFrame:
    """Return the vendor's own columns of `reference/splits`. Raises AnswerRefused when a row has no ticker."""
    return _typed(_frame(pages, vendor_columns(SPLITS), "ticker", place), SPLITS)


def dividend_rows(pages: Iterable[Sequence[Row]], place: str) -> pl.DataFrame:
    """Return the vendor's own columns of `reference/dividends`. Raises AnswerRefused when a row has no ticker."""
    return _typed(_frame(pages, vendor_columns(DIVIDENDS), "ticker", place), DIVIDENDS)


def event_rows(securities: Sequence[Row], place: str) -> pl.DataFrame:
    """Return the vendor's own columns of `reference/ticker_events`, from its answer for each of `securities`.

    Other kinds of events than a change of ticker are left out. Raises AnswerRefused when a security has no
    composite_figi or no list of events, or a change of ticker lacks its ticker or its date: with some of its tickers
    missing, a company would look like two.
    """
    changes = [change for security in securities for change in _changes(security, place)]
    return pl.DataFrame(changes, schema=vendor_columns(TICKER_EVENTS), orient="row")


def _changes(security: Row, place: str) -> Iterable[tuple[str, str, date]]:
    figi, events = security.get("composite_figi"), security.get("events")
    if not _is_text(figi) or not isinstance(events, list):
        raise _refused(place, "a security has no composite_figi or no list of events")
    for event in events:
        if not isinstance(event, dict):
            raise _refused(place, f"an event of {figi} is not an object")
        if event.get("type") == "ticker_change":
            yield figi, *_change(event, figi, place)


def _change(event: Row, figi: str, place: str) -> tuple[str, date]:
    change = event.get("ticker_change")
    ticker = change.get("ticker") if isinstance(change, dict) else None
    try:
        since = date.fromisoformat(str(event.get("date")))
    except ValueError:
        since = None
    if not _is_text(ticker) or since is None:
        raise _refused(place, f"a change of ticker of {figi} lacks its ticker or its date")
    return ticker, since


def _frame(pages: Iterable[Sequence[Row]], columns: Iterable[str], needed: str, place: str) -> pl.DataFrame:
    """Return `columns` of all rows as text, page by page; a column that a row does not have is null."""
    names = list(columns)
    frames = [pl.DataFrame(schema=dict.fromkeys(names, pl.String))]
    for page in pages:
        if not all(isinstance(row, dict) and _is_text(row.get(needed)) for row in page):
            raise _refused(place, f"a row is not an object or has no {needed}")
        frames.append(pl.DataFrame([_texts(page, name) for name in names]))
    return pl.concat(frames)


def _texts(rows: Sequence[Row], name: str) -> pl.Series:
    """Return one value of each row as text; a list or an object becomes null."""
    values = [None if isinstance(value := row.get(name), list | dict) else value for row in rows]
    return pl.Series(name, values, pl.String, strict=False)


def _typed(texts: pl.DataFrame, table: Table) -> pl.DataFrame:
    return texts.with_columns(_parsed(name, dtype) for name, dtype in vendor_columns(table).items())


def _parsed(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return the text of a column as `dtype`, null where it does not parse."""
    text = pl.col(name).str.strip_chars()
    if dtype == pl.String:
        return pl.col(name)
    if dtype == pl.Date:
        return pl.when(text.str.contains(_DAY)).then(text.str.to_date("%Y-%m-%d", strict=False)).alias(name)
    number = text.cast(pl.Float64, strict=False)
    finite = pl.when(number.is_finite()).then(number)
    if dtype == pl.Float64:
        return finite.alias(name)
    return pl.when(finite == finite.round()).then(finite.cast(dtype, strict=False)).alias(name)


def _date_at_the_venue(text: pl.Expr) -> pl.Expr:
    day = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    moment = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_zone="UTC", strict=False)
    stated = text.str.contains(_DAY) | text.str.contains(_MIDNIGHT_UTC)
    return pl.when(stated).then(day).otherwise(moment.dt.convert_time_zone(US_STOCKS.zone.key).dt.date())


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip())


def _refused(place: str, fault: str) -> AnswerRefused:
    return AnswerRefused(f"{place}: {fault}.", remedy="Nothing was changed. Try again later, or correct the file.")
