"""Dates on the command line. A date that can never be right is a wrong call, with exit code 2."""

from datetime import date

import typer


def parse_date(text: str) -> date:
    """Return the date written as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{text!r} is not a date; write it like 2024-01-05.") from wrong


def require_session(day: date, hint: str = "'--date'") -> None:
    """Return if the exchange trades on `day`; otherwise raise typer.BadParameter with the sessions around it.

    `hint` names the option or argument.
    """
    from pipeline.venues.us_stocks import US_STOCKS

    calendar = US_STOCKS.calendar
    if not calendar.first < day < calendar.last:
        raise typer.BadParameter(
            f"the exchange's calendar reaches from {calendar.first} to {calendar.last}; {day} lies outside.",
            param_hint=hint,
        )
    if calendar.is_session(day):
        return
    before = calendar.at_or_before(day)
    raise typer.BadParameter(
        f"{day} is a {day:%A} without trading; the sessions around it are {before} and {calendar.offset(before, 1)}.",
        param_hint=hint,
    )


def require_order(start: date, end: date) -> None:
    """Return if `start` … `end` is a range; otherwise raise typer.BadParameter."""
    if start > end:
        raise typer.BadParameter(f"{end} lies before --start {start}.", param_hint="'--end'")
