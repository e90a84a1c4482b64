"""Numbers as text on a page: digits, signs, units. A missing number is a dash."""

from decimal import ROUND_HALF_UP, Decimal

from pipeline.market.prices.tolerance import SAME

MISSING = "–"

MINUS = "−"

_TENS = tuple(10**digits for digits in range(16))

_EXACT = 2.0**52
"""Below it a float represents every half exactly."""

_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def fixed(number: float | None, digits: int = 2) -> str:
    """Return a number with so many decimals and thousands separators: `1,234.50`, `−0.07`; never a negative zero.

    It is rounded from all digits, halves away from zero, like JavaScript's `toFixed`.
    """
    if number is None:
        return MISSING
    doubled = number * _TENS[digits] * 2
    # Python's own formatting is much faster, and differs only where a number lies exactly between two that can be
    # shown: there, and only there, twice the number is an odd number of last digits.
    if -_EXACT < doubled < _EXACT and doubled % 2 != 1:
        text = f"{abs(number):,.{digits}f}"
        return f"{MINUS}{text}" if number < 0 and text.strip("0.,") else text
    rounded = Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):,}"


def signed(number: float | None, digits: int = 2) -> str:
    """Return a number with its sign, `+0.90`; zero has none."""
    text = fixed(number, digits)
    return f"+{text}" if number is not None and number > 0 and text.strip("0.,") else text


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share as a percentage with its sign: 0.342 gives `+34.2 %`."""
    return MISSING if share is None else f"{signed(share * 100, digits)} %"


def price_digits(price: float | None) -> int:
    """Return the decimals of a price: four below a dollar, else two."""
    return 2 if price is None or abs(price) >= 1 else 4


def price(amount: float | None) -> str:
    """Return a price in USD: `430.47`, `0.0312`."""
    return fixed(amount, price_digits(amount))


def indicator_digits(close: float | None) -> int:
    """Return the decimals of smaller figures in the unit of the price, such as MACD."""
    return price_digits(close) + 1


def compact(number: float | None) -> str:
    """Return a large number in thousands, millions, billions or trillions: `12.3 M`; below a thousand, whole."""
    if number is None:
        return MISSING
    for unit, letter in _UNITS:
        # From 999.95 on, one decimal shows 1,000.0 of the smaller unit.
        if abs(number) >= unit * 0.99995:
            return f"{fixed(number / unit, 1)} {letter}"
    return fixed(number, 0)


def dollars(amount: float | None) -> str:
    """Return an amount in USD, shortened: `$12.3 M`."""
    return MISSING if amount is None else f"${compact(amount)}"


def plain(number: float | None) -> str:
    """Return a number of unknown unit with four significant digits: `0.2218`, `−0.0001624`; whole from 1,000 on."""
    if number is None or abs(number) >= 1000:
        return fixed(number, 0)
    return f"{number:.4g}".replace("-", MINUS, 1) if number < 0 else f"{number:.4g}"


def quantity(amount: float) -> str:
    """Return a number of shares with the decimals it needs, six at most: `1,200`, `0.5`."""
    text = fixed(amount, 6)
    return text.rstrip("0").rstrip(".")


def tone(number: float | None) -> str:
    """Return `up`, `down` or `flat`: the class for a number's colour."""
    if not number:
        return "flat"
    return "up" if number > 0 else "down"


def distance(price: float | None, level: float | None) -> float | None:
    """Return price ÷ level − 1, 0 when the two are the same price; None when either is missing."""
    if price is None or not level:
        return None
    away = price / level - 1
    return 0.0 if abs(away) <= SAME else away


def rsi_shown(rsi: float | None, close: float, average: float | None) -> float | None:
    """Return an RSI to show; None for the 0 of a price without movement, which is not weakness.

    `average` is the mean close of some bars: a price that really fell at every bar is below it.
    """
    return None if rsi == 0 and distance(close, average) == 0 else rsi
