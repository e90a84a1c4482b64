"""The book: how openings, changes and sales become rows of `portfolio/positions`. No row is rewritten. Pure.

Entries are recorded as typed, in the shares of their day; `lots` works out what follows from them and the splits.
Sales take the oldest positions of a ticker first (FIFO). Selling a part leaves the rest under the position's number;
the part becomes a closed position of its own, with its share of the opening commission. A sale is counted in the shares
of its day: after a 2:1 split, 30 shares bought are 60 shares that can be sold.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime

import polars as pl

from pipeline.contracts.portfolio import POSITIONS
from pipeline.errors import PositionRefused
from pipeline.market.portfolio.dust import is_more
from pipeline.market.portfolio.early_books import with_entries
from pipeline.market.portfolio.levels import NO_DIVIDENDS, TERMS, Actions, term_histories
from pipeline.market.portfolio.lots import Lots, Oversold, Row, SaleEntry
from pipeline.market.securities.listings import NO_LISTINGS
from pipeline.market.securities.names import events_under_security, under_security

NO_SALE: Row = dict.fromkeys(("sale_quantity", "sale_position", "sale_part"))

NO_SPLITS = pl.DataFrame(
    schema={"ticker": pl.String, "execution_date": pl.Date, "split_from": pl.Float64, "split_to": pl.Float64}
)


@dataclass(frozen=True)
class Opening:
    """A purchase. Prices are in USD per share, as traded on the session `opened`."""

    ticker: str
    quantity: float
    price: float
    opened: date
    stop: float | None = None
    target: float | None = None
    commission: float = 0.0
    note: str | None = None
    do_not_reduce: bool | None = None
    """Whether dividends leave its stop and peak as they are."""


_OPENING = {field.name: POSITIONS.columns[field.name] for field in fields(Opening)}


@dataclass(frozen=True)
class Sale:
    """A sale of `quantity` shares (None for all) of `ticker`, or of one `position` in it."""

    ticker: str
    price: float
    closed: date
    quantity: float | None = None
    commission: float = 0.0
    position: int | None = None


@dataclass(frozen=True)
class Terms:
    """Changed terms of a position from a session on: None leaves a term as it is, 0 or an empty note removes it.

    Stop and target are on the shares of that session.
    """

    since: date
    stop: float | None = None
    target: float | None = None
    note: str | None = None
    do_not_reduce: bool | None = None
    """Whether dividends leave stop and peak as they are."""


def in_force(history: pl.DataFrame) -> pl.DataFrame:
    """Return the newest revision of each position that was not removed, by position number."""
    newest = history.sort("position", "revision").unique("position", keep="last", maintain_order=True)
    return newest.filter(pl.col("event") != "removed")


def open_positions(history: pl.DataFrame) -> pl.DataFrame:
    """Return the positions that are not sold, oldest first."""
    return in_force(history).filter(pl.col("closed").is_null()).sort("opened", "position")


def settled(history: pl.DataFrame, splits: pl.DataFrame, listed: pl.DataFrame = NO_LISTINGS) -> pl.DataFrame:
    """Return the book that follows from the typed entries, `splits` and `listed`, whatever was known at recording.

    `splits`: ticker, execution_date, split_from, split_to. `listed` are listings: they say whose splits are those of a
    position. Raises ContractBroken when a ticker has two splits on a day, or a number is impossible.
    """
    return played(history, splits, listed).settled()


def oversold(history: pl.DataFrame, splits: pl.DataFrame, listed: pl.DataFrame = NO_LISTINGS) -> list[Oversold]:
    """Return the sales of more shares than were held by `splits` (as for `settled`), after a split was corrected."""
    return played(history, splits, listed).oversold


def recorded_before(history: pl.DataFrame, opening: Opening) -> int | None:
    """Return the number of a position opened by exactly this purchase and not removed; None if there is none."""
    same = [pl.col(name) == getattr(opening, name) for name in ("ticker", "quantity", "price", "opened")]
    first = history.filter(pl.col("revision") == 1, *same)
    numbers = first.join(in_force(history), on="position", how="semi")["position"].sort()
    return None if numbers.is_empty() else numbers[0]


def with_openings(history: pl.DataFrame, openings: Sequence[Opening], recorded_at: datetime) -> pl.DataFrame:
    """Return `history` and a new position for each of `openings` (which have no `faults`), numbered in their order."""
    rows = pl.DataFrame([asdict(opening) for opening in openings], schema=_OPENING)
    numbered = rows.with_columns(
        position=_next_number(history) + pl.int_range(pl.len()),
        revision=pl.lit(1, pl.Int32),
        event=pl.lit("opened"),
        terms_from=pl.col("opened"),
    )
    return _extended(history, numbered, recorded_at)


def with_sale(
    history: pl.DataFrame,
    splits: pl.DataFrame,
    sale: Sale,
    recorded_at: datetime,
    listed: pl.DataFrame = NO_LISTINGS,
) -> pl.DataFrame:
    """Return `history` with the sale as typed, and the security's positions after it by the known splits.

    `splits`: ticker, execution_date, split_from, split_to; `listed` are listings. Raises PositionRefused when fewer
    shares are held that day, or the ticker means several securities that are held.
    """
    # Reserved even if no part is split off now: splits that become known later may split one off.
    part = None if sale.quantity is None else _next_number(history)
    lots = played(history, splits, listed)
    security = lots.security_sold(sale.ticker, sale.closed, sale.position)
    entry = SaleEntry(
        sale.ticker, security, sale.closed, sale.price, sale.commission, sale.quantity, sale.position, part
    )
    held = sum(shares for _, shares in lots.available(entry))
    if not held or is_more(sale.quantity or 0, held):
        number = "" if sale.position is None else f" in position {sale.position}"
        raise PositionRefused(
            f"{_shares(sale)} {sale.ticker}{number} cannot be sold on {sale.closed}: {held:,.10g} are held then.",
            remedy="`candlelake positions` shows what is held; splits count once they are in reference.splits.",
        )
    sale_columns = {"sale_quantity": sale.quantity, "sale_position": sale.position, "sale_part": part}
    return _extended(history, _revised(history, lots.sell(entry), sale_columns), recorded_at)


def with_terms(  # noqa: PLR0913, PLR0917 (the book, and all that moves its prices)
    history: pl.DataFrame,
    splits: pl.DataFrame,
    position: int,
    terms: Terms,
    recorded_at: datetime,
    dividends: pl.DataFrame = NO_DIVIDENDS,
    listed: pl.DataFrame = NO_LISTINGS,
) -> pl.DataFrame:
    """Return `history` with a position's terms changed; an unchanged stop or target follows splits and dividends.

    `splits`, `dividends` and `listed` are those of `position_marks`. Raises PositionRefused when the position is not
    held, its terms were set for a later session, or its stop would not be below its target.
    """
    lots = played(history, splits, listed)
    book = lots.settled()
    before = _numbered(open_positions(book), position)
    set_for: date = before["terms_from"].item()
    if terms.since < set_for:
        raise PositionRefused(
            f"The terms of position {position} were set for {set_for}, which is after {terms.since}.",
            remedy="Let the new terms hold from that session or a later one.",
        )
    so_far = term_histories(under_security(book, "opened", listed))[position]
    actions = Actions(
        events_under_security(splits, "execution_date", listed),
        events_under_security(dividends, "ex_dividend_date", listed),
    )
    changed = lots.numbered(position).row | {"event": "changed", "terms_from": terms.since}
    for name in TERMS:
        new: float | None = getattr(terms, name)
        if new is None:
            _, typed_on = lots.term(position, name, terms.since)
            changed |= {name: so_far.price(name, actions, terms.since), f"{name}_from": typed_on}
        else:
            changed |= {name: new or None, f"{name}_from": terms.since}
    if terms.note is not None:
        changed["note"] = terms.note or None
    if terms.do_not_reduce is not None:
        changed["do_not_reduce"] = terms.do_not_reduce
    stop, target = changed["stop"], changed["target"]
    if None not in (stop, target) and stop >= target:
        raise PositionRefused(
            f"The stop {stop:g} of position {position} would not be below its target {target:g}.",
            remedy="Change both, or drop one with 0.",
        )
    return _extended(history, _revised(history, [changed]), recorded_at)


def without(
    history: pl.DataFrame,
    position: int,
    recorded_at: datetime,
    splits: pl.DataFrame = NO_SPLITS,
    listed: pl.DataFrame = NO_LISTINGS,
) -> pl.DataFrame:
    """Return `history` with a position, held or sold, marked as recorded by mistake.

    Raises PositionRefused when there is none of this number.
    """
    removed = _numbered(in_force(settled(history, splits, listed)), position).to_dicts()
    return _extended(history, _revised(history, [removed[0] | {"event": "removed"}]), recorded_at)


def _shares(sale: Sale) -> str:
    return "All" if sale.quantity is None else f"{sale.quantity:,.10g}"


def _numbered(positions: pl.DataFrame, position: int) -> pl.DataFrame:
    matching = positions.filter(pl.col("position") == position)
    if matching.is_empty():
        numbers = ", ".join(map(str, positions["position"].to_list()))
        raise PositionRefused(
            f"There is no position {position} to change.",
            remedy=f"Choose one of {numbers}." if numbers else "Nothing is held.",
        )
    return matching


def played(history: pl.DataFrame, splits: pl.DataFrame, listed: pl.DataFrame) -> Lots:
    """Return the positions after every entry of a book. Errors and arguments are those of `settled`."""
    lots = Lots(splits, listed)
    # Which splits were known at the time of an early book is unknown here; callers that know fill in its entries first.
    lots.play(with_entries(history, lambda _: splits))
    return lots


def _revised(history: pl.DataFrame, rows: Sequence[Row], sale: Row = NO_SALE) -> pl.DataFrame:
    """Return `rows` as the next revision of their positions; 1 for new positions."""
    newest = dict(history.group_by("position").agg(pl.col("revision").max()).iter_rows())
    revised = [row | sale | {"revision": newest.get(row["position"], 0) + 1} for row in rows]
    return pl.DataFrame(revised, schema=POSITIONS.columns)


def _next_number(history: pl.DataFrame) -> int:
    return history.select(pl.max_horizontal(pl.col("position", "sale_part").max()).fill_null(0) + 1).item()


def _extended(history: pl.DataFrame, rows: pl.DataFrame, recorded_at: datetime) -> pl.DataFrame:
    """Return `history` and the `rows` of one entry; columns that they lack are null."""
    entry = history.select(pl.col("entry").max().fill_null(0) + 1).item()
    stamped = rows.with_columns(recorded_at=pl.lit(recorded_at), entry=pl.lit(entry))
    columns = [pl.col(name).cast(dtype) for name, dtype in POSITIONS.columns.items() if name in stamped.columns]
    return pl.concat([history, stamped.select(columns)], how="diagonal")
