"""The declarations in force for a user's settings: those that candlelake ships, and the user's own."""

import warnings
from functools import cache

from pipeline.market.built_in import BUILT_IN
from pipeline.market.declarations import Declarations
from pipeline.market.market import Market, market_of
from pipeline.mine.folder import MineFile, files_in, is_allowed
from pipeline.mine.loading import DeclaredFile, with_files
from pipeline.settings import Settings
from pipeline.venues.us_stocks import US_STOCKS


class MineSwitchedOff(UserWarning):
    """There are declarations that do not run, since nobody has allowed them on this computer."""


def stocks_of(settings: Settings) -> Market:
    """Return the market of US stocks with the declarations in force.

    Warns when the user's folder has files that are not allowed here. Raises MineError when one of them fails.
    """
    files = files_in(settings.mine)
    if files and not is_allowed(settings.mine):
        warnings.warn(switched_off(settings, files), MineSwitchedOff, stacklevel=2)
        files = ()
    return market_of(US_STOCKS, _together(BUILT_IN, files)[0] if files else BUILT_IN)


def declared_files(settings: Settings) -> list[DeclaredFile]:
    """Return what each of the user's files declares. Raises MineError when one of them fails."""
    return _together(BUILT_IN, files_in(settings.mine))[1]


def switched_off(settings: Settings, files: tuple[MineFile, ...]) -> str:
    """Return the warning that the user's files do not run yet."""
    names = ", ".join(file.name for file in files[:3]) + (" …" if len(files) > 3 else "")
    return (
        f"{settings.mine} holds code that does not run: {names}. Nobody has allowed it on this computer. Read it, then "
        "`candlelake mine allow` switches it on."
    )


@cache
def _together(built_in: Declarations, files: tuple[MineFile, ...]) -> tuple[Declarations, list[DeclaredFile]]:
    return with_files(built_in, files)
