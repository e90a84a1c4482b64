"""Why a purchase, a sale or changed terms cannot be recorded, in words. Pure."""

import re
from datetime import date

from pipeline.contracts.portfolio import POSITIONS
from pipeline.market.portfolio.book import Opening, Sale, Terms
from pipeline.market.portfolio.dust import SMALLEST

LARGEST = 1e12
"""Numbers beyond this are not quantities or prices."""

TICKER = re.compile(r"[!-~]+")


def faults(opening: Opening, latest: date) -> list[str]:
    """Return, in words, why a purchase cannot be recorded; empty when it can. `latest` is the newest session so far."""
    reasons = [] if TICKER.fullmatch(opening.ticker) else ["the ticker is empty, or has spaces or signs beyond ASCII"]
    reasons += _not_positive(quantity=opening.quantity, price=opening.price, stop=opening.stop, target=opening.target)
    reasons += _too_few(opening.quantity)
    reasons += _negative(commission=opening.commission)
    if opening.stop is not None and opening.target is not None and opening.stop >= opening.target:
        reasons.append(f"the stop {opening.stop:g} is not below the target {opening.target:g}")
    return reasons + day_faults(opening.opened, latest)


def sale_faults(sale: Sale, latest: date) -> list[str]:
    """Return, in words, why a sale cannot be recorded with any holdings; empty when it can."""
    reasons = _not_positive(quantity=sale.quantity) + _negative(price=sale.price, commission=sale.commission)
    reasons += _too_few(sale.quantity)
    return reasons + day_faults(sale.closed, latest)


def term_faults(terms: Terms, latest: date) -> list[str]:
    """Return, in words, why terms cannot be set on any position; empty when they can."""
    return _negative(stop=terms.stop, target=terms.target) + day_faults(terms.since, latest)


def day_faults(day: date, latest: date) -> list[str]:
    """Return, in words, why nothing can have been traded on `day`; empty when it can."""
    calendar = POSITIONS.venue.calendar
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


def _too_few(quantity: float | None) -> list[str]:
    is_dust = quantity is not None and 0 < quantity < SMALLEST
    return [f"the quantity {quantity:g} is less than statements print: {SMALLEST:g} is the least"] if is_dust else []


def _negative(**numbers: float | None) -> list[str]:
    return [
        f"the {name} {number:g} is not 0 or more and below {LARGEST:.0e}"
        for name, number in numbers.items()
        if number is not None and not 0 <= number < LARGEST
    ]
