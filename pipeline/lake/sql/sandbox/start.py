"""The start of the child: `python -I -S start.py`. It confines itself, then imports the engine and answers queries.

Only the standard library is available at first. Frames use the descriptors that were stdin and stdout; output of
libraries is discarded.
"""

import os
import sys
from pathlib import Path
from typing import BinaryIO

PACKAGES = Path(__file__).resolve().parents[4]
"""The folder of the package `pipeline`."""


def main() -> None:
    """Read the setup, put the walls up, and answer queries until the parent ends."""
    incoming, outgoing = _channels()
    sys.path.append(str(PACKAGES))
    # Imported here, the package remembers its folder: the folder around it is closed later.
    from pipeline.lake.sql.sandbox import compiled, confine, frames, terms  # noqa: PLC0415

    kind, body = frames.read_frame(incoming.read, lambda _: frames.LARGEST_JSON)
    if kind is not frames.Kind.SETUP:
        raise frames.BrokenFrame("the first frame is not a setup")
    setup = terms.setup_from(frames.json_of(body))
    if setup.may_compile:
        compiled.compile_ahead(PACKAGES / "pipeline")
    os.environ.update(setup.environment)
    os.chdir(setup.spill)
    standing = confine.confine(setup)
    sys.path[-1:] = [*setup.modules]

    from pipeline.lake.sql import service  # noqa: PLC0415

    service.serve(setup, standing, incoming, outgoing)


def _channels() -> tuple[BinaryIO, BinaryIO]:
    """Return the input and output of frames, and redirect the standard descriptors to nothing."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    devnull = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(devnull, descriptor)
    os.close(devnull)
    return incoming, outgoing


if __name__ == "__main__":
    main()
