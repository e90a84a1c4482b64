"""The pages over HTTP: read on this machine, and nothing else."""

import socket
import struct
import threading
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline.web.pages import Pages, served

LARGE = 64 * 2**20
"""Bytes: more than lie on the way between two ends of a connection."""

RESET = struct.pack("ii", 1, 0)
"""Has a socket that is closed take back at once what it was sent."""


@pytest.fixture
def answers_to_others():
    """Return the threads that answer visitors of servers of other tests: no test waits for them."""
    return frozenset(threading.enumerate())


@pytest.fixture
def address(tmp_path: Path, answers_to_others):
    folder = tmp_path / "reports"
    (folder / "tickers").mkdir(parents=True)
    (folder / "index.html").write_text("<p>pages</p>")
    (folder / "tickers" / "AAPL.html").write_text("<p>AAPL</p>")
    (tmp_path / "settings.env").write_text("secret")
    (folder / "way-out").symlink_to(tmp_path / "settings.env")
    with served(folder, 0) as url:
        yield urlsplit(url)


def response_to(address, path, method="GET", host=None):
    connection = HTTPConnection(address.hostname, address.port, timeout=10)
    connection.request(method, path, headers={"Host": host or address.netloc})
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), dict(answer.getheaders())


def wait_for_answers_to_end(answers_to_others):
    for answering in set(threading.enumerate()) - answers_to_others:
        if "process_request" in answering.name:
            answering.join()


def test_pages_and_the_index_are_read(address):
    assert response_to(address, "/")[:2] == (200, "<p>pages</p>")
    assert response_to(address, "/tickers/AAPL.html")[:2] == (200, "<p>AAPL</p>")


def test_it_listens_on_this_machine_only(address):
    assert address.hostname == "127.0.0.1"


def test_folders_are_not_listed(address):
    assert response_to(address, "/tickers/")[0] == 404


@pytest.mark.parametrize(
    "path", ["/../settings.env", "/%2e%2e/settings.env", "/tickers/..%2f..%2fsettings.env", "/way-out"]
)
def test_nothing_outside_the_folder_is_read(address, path):
    status, body, _ = response_to(address, path)
    assert status == 404
    assert "secret" not in body


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_nothing_can_be_written(address, method):
    assert response_to(address, "/index.html", method)[0] == 501


def test_a_page_of_the_web_that_leads_here_by_name_reads_nothing(address):
    status, body, _ = response_to(address, "/", host="evil.example")
    assert status == 421
    assert "pages" not in body


def test_no_page_is_guessed_framed_or_leaked_to_others(address):
    headers = response_to(address, "/")[2]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_port_is_free_again_afterwards(tmp_path):
    with served(tmp_path, 0) as first:
        port = urlsplit(first).port
    with served(tmp_path, port) as again:
        assert urlsplit(again).port == port


@pytest.mark.parametrize("path", ["/%00", "/a%00b.html", "/" + "x" * 5000, "/%ff", "/loop"])
def test_a_path_that_no_file_can_have_is_not_found_and_prints_nothing(address, tmp_path, capfd, path):
    (tmp_path / "reports" / "loop").symlink_to(tmp_path / "reports" / "loop")
    assert response_to(address, path)[0] in {404, 414}
    assert capfd.readouterr().err == ""


def test_a_download_that_a_visitor_breaks_off_prints_nothing_and_harms_no_other(
    address, tmp_path, capfd, caplog, answers_to_others
):
    with (tmp_path / "reports" / "large.html").open("wb") as page:
        page.truncate(LARGE)
    with socket.create_connection((address.hostname, address.port)) as visitor:
        visitor.sendall(f"GET /large.html HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        assert visitor.recv(1_000).startswith(b"HTTP/1.0 200")
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    wait_for_answers_to_end(answers_to_others)
    assert capfd.readouterr().err == ""
    assert caplog.records == []
    assert response_to(address, "/")[:2] == (200, "<p>pages</p>")


def test_an_answer_that_fails_otherwise_is_one_line_of_log(address, capfd, caplog, monkeypatch, answers_to_others):
    monkeypatch.setattr(Pages, "end_headers", lambda _: 1 / 0)
    with pytest.raises(RemoteDisconnected):
        response_to(address, "/")
    wait_for_answers_to_end(answers_to_others)
    assert capfd.readouterr().err == ""
    assert [one.getMessage() for one in caplog.records] == [
        "A page could not be served (ZeroDivisionError: division by zero)."
    ]
