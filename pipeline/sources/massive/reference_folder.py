"""Reference data in a folder: the vendor's REST answers as files, such as those of the samples."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pipeline.contracts.foreign_json import NotJson, from_json
from pipeline.contracts.reference import TICKER_EVENTS, vendor_columns
from pipeline.errors import AnswerRefused, SettingsError
from pipeline.sources.massive.reference import TickerEvents
from pipeline.sources.massive.reference_rows import Row, dividend_rows, event_rows, split_rows, ticker_rows

TICKERS_FILE, SPLITS_FILE, DIVIDENDS_FILE = "tickers.json", "splits.json", "dividends.json"
TICKER_EVENTS_FILE = "ticker_events.json"
"""Optional; its `results` are those of `/vX/reference/tickers/{id}/events`, one object for each security."""


class FolderReference:
    """Reference data from a folder of files, each a whole answer with all rows under `results`.

    Raises SettingsError when a file is missing or may not be read, AnswerRefused when it is not such an answer or only
    its first page.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()

    def __repr__(self) -> str:
        return f"the folder {self.folder}"

    def tickers(self) -> pl.DataFrame:
        """Return every security, listed and delisted."""
        return ticker_rows([self._results(TICKERS_FILE)], self._place(TICKERS_FILE))

    def splits(self) -> pl.DataFrame:
        """Return every split."""
        return split_rows([self._results(SPLITS_FILE)], self._place(SPLITS_FILE))

    def dividends(self) -> pl.DataFrame:
        """Return every cash dividend."""
        return dividend_rows([self._results(DIVIDENDS_FILE)], self._place(DIVIDENDS_FILE))

    def ticker_events(self, figis: Sequence[str]) -> TickerEvents:  # noqa: ARG002 (the file has all)
        """Return the tickers that every security of the file took; without the file, no rows."""
        if not (self.folder / TICKER_EVENTS_FILE).exists():
            return TickerEvents(pl.DataFrame(schema=vendor_columns(TICKER_EVENTS)), figis=())
        return TickerEvents(event_rows(self._results(TICKER_EVENTS_FILE), self._place(TICKER_EVENTS_FILE)), figis=None)

    def _results(self, name: str) -> list[Row]:
        place = self._place(name)
        try:
            answer = from_json((self.folder / name).read_bytes())
        except OSError as unreadable:
            raise SettingsError(
                f"{place} cannot be read: {unreadable.strerror}.",
                remedy=f"Put the vendor's answers there: {SPLITS_FILE}, {DIVIDENDS_FILE}, {TICKERS_FILE}; or set "
                "CANDLELAKE_REFERENCE to the folder that has them.",
            ) from unreadable
        except NotJson as invalid:
            raise _refused(place, f"is not JSON ({invalid})") from invalid
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
            raise _refused(place, "is not an answer with a list of objects as `results`")
        if answer.get("next_url") is not None:
            raise _refused(place, "is one page of several: it has a next_url")
        return results

    def _place(self, name: str) -> str:
        return str(self.folder / name)


def _refused(place: str, fault: str) -> AnswerRefused:
    return AnswerRefused(f"{place} {fault}.", remedy="Put the whole answer there, all pages' results in one list.")
