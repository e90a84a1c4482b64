"""`docs/vendor-faults.md`, written from the table of cases: `python -m assets_tests.vendor_faults.page` prints it."""

import sys

from assets_tests.vendor_faults.cases import SOURCES, Case
from pipeline.sources.massive.rest import LARGEST_BODY
from pipeline.sources.massive.rest import MOST_PAGES as MOST_REST_PAGES
from pipeline.sources.transfer.patience import NOTICE_EVERY, Patience
from pipeline.sources.transfer.s3 import MOST_PAGES, PAGE

SHIPPED = Patience()

INTRODUCTION = f"""\
# A vendor that misbehaves: what becomes of it

Every line of the tables below is a test (`assets_tests/vendor_faults/test_faults.py`): a session is in the lake, the
vendor publishes a newer version of it, and the fault befalls that. The faults are played by real servers on loopback:
a SeaweedFS bucket behind a proxy that spoils what passes, an HTTP server in place of the REST API, a folder. The daily
job runs, and either the lake holds the newer version, right and whole, or the run fails with an error that names the
cause, and every table holds what it held before. This page is printed from the table that the tests read.

What a file of rows may hold, once it has arrived, is another page: [bad input](bad-input.md).

## Bounds

- **Attempts.** What may pass by itself is tried {SHIPPED.attempts} times, after waits of {SHIPPED.first_wait} s that
  double; a server's Retry-After is kept. The rest is not tried again: 401, 403, 404, a file that was replaced, an
  answer that is whole and wrong.
- **Time.** A request with all its attempts takes {SHIPPED.seconds:.0f} s at most, and 2 s more for each MB of a file;
  {SHIPPED.read_timeout:.0f} s of silence end an attempt. A server that sends a byte now and then is given up, too.
- **Memory and disk.** A download stops at the size that was listed. A day file of more than 33,554,432 bytes, packed or
  unpacked, is refused, an answer of the REST API of more than {LARGEST_BODY:,} bytes as well.
- **Pages.** A listing has {MOST_PAGES * PAGE:,} keys at most, an answer of the REST API {MOST_REST_PAGES:,} pages; one
  that leads in a circle is an error at once.
- **Words.** Every new attempt is told with its cause, and every wait for one answer each {NOTICE_EVERY:.0f} s:

```
warning: s3://flatfiles/ at https://files.massive.com: the server answered 503 SlowDown. Trying again in 1 s …
warning: Waiting for s3://flatfiles/ at https://files.massive.com: 20 s so far, 301 s at most.
```

What no one can see: a listing that lost a page looks like a vendor who has not published yet. The sessions asked for
are then missing, and named (`NotPublished`); `candlelake status` names the gaps. A list of reference data that ended
early, and says that it is whole, withdraws what it lacks: the check `nothing_withdrawn` warns of it, no row is deleted,
and the next whole list brings it back.
"""

HEADS = {
    "bucket": "Flat files from a bucket",
    "folder": "Flat files from a folder",
    "rest": "Sessions from the REST API",
}

HEAD = "| case | what the vendor does | what becomes of it |\n|---|---|---|\n"


def page() -> str:
    """Return the page."""
    return INTRODUCTION + "".join(_section(HEADS[source], cases) for source, cases in SOURCES.items())


def _section(head: str, cases: list[Case]) -> str:
    lines = (f"| `{case.name}` | {case.what} | {case.outcome} |\n" for case in cases)
    return f"\n## {head}\n\n{HEAD}{''.join(lines)}"


if __name__ == "__main__":
    sys.stdout.write(page())
