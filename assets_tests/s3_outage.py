"""A real S3 server of one module's own, that may be killed under a run and started again over the same data."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from assets_tests.s3_server import S3Server, becomes_ready, kill, launch, started


@dataclass
class OwnServer:
    """The server, and the process that it is."""

    server: S3Server
    _process: "subprocess.Popen[bytes]"
    _folder: Path

    def kill(self) -> None:
        """Kill the server, in the middle of whatever it does."""
        kill(self._process)

    def restart(self) -> None:
        """Start it again on its old port, over what it had acknowledged; return once it answers."""
        (data,) = (path for path in self._folder.iterdir() if path.is_dir())
        self._process = launch(data, urlsplit(self.server.endpoint).port or 0)
        assert becomes_ready(self.server, self._process), (data / "log").read_text(errors="replace")[-2000:]


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Give a server that no other test uses."""
    folder = Path(tempfile.mkdtemp(prefix="weed-"))
    try:
        process, server = started(folder)
        for failed in sorted(path for path in folder.iterdir() if path.is_dir())[:-1]:
            shutil.rmtree(failed)
        own = OwnServer(server, process, folder)
        try:
            yield own
        finally:
            own.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
