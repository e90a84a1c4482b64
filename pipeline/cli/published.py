"""Lists as they were first published, for `candlelake candidates --as-published`."""

from datetime import date
from typing import TYPE_CHECKING

from pipeline.cli.terminal import say, say_warning
from pipeline.errors import PermanentError

if TYPE_CHECKING:
    import polars as pl

    from pipeline.lake.tables import Lake
    from pipeline.queries.published_lists import Publication


def first_published(lake: "Lake", session: date) -> "pl.DataFrame":
    """Return the lists of `session` as they were first published, and say when, from what, and what came after.

    They are ranked anew from the versions that were read then. Where that gives another list, since a model was
    changed, it is said, and the list is the one that was stored. Of a list whose version is gone, that is said, and
    the oldest that can be read is shown. Raises PermanentError when nothing was published, VersionGone when none of it
    can be read any more.
    """
    from pipeline.contracts.candidates import CANDIDATES
    from pipeline.queries.published_lists import oldest_readable, publications

    published = publications(lake, session)
    if not published:
        raise PermanentError(
            f"No list of {session} tells what it was made from.",
            remedy=f"It was made before that was recorded; `candlelake run --date {session}` makes it anew.",
        )
    if any(version < published[0].version for version in lake.trail(CANDIDATES).unknown()):
        say_warning("Some commits of stocks.candidates are not known any more: one may have published it earlier.")
    place, committed = oldest_readable(lake, published)
    if place:
        gone = ", ".join(str(one.version) for one in published[:place])
        say_warning(
            f"What was published first can no longer be read (stocks.candidates {gone}): this is writing {place + 1} "
            f"of {len(published)}."
        )
    tell(published[place], len(published))
    compare(lake, published[place], committed)
    return committed


def compare(lake: "Lake", publication: "Publication", committed: "pl.DataFrame") -> None:
    """Say when the models would rank the list otherwise today, or when that cannot be told."""
    from pipeline.errors import VersionGone
    from pipeline.queries.published_lists import ranked_again

    try:
        anew = ranked_again(lake, publication)
    except VersionGone as gone:
        say_warning(f"{gone.message} The list is shown as it was stored, and cannot be ranked anew from it.")
        return
    if not anew.sort("model", "rank").equals(committed):
        say_warning("The models have changed since: this is the list as it was stored, not as they rank it today.")


def tell(publication: "Publication", count: int) -> None:
    """Say when the list was published, from which versions, and how often since."""
    read = ", ".join(
        f"{table} {'(empty)' if version is None else version}" for table, version in publication.read.items()
    )
    again = f"; written {count} times in all" if count > 1 else ""
    say(f"Published {publication.published_at:%Y-%m-%d %H:%M:%S} UTC by run {publication.run_id}{again}.", style="dim")
    say(f"Made from {read}.", style="dim")
