"""How the faults of a bucket, a folder and the REST API are played, by the names of their cases."""

import gzip
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from werkzeug import Request, Response

from assets_tests.faulty_proxy import Exchange, Fault, FaultyProxy
from assets_tests.sources.s3_faults import (
    cut_short,
    cut_short_unannounced,
    drip,
    edit,
    fall_silent,
    flip_a_bit,
    hang_up,
    login_page,
    refuse,
    reset_midway,
)
from assets_tests.sources.vendor_rest import as_json, say, say_json
from assets_tests.sources.vendor_rest import cut_short as cut_answer
from assets_tests.sources.vendor_rest import fall_silent as answer_late
from assets_tests.sources.vendor_rest import reset_midway as reset_answer
from assets_tests.vendor_day import day_file, key_of, row


@cache
def bomb() -> bytes:
    """Return a small file that unpacks to a gibibyte. It takes seconds, and most processes of tests never want it."""
    return gzip.compress(bytes(1 << 30), 1, mtime=0)


def spoilt(name: str, good: bytes, session: date) -> bytes:
    """Return what lies in the place of the file `good` in a case of OBJECTS."""
    changes: dict[str, Callable[[], bytes]] = {
        "empty": lambda: b"",
        "page_as_file": lambda: b"<!DOCTYPE html><html><body>Please log in</body></html>",
        "cut_in_store": lambda: good[:-12],
        "bit_in_store": lambda: good[:-6] + bytes([good[-6] ^ 1]) + good[-5:],
        "garbage_behind": lambda: good + b"garbage",
        "several_members": lambda: b"".join(gzip.compress(part) for part in halves(gzip.decompress(good))),
        "bomb": bomb,
        "other_day": lambda: day_file(row(date(2023, 12, 29), "NA", "12")),
    }
    return changes[name]() if name in changes else good


def halves(text: bytes) -> tuple[bytes, bytes]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def only(where: str, fault: Fault, times: int = 10**6) -> Fault:
    """Return `fault` for the first `times` requests of a `file` or a `listing`, and none for others."""
    left = [times]

    def limited(exchange: Exchange) -> None:
        if ("list-type" in exchange.path) == (where == "listing") and left[0]:
            left[0] -= 1
            fault(exchange)

    return limited


def with_header(fault: Fault, name: str, value: str) -> Fault:
    def changed(exchange: Exchange) -> None:
        fault(exchange)
        exchange.headers.append((name, value))

    return changed


def entry_of(xml: bytes, session: date) -> bytes:
    """Return the element of a listing about the file of `session`."""
    before, _, rest = xml.partition(key_of(session).encode())
    return before[before.rindex(b"<Contents>") :] + key_of(session).encode() + rest[: rest.index(b"</Contents>") + 11]


def play_in_bucket(name: str, proxy: FaultyProxy, session: date, replace: Callable[[], object]) -> None:
    """Set the proxy up for the case; `replace` puts yet another version into the bucket."""
    busy, many = refuse(503, "SlowDown"), refuse(429, "TooManyRequests")
    first_page: list[bytes] = []

    def in_a_circle(exchange: Exchange) -> None:
        first_page.append(exchange.body)
        more = b"<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>"
        exchange.status, exchange.body = 200, first_page[0].replace(b"<IsTruncated>false</IsTruncated>", more)

    def older_again(xml: bytes) -> bytes:
        entry = entry_of(xml, session)
        start = entry.index(b"<LastModified>") + len(b"<LastModified>")
        older = entry[:start] + b"2001-01-01T00:00:00.000Z" + entry[entry.index(b"</LastModified>") :]
        return xml.replace(entry, entry + older.replace(b"<ETag>", b"<ETag>&quot;0&quot;</ETag><Old>", 1).replace(
            b"</ETag><Size>", b"</Old><Size>", 1))  # fmt: skip

    def with_paths(xml: bytes) -> bytes:
        entry, key = entry_of(xml, session), key_of(session).encode()
        folder = key.rsplit(b"/", 1)[0]
        odd = [b"../" * 9 + b"etc/" + key, folder + b"/../../" + key, b"/" + key, folder + b"//2024-01-05.csv.gz",
               key + b"/../x.csv.gz", key.replace(b".gz", b".gz.exe")]  # fmt: skip
        return xml.replace(entry, entry + b"".join(entry.replace(key, one) for one in odd))

    def vast(xml: bytes) -> bytes:
        entry = entry_of(xml, session)
        start, end = entry.index(b"<Size>") + 6, entry.index(b"</Size>")
        return xml.replace(entry, entry[:start] + b"1000000000000" + entry[end:])

    def endless(exchange: Exchange) -> None:
        exchange.body *= 50

    def swap(_: Exchange) -> None:
        replace()

    plays: dict[str, Fault] = {
        "forbidden_file": only("file", refuse(403, "AccessDenied")),
        "forbidden": refuse(403, "AccessDenied"),
        "gone": only("file", refuse(404, "NoSuchKey")),
        "slow_down": only("file", busy, 2),
        "slow_down_for_ever": busy,
        "many": only("file", many, 2),
        "many_wait": only("file", with_header(many, "Retry-After", "1"), 1),
        "many_tomorrow": only("file", with_header(many, "Retry-After", "86400")),
        "hung_up": only("file", hang_up, 2),
        "hung_up_for_ever": hang_up,
        "reset": only("file", reset_midway, 2),
        "short": only("file", cut_short, 2),
        "short_for_ever": only("file", cut_short_unannounced),
        "endless": only("file", endless),
        "silent": only("file", fall_silent, 1),
        "silent_for_ever": only("file", fall_silent),
        "slow_body": only("file", drip("body")),
        "slow_head": only("listing", drip("head")),
        "bit": only("file", flip_a_bit, 2),
        "bit_for_ever": only("file", flip_a_bit),
        "page": only("file", login_page()),
        "page_as_listing": only("listing", login_page()),
        "elsewhere": only("file", with_header(refuse(307, "TemporaryRedirect"), "Location", "http://127.0.0.1:1/x")),
        "replaced": only("listing", swap),
        "listing_again": only("listing", in_a_circle),
        "listing_lost": only("listing", edit(lambda xml: xml.replace(entry_of(xml, session), b""))),
        "listing_cut": only("listing", edit(lambda xml: xml.replace(b"<IsTruncated>false", b"<IsTruncated>true"))),
        "listing_twice": only("listing", edit(older_again)),
        "listing_paths": only("listing", edit(with_paths)),
        "listing_size": only("listing", edit(vast)),
    }
    proxy.always = plays.get(name, lambda _: None)


def play_in_folder(name: str, path: Path) -> None:
    """Change the folder in which the good file lies at `path`, as the case says."""
    elsewhere = path.parents[5] / "elsewhere"
    if name == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif name == "folder_as_file":
        path.unlink()
        path.mkdir()
    elif name == "circle":
        for link in ("a", "b"):
            (path.parent / link).symlink_to(path.parents[1])
    elif name == "link":
        path.rename(elsewhere)
        path.symlink_to(elsewhere)
    elif name == "link_to_nowhere":
        path.unlink()
        path.symlink_to(elsewhere / "nowhere")


def hang_up_on(request: Request) -> Response:
    """Reset the connection before an answer begins."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)
    return Response()


def drip_answer(request: Request) -> Response:
    """Send a byte now and then, until the client goes away."""

    def body() -> Iterator[bytes]:
        for _ in range(2_000):
            yield b" "
            time.sleep(0.05)

    return Response(body(), content_type="application/json")


def answers_to(name: str, good: dict[str, Any]) -> list[Callable[[Request], Response]]:
    """Return what the REST API answers first in the case; `good` is the answer that is right."""
    busy = say("", 503)
    plays: dict[str, list[Callable[[Request], Response]]] = {
        "unknown_key": [say_json({"status": "ERROR", "error": "Unknown API Key"}, 401)],
        "outside": [say_json({"status": "NOT_AUTHORIZED", "message": "Upgrade your plan"}, 403)],
        "unknown": [say_json({"status": "NOT_FOUND", "message": "page not found"}, 404)],
        "unavailable": [busy] * 2,
        "unavailable_for_ever": [busy] * 9,
        "too_many": [say("", 429, {"Retry-After": "1"})],
        "too_many_unsaid": [say("", 429)] * 9,
        "too_many_tomorrow": [say("", 429, {"Retry-After": "86400"})] * 9,
        "hung_up": [hang_up_on] * 2,
        "reset": [reset_answer] * 2,
        "short": [cut_answer] * 2,
        "short_for_ever": [cut_answer] * 9,
        "short_unannounced": [say('{"status": "OK", "results": [')],
        "silent": [answer_late],
        "slow_body": [drip_answer] * 9,
        "empty": [say("")],
        "page": [say("<html>Please log in</html>")],
        "rows_lost": [say_json({**good, "resultsCount": 7})],
        "adjusted": [say_json({**good, "adjusted": True})],
        "other_day": [say_json({**good, "results": [{**one, "t": one["t"] - 86_400_000} for one in good["results"]]})],
        "bomb": [lambda _: Response(gzip.compress(b" " * 200_000_000), headers={"Content-Encoding": "gzip"})],
        "elsewhere": [say("", 302, {"Location": "http://127.0.0.1:1/"})],
    }
    return [*plays[name], *[lambda _: as_json(good)] * 9]
