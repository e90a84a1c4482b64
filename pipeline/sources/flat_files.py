"""The vendor's dated flat files, wherever they are kept, and the questions asked of them."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Dataset(StrEnum):
    """A dataset of the vendor, named by its key prefix."""

    DAY_AGGS = "us_stocks_sip/day_aggs_v1"
    MINUTE_AGGS = "us_stocks_sip/minute_aggs_v1"
    TRADES = "us_stocks_sip/trades_v1"
    QUOTES = "us_stocks_sip/quotes_v1"


@dataclass(frozen=True)
class FlatFile:
    """A published version of one dated file, as a listing shows it."""

    dataset: Dataset
    session: date
    key: str
    size: int
    etag: str
    last_modified: datetime
    """UTC, aware."""


@dataclass(frozen=True)
class Download:
    """A fetched file whose bytes were verified against the listing."""

    file: FlatFile
    path: Path
    sha256: str


class FlatFiles(Protocol):
    """A source of flat files."""

    def files(self, dataset: Dataset, start: date | None = None, end: date | None = None) -> list[FlatFile]:
        """Return the published files dated `start` … `end` (both included, open when None), oldest first."""

    def file(self, dataset: Dataset, session: date) -> FlatFile:
        """Return the published file of one session. Raises NotPublished when there is none."""

    def download(self, file: FlatFile, path: Path) -> Download:
        """Bring exactly this version of `file` to `path`, whole and verified, or raise and leave `path` as it was."""


def key_of(dataset: Dataset, session: date) -> str:
    """Return the vendor's key: `us_stocks_sip/day_aggs_v1/2024/01/2024-01-05.csv.gz`."""
    return f"{dataset}/{session:%Y/%m}/{session.isoformat()}.csv.gz"
