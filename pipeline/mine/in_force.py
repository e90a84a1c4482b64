"""The declarations in force for a user's settings: those that candlelake ships, and the user's own."""

import warnings
from functools import cache

from pipeline.errors import MineError
from pipeline.market.built_in import BUILT_IN
from pipeline.market.declarations import Declarations
from pipeline.market.market import Market, market_of
from pipeline.mine.folder import MineFile, files_in, is_allowed, names_in
from pipeline.mine.loading import DeclaredFile, with_files
from pipeline.settings import Settings
from pipeline.venues.us_stocks import US_STOCKS


class MineSwitchedOff(UserWarning):
    """There are declarations that do not run, since nobody has allowed them on this computer."""


_WARNED = set[str]()
"""Warnings that were given in this process."""


def stocks_of(settings: Settings) -> Market:
    """Return the market of US stocks with the declarations in force.

    Warns once when the user's folder has files that are not allowed here. Raises MineError when one of them fails.
    """
    if is_switched_off(settings):
        if (words := switched_off(settings)) not in _WARNED:
            _WARNED.add(words)
            warnings.warn(words, MineSwitchedOff, stacklevel=2)
        return market_of(US_STOCKS, BUILT_IN)
    files = files_in(settings.mine)
    return market_of(US_STOCKS, _together(BUILT_IN, files)[0] if files else BUILT_IN)


def require_switched_on(settings: Settings) -> None:
    """Return if no declaration is switched off. Raises MineError: a run without them would take their lists away."""
    if is_switched_off(settings):
        raise MineError(
            f"{settings.mine} has code that nobody has allowed here. A run without it would remove its columns.",
            remedy="Read it, then `candlelake mine allow` switches it on; or move the files out of the folder.",
        )


def declared_files(settings: Settings) -> list[DeclaredFile]:
    """Return what each of the user's files declares. Raises MineError when one of them fails."""
    return _together(BUILT_IN, files_in(settings.mine))[1]


def is_switched_off(settings: Settings) -> bool:
    """Return whether the user's folder has files that nobody has allowed here; none of them is opened."""
    return bool(names_in(settings.mine)) and not is_allowed(settings.mine)


def switched_off(settings: Settings) -> str:
    """Return the warning that the user's files do not run yet."""
    names = names_in(settings.mine)
    shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return (
        f"{settings.mine} has code that does not run: {shown}. Nobody has allowed it on this computer. Read it, then "
        "`candlelake mine allow` switches it on."
    )


@cache
def _together(built_in: Declarations, files: tuple[MineFile, ...]) -> tuple[Declarations, list[DeclaredFile]]:
    return with_files(built_in, files)
