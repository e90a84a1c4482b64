"""Holding the vendor's files against their receipts, and both against the audit trail."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

from pipeline.errors import FileRefused
from pipeline.lake.delta.fingerprints import THREADS
from pipeline.lake.integrity.damage import Damage, Kind
from pipeline.lake.raw.receipts import RECEIPT_SUFFIX, REPLACED, Receipt, has_checksum, parsed
from pipeline.lake.storage.folder_objects import Digest
from pipeline.lake.storage.lake_objects import Objects
from pipeline.lake.storage.store import RAW

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}(?=[^/]*$)")


@dataclass(frozen=True)
class Delivered:
    """A version of a file that the audit trail tells of."""

    receipt: Receipt
    is_current: bool
    """Whether the tables come from it."""


@dataclass
class RawState:
    """What was found of the vendor's files."""

    damages: list[Damage] = field(default_factory=list)
    rebuilt: dict[str, Receipt] = field(default_factory=dict)
    """Receipts that the audit trail knows, by the damaged or missing one's name in the lake."""
    whole: list[Receipt] = field(default_factory=list)
    """Versions that are there with a receipt that fits."""
    unknown: list[str] = field(default_factory=list)
    """Files without a receipt, which nothing reads."""
    checked: int = 0
    size: int = 0
    """Bytes."""


class RawVerification:
    """One check of the files under `raw/`. `trail` is what the audit trails tell of."""

    def __init__(self, objects: Objects, trail: Sequence[Delivered]) -> None:
        self._objects = objects
        self._trail = trail
        self._by_place: dict[str, list[Delivered]] = {}
        for one in trail:
            for place in (one.receipt.key, one.receipt.replaced_key):
                self._by_place.setdefault(f"{RAW}/{place}", []).append(one)
        listed = list(objects.names(f"{RAW}/"))
        self._receipts = {name for name in listed if name.endswith(RECEIPT_SUFFIX)}
        self._files = [name for name in listed if not name.endswith(RECEIPT_SUFFIX)]
        self._digests: dict[str, Digest | None] = {}
        self._in_force: set[str] = set()
        """Files among the versions kept that are in force: on S3 all are kept there, and receipts say which one is."""
        self.state = RawState()

    @property
    def steps(self) -> int:
        """Return how many files are to be read."""
        return len(self._files)

    def run(self, told: Callable[[int], None] = lambda _: None) -> RawState:
        """Compare every file with its receipt, and return what was found."""
        with ThreadPoolExecutor(THREADS, thread_name_prefix="verifying") as threads:
            for name, digest in zip(self._files, threads.map(self._objects.digest, self._files), strict=True):
                self._digests[name] = digest
                self.state.checked += 1
                self.state.size += digest.size if digest else 0
                told(1)
        for name in sorted(self._receipts, key=lambda name: (_is_kept(name), name)):  # those at the vendor's keys first
            self._check(name)
        receipted = {name.removesuffix(RECEIPT_SUFFIX) for name in self._receipts}
        for name in self._files:
            if name not in receipted:
                self._without_receipt(name)
        self._check_trail()
        return self.state

    def _check(self, name: str) -> None:
        file, receipt = name.removesuffix(RECEIPT_SUFFIX), self._parsed(name)
        if receipt is not None and file not in self._digests and self._knows(f"{RAW}/{receipt.replaced_key}"):
            # On S3, the receipt in force lies at the vendor's key, and every version under a name of its own.
            file = f"{RAW}/{receipt.replaced_key}"
            self._in_force.add(file)
        found, traced = self._digests.get(file), self._traced(file)
        fits = receipt is not None and found == Digest(receipt.size, receipt.sha256)
        if receipt is None:
            self._damage(Kind.RECEIPT, name, "is damaged", traced)
        elif fits and (traced is None or self._agrees(name, receipt, traced.receipt)):
            self.state.whole.append(receipt)
        elif traced is not None:
            self._damage(Kind.RECEIPT, name, "does not tell what the audit trail does", traced)
        elif not (_is_kept(name) and file in self._in_force):  # told of with the receipt at the vendor's key
            self._damage(self._kind(file, receipt), file, _differs(found, receipt))

    def _agrees(self, name: str, receipt: Receipt, traced: Receipt) -> bool:
        """Return whether the receipt at `name` tells of its bytes what the audit trail does.

        The trail knows the time of the file in force. The same bytes may have been fetched again since: under another
        version's name, or under a later time, which only the receipt's own checksum vouches for.
        """
        if receipt.session != traced.session:
            return False
        known = {one.receipt.last_modified for one in self._trail if _identity(one.receipt) == _identity(receipt)}
        if _is_kept(name) or not known or receipt.last_modified in known:
            return True
        return receipt.last_modified > max(known) and has_checksum(self._objects.read(name) or b"{}")

    def _knows(self, file: str) -> bool:
        return file in self._digests or f"{file}{RECEIPT_SUFFIX}" in self._receipts

    def _parsed(self, name: str) -> Receipt | None:
        """Return the receipt at `name`, None when it is damaged or speaks of another file."""
        try:
            receipt = parsed(self._objects.read(name) or b"", name)
            places = {f"{RAW}/{key}{RECEIPT_SUFFIX}" for key in (receipt.key, receipt.replaced_key)}
        except (FileRefused, ValueError, TypeError, AttributeError):  # also of a key that is none
            return None
        return receipt if name in places else None

    def _traced(self, file: str) -> Delivered | None:
        """Return the version in the audit trail whose bytes are those of `file`, None when there is none."""
        found = self._digests.get(file)
        for one in self._by_place.get(file, ()):
            if found == Digest(one.receipt.size, one.receipt.sha256):
                return one
        return None

    def _kind(self, file: str, receipt: Receipt) -> Kind:
        if _is_kept(file):
            return Kind.RAW if file in self._in_force else Kind.OLD_RAW
        told = [one for one in self._by_place.get(file, ()) if one.receipt == receipt]
        return Kind.RAW if all(one.is_current for one in told) else Kind.OLD_RAW

    def _without_receipt(self, file: str) -> None:
        traced = self._traced(file)
        if traced is None:
            self.state.unknown.append(file)
        else:
            self._damage(Kind.RECEIPT, f"{file}{RECEIPT_SUFFIX}", "is missing", traced)

    def _check_trail(self) -> None:
        """Find the versions that the audit trail tells of and that are not there."""
        there = {_identity(receipt) for receipt in (*self.state.whole, *self.state.rebuilt.values())}
        damaged = {damage.file.removesuffix(RECEIPT_SUFFIX) for damage in self.state.damages}
        for one in self._trail:
            current, replaced = (f"{RAW}/{key}" for key in (one.receipt.key, one.receipt.replaced_key))
            if _identity(one.receipt) in there or {current, replaced} & damaged:
                continue
            held = next((place for place in (current, replaced) if self._traced(place) == one), None)
            if held is not None:
                self._damage(Kind.RECEIPT, f"{held}{RECEIPT_SUFFIX}", "does not tell what the audit trail does", one)
            elif one.is_current:
                self._damage(Kind.RAW, current, "is missing, and so is its receipt")
            else:
                self._damage(Kind.OLD_RAW, replaced, "is missing, and so is its receipt")

    def _damage(self, kind: Kind, name: str, found: str, told: Delivered | None = None) -> None:
        if told is not None:
            self.state.rebuilt[name] = told.receipt
        dated = _DATED.search(name)
        session = date.fromisoformat(dated[0]) if dated else None
        self.state.damages.append(Damage(kind, RAW, name, found, session, session))


def _is_kept(name: str) -> bool:
    """Return whether a file or receipt lies among the versions kept, not at a vendor's key."""
    return name.startswith(f"{RAW}/{REPLACED}/")


def _identity(receipt: Receipt) -> tuple[str, str, str]:
    return receipt.key, receipt.etag, receipt.sha256


def _differs(found: Digest | None, receipt: Receipt) -> str:
    if found is None:
        return "is missing"
    if found.size == 0:
        return "is empty"
    if found.size != receipt.size:
        return f"has {found.size:,} bytes, its receipt tells of {receipt.size:,}"
    return "holds other bytes than its receipt tells of"
