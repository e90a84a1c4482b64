"""`docs/vendor-faults.md`, written from the table of cases: `python -m assets_tests.vendor_faults.page` prints it."""

import sys

from assets_tests.vendor_faults.cases import SOURCES, Case
from pipeline.sources.massive.rest import LARGEST_BODY
from pipeline.sources.massive.rest import MOST_PAGES as MOST_REST_PAGES
from pipeline.sources.transfer.patience import NOTICE_EVERY, Patience
from pipeline.sources.transfer.s3 import MOST_PAGES, PAGE

SHIPPED = Patience()

INTRODUCTION = f"""\
# A vendor that misbehaves: what happens

Every line of the tables below is a test (`assets_tests/vendor_faults/test_faults.py`). A session is in the lake, the
vendor publishes a newer version of it, and the fault hits that version. Real servers on loopback play the faults:
a SeaweedFS bucket behind a proxy that corrupts what passes, an HTTP server instead of the REST API, a folder. The daily
job runs. Either the lake then has the newer version, right and whole, or the run fails with an error that names the
cause, and every table is as it was before. This page is printed from the table that the tests read.

What a file of rows may contain, once it has arrived, is on another page: [bad input](bad-input.md).

## Bounds

- **Attempts.** What may pass by itself is tried {SHIPPED.attempts} times, after waits that start at
  {SHIPPED.first_wait} s and double; a server's Retry-After is respected. The rest is not retried: 401, 403, 404, a file
  that was replaced, an answer that is whole and wrong.
- **Time.** A request with all its attempts takes at most {SHIPPED.seconds:.0f} s, and 2 s more for each MB of a file;
  {SHIPPED.read_timeout:.0f} s of silence end an attempt. A server that sends only a byte now and then is given up, too.
- **Memory and disk.** A download stops at the size that was listed. A day file of more than 33,554,432 bytes, packed or
  unpacked, is refused, and so is an answer of the REST API of more than {LARGEST_BODY:,} bytes.
- **Pages.** A listing has at most {MOST_PAGES * PAGE:,} keys, an answer of the REST API {MOST_REST_PAGES:,} pages. One
  that leads in a circle is an error at once.
- **Messages.** Every retry is reported with its cause, and while a request waits for an answer, a message says so every
  {NOTICE_EVERY:.0f} s:

```
warning: s3://flatfiles/ at https://files.massive.com: the server answered 503 SlowDown. \
Trying again in 1 s (attempt 3 of 5).
warning: Waiting for s3://flatfiles/ at https://files.massive.com: 20 s so far, 301 s at most.
```

What cannot be detected: a listing that lost a page looks like a vendor who has not published yet. The requested
sessions are then missing, and named (`NotPublished`); `candlelake status` names the gaps. A list of reference data that
ended early, and says that it is whole, withdraws what it lacks: the check `nothing_withdrawn` warns about it, no row is
deleted, and the next whole list brings it back.
"""

HEADS = {
    "bucket": "Flat files from a bucket",
    "folder": "Flat files from a folder",
    "rest": "Sessions from the REST API",
}

HEAD = "| case | what the vendor does | what happens |\n|---|---|---|\n"


def page() -> str:
    """Return the page."""
    return INTRODUCTION + "".join(_section(HEADS[source], cases) for source, cases in SOURCES.items())


def _section(head: str, cases: list[Case]) -> str:
    lines = (f"| `{case.name}` | {case.what} | {case.outcome} |\n" for case in cases)
    return f"\n## {head}\n\n{HEAD}{''.join(lines)}"


if __name__ == "__main__":
    sys.stdout.write(page())
