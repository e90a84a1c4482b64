"""What a taken-over child would try, run behind its walls: `python -I -S confined_acts.py PACKAGES SETUP`; prints JSON.

It is a process of its own, and imports nothing but the standard library and the walls, as the child does.
"""

import ctypes
import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def acts(places: dict[str, str], parent: int) -> dict[str, Callable[[], object]]:
    """Return what is tried, by what it would do."""
    libc = ctypes.CDLL(None, use_errno=True)
    lake, secret, spill = Path(places["lake"]), Path(places["secret"]), Path(places["spill"])
    table = next(lake.rglob("*.parquet"))
    return {
        "read the lake": table.read_bytes,
        "list the lake": lambda: list(lake.iterdir()),
        "write temporary files": lambda: (spill / "t").write_bytes(b"x"),
        "remove temporary files": (spill / "t").unlink,
        "end itself by a signal": lambda: os.kill(os.getpid(), 0),
        "read beside the lake": secret.read_bytes,
        "list beside the lake": lambda: list(secret.parent.iterdir()),
        "read accounts": Path("/etc/passwd").read_bytes,
        "read the parent's environment": Path(f"/proc/{parent}/environ").read_bytes,
        "read another process": Path("/proc/1/status").read_bytes,
        "list processes": lambda: list(Path("/proc").iterdir()),
        "overwrite in the lake": lambda: table.write_bytes(b"x"),
        "append in the lake": lambda: os.close(os.open(table, os.O_WRONLY | os.O_APPEND)),
        "create in the lake": lambda: (lake / "new").write_bytes(b"x"),
        "create beside the lake": lambda: (secret.parent / "new").write_bytes(b"x"),
        "remove in the lake": table.unlink,
        "remove beside the lake": secret.unlink,
        "make a folder in the lake": (lake / "folder").mkdir,
        "create in the home": lambda: (Path.home().parent / "new").write_bytes(b"x"),
        "rename in the lake": lambda: table.rename(lake / "renamed"),
        "link out of the lake": lambda: os.link(table, spill / "link"),
        "link to a name": lambda: (spill / "symlink").symlink_to(secret),
        "truncate": lambda: os.truncate(table, 0),
        "change permissions": lambda: secret.chmod(0o777),
        "change the owner": lambda: os.chown(secret, os.getuid(), os.getgid()),
        "change times": lambda: os.utime(secret, (0, 0)),
        "change attributes": lambda: os.setxattr(secret, "user.x", b"x"),
        "open a socket": lambda: socket.socket().close(),
        "connect": lambda: socket.create_connection(("127.0.0.1", int(places["port"])), 1).close(),
        "fork": os.fork,
        "run a program": lambda: subprocess.run(["/bin/true"], check=True),
        "replace itself": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
        "signal the parent": lambda: os.kill(parent, 0),
        "signal everything": lambda: os.kill(-1, 0),
        "memory that nobody counts": lambda: os.close(os.memfd_create("x")),
        "trace": lambda: _checked(libc.ptrace(16, parent, 0, 0)),
        "unshare": lambda: _checked(libc.unshare(0x10000000)),
        "mount": lambda: _checked(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
        "raise a limit": _raise_limit,
    }


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _raise_limit() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 40, 1 << 40))


def outcome(act: Callable[[], object]) -> str:
    """Return `done`, or how the act was refused."""
    try:
        before = os.getpid()
        result = act()
        if act is os.fork and result == 0 and os.getpid() != before:
            os._exit(0)
        return "done"
    except (OSError, ValueError, PermissionError) as refused:
        return type(refused).__name__


if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    from pipeline.lake.sql.sandbox import confine, terms

    request = json.loads(sys.argv[2])
    setup = terms.setup_from(request["setup"])
    tried = acts(request["places"], setup.parent)
    standing = confine.confine(setup)
    outcomes = {name: outcome(act) for name, act in tried.items() if name in request["acts"]}
    sys.stdout.write(json.dumps({"landlock": standing.landlock, "outcomes": outcomes}))
