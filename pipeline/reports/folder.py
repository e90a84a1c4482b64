"""The folder of all pages: the path of each page, and how a session's pages are written completely.

    index.html, sessions.js           all sessions
    assets/                           what pages share; names have a version or a hash, and nothing is removed
    2024-06-28/index.html             the candidates of a session
    2024-06-28/tickers/AAPL.html      a ticker as of that session

Plain files: they open from the disk, and any web server can host them.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.errors import ContractBroken, ReportsNotWritten
from pipeline.reports.candidates_page import CandidatesPage
from pipeline.reports.file_names import file_stem
from pipeline.reports.html import candidates_html, index_html, ticker_html
from pipeline.reports.index_page import IndexPage
from pipeline.reports.shell import ASSETS, SESSIONS, shared_assets
from pipeline.reports.ticker_page import TickerPage

INDEX = "index.html"

_WRITING = ".writing-"


@dataclass(frozen=True)
class Written:
    """The pages of a session that were written."""

    candidates: Path
    tickers: tuple[Path, ...]
    size: int
    """Bytes of these pages, without shared files."""


class ReportsFolder:
    """The folder of all pages. Every file is replaced at once, so that a reader never sees half of one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def candidates_path(self, session: date) -> Path:
        """Return the path of the page of a session's candidates."""
        return self.path / session.isoformat() / INDEX

    def ticker_path(self, session: date, ticker: str) -> Path:
        """Return the path of the page of a ticker as of `session`."""
        return self.path / session.isoformat() / "tickers" / f"{file_stem(ticker)}.html"

    def sessions(self) -> tuple[date, ...]:
        """Return the sessions that have a page, in order."""
        sessions = (_session(page.parent.name) for page in self.path.glob(f"*/{INDEX}"))
        return tuple(sorted(session for session in sessions if session))

    def written_at(self, session: date) -> datetime:
        """Return the moment (UTC) at which the page of a session's candidates was written."""
        return datetime.fromtimestamp(self.candidates_path(session).stat().st_mtime, UTC)

    def write(self, page: CandidatesPage, tickers: Iterable[TickerPage]) -> Written:
        """Replace the pages of a session: `tickers` first, the page that links to them last.

        Pages of an earlier run that this one does not write are removed; other sessions stay as they are.
        Raises ContractBroken when a ticker that the page links to has no page, and ReportsNotWritten when the folder
        cannot be written.
        """
        with self._writing() as room:
            self._share(room)
            paths = {each.ticker: self._ticker(each, page.session, room) for each in tickers}
            if missing := [ticker for ticker in page.tickers if ticker not in paths]:
                raise ContractBroken(
                    f"The page of {page.session} links to {', '.join(missing)}, which have no page.",
                    remedy="Write a page for every ticker in CandidatesPage.tickers.",
                )
            candidates = self.candidates_path(page.session)
            _put(candidates_html(page), candidates, room)
            _clear(candidates.parent / "tickers", keep=set(paths.values()))
            self._list_sessions(room)
        ticker_paths = tuple(paths.values())
        return Written(candidates, ticker_paths, sum(path.stat().st_size for path in (candidates, *ticker_paths)))

    def write_index(self, page: IndexPage) -> Path:
        """Replace the page of all sessions, and return its path. Raises ReportsNotWritten."""
        with self._writing() as room:
            self._share(room)
            _put(index_html(page), self.path / INDEX, room)
            self._list_sessions(room)
        return self.path / INDEX

    def unfinished(self) -> list[Path]:
        """Return the folders of unfinished pages: those of running writers, and of killed ones."""
        return list(self.path.glob(f"{_WRITING}*"))

    @contextmanager
    def _writing(self) -> Iterator[Path]:
        """Yield a folder on the same disk for unfinished files."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(prefix=_WRITING, dir=self.path) as room:
                yield Path(room)
        except OSError as failed:
            raise ReportsNotWritten(
                f"The pages cannot be written to {self.path}: {failed}.",
                remedy="Choose a folder you may write to, on a disk with room for it.",
            ) from failed

    def _share(self, room: Path) -> None:
        for asset in shared_assets():
            place = self.path / ASSETS / asset.name
            # A name stands for one text, so an existing file is written again only if the disk has damaged it.
            if not asset.is_at(place):
                _put(asset.text, place, room)

    def _ticker(self, page: TickerPage, session: date, room: Path) -> Path:
        path = self.ticker_path(session, page.ticker)
        _put(ticker_html(page), path, room)
        return path

    def _list_sessions(self, room: Path) -> None:
        """Write the list of sessions, and again if another writer has added one meanwhile."""
        listed: tuple[date, ...] | None = None
        while listed != (sessions := self.sessions()):
            names = json.dumps([session.isoformat() for session in sessions])
            _put(f"globalThis.candlelakeSessions = {names};\n", self.path / SESSIONS, room)
            listed = sessions


def _put(text: str, path: Path, room: Path) -> None:
    """Write `text` to `path` through `room`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = room / path.name
    unfinished.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    unfinished.replace(path)


def _clear(folder: Path, keep: set[Path]) -> None:
    for page in folder.glob("*.html"):
        if page not in keep:
            page.unlink()


def _session(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
