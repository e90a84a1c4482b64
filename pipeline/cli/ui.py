"""`candlelake ui`: the Dagster UI and the pages of this home, by default on this machine only."""

import os
import signal
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Annotated
from urllib.error import URLError
from urllib.request import urlopen

import typer

from pipeline.cli.catalog import keep_catalog_here
from pipeline.cli.terminal import say, say_warning
from pipeline.errors import PermanentError, SettingsError

if TYPE_CHECKING:
    from pipeline.settings import Settings

HOST = "127.0.0.1"
"""The web server has no login."""

EVERYWHERE = ("0.0.0.0", "")  # noqa: S104 (compared, not listened on)
"""Hosts that listen on every address of this machine."""

ENDING = (signal.SIGINT, signal.SIGTERM)
"""The signals to end: from Ctrl-C, or a supervisor."""

BETWEEN_KNOCKS = 0.5
"""Seconds between two checks of the web server."""

PATIENCE = 20
"""Seconds that Dagster has to end its own processes, before they are killed."""


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help="Dagster's port.")] = 3000,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; any but this machine's own lets others in.")
    ] = HOST,
    read_only: Annotated[
        bool, typer.Option("--read-only", metavar="", help="Start no run and no schedule from here; only show.")
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", metavar="", help="Open no browser.")] = False,
) -> None:
    """Serve the Dagster UI and the pages on 127.0.0.1; Ctrl-C ends both."""
    from pipeline.lake.storage.privacy import make_private_folder
    from pipeline.settings import load_settings
    from pipeline.web.pages import served

    settings = load_settings()
    keep_catalog_here(settings)
    require_free(host, port, "--port")
    require_free(host, settings.reports_port, "CANDLELAKE_REPORTS_PORT")
    make_private_folder(settings.home)
    settings.reports.mkdir(parents=True, exist_ok=True)
    for number in ENDING:
        signal.signal(number, signal.default_int_handler)
    warn_who_may_enter(host, read_only)
    near = HOST if host in EVERYWHERE else host
    with served(settings.reports, settings.reports_port, host):
        addresses = [f"http://{near}:{port}", f"http://{near}:{settings.reports_port}/"]
        say(f"Dagster over {settings.home} at {addresses[0]} (a few seconds to start; Ctrl-C ends it)")
        say(f"Pages at {addresses[1]}")
        servers = dagster(settings, host, port, read_only)
        code = wait_for_end(servers, [] if no_browser else addresses)
    if code is None:
        say("Stopped.")
        return
    raise PermanentError(
        f"Dagster ended by itself, with code {code}.", remedy="Its output above says why; `candlelake doctor` helps."
    )


def warn_who_may_enter(host: str, read_only: bool) -> None:
    """Warn when others can reach the servers, and say what a read-only server does not do."""
    from pipeline.web.visitors import is_loopback

    if not is_loopback(host):
        permission = "read all that is here" if read_only else "read all that is here, start runs and change schedules"
        say_warning(
            f"There is no login, and {host} is not this machine alone: whoever reaches it may {permission}. Put it "
            f"behind a proxy that requires a login, or leave --host out."
        )
    if read_only:
        say("Read-only: no run can be started from here, and schedules and sensors do not run.")


def dagster(settings: "Settings", host: str, port: int, read_only: bool) -> list["subprocess.Popen[bytes]"]:
    """Start Dagster's processes: the web server, and the daemon unless `read_only`."""
    servers = [web_server(settings, host, port, read_only)]
    try:
        return servers if read_only else [*servers, daemon(settings, servers[0].pid)]
    except OSError:
        end(servers)
        raise


def web_server(settings: "Settings", host: str, port: int, read_only: bool) -> "subprocess.Popen[bytes]":
    """Start Dagster's web server for the home of `settings`, in a process group of its own."""
    # In a group of its own: Ctrl-C reaches it once, through us, and its children can be ended with it.
    program = [
        sys.executable,
        "-m",
        "pipeline.web.dagster",
        "-h",
        host,
        "-p",
        str(port),
        "--dagster-log-level",
        "warning",
    ]
    return start_program(settings, [*program, *["--read-only"] * read_only], process_group=0)


def daemon(settings: "Settings", group: int) -> "subprocess.Popen[bytes]":
    """Start Dagster's daemon, which runs schedules and sensors, in the process group `group`."""
    program = Path(sys.executable).with_name("dagster-daemon")
    return start_program(settings, [str(program), "run", "--log-level", "warning"], process_group=group)


def start_program(settings: "Settings", program: Sequence[str], process_group: int) -> "subprocess.Popen[bytes]":
    """Start one of Dagster's programs with its arguments, for the home of `settings`."""
    from pipeline.orchestration.instance import dagster_home

    environment = os.environ | {
        "CANDLELAKE_HOME": str(settings.home),
        "DAGSTER_HOME": str(dagster_home(settings.home)),
        "PYTHONWARNINGS": "ignore",
    }
    command = [*program, "-m", "pipeline.definitions", "--code-server-log-level", "warning"]
    return subprocess.Popen(  # noqa: S603 (our own interpreter's dagster)
        command,
        env=environment,
        stdout=sys.stderr.fileno(),
        stderr=sys.stderr.fileno(),
        process_group=process_group,
    )


def wait_for_end(servers: Sequence["subprocess.Popen[bytes]"], addresses: Sequence[str]) -> int | None:
    """Open `addresses` once the first server responds, wait until one of `servers` ends, and end the others.

    Return its exit code, or None after Ctrl-C.
    """
    code = None
    with suppress(KeyboardInterrupt):
        if addresses and has_display() and answers(servers[0], addresses[0]):
            for address in addresses:
                webbrowser.open(address)
        while all(server.poll() is None for server in servers):
            sleep(BETWEEN_KNOCKS)
        code = next(server.returncode for server in servers if server.returncode is not None)
    end(servers)
    return code


def has_display() -> bool:
    """Return whether there is a screen for a browser; without one, a text browser would take over the terminal."""
    is_drawn = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return os.name == "nt" or sys.platform == "darwin" or bool(is_drawn)


def answers(process: "subprocess.Popen[bytes]", address: str) -> bool:
    """Wait until the web server responds; return False if its process ends before."""
    while process.poll() is None:
        with suppress(URLError, ConnectionError, TimeoutError), urlopen(address, timeout=PATIENCE):  # noqa: S310 (our own)
            return True
        sleep(BETWEEN_KNOCKS)
    return False


def require_free(host: str, port: int, chosen_by: str) -> None:
    """Return if `host` is an address of this machine and the port is free. Raises SettingsError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as taken:
            raise SettingsError(
                f"Port {port} of {host} cannot be used: {taken.strerror}.",
                remedy=f"Choose another with {chosen_by}, such as {port + 10 if port < 65526 else 3000}.",
            ) from taken


def end(servers: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Let Dagster end its processes, and kill the rest; further signals are ignored meanwhile."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    for server in servers:
        server.send_signal(signal.SIGINT)
    deadline = monotonic() + PATIENCE
    with suppress(subprocess.TimeoutExpired):
        for server in servers:
            server.wait(max(deadline - monotonic(), 0))
    with suppress(ProcessLookupError):
        os.killpg(servers[0].pid, signal.SIGKILL)
    for server in servers:
        server.wait()
