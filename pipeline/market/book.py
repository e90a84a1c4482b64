"""The book: how openings, changes and sales become rows of `portfolio/positions`. No row is rewritten. Pure.

Sales take the oldest positions of a ticker first (FIFO). Selling a part leaves the rest under the position's number;
the part becomes a closed position of its own, with its share of the opening commission. What is sold is counted in the
shares of the day of the sale: after a 2:1 split, 30 shares bought are 60 that can be sold.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime

import polars as pl

from pipeline.contracts.portfolio import POSITIONS
from pipeline.errors import PositionRefused
from pipeline.market.calendar import new_york
from pipeline.market.splits import RATIO, products_between, require_sound

ROUNDING = 1e-9
"""A rest smaller than this share of a position is the rounding of a split, and no rest."""

LARGEST = 1e12
"""Numbers beyond this are no quantities or prices."""

TICKER = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Opening:
    """A purchase. Prices are in USD a share, as traded on the session `opened`."""

    ticker: str
    quantity: float
    price: float
    opened: date
    stop: float | None = None
    target: float | None = None
    commission: float = 0.0
    note: str | None = None


_OPENING = {field.name: POSITIONS.columns[field.name] for field in fields(Opening)}


@dataclass(frozen=True)
class Sale:
    """A sale of `quantity` shares, or of all that is held when None, of `ticker` or of one `position` in it."""

    ticker: str
    price: float
    closed: date
    quantity: float | None = None
    commission: float = 0.0
    position: int | None = None


@dataclass(frozen=True)
class Terms:
    """What of a position is changed from a session on: None leaves it as it is, 0 or an empty note drops it.

    Stop and target are on the shares of that session.
    """

    since: date
    stop: float | None = None
    target: float | None = None
    note: str | None = None


def in_force(history: pl.DataFrame) -> pl.DataFrame:
    """Return the newest revision of each position that was not removed, by its number."""
    newest = history.sort("position", "revision").unique("position", keep="last", maintain_order=True)
    return newest.filter(pl.col("event") != "removed")


def held(history: pl.DataFrame) -> pl.DataFrame:
    """Return the positions that are not sold, in the order in which they were opened."""
    return in_force(history).filter(pl.col("closed").is_null()).sort("opened", "position")


def shares_become(rows: pl.DataFrame, splits: pl.DataFrame, *, since: pl.Expr, until: pl.Expr) -> pl.Series:
    """Return, for each of `rows` (with ticker), how many shares of the day `until` one of the day `since` has become.

    `splits`: ticker, execution_date, split_from, split_to. Raises ContractBroken when they repeat a ticker's day or
    have an impossible number.
    """
    events = require_sound(splits, "execution_date", RATIO).rename({"execution_date": "day"})
    product = products_between(events, rows.select("ticker", since=since, until=until), RATIO)
    return product["split_to"] / product["split_from"]


def faults(opening: Opening, latest: date) -> list[str]:
    """Return, in words, why a purchase cannot be recorded; empty when it can. `latest` is the newest session so far."""
    found = [] if TICKER.fullmatch(opening.ticker) else ["the ticker is empty, or has spaces or signs beyond ASCII"]
    found += _not_positive(quantity=opening.quantity, price=opening.price, stop=opening.stop, target=opening.target)
    found += _negative(commission=opening.commission)
    if opening.stop is not None and opening.target is not None and opening.stop >= opening.target:
        found.append(f"the stop {opening.stop:g} is not below the target {opening.target:g}")
    return found + day_faults(opening.opened, latest)


def sale_faults(sale: Sale, latest: date) -> list[str]:
    """Return, in words, why a sale cannot be recorded, whatever is held; empty when it can."""
    found = _not_positive(quantity=sale.quantity) + _negative(price=sale.price, commission=sale.commission)
    return found + day_faults(sale.closed, latest)


def term_faults(terms: Terms, latest: date) -> list[str]:
    """Return, in words, why terms cannot be set, whatever is held; empty when they can."""
    return _negative(stop=terms.stop, target=terms.target) + day_faults(terms.since, latest)


def day_faults(day: date, latest: date) -> list[str]:
    """Return, in words, why nothing can have been traded on `day`; empty when it can."""
    calendar = new_york()
    if day < calendar.first:
        return [f"{day} lies before the exchange's calendar, which begins on {calendar.first}"]
    if day > latest:
        return [f"{day} is yet to come; the latest session is {latest}"]
    if not calendar.is_session(day):
        before = calendar.at_or_before(day)
        around = f"{before} and {calendar.offset(before, 1)}"
        return [f"{day} is a {day:%A} without trading; the sessions around it are {around}"]
    return []


def _not_positive(**numbers: float | None) -> list[str]:
    return [
        f"the {name} {number:g} is not above 0 and below {LARGEST:.0e}"
        for name, number in numbers.items()
        if number is not None and not 0 < number < LARGEST
    ]


def _negative(**numbers: float | None) -> list[str]:
    return [
        f"the {name} {number:g} is not 0 or more and below {LARGEST:.0e}"
        for name, number in numbers.items()
        if number is not None and not 0 <= number < LARGEST
    ]


def recorded_before(history: pl.DataFrame, opening: Opening) -> int | None:
    """Return the number of a position that was opened by just this purchase and not removed; None without one."""
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


def with_sale(history: pl.DataFrame, splits: pl.DataFrame, sale: Sale, recorded_at: datetime) -> pl.DataFrame:
    """Return `history` with what the sale leaves of the ticker's positions.

    `splits`: ticker, execution_date, split_from, split_to. Raises PositionRefused when less is held on that day.
    """
    sold = _sold(_sellable(history, splits, sale), sale)
    whole = pl.col("rest") <= ROUNDING * pl.col("quantity")
    part = pl.col("sold") / pl.col("quantity")
    closing = {
        "closed": pl.lit(sale.closed),
        "closing_price": pl.lit(sale.price),
        "closing_commission": sale.commission * pl.col("taken") / pl.col("taken").sum(),
    }
    revised = sold.with_columns(pl.col("revision") + 1, **closing)
    in_full = revised.filter(whole).with_columns(event=pl.lit("closed"))
    partly = revised.filter(~whole)
    rest = partly.with_columns(
        *(pl.lit(None).alias(name) for name in closing),
        event=pl.lit("reduced"),
        quantity="rest",
        commission=pl.col("commission") * (1 - part),
    )
    split_off = partly.with_columns(
        split_off_from="position",
        position=_next_number(history) + pl.int_range(pl.len()),
        revision=pl.lit(1, pl.Int32),
        event=pl.lit("closed"),
        quantity="sold",
        commission=pl.col("commission") * part,
    )
    return _extended(history, pl.concat([in_full, rest, split_off], how="diagonal_relaxed"), recorded_at)


def with_terms(
    history: pl.DataFrame, splits: pl.DataFrame, position: int, terms: Terms, recorded_at: datetime
) -> pl.DataFrame:
    """Return `history` with a position's stop, target or note changed; a stop or target that stays follows the splits.

    Raises PositionRefused when it is not held, its terms were set for a later session, or its stop would not be below
    its target.
    """
    before = _numbered(held(history), position)
    set_for: date = before["terms_from"].item()
    if terms.since < set_for:
        raise PositionRefused(
            f"The terms of position {position} were set for {set_for}, which is after {terms.since}.",
            remedy="Let the new terms hold from that session or a later one.",
        )
    ratio = shares_become(before, splits, since=pl.col("terms_from"), until=pl.lit(terms.since))
    changed = before.with_columns(
        pl.col("revision") + 1,
        event=pl.lit("changed"),
        stop=_term(terms.stop, pl.col("stop") / ratio),
        target=_term(terms.target, pl.col("target") / ratio),
        note=pl.col("note") if terms.note is None else pl.lit(terms.note or None, pl.String),
        terms_from=pl.lit(terms.since),
    )
    stop, target = changed.select("stop", "target").row(0)
    if None not in (stop, target) and stop >= target:
        raise PositionRefused(
            f"The stop {stop:g} of position {position} would not be below its target {target:g}.",
            remedy="Change both, or drop one with 0.",
        )
    return _extended(history, changed, recorded_at)


def without(history: pl.DataFrame, position: int, recorded_at: datetime) -> pl.DataFrame:
    """Return `history` with a position, held or sold, marked as recorded by mistake.

    Raises PositionRefused when there is none of this number.
    """
    removed = _numbered(in_force(history), position).with_columns(pl.col("revision") + 1, event=pl.lit("removed"))
    return _extended(history, removed, recorded_at)


def _sellable(history: pl.DataFrame, splits: pl.DataFrame, sale: Sale) -> pl.DataFrame:
    """Return the positions that the sale can take from, with `ratio`, new shares for one bought, and `available`."""
    lots = held(history).filter(pl.col("ticker") == sale.ticker, pl.col("opened") <= sale.closed)
    if sale.position is not None:
        lots = lots.filter(pl.col("position") == sale.position)
    ratio = shares_become(lots, splits, since=pl.col("opened"), until=pl.lit(sale.closed))
    on_day = lots.with_columns(ratio=ratio)
    available = on_day.with_columns(available=pl.col("quantity") * pl.col("ratio"))
    shares: float = available.select(pl.col("available").sum()).item()
    if lots.is_empty() or (sale.quantity or 0) > shares * (1 + ROUNDING):
        number = "" if sale.position is None else f" in position {sale.position}"
        raise PositionRefused(
            f"{_shares(sale)} {sale.ticker}{number} cannot be sold on {sale.closed}: {shares:,.10g} are held then.",
            remedy="`candlelake positions` shows what is held; splits count once they are in reference.splits.",
        )
    return available


def _shares(sale: Sale) -> str:
    return "All" if sale.quantity is None else f"{sale.quantity:,.10g}"


def _sold(lots: pl.DataFrame, sale: Sale) -> pl.DataFrame:
    """Return the lots that are sold from, the oldest first, with the shares `taken` and, in opening shares, `sold`."""
    before = pl.col("available").cum_sum() - pl.col("available")
    wanted = lots["available"].sum() if sale.quantity is None else sale.quantity
    taken = lots.with_columns(taken=pl.min_horizontal(wanted - before, "available")).filter(pl.col("taken") > 0)
    sold = taken.with_columns(sold=pl.col("taken") / pl.col("ratio"))
    return sold.with_columns(rest=pl.col("quantity") - pl.col("sold"))


def _numbered(positions: pl.DataFrame, position: int) -> pl.DataFrame:
    found = positions.filter(pl.col("position") == position)
    if found.is_empty():
        numbers = ", ".join(map(str, positions["position"].to_list()))
        raise PositionRefused(
            f"There is no position {position} to change.",
            remedy=f"Choose one of {numbers}." if numbers else "Nothing is held.",
        )
    return found


def _term(new: float | None, old: pl.Expr) -> pl.Expr:
    return old if new is None else pl.lit(new or None, pl.Float64)


def _next_number(history: pl.DataFrame) -> int:
    return history.select(pl.col("position").max().fill_null(0) + 1).item()


def _extended(history: pl.DataFrame, rows: pl.DataFrame, recorded_at: datetime) -> pl.DataFrame:
    """Return `history` and `rows`, what these do not say null."""
    told = rows.with_columns(recorded_at=pl.lit(recorded_at))
    known = [pl.col(name).cast(dtype) for name, dtype in POSITIONS.columns.items() if name in told.columns]
    return pl.concat([history, told.select(known)], how="diagonal")
