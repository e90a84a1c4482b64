"""Published lists, for `candlelake candidates --as-published`."""

from datetime import date
from typing import TYPE_CHECKING

from pipeline.cli.terminal import say, say_warning
from pipeline.errors import PermanentError

if TYPE_CHECKING:
    import polars as pl

    from pipeline.lake.lake import Lake
    from pipeline.market.market import Market
    from pipeline.queries.published_lists import Publication


def first_published(lake: "Lake", stocks: "Market", session: date) -> "pl.DataFrame":
    """Return the lists of `session` as first published, and report when, from which versions, and how often since.

    They are ranked again from the versions that were read then. When that gives another list, because a model has
    changed, a warning says so, and the result is the stored list. When the version of the first list is gone, a warning
    says so, and the result is the oldest readable list. Raises PermanentError when nothing was published, VersionGone
    when no list is readable.
    """
    from pipeline.contracts.candidates import CANDIDATES
    from pipeline.queries.published_lists import oldest_readable, publications

    published = publications(lake, session)
    if not published:
        raise PermanentError(
            f"No list of {session} says what it was made from.",
            remedy=f"It was made before that was recorded; `candlelake run --date {session}` makes it again.",
        )
    if any(version < published[0].version for version in lake.trail(CANDIDATES).unknown()):
        say_warning("Some commits of stocks.candidates are no longer known: one of them may have published it earlier.")
    place, committed = oldest_readable(lake, published)
    if place:
        gone = ", ".join(str(publication.version) for publication in published[:place])
        say_warning(
            f"The first published list can no longer be read (stocks.candidates {gone}): this is writing {place + 1} "
            f"of {len(published)}."
        )
    report(published[place], len(published))
    compare(lake, stocks, published[place], committed)
    return committed


def compare(lake: "Lake", stocks: "Market", publication: "Publication", committed: "pl.DataFrame") -> None:
    """Warn when the models would rank the list differently today, or when that is unknown."""
    from pipeline.errors import VersionGone
    from pipeline.queries.published_lists import ranked_again

    try:
        ranked = ranked_again(lake, stocks, publication)
    except VersionGone as error:
        say_warning(f"{error.message} The list is shown as it was stored, and cannot be ranked again.")
        return
    # Columns that a version before did not have are null in its lists.
    stored = [name for name in committed.columns if committed[name].null_count() < len(committed)]
    if not ranked.sort("model", "rank").select(stored).equals(committed.select(stored)):
        say_warning("The models have changed since: this is the list as it was stored, not as they rank it today.")


def report(publication: "Publication", count: int) -> None:
    """Report when the list was published, from which versions, and how often since."""
    versions = ", ".join(
        f"{table} {'(empty)' if version is None else version}" for table, version in publication.read.items()
    )
    again = f"; written {count} times in all" if count > 1 else ""
    say(f"Published {publication.published_at:%Y-%m-%d %H:%M:%S} UTC by run {publication.run_id}{again}.", style="dim")
    say(f"Made from {versions}.", style="dim")
