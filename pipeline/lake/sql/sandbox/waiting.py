"""Waits for bytes of a pipe with a timeout, on every system."""

import sys
import time


def wait_until_readable(descriptor: int, seconds: float) -> bool:
    """Return whether there is something to read, or the end of the pipe, after at most so many seconds."""
    if sys.platform == "win32":
        return _wait_on_windows(descriptor, seconds)
    import select  # noqa: PLC0415 (has no `poll` on Windows)

    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def _wait_on_windows(descriptor: int, seconds: float) -> bool:  # pragma: no cover (another system)
    import _winapi  # noqa: PLC0415
    import msvcrt  # noqa: PLC0415

    handle = msvcrt.get_osfhandle(descriptor)  # type: ignore[attr-defined,unused-ignore]
    until = time.monotonic() + seconds
    while True:
        try:
            if _winapi.PeekNamedPipe(handle, 0)[0]:  # type: ignore[attr-defined,unused-ignore]
                return True
        except OSError:
            return True  # the other side ended
        if time.monotonic() >= until:
            return False
        time.sleep(0.005)
