"""`candlelake ui`: the Dagster UI over this home, on this machine only."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.terminal import say
from pipeline.errors import PermanentError, SettingsError

HOST = "127.0.0.1"
"""The web server has no login."""

ENDING = (signal.SIGINT, signal.SIGTERM)
"""What asks for the end: Ctrl-C, or a supervisor."""

PATIENCE = 20
"""Seconds that Dagster has to end its own processes, before they are ended."""


def ui(port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help=f"Port on {HOST}.")] = 3000) -> None:
    """Start the Dagster UI on 127.0.0.1; Ctrl-C ends it."""
    from pipeline.instance import dagster_home
    from pipeline.settings import load_settings

    require_free(port)
    home = load_settings().home
    environment = os.environ | {
        "CANDLELAKE_HOME": str(home),
        "DAGSTER_HOME": str(dagster_home(home)),
        "PYTHONWARNINGS": "ignore",
    }
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "dev", "-h", HOST, "-p", str(port), "-m", "pipeline.definitions", "--log-level", "warning"]
    say(f"Dagster over {home} at http://{HOST}:{port} (a few seconds to start; Ctrl-C ends it)")
    for asked in ENDING:
        signal.signal(asked, signal.default_int_handler)
    # In a session of its own: Ctrl-C reaches it once, through us, and whatever it started can be ended with it.
    process = subprocess.Popen(  # noqa: S603 (our own interpreter's dagster)
        command, env=environment, stdout=sys.stderr.fileno(), start_new_session=True
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        end(process)
        say("Stopped.")
        return
    end(process)
    raise PermanentError(
        f"Dagster ended by itself, with code {code}.", remedy="What it said above tells why; `candlelake doctor` helps."
    )


def require_free(port: int) -> None:
    """Return if nobody listens on the port. Raises SettingsError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as taken:
            raise SettingsError(
                f"Port {port} of {HOST} cannot be used: {taken.strerror}.",
                remedy=f"Choose another, such as `candlelake ui --port {port + 1 if port < 65535 else 3000}`.",
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
