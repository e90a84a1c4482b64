"""One way of a benchmark in a process of its own: `python -m benchmarks.child MODULE:FUNCTION ARGUMENTS` (JSON)."""

import contextlib
import importlib
import json
import resource
import sys


def main() -> None:
    """Call the function, and print its figures and the peak of this process in bytes as the last line."""
    module, function = sys.argv[1].split(":")
    work = getattr(importlib.import_module(module), function)
    # What the work itself prints is for a person to see.
    with contextlib.redirect_stdout(sys.stderr):
        figures = work(**json.loads(sys.argv[2]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(figures | {"own_peak": peak}))


if __name__ == "__main__":
    main()
