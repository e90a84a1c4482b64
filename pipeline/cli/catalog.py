"""The DuckDB catalog of a home that was moved or copied: it names the tables by absolute paths."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.terminal import one_line, say_warning

if TYPE_CHECKING:
    from pipeline.settings import Settings


def keep_catalog_here(settings: "Settings") -> None:
    """Write the catalog again if it names the tables at the home's earlier place; warn when that fails."""
    from pipeline.errors import CandlelakeError
    from pipeline.lake.sql.catalog_mark import names_another_place

    lake = settings.lake
    try:
        if isinstance(lake, Path) and names_another_place(settings.catalog, str(lake.expanduser().resolve())):
            renew_catalog(settings)
    except (CandlelakeError, OSError) as failed:
        why = one_line(str(failed))
        say_warning(f"{settings.catalog} names the tables of another place, and cannot be written: {why}")


def renew_catalog(settings: "Settings") -> None:
    """Write the catalog of the lake that `settings` name. Raises PlaceFailed or OSError when it cannot be written."""
    from pipeline.lake.lake import Lake
    from pipeline.lake.sql.catalog import write_catalog

    write_catalog(Lake(settings.lake), settings.catalog)
