import json
import os
import threading
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets_tests.reports.market import (
    BEFORE,
    SESSION,
    candidate_tables,
    history,
    listed,
    session_page,
    signals,
    ticker_tables,
)
from assets_tests.reports.parsed import parsed
from pipeline.errors import ContractBroken, ReportsNotWritten
from pipeline.reports.candidates_page import CandidatesPage
from pipeline.reports.folder import ReportsFolder, Written
from pipeline.reports.index_page import index_page
from pipeline.reports.ticker_page import ticker_pages


def page(session: date = SESSION, **changed: object) -> CandidatesPage:
    rows = listed().filter(session=session).join(history().drop("close"), on=["ticker", "session"])
    return session_page(session, candidate_tables(**{"listed": rows, "before": None, **changed}))


def write(folder: ReportsFolder, made: CandidatesPage) -> Written:
    return folder.write(made, ticker_pages(made.session, made.tickers, ticker_tables()))


@pytest.fixture
def folder(tmp_path: Path) -> ReportsFolder:
    return ReportsFolder(tmp_path / "reports")


def names(folder: ReportsFolder, session: date = SESSION) -> set[str]:
    return {path.name for path in (folder.path / str(session) / "tickers").iterdir()}


def test_a_session_has_a_page_of_its_candidates_and_one_of_each_ticker(folder):
    written = write(folder, page())
    assert written.candidates == folder.path / "2024-06-28" / "index.html"
    assert names(folder) == {"_43ON.html", "FLAT.html", "AA_70.html", "AAP.html", "BRK-A.html"}
    assert parsed(folder.ticker_path(SESSION, "AAp").read_text()).one("h1").text == "AAp"
    assert written.size == sum(path.stat().st_size for path in (written.candidates, *written.tickers))


def test_every_link_and_script_of_every_page_leads_to_a_file(folder):
    write(folder, page(BEFORE))
    write(folder, page())
    folder.write_index(index_page(listed(), folder.sessions()))
    pages = list(folder.path.rglob("*.html"))
    assert len(pages) == 13
    for one in pages:
        for element in parsed(one.read_text()).all():
            address = element.attributes.get("href") or element.attributes.get("src") or "data:"
            assert address.startswith("data:") or (one.parent / address).resolve().is_file(), (one, address)


def test_older_sessions_stay_and_all_are_listed_in_order(folder):
    write(folder, page())
    kept = write(folder, page(BEFORE)).candidates.read_bytes()
    write(folder, page())
    assert folder.candidates_path(BEFORE).read_bytes() == kept
    assert folder.sessions() == (BEFORE, SESSION)
    text = (folder.path / "sessions.js").read_text()
    assert json.loads(text.removeprefix("globalThis.candlelakeSessions = ").rstrip(";\n")) == [
        str(BEFORE),
        str(SESSION),
    ]


def test_writing_again_gives_the_same_files(folder):
    write(folder, page())
    first = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    write(folder, page())
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == first


def test_pages_of_tickers_that_are_no_longer_linked_are_taken_away(folder):
    write(folder, page(signals=signals("HELD")))
    assert "HELD.html" in names(folder)
    write(folder, page())
    assert "HELD.html" not in names(folder)


def test_nothing_unfinished_is_left_behind(folder):
    write(folder, page())
    assert [path for path in folder.path.iterdir() if path.name.startswith(".")] == []


def test_a_ticker_without_a_page_stops_the_page_that_links_to_it(folder):
    write(folder, page())
    old = folder.candidates_path(SESSION).read_bytes()
    made = page(signals=signals("HELD"))
    with pytest.raises(ContractBroken, match="HELD"):
        folder.write(made, ticker_pages(SESSION, ["CON"], ticker_tables()))
    assert folder.candidates_path(SESSION).read_bytes() == old
    assert "FLAT.html" in names(folder)


def test_a_failure_among_the_tickers_leaves_the_old_list_in_place(folder):
    write(folder, page())
    old = folder.candidates_path(SESSION).read_bytes()

    def broken():
        yield from ticker_pages(SESSION, ["CON"], ticker_tables())
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        folder.write(page(), broken())
    assert folder.candidates_path(SESSION).read_bytes() == old
    assert [path for path in folder.path.iterdir() if path.name.startswith(".")] == []


def test_tickers_that_would_leave_the_folder_stay_in_it(folder):
    odd = ["../../x", "/etc/passwd", "C:\\x", "..", "\x00", "a" * 400, "CON", "con"]
    frame = pl.concat(history().filter(ticker="FLAT").with_columns(ticker=pl.lit(one)) for one in odd)
    made = page(signals=signals(*odd))
    write_tables = ticker_tables(history=pl.concat([history(), frame]))
    folder.write(made, ticker_pages(SESSION, made.tickers, write_tables))
    inside = folder.path / str(SESSION) / "tickers"
    assert len(list(inside.iterdir())) == len(made.tickers) == 12
    assert len({path.name.casefold() for path in inside.iterdir()}) == 12
    assert {path.name for path in folder.path.parent.iterdir()} == {"reports"}


def test_a_damaged_shared_file_is_mended(folder):
    write(folder, page())
    (bokeh,) = (folder.path / "assets").glob("bokeh-*")
    whole = bokeh.read_bytes()
    bokeh.write_bytes(whole[:1000])
    write(folder, page())
    assert bokeh.read_bytes() == whole


def test_what_older_pages_share_is_never_taken_away(folder):
    old = folder.path / "assets" / "bokeh-3.0.0.min.js"
    old.parent.mkdir(parents=True)
    old.write_text("old")
    write(folder, page())
    assert old.read_text() == "old"


def test_other_files_beside_the_pages_are_no_sessions(folder):
    write(folder, page())
    (folder.path / "notes").mkdir()
    (folder.path / "notes" / "index.html").write_text("mine")
    assert folder.sessions() == (SESSION,)


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReportsNotWritten, match="Choose a folder you may write to"):
        write(ReportsFolder(tmp_path / "file"), page())


def test_pages_can_be_read_by_any_web_server(folder):
    write(folder, page())
    mask = os.umask(0)
    os.umask(mask)
    for path in folder.path.rglob("*"):
        wanted = (0o777 if path.is_dir() else 0o666) & ~mask
        assert path.stat().st_mode & 0o777 == wanted, path


def test_two_writers_at_once_lose_no_session(folder):
    failures = []

    def one(session: date) -> None:
        try:
            for _ in range(3):
                write(folder, page(session))
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=one, args=[session]) for session in (BEFORE, SESSION)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert folder.sessions() == (BEFORE, SESSION)
    assert str(BEFORE) in (folder.path / "sessions.js").read_text()
    assert str(SESSION) in (folder.path / "sessions.js").read_text()


def test_the_index_is_replaced(folder):
    write(folder, page())
    path = folder.write_index(index_page(listed(), folder.sessions(), ["strong"]))
    assert path == folder.path / "index.html"
    assert str(SESSION) in parsed(path.read_text()).text
