"""A tiny vendor for tests: day files written row by row, in the vendor's format, in a folder of the vendor's layout."""

import gzip
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.settings import Settings

HEADER = "ticker,volume,open,close,high,low,window_start,transactions"
NEW_YORK = ZoneInfo("America/New_York")


def nanoseconds(session: date, at: time = time()) -> int:
    """Return a time of day in New York as the vendor stamps it."""
    return int(datetime.combine(session, at, NEW_YORK).timestamp()) * 10**9


def row(
    session: date,
    ticker: str,
    close: str = "10",
    *,
    open: str = "10",  # noqa: A002 (the vendor's name)
    high: str = "20",
    low: str = "5",
    volume: str = "1000",
    transactions: str = "7",
    at: time = time(),
) -> str:
    """Return one line of a day file; a good one by default."""
    return f"{ticker},{volume},{open},{close},{high},{low},{nanoseconds(session, at)},{transactions}"


def day_file(*rows: str, header: str = HEADER) -> bytes:
    """Return the bytes of a day file; the same for the same rows."""
    return gzip.compress("".join(f"{line}\n" for line in (header, *rows)).encode(), mtime=0)


def key_of(session: date) -> str:
    """Return the vendor's key of a session's day file."""
    return f"us_stocks_sip/day_aggs_v1/{session:%Y}/{session:%m}/{session}.csv.gz"


@dataclass(frozen=True)
class VendorFolder:
    """A folder of day files, and a home beside it whose settings point at it."""

    root: Path

    @property
    def files(self) -> Path:
        return self.root / "vendor"

    def settings(self, home: str = "home", **changed: object) -> Settings:
        """Return settings over this vendor, with a home of the given name."""
        return Settings(home=self.root / home, flat_files=str(self.files), **changed)  # type: ignore[arg-type]

    def path(self, session: date) -> Path:
        return self.files / key_of(session)

    def lay(self, session: date, *rows: str) -> bytes:
        """Lay down the file of a session, in place of the one there is, and return its bytes."""
        return self.lay_bytes(session, day_file(*rows))

    def lay_bytes(self, session: date, content: bytes) -> bytes:
        self.path(session).parent.mkdir(parents=True, exist_ok=True)
        self.path(session).write_bytes(content)
        return content
