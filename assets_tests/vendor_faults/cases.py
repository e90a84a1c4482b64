"""A vendor's bad days, one case each: the fault, and what becomes of it. `docs/vendor-faults.md` has the table."""

from dataclasses import dataclass, field
from typing import Any

TRANSFER, DENIED, ABSENT = "TransferFailed", "AccessDenied", "NotPublished"
FILE, ANSWER, SETTING = "FileRefused", "AnswerRefused", "SettingsError"


@dataclass(frozen=True)
class Case:
    """A fault in the newer version of a session whose older version is in the lake."""

    name: str
    what: str
    """What the vendor does."""
    error: str = ""
    """The error that the run ends with; empty when the run brings the newer version, right and whole."""
    words: str = ""
    """Words of the error."""
    bounds: dict[str, Any] = field(default_factory=dict)
    """Of `Patience`, where the case would take minutes with the defaults."""

    @property
    def outcome(self) -> str:
        """Return what becomes of it, in words."""
        return f"refused, `{self.error}`: … {self.words} …" if self.error else "the newer version, whole"


GAVE_UP = "Gave up after 5 attempts"
SILENT: dict[str, Any] = {"read_timeout": 0.5}
AT_ONCE: dict[str, Any] = {"sleep": lambda _: None}
HURRIED: dict[str, Any] = {"seconds": 1.0, "slowest": 1e12, "grace": 0.2}

OBJECTS = [
    Case("empty", "an empty object", FILE, "is empty (0 bytes)"),
    Case("page_as_file", "an HTML page stored as the file", FILE, "is not a gzip file but looks like an HTML page"),
    Case("cut_in_store", "an object cut short, whose length and MD5 agree with the listing", FILE, "is truncated"),
    Case("bit_in_store", "a flipped bit in the object, whose length and MD5 agree with the listing", FILE, "damaged"),
    Case("garbage_behind", "garbage after the gzip content", FILE, "7 bytes after the end"),
    Case("several_members", "a file of several gzip members"),
    Case("bomb", "a gzip bomb: 1 MB that unpacks to 1 GB", FILE, "unpacks to more than the 33,554,432 bytes"),
    Case("other_day", "the file of another day under this day's name", FILE, "more than the 20.0% allowed"),
]

BUCKET = [
    Case("forbidden_file", "403 for a file that is listed: its dataset or date is outside the plan", DENIED,
         "outside the plan"),
    Case("forbidden", "403 for everything", DENIED, "access is denied"),
    Case("gone", "404 for a file that is listed", ABSENT, "gone since it was listed"),
    Case("slow_down", "503 SlowDown, twice"),
    Case("slow_down_for_ever", "503 SlowDown, for ever", TRANSFER, GAVE_UP),
    Case("many", "429 without Retry-After, twice"),
    Case("many_wait", "429 with a Retry-After of one second"),
    Case("many_tomorrow", "429 with a Retry-After of a day", TRANSFER, "Gave up after 1 attempt"),
    Case("hung_up", "a reset before the headers, twice"),
    Case("hung_up_for_ever", "a reset before the headers, for ever", TRANSFER, GAVE_UP),
    Case("reset", "a reset in the middle of the body, twice"),
    Case("short", "a body shorter than announced, twice"),
    Case("short_for_ever", "a body shorter than the listing says, and announced so, for ever", TRANSFER, "instead of"),
    Case("endless", "a body that continues after the end of the file", TRANSFER, "brought more than its"),
    Case("silent", "a server that accepts the request and goes silent, once", bounds=SILENT),
    Case("silent_for_ever", "the same for ever", TRANSFER, GAVE_UP, SILENT),
    Case("slow_body", "a byte of the body now and then, for ever", TRANSFER, "too slowly and was given up", HURRIED),
    Case("slow_head", "a byte of the headers now and then, for ever", TRANSFER, "too slowly and was given up", HURRIED),
    Case("bit", "a flipped bit on the way, the length unchanged, twice"),
    Case("bit_for_ever", "the same for ever", TRANSFER, "arrived damaged"),
    Case("page", "an HTML page with 200 instead of the file", TRANSFER, "a login page of the network"),
    Case("page_as_listing", "an HTML page with 200 instead of the listing", TRANSFER, GAVE_UP),
    Case("elsewhere", "a redirect to another server: it is not followed", SETTING, "sends the request to another"),
    Case("replaced", "the object replaced between listing and download", TRANSFER, "was replaced since it was listed"),
    Case("listing_again", "a listing whose next page is the same page again", TRANSFER, "announces more keys"),
    Case("listing_lost", "a listing that lost a page with the session's file", ABSENT, "1 of 2 sessions have no file"),
    Case("listing_cut", "a listing that announces more and does not say where", TRANSFER, "announces more keys"),
    Case("listing_twice", "a listing that names the file twice, an older version last"),
    Case("listing_paths", "a listing with keys that lead elsewhere (`../`, `//`, other suffixes) beside the file"),
    Case("listing_size", "a listing that gives the file a size of 1 TB", FILE, "more than the 33,554,432 that"),
]  # fmt: skip

FOLDER = [
    Case("pipe", "a pipe instead of the file; opening it never ends", FILE, "is not a file"),
    Case("folder_as_file", "a folder instead of the file", ABSENT, "1 of 2 sessions have no file"),
    Case("circle", "links that lead in a circle, beside the file"),
    Case("link", "a link to the file, which is elsewhere"),
    Case("link_to_nowhere", "a link to nowhere", ABSENT, "There is no"),
]

REST = [
    Case("unknown_key", "401: the key is unknown", DENIED, "the key is not accepted"),
    Case("outside", "403: the plan does not include it", DENIED, "access is denied"),
    Case("unknown", "404", ABSENT, "does not exist"),
    Case("unavailable", "503, twice"),
    Case("unavailable_for_ever", "503, for ever", TRANSFER, GAVE_UP),
    Case("too_many", "429 with a Retry-After of one second"),
    Case("too_many_unsaid", "429 without Retry-After, for ever: each wait is a minute", TRANSFER, GAVE_UP, AT_ONCE),
    Case("too_many_tomorrow", "429 with a Retry-After of a day", TRANSFER, "Gave up after 1 attempt"),
    Case("hung_up", "a reset before the headers, twice"),
    Case("reset", "a reset in the middle of the body, twice"),
    Case("short", "a body shorter than announced, twice"),
    Case("short_for_ever", "the same for ever", TRANSFER, GAVE_UP),
    Case("short_unannounced", "a body cut short, and announced so", ANSWER, "not JSON"),
    Case("silent", "a server that goes silent, once", bounds=SILENT),
    Case("slow_body", "a byte now and then, for ever", TRANSFER, "too slowly and was given up", HURRIED),
    Case("empty", "an empty body", ANSWER, "not JSON"),
    Case("page", "an HTML page with 200", ANSWER, "not JSON: a login page of the network"),
    Case("rows_lost", "fewer rows than the answer says", ANSWER, "resultsCount is 7"),
    Case("adjusted", "prices adjusted for splits, although requested as traded", ANSWER, "adjusted"),
    Case("other_day", "the answer of another day", ANSWER, "is of"),
    Case("bomb", "200 KB that unpack to 200 MB", ANSWER, "more than 67,108,864 bytes"),
    Case("elsewhere", "a redirect to another server: it is not followed, and the key not shown to it", SETTING, "302"),
]  # fmt: skip

SOURCES: dict[str, list[Case]] = {"bucket": [*BUCKET, *OBJECTS], "folder": [*FOLDER, *OBJECTS], "rest": REST}
