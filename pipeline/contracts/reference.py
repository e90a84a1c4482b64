"""`reference/…`: the vendor's tickers, splits, dividends and renames, and when each row was seen or withdrawn.

Every table is refreshed in full, and nothing is forgotten: a row that the vendor changes or withdraws stays, with the
moment from which it no longer holds. The rows that hold now are those without `withdrawn_at`.
"""

import pandera.polars as pa
import polars as pl

from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS

DOUBTS = {
    "rejected": "You ruled that there was no such split (`reference.split_rulings`).",
    "unreadable": "A number or a date that the event needs is missing or cannot be read.",
    "not_positive": "A side of the ratio, or the amount, is zero or negative.",
    "implausible": "The ratio is beyond 10,000 to 1 or 1 to 10,000.",
    "conflicting": "The vendor gives several ratios for the same ticker and day.",
    "repeated": "The vendor gives the same event again under another id; the first counts.",
    "not_usd": "The dividend is not paid in US dollars.",
    "repeated_nearby": "The vendor gives the same regular dividend for another day close before; that one counts.",
    "replaced": "The vendor gives several regular dividends for one day; the one it gave last counts, or the largest.",
}
"""Why an event is not applied to prices: reason code to meaning."""

SETTLED = ("rejected", "repeated", "repeated_nearby", "replaced")
"""Doubts that leave open neither what happened nor what is applied: another row or the user's ruling says it."""

RULINGS = {
    "confirmed": "The vendor tells this split, and you say that it is right.",
    "rejected": "You say that there was no such split.",
    "added": "You say that there was this split, which the vendor does not tell.",
}
"""What the user has ruled on a split: code to meaning."""

Moment = pl.Datetime("us", "UTC")

KNOWN = ("first_seen_at", "last_seen_at", "withdrawn_at")
"""Columns with the times at which a row was part of the vendor's answer."""

JUDGED = ("doubt", "ruling")
"""Columns that say what we and the user make of the vendor's statement."""


class _Known(pa.DataFrameModel):
    """When a row was part of the vendor's answer."""

    first_seen_at: Moment = pa.Field(description="Refresh (UTC) at which the vendor first said exactly this.")  # type: ignore[valid-type]
    last_seen_at: Moment = pa.Field(description="Newest refresh (UTC) at which the vendor said exactly this.")  # type: ignore[valid-type]
    withdrawn_at: Moment = pa.Field(  # type: ignore[valid-type]
        nullable=True, description="First refresh (UTC) at which it was gone or changed; null while it holds."
    )

    @pa.dataframe_check(name="seen_before_withdrawn")
    def _in_order(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        first, last, withdrawn = pl.col("first_seen_at"), pl.col("last_seen_at"), pl.col("withdrawn_at")
        return data.lazyframe.select((first <= last) & (withdrawn.is_null() | (last < withdrawn)))


class Security(_Known):
    """One listing of a security under one ticker."""

    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    name: str = pa.Field(nullable=True, description="Name of the company or fund.")
    market: str = pa.Field(nullable=True, description="Kind of market, such as stocks.")
    locale: str = pa.Field(nullable=True, description="Country of the market, such as us.")
    primary_exchange: str = pa.Field(nullable=True, description="ISO 10383 code of the exchange it is listed on.")
    type: str = pa.Field(nullable=True, description="The vendor's code of its type: CS, ETF, ADRC, WARRANT …")
    active: bool = pa.Field(description="Whether it is listed.")
    currency_name: str = pa.Field(nullable=True, description="Currency it trades in.")
    cik: str = pa.Field(nullable=True, description="SEC's number of the company.")
    composite_figi: str = pa.Field(nullable=True, description="FIGI of the security in its country; survives a rename.")
    share_class_figi: str = pa.Field(nullable=True, description="FIGI of the share class.")
    delisted_on: pl.Date = pa.Field(nullable=True, description="Day from which it is no longer listed (New York).")


class Split(_Known):
    """A split or stock dividend: `split_from` old shares become `split_to` new ones before `execution_date` opens."""

    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    execution_date: pl.Date = pa.Field(nullable=True, description="First day that trades in new shares.")
    split_from: float = pa.Field(nullable=True, description="Old shares.")
    split_to: float = pa.Field(nullable=True, description="New shares.")
    adjustment_type: str = pa.Field(nullable=True, description="forward_split, reverse_split or stock_dividend.")
    id: str = pa.Field(nullable=True, description="The vendor's id of the event.")
    doubt: str = pa.Field(
        nullable=True, isin=list(DOUBTS), description="Why it is not applied; null when it is: " + ", ".join(DOUBTS)
    )
    ruling: str = pa.Field(
        nullable=True, isin=list(RULINGS), description="Your own word on it; null without one: " + ", ".join(RULINGS)
    )


class Dividend(_Known):
    """A cash dividend."""

    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    ex_dividend_date: pl.Date = pa.Field(nullable=True, description="First day that trades without the dividend.")
    cash_amount: float = pa.Field(nullable=True, description="Cash a share, in `currency`, as of the ex-date's shares.")
    currency: str = pa.Field(nullable=True, description="ISO 4217 code.")
    declaration_date: pl.Date = pa.Field(nullable=True, description="Day on which it was announced.")
    record_date: pl.Date = pa.Field(nullable=True, description="Day whose holders are paid.")
    pay_date: pl.Date = pa.Field(nullable=True, description="Day of payment.")
    frequency: pl.Int64 = pa.Field(nullable=True, description="Payments a year; 0 for a single one.")
    distribution_type: str = pa.Field(nullable=True, description="recurring, special, supplemental, irregular …")
    id: str = pa.Field(nullable=True, description="The vendor's id of the event.")
    doubt: str = pa.Field(
        nullable=True, isin=list(DOUBTS), description="Why it is not applied; null when it is: " + ", ".join(DOUBTS)
    )


class TickerEvent(_Known):
    """A ticker that a security took."""

    composite_figi: str = pa.Field(str_length={"min_value": 1}, description="FIGI of the security.")
    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker it took; case matters.")
    since: pl.Date = pa.Field(description="First day under that ticker.")


def _vendor_names(model: type[pa.DataFrameModel]) -> tuple[str, ...]:
    """Return the names of the columns that come from the vendor."""
    return tuple(name for name in model.to_schema().columns if name not in (*KNOWN, *JUDGED))


def _refreshed_table(name: str, model: type[pa.DataFrameModel], description: str, *, counted_as: str) -> Table:
    schema = model.to_schema()
    known = {column: schema.columns.pop(column) for column in KNOWN}
    schema.columns |= known
    return Table(
        venue=US_STOCKS,
        area="reference",
        name=name,
        schema=schema,
        # A changed statement is another row, and so is one that is withdrawn and made again.
        key=(*_vendor_names(model), "first_seen_at"),
        description=description,
        may_be_empty=True,
        session=None,
        counted_as=counted_as,
    )


TICKERS = _refreshed_table(
    "tickers",
    Security,
    "Securities listed and delisted: type, exchange, FIGI, day of delisting; with what the vendor said before.",
    counted_as="tickers",
)
SPLITS = _refreshed_table(
    "splits",
    Split,
    "Splits as the vendor tells them and as you ruled; those in doubt are marked and not applied. With what was said "
    "before.",
    counted_as="splits",
)
DIVIDENDS = _refreshed_table(
    "dividends",
    Dividend,
    "Cash dividends as the vendor tells them, those in doubt marked and not applied; with what it said before.",
    counted_as="dividends",
)
TICKER_EVENTS = _refreshed_table(
    "ticker_events",
    TickerEvent,
    "Tickers that each security took, and since when: follows a renamed company through its tickers.",
    counted_as="renames",
)


def vendor_columns(table: Table) -> dict[str, pl.DataType]:
    """Return the columns of a reference table that come from the vendor, with their types."""
    return {name: dtype for name, dtype in table.columns.items() if name not in (*KNOWN, *JUDGED)}


REFERENCE_TABLES = (TICKERS, SPLITS, DIVIDENDS, TICKER_EVENTS)
