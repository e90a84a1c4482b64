"""The one day file of the S3 tests, its faults, and a clock whose waits take no time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from assets_tests.faulty_proxy import Exchange, Fault
from pipeline.sources.port import Dataset
from pipeline.sources.transfer.patience import Patience

DAY = Dataset.DAY_AGGS
SESSION = date(2024, 1, 5)
BODY = bytes(range(256)) * 12_000


@dataclass
class Waits:
    """A clock that only sleeping moves, so that waiting takes no time."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, **bounds: Any) -> Patience:
        return Patience(clock=lambda: self.now, sleep=self.sleep, jitter=lambda: 1.0, **bounds)


def refuse(status: int, code: str) -> Fault:
    """Answer an S3 error; without a body when the request was a HEAD."""

    def fault(exchange: Exchange) -> None:
        exchange.status = status
        exchange.headers = [("Content-Type", "application/xml")]
        exchange.body = b"" if exchange.method == "HEAD" else f"<Error><Code>{code}</Code></Error>".encode()

    return fault


def reset_midway(exchange: Exchange) -> None:
    exchange.announced = len(exchange.body)
    exchange.body = exchange.body[: len(exchange.body) // 2]
    exchange.reset = True


def cut_short(exchange: Exchange) -> None:
    exchange.announced = len(exchange.body)
    exchange.body = exchange.body[:-1]


def cut_short_unannounced(exchange: Exchange) -> None:
    exchange.body = exchange.body[:-1]


def make_longer(exchange: Exchange) -> None:
    exchange.body += b"?"


def flip_a_bit(exchange: Exchange) -> None:
    middle = len(exchange.body) // 2
    exchange.body = exchange.body[:middle] + bytes([exchange.body[middle] ^ 1]) + exchange.body[middle + 1 :]


def login_page(text: bytes = b"<html><body>Please log in<br></body></html>") -> Fault:
    """Answer as a hotel's network does."""

    def fault(exchange: Exchange) -> None:
        exchange.status, exchange.headers, exchange.body = 200, [("Content-Type", "text/html")], text

    return fault


def hang_up(exchange: Exchange) -> None:
    exchange.hung_up = True


def drip(what: str) -> Fault:
    def fault(exchange: Exchange) -> None:
        exchange.dripping = what
        exchange.announced = 10**9

    return fault


def fall_silent(exchange: Exchange) -> None:
    exchange.silent = True


def edit(change: Callable[[bytes], bytes]) -> Fault:
    def fault(exchange: Exchange) -> None:
        exchange.body = change(exchange.body)

    return fault
