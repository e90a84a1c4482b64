"""The visitors of `candlelake ui`: started for real, read-only, with the requests that pages of the web can make."""

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from assets_tests.cli.conftest import Home
from assets_tests.commands import Served, served_ui, typed
from pipeline.web.visitors import is_loopback, is_own_name, is_own_page

WHO = "{version}"
ANSWER = "data"

LAUNCH = """mutation {
  launchRun(executionParams: {
    selector: {repositoryLocationName: "pipeline.definitions", repositoryName: "__repository__",
               jobName: "maintenance"}
    runConfigData: "{}"}) {
    __typename ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}
    ... on PipelineNotFoundError {message}}
}"""
SCHEDULE = """mutation {
  startSchedule(scheduleSelector: {repositoryLocationName: "pipeline.definitions",
    repositoryName: "__repository__", scheduleName: "every_session"}) {__typename}
}"""
RUNS = "{runsOrError {... on Runs {results {runId}}}}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: str

    @property
    def data(self) -> dict:
        return json.loads(self.body)["data"]


@pytest.fixture(scope="module")
def read_only(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_ui(home.path, tmp_path_factory.mktemp("ui") / "words", "--read-only") as served:
        yield served


def response_to(served: Served, method: str, path: str, body: str = "", **headers: str) -> Answer:
    """Return what the server answers to a request with just these headers (`_` for `-`)."""
    address = urlsplit(served.dagster)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(address.netloc)) as connection:
        connection.request(method, path, body.encode() or None, {"Host": address.netloc} | sent)
        with connection.getresponse() as answer:
            return Answer(answer.status, answer.read().decode())


def graphql(served: Served, query: str, **headers: str) -> Answer:
    given = {"Content_Type": "application/json"} | headers
    return response_to(served, "POST", "/graphql", json.dumps({"query": query}), **given)


@pytest.mark.thorough
def test_a_read_only_ui_shows_the_runs_and_starts_none(read_only: Served) -> None:
    before = graphql(read_only, RUNS).data
    assert before["runsOrError"]["results"]
    for mutation, name in ((LAUNCH, "launchRun"), (SCHEDULE, "startSchedule")):
        assert graphql(read_only, mutation).data[name]["__typename"] == "UnauthorizedError"
    assert graphql(read_only, RUNS).data == before


@pytest.mark.thorough
def test_the_page_of_the_ui_itself_is_allowed(read_only: Served) -> None:
    assert response_to(read_only, "GET", "/", Accept="text/html").status == 200
    assert graphql(read_only, WHO, Origin=read_only.dagster).status == 200
    assert response_to(read_only, "GET", "/graphql", Accept="text/html").status == 200


@pytest.mark.thorough
def test_a_foreign_name_that_leads_here_is_refused(read_only: Served) -> None:
    for host in ("evil.example", "evil.example:3000", "127.0.0.1.evil.example", ""):
        assert graphql(read_only, WHO, Host=host).status == 403
        assert response_to(read_only, "GET", "/", Host=host).status == 403


@pytest.mark.thorough
def test_every_request_of_a_page_of_the_web_is_refused(read_only: Served) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", f"{read_only.dagster}.evil.example"):
        assert graphql(read_only, WHO, Origin=origin).status == 403
        assert response_to(read_only, "POST", "/report_asset_materialization/x", Origin=origin).status == 403


@pytest.mark.thorough
@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/graphql"])
def test_what_a_form_or_an_image_can_send_unasked_runs_no_query(read_only: Served, content_type: str) -> None:
    address = f"/graphql?query={quote(WHO)}"
    assert response_to(read_only, "GET", address, Accept="image/*").status == 403
    headers = {"Content_Type": content_type} if content_type else {}
    refused = response_to(read_only, "POST", address, WHO, **headers)
    assert (refused.status, "application/json" in refused.body) == (403, True)


@pytest.mark.thorough
def test_a_web_socket_of_another_page_is_not_opened(read_only: Served) -> None:
    assert b" 101 " in handshake(read_only, read_only.dagster)
    assert b" 403 " in handshake(read_only, "https://evil.example")


def handshake(served: Served, origin: str) -> bytes:
    """Return the first line of the answer to a page of `origin` that opens a web socket."""
    address = urlsplit(served.dagster)
    lines = [
        "GET /graphql HTTP/1.1", f"Host: {address.netloc}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: graphql-ws", f"Origin: {origin}", "", "",
    ]  # fmt: skip
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return connection.recv(64).splitlines()[0]


@pytest.mark.thorough
def test_a_ui_open_to_others_warns_of_it_and_refuses_foreign_names(home: Home, tmp_path: Path) -> None:
    with served_ui(home.path, tmp_path / "words", "--host", "0.0.0.0", "--read-only") as served:  # noqa: S104
        assert graphql(served, WHO).status == 200
        assert graphql(served, WHO, Host="evil.example").status == 403
        listening = listeners()
    words = (tmp_path / "words").read_text()
    assert "warning: There is no login, and 0.0.0.0 is not this machine alone" in words
    assert "Read-only: no run can be started" in words
    for address in (served.dagster, served.pages):
        assert ("0.0.0.0", urlsplit(address).port) in listening  # noqa: S104


@pytest.mark.thorough
def test_by_default_only_this_machine_is_allowed_in_and_there_is_no_warning(read_only: Served, home: Home) -> None:
    listening = listeners()
    for address in (read_only.dagster, read_only.pages):
        port = urlsplit(address).port
        assert {host for host, taken in listening if taken == port} == {"127.0.0.1"}


def listeners() -> set[tuple[str, int]]:
    """Return address and port of every IPv4 listener, from Linux's own table."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if state == "0A":
            address, port = local.split(":")
            found.add((socket.inet_ntoa(int(address, 16).to_bytes(4, sys.byteorder)), int(port, 16)))
    return found


def test_an_address_that_is_not_this_machine_s_is_one_line(home: Home) -> None:
    answer: subprocess.CompletedProcess[str] = typed(home.path, "ui", "--host", "192.0.2.1")
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: Port 3000 of 192.0.2.1 cannot be used: ")


def test_addresses_and_own_names_are_distinguished_from_names_of_others() -> None:
    own = ["127.0.0.1:3000", "localhost", "LOCALHOST:3000", "[::1]:3000", "192.0.2.7:1", socket.gethostname()]
    assert [host for host in own if not is_own_name(host)] == []
    others = [
        "",
        ":3000",
        "evil.example",
        "localhost.evil.example:3000",
        "127.0.0.1@evil.example",
        "[::1",
        "2130706433",
    ]
    assert [host for host in others if is_own_name(host)] == []


def test_a_page_is_the_server_s_own_only_under_the_name_of_the_request() -> None:
    assert is_own_page("http://localhost:3000", "localhost:3000")
    assert not is_own_page("http://localhost:3001", "localhost:3000")
    assert not is_own_page("null", "localhost:3000")
    assert not is_own_page("", "")


def test_this_machine_alone_is_distinguished_from_what_others_reach() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.1.2.3", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "", "192.0.2.1", "::", "here.example"]))  # noqa: S104
