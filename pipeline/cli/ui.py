"""`candlelake ui`: the Dagster UI over this home, on this machine only."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.terminal import say


def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3000) -> None:
    """Start the Dagster UI and its daemon on 127.0.0.1; Ctrl-C ends both."""
    from pipeline.instance import dagster_home
    from pipeline.settings import load_settings

    home = load_settings().home
    environment = os.environ | {"CANDLELAKE_HOME": str(home), "DAGSTER_HOME": str(dagster_home(home))}
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "dev", "-h", "127.0.0.1", "-p", str(port), "-m", "pipeline.definitions"]
    say(f"Dagster over {home} at [bold]http://127.0.0.1:{port}[/] (Ctrl-C ends it)")
    process = subprocess.Popen(command, env=environment)  # noqa: S603 (our own interpreter's dagster)
    try:
        raise typer.Exit(process.wait())
    except KeyboardInterrupt:
        # The terminal sent the same signal to Dagster, which stops its own processes.
        process.wait()
