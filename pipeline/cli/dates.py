"""Dates on the command line."""

from datetime import date

import typer


def parse_date(text: str) -> date:
    """Return the date written as YYYY-MM-DD; anything else is a wrong call (exit code 2)."""
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{text!r} is no date; write it like 2024-01-05.") from wrong
