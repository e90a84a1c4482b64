"""`candlelake ui`: the Dagster UI and the pages over this home, on this machine only."""

import os
import signal
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Annotated
from urllib.error import URLError
from urllib.request import urlopen

import typer

from pipeline.cli.terminal import say
from pipeline.errors import PermanentError, SettingsError

if TYPE_CHECKING:
    from pipeline.settings import Settings

HOST = "127.0.0.1"
"""The web server has no login."""

ENDING = (signal.SIGINT, signal.SIGTERM)
"""What asks for the end: Ctrl-C, or a supervisor."""

BETWEEN_KNOCKS = 0.5
"""Seconds between two looks whether the web server is there."""

PATIENCE = 20
"""Seconds that Dagster has to end its own processes, before they are ended."""


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help=f"Dagster's port on {HOST}.")] = 3000,
    no_browser: Annotated[bool, typer.Option("--no-browser", metavar="", help="Open no browser.")] = False,
) -> None:
    """Serve the Dagster UI and the pages on 127.0.0.1; Ctrl-C ends both."""
    from pipeline.reports.serving import served
    from pipeline.settings import load_settings

    settings = load_settings()
    require_free(port, "--port")
    require_free(settings.reports_port, "CANDLELAKE_REPORTS_PORT")
    settings.reports.mkdir(parents=True, exist_ok=True)
    for asked in ENDING:
        signal.signal(asked, signal.default_int_handler)
    with served(settings.reports, settings.reports_port) as pages:
        say(f"Dagster over {settings.home} at http://{HOST}:{port} (a few seconds to start; Ctrl-C ends it)")
        say(f"Pages at {pages}")
        code = watched(started(settings, port), [] if no_browser else [f"http://{HOST}:{port}", pages])
    if code is None:
        say("Stopped.")
        return
    raise PermanentError(
        f"Dagster ended by itself, with code {code}.", remedy="What it said above tells why; `candlelake doctor` helps."
    )


def started(settings: "Settings", port: int) -> "subprocess.Popen[bytes]":
    """Return Dagster's process, web server and daemon, over the home of `settings`."""
    from pipeline.instance import dagster_home

    environment = os.environ | {
        "CANDLELAKE_HOME": str(settings.home),
        "DAGSTER_HOME": str(dagster_home(settings.home)),
        "PYTHONWARNINGS": "ignore",
    }
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "dev", "-h", HOST, "-p", str(port), "-m", "pipeline.definitions", "--log-level", "warning"]
    # In a session of its own: Ctrl-C reaches it once, through us, and whatever it started can be ended with it.
    return subprocess.Popen(  # noqa: S603 (our own interpreter's dagster)
        command, env=environment, stdout=sys.stderr.fileno(), start_new_session=True
    )


def watched(process: "subprocess.Popen[bytes]", addresses: Sequence[str]) -> int | None:
    """Wait for the end of `process`, opening `addresses` once the first answers; return its code, None after Ctrl-C."""
    try:
        if addresses and has_display() and answers(process, addresses[0]):
            for address in addresses:
                webbrowser.open(address)
        code = process.wait()
    except KeyboardInterrupt:
        code = None
    end(process)
    return code


def has_display() -> bool:
    """Return whether there is a screen for a browser; without one, a browser of text would take the terminal."""
    is_drawn = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return os.name == "nt" or sys.platform == "darwin" or bool(is_drawn)


def answers(process: "subprocess.Popen[bytes]", address: str) -> bool:
    """Wait until the web server answers; return whether it does before its process ends."""
    while process.poll() is None:
        with suppress(URLError, ConnectionError, TimeoutError), urlopen(address, timeout=PATIENCE):  # noqa: S310 (our own)
            return True
        sleep(BETWEEN_KNOCKS)
    return False


def require_free(port: int, chosen_by: str) -> None:
    """Return if nobody listens on the port. Raises SettingsError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as taken:
            raise SettingsError(
                f"Port {port} of {HOST} cannot be used: {taken.strerror}.",
                remedy=f"Choose another with {chosen_by}, such as {port + 10 if port < 65526 else 3000}.",
            ) from taken


def end(process: "subprocess.Popen[bytes]") -> None:
    """Let Dagster end its processes, and end those that are left; further signals wait until that is done."""
    for asked in ENDING:
        signal.signal(asked, signal.SIG_IGN)
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
