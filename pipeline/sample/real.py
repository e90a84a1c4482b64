"""The real sample: daily prices of five stocks, 2003 to 2013, shipped with the package (see NOTICE)."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path, PurePosixPath

from pipeline.sample.laying import Plan, Progress, Sample, SampleFile, lay_down
from pipeline.venues.us_stocks import US_STOCKS

FIRST_SESSION = date(2003, 9, 10)
LAST_SESSION = date(2013, 3, 1)


def lay_down_real(folder: Path, *, progress: Progress | None = None) -> Sample:
    """Return the five real stocks, written under `folder` in the vendor's layout.

    AAPL, FB, GOOG, IBM and MSFT, one file for each of the 2,385 sessions, prices as traded, with `rest/splits.json`,
    `rest/dividends.json` and `rest/tickers.json` beside them. Does nothing if they exist already.
    Raises SampleError when the folder has other content or cannot be written.
    """
    archive = files("pipeline.sample").joinpath("real_day_aggs.tar.gz").read_bytes()
    identity = {"sample": "real", "sha256": hashlib.sha256(archive).hexdigest()}
    plan = Plan(identity, US_STOCKS.calendar.between(FIRST_SESSION, LAST_SESSION))
    return lay_down(folder, plan, _unpacked(archive, folder), progress)


def _unpacked(archive: bytes, folder: Path) -> Iterator[SampleFile]:
    """Yield the files of the archive; a member outside `folder` is an error."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as members:
        for member in members:
            safe = tarfile.data_filter(member, str(folder))
            content = members.extractfile(member)
            if content is not None:
                path = PurePosixPath(safe.name)
                yield SampleFile(str(path), content.read(), _session_of(path))


def _session_of(path: PurePosixPath) -> date:
    """Return the session in a flat file's name; the REST answers belong to the last one."""
    return date.fromisoformat(path.name.removesuffix(".csv.gz")) if path.name.endswith(".csv.gz") else LAST_SESSION
