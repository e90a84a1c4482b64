"""How tests are dealt to the workers of xdist: what shares something costly stays together, the longest comes first.

A file is dealt whole, as `--dist loadfile` does, with two exceptions: its tests of a lake in a folder and of one on S3
share nothing and go their own ways, and tests of the command line, and those of faults, stay together for the home that
all of them use.
"""

import re

from xdist.scheduler import LoadFileScheduling

OF_A_LAKE = re.compile(r"[\[-](folder|s3)[\]-]")
TOGETHER = ("assets_tests/cli/", "assets_tests/faults/")
"""Folders whose tests share a home that takes long to fill."""


class Dealing(LoadFileScheduling):
    """Deals tests in the order in which they were collected, a scope at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """Return the name of what a test is dealt with."""
    file, _, test = nodeid.partition("::")
    lake = OF_A_LAKE.search(test)
    folder = next((folder for folder in TOGETHER if file.startswith(folder)), None)
    if folder and not (lake and lake[1] == "s3"):
        return folder
    return f"{file} [{lake[1]}]" if lake else file


LONGEST = (
    "assets_tests/torture/test_faults.py [s3]",
    "assets_tests/torture/test_faults.py [folder]",
    "assets_tests/torture/test_daemon.py",
    *TOGETHER,
    "assets_tests/faults/test_killed_runs.py [s3]",
    "assets_tests/test_additions.py",
    "assets_tests/test_secrets.py",
    "assets_tests/benchmarks/test_every_benchmark.py",
    "assets_tests/test_browser_journey.py",
    "assets_tests/vendor_faults/test_faults.py",
    "assets_tests/assets/test_alerts.py",
    "assets_tests/assets/test_rerunning.py",
    "assets_tests/lake/test_on_s3.py",
    "assets_tests/lake/sql/test_sql_on_s3.py",
    "assets_tests/lake/sql/test_sql.py",
    "assets_tests/assets/test_morning.py",
)
"""What takes longest, roughly by falling duration: dealt last, one of these would keep a worker alone for minutes."""


def turn(nodeid: str) -> int:
    """Return when the scope of a test has its turn: the longest first, then the others, all at once."""
    scope = scope_of(nodeid)
    of_either_lake = scope.partition(" ")[0]
    return next((LONGEST.index(name) for name in (scope, of_either_lake) if name in LONGEST), len(LONGEST))
