"""Day files of several sessions, read and judged in one go: that takes half of what one after the other does.

It is for the files that need nothing else, which are nearly all: in the vendor's columns, plain, sorted, and without
fault from the first row to the last. Any other is cleaned by itself. What becomes of a file is the same either way.
"""

from collections.abc import Sequence

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.market.clean import let_in_whole
from pipeline.sources.aggregates_text import SCHEMA, Text
from pipeline.sources.cleaned_day import CleanedDay, Delivery
from pipeline.sources.day_aggs import clean_day_text, day_text

_NOTHING = QUARANTINE.empty()


def clean_day_files(files: Sequence[Delivery], max_bad_share: float = 0.2) -> list[CleanedDay]:
    """Return what `clean_day_file` does of each of `files`, in order. Raises FileRefused as it does."""
    texts = [day_text(file.data, file.session, file.key) for file in files]
    whole = _let_in_whole(files, texts)
    return [
        _all_kept(whole[at]) if at in whole else clean_day_text(text, file.session, file.key, file.etag, max_bad_share)
        for at, (file, text) in enumerate(zip(files, texts, strict=True))
    ]


def _all_kept(bars: pl.DataFrame) -> CleanedDay:
    return CleanedDay(bars, _NOTHING, len(bars), len(bars), duplicates=0, quarantined=0, extra_columns=())


def _let_in_whole(files: Sequence[Delivery], texts: Sequence[Text]) -> dict[int, pl.DataFrame]:
    """Return the bars of the files all of whose rows are let in as they stand, by their place among `files`."""
    usual = [at for at, text in enumerate(texts) if text.header == tuple(SCHEMA)]
    lengths = {at: lines for at in usual if (lines := texts[at].plain_lines())}
    rows = _rows_together([texts[at] for at in lengths])
    if rows is None or len(rows) != sum(lengths.values()):
        return {}
    judged, is_whole = let_in_whole(rows, list(lengths.values()), [files[at].session for at in lengths])
    bars = judged.select(list(DAILY_BARS.columns))
    found, begin = {}, 0
    for (at, length), whole in zip(lengths.items(), is_whole, strict=True):
        if whole:
            found[at] = bars.slice(begin, length)
        begin += length
    return found


def _rows_together(texts: Sequence[Text]) -> pl.DataFrame | None:
    """Return the rows of plain files in the vendor's columns, one file after the other; None where there are none.

    What is unreadable is null. So is what a line lacks: where one has too many cells, which are cut off here, another
    of the same file has too few, or the file would not be plain.
    """
    if not texts:
        return None
    try:
        return pl.read_csv(
            [text.readable for text in texts],
            has_header=False,
            skip_lines=1,
            schema=SCHEMA,
            quote_char=None,
            ignore_errors=True,
            truncate_ragged_lines=True,
        )
    except pl.exceptions.PolarsError:
        return None  # Each by itself tells what it is.
