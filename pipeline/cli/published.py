"""Lists as they were first published, for `candlelake candidates --as-published`."""

from datetime import date
from typing import TYPE_CHECKING

from pipeline.cli.terminal import say, say_warning
from pipeline.errors import PermanentError

if TYPE_CHECKING:
    import polars as pl

    from pipeline.lake.tables import Lake
    from pipeline.publication import Publication


def first_published(lake: "Lake", session: date) -> "pl.DataFrame":
    """Return the lists of `session` as they were first published, and say when, from what, and what came after.

    They are ranked anew from the versions that were read then. Where that gives another list, since a model was
    changed, it is said, and the list is the one that was stored. Raises PermanentError when nothing was published.
    """
    from pipeline.publication import as_committed, publications, ranked_anew

    published = publications(lake, session)
    if not published:
        raise PermanentError(
            f"No list of {session} tells what it was made from.",
            remedy=f"It was made before that was recorded; `candlelake run --date {session}` makes it anew.",
        )
    first = published[0]
    committed = as_committed(lake, first)
    tell(first, len(published))
    if not ranked_anew(lake, first).sort("model", "rank").equals(committed):
        say_warning("The models have changed since: this is the list as it was stored, not as they rank it today.")
    return committed


def tell(publication: "Publication", count: int) -> None:
    """Say when the list was published, from which versions, and how often since."""
    read = ", ".join(
        f"{table} {'(empty)' if version is None else version}" for table, version in publication.read.items()
    )
    again = f"; written {count} times in all" if count > 1 else ""
    say(f"Published {publication.published_at:%Y-%m-%d %H:%M:%S} UTC by run {publication.run_id}{again}.", style="dim")
    say(f"Made from {read}.", style="dim")
