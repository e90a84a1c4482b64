"""Checks the vendor's files against their receipts, and both against the audit trail."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

from pipeline.errors import FileRefused
from pipeline.lake.delta.fingerprints import THREADS
from pipeline.lake.integrity.damage import Damage, Kind
from pipeline.lake.raw.receipts import RECEIPT_SUFFIX, REPLACED, Receipt, has_checksum, parse_receipt
from pipeline.lake.storage.folder_objects import Digest
from pipeline.lake.storage.lake_objects import Objects
from pipeline.lake.storage.store import RAW

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}(?=[^/]*$)")


@dataclass(frozen=True)
class DeliveredVersion:
    """A version of a file in the audit trail."""

    receipt: Receipt
    is_current: bool
    """Whether the tables come from it."""


@dataclass
class RawState:
    """The findings for the vendor's files."""

    damages: list[Damage] = field(default_factory=list)
    rebuilt: dict[str, Receipt] = field(default_factory=dict)
    """Receipts from the audit trail, by the name in the lake of the damaged or missing receipt."""
    whole: list[Receipt] = field(default_factory=list)
    """Versions that exist with a matching receipt."""
    unknown: list[str] = field(default_factory=list)
    """Files without a receipt, which nothing reads."""
    unfinished: list[Damage] = field(default_factory=list)
    """Files of a new version whose run ended before it wrote their receipt. No damage: the old version is kept."""
    checked: int = 0
    size: int = 0
    """Bytes."""


class RawVerification:
    """One check of the files under `raw/`. `trail` lists the versions in the audit trails."""

    def __init__(self, objects: Objects, trail: Sequence[DeliveredVersion]) -> None:
        self._objects = objects
        self._trail = trail
        self._by_place: dict[str, list[DeliveredVersion]] = {}
        for delivered in trail:
            for place in (delivered.receipt.key, delivered.receipt.replaced_key):
                self._by_place.setdefault(f"{RAW}/{place}", []).append(delivered)
        listed = list(objects.names(f"{RAW}/"))
        self._receipts = {name for name in listed if name.endswith(RECEIPT_SUFFIX)}
        self._files = [name for name in listed if not name.endswith(RECEIPT_SUFFIX)]
        self._digests: dict[str, Digest | None] = {}
        self._in_force: set[str] = set()
        """Files among the kept versions that are in force: on S3 all are there, and a receipt says which one is."""
        self.state = RawState()

    @property
    def steps(self) -> int:
        """Return how many files the check reads."""
        return len(self._files)

    def run(self, advance: Callable[[int], None] = lambda _: None) -> RawState:
        """Compare every file with its receipt, and return what was found."""
        with ThreadPoolExecutor(THREADS, thread_name_prefix="verifying") as threads:
            for name, digest in zip(self._files, threads.map(self._objects.digest, self._files), strict=True):
                self._digests[name] = digest
                self.state.checked += 1
                self.state.size += digest.size if digest else 0
                advance(1)
        for name in sorted(self._receipts, key=lambda name: (_is_kept(name), name)):  # those at the vendor's keys first
            self._check(name)
        receipted = {name.removesuffix(RECEIPT_SUFFIX) for name in self._receipts}
        for name in self._files:
            if name not in receipted:
                self._without_receipt(name)
        self._check_trail()
        return self.state

    def _check(self, name: str) -> None:
        file, receipt = name.removesuffix(RECEIPT_SUFFIX), self._receipt_at(name)
        if receipt is not None and file not in self._digests and self._knows(f"{RAW}/{receipt.replaced_key}"):
            # On S3, the receipt in force is at the vendor's key, and every version has a name of its own.
            file = f"{RAW}/{receipt.replaced_key}"
            self._in_force.add(file)
        found, traced = self._digests.get(file), self._traced(file)
        fits = receipt is not None and found == Digest(receipt.size, receipt.sha256)
        if receipt is None:
            self._damage(Kind.RECEIPT, name, "is damaged", traced)
        elif fits and (traced is None or self._agrees(name, receipt, traced.receipt)):
            self.state.whole.append(receipt)
        elif traced is not None:
            self._damage(Kind.RECEIPT, name, "does not match the audit trail", traced)
        elif not _is_kept(name) and self._is_kept_whole(receipt):
            session = _session_in(file)
            found_text = "it put a new version of the file in place, and not its receipt"
            self.state.unfinished.append(Damage(Kind.RAW, RAW, file, found_text, session, session))
        elif not (_is_kept(name) and file in self._in_force):  # reported with the receipt at the vendor's key
            self._damage(self._kind(file, receipt), file, _differs(found, receipt))

    def _is_kept_whole(self, receipt: Receipt) -> bool:
        """Return whether the version was kept before a new one took its place."""
        return self._digests.get(f"{RAW}/{receipt.replaced_key}") == Digest(receipt.size, receipt.sha256)

    def _agrees(self, name: str, receipt: Receipt, traced: Receipt) -> bool:
        """Return whether the receipt at `name` says the same about its bytes as the audit trail.

        The trail has the time of the file in force. The same bytes may have been fetched again since: under another
        version's name, or at a later time, which only the receipt's own checksum confirms.
        """
        if receipt.session != traced.session:
            return False
        times = {
            delivered.receipt.last_modified
            for delivered in self._trail
            if _identity(delivered.receipt) == _identity(receipt)
        }
        if _is_kept(name) or not times or receipt.last_modified in times:
            return True
        return receipt.last_modified > max(times) and has_checksum(self._objects.read(name) or b"{}")

    def _knows(self, file: str) -> bool:
        return file in self._digests or f"{file}{RECEIPT_SUFFIX}" in self._receipts

    def _receipt_at(self, name: str) -> Receipt | None:
        """Return the receipt at `name`, None when it is damaged or belongs to another file."""
        try:
            receipt = parse_receipt(self._objects.read(name) or b"", name)
            places = {f"{RAW}/{key}{RECEIPT_SUFFIX}" for key in (receipt.key, receipt.replaced_key)}
        except (FileRefused, ValueError, TypeError, AttributeError):  # also for an invalid key
            return None
        return receipt if name in places else None

    def _traced(self, file: str) -> DeliveredVersion | None:
        """Return the version in the audit trail that has the bytes of `file`, None when there is none."""
        found = self._digests.get(file)
        for delivered in self._by_place.get(file, ()):
            if found == Digest(delivered.receipt.size, delivered.receipt.sha256):
                return delivered
        return None

    def _kind(self, file: str, receipt: Receipt) -> Kind:
        if _is_kept(file):
            return Kind.RAW if file in self._in_force else Kind.OLD_RAW
        same = [delivered for delivered in self._by_place.get(file, ()) if delivered.receipt == receipt]
        return Kind.RAW if all(delivered.is_current for delivered in same) else Kind.OLD_RAW

    def _without_receipt(self, file: str) -> None:
        traced = self._traced(file)
        # A run that ended while it kept a version has copied its bytes, and left the version where it was.
        is_half_kept = _is_kept(file) and traced is not None and self._is_whole_elsewhere(traced.receipt)
        if traced is None or is_half_kept:
            self.state.unknown.append(file)
        else:
            self._damage(Kind.RECEIPT, f"{file}{RECEIPT_SUFFIX}", "is missing", traced)

    def _is_whole_elsewhere(self, receipt: Receipt) -> bool:
        return any(_identity(whole) == _identity(receipt) for whole in self.state.whole)

    def _check_trail(self) -> None:
        """Find the versions in the audit trail that do not exist."""
        there = {_identity(receipt) for receipt in (*self.state.whole, *self.state.rebuilt.values())}
        damaged = {damage.file.removesuffix(RECEIPT_SUFFIX) for damage in self.state.damages}
        for delivered in self._trail:
            current, replaced = (f"{RAW}/{key}" for key in (delivered.receipt.key, delivered.receipt.replaced_key))
            if _identity(delivered.receipt) in there or {current, replaced} & damaged:
                continue
            place_of_bytes = next((place for place in (current, replaced) if self._traced(place) == delivered), None)
            if place_of_bytes is not None:
                self._damage(
                    Kind.RECEIPT, f"{place_of_bytes}{RECEIPT_SUFFIX}", "does not match the audit trail", delivered
                )
            elif delivered.is_current:
                self._damage(Kind.RAW, current, "is missing, and so is its receipt")
            else:
                self._damage(Kind.OLD_RAW, replaced, "is missing, and so is its receipt")

    def _damage(self, kind: Kind, name: str, found: str, delivered: DeliveredVersion | None = None) -> None:
        if delivered is not None:
            self.state.rebuilt[name] = delivered.receipt
        session = _session_in(name)
        self.state.damages.append(Damage(kind, RAW, name, found, session, session))


def _is_kept(name: str) -> bool:
    """Return whether a file or receipt is among the kept versions, not at a vendor's key."""
    return name.startswith(f"{RAW}/{REPLACED}/")


def _session_in(name: str) -> date | None:
    """Return the session that a file is named after."""
    dated = _DATED.search(name)
    return date.fromisoformat(dated[0]) if dated else None


def _identity(receipt: Receipt) -> tuple[str, str, str]:
    return receipt.key, receipt.etag, receipt.sha256


def _differs(found: Digest | None, receipt: Receipt) -> str:
    if found is None:
        return "is missing"
    if found.size == 0:
        return "is empty"
    if found.size != receipt.size:
        return f"has {found.size:,} bytes, its receipt says {receipt.size:,}"
    return "holds other bytes than its receipt says"
