"""Separate environments for other programs that are measured and must not be installed among our packages."""

import subprocess
import sys
import venv
from pathlib import Path


def python_with(packages: list[str], folder: Path) -> str:
    """Return the interpreter of the environment `folder`, made of `packages` by pip the first time.

    Raises CalledProcessError when pip cannot install them.
    """
    python = folder / "bin" / "python"
    ready = folder / ".ready"
    if not ready.exists():
        print(f"installing {', '.join(packages)} into {folder}", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        ready.touch()
    return str(python)
