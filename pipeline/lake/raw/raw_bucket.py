"""Vendor files on S3: every version has a name of its own, and the vendor's key the receipt of the version in force.

No object with a version is ever replaced, so that two processes that store versions of the same file do not lose each
other's: both versions are kept, and the last receipt says which one is in force.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.lake.raw.receipts import RECEIPT_SUFFIX, Receipt, parse_receipt, replaced_prefix, written
from pipeline.lake.storage.s3_objects import S3Objects
from pipeline.lake.storage.s3_prefix import S3Prefix
from pipeline.lake.storage.store import RAW, S3Store


class RawBucket:
    """The vendor files under a prefix. The receipt of a file is always written last.

    Every version is stored where a folder keeps replaced versions. In a lake that was copied from a folder, the version
    in force is at the vendor's key; it is read there, and kept when it is replaced.
    """

    def __init__(self, place: S3Prefix) -> None:
        self._objects = S3Objects(place)
        self._store = S3Store(place)

    def __str__(self) -> str:
        return f"{self._objects.place}/{RAW}"

    def receipt(self, key: str) -> Receipt | None:
        """Return the receipt at a vendor's key, of the version in force. Raises FileRefused when it is damaged."""
        return self._receipt_at(f"{RAW}/{key}{RECEIPT_SUFFIX}")

    def replaced(self, dataset: str, session: date) -> list[Receipt]:
        """Return the receipts of the kept versions, by name; the one in force may be among them."""
        names = self._objects.names(f"{RAW}/{replaced_prefix(dataset, session)}")
        receipts = [self._receipt_at(name) for name in names if name.endswith(RECEIPT_SUFFIX)]
        return [receipt for receipt in receipts if receipt is not None]

    def place(self, receipt: Receipt) -> str:
        """Return the place of the bytes of this version."""
        own = _name(receipt)
        name = own if self._objects.size(own) is not None else f"{RAW}/{receipt.key}"
        return f"{self._objects.place}/{name}"

    def read(self, receipt: Receipt) -> bytes | None:
        """Return the bytes at the place of this version, None when there are none."""
        data = self._objects.read(_name(receipt))
        return self._objects.read(f"{RAW}/{receipt.key}") if data is None else data

    def is_whole(self, in_force: Receipt) -> bool:
        """Return whether the version in force has the size in its receipt."""
        size = self._objects.size(_name(in_force))
        return in_force.size == (self._objects.size(f"{RAW}/{in_force.key}") if size is None else size)

    def is_in_force(self, receipt: Receipt) -> bool:
        """Return whether exactly this version, byte for byte, is in force."""
        return self.receipt(receipt.key) == receipt and _sha256(self.read(receipt)) == receipt.sha256

    @contextmanager
    def landing(self) -> Iterator[Path]:
        """Give a local folder that is removed at the end."""
        with TemporaryDirectory(prefix="candlelake-") as folder:
            yield Path(folder)

    def take_in(self, receipt: Receipt, path: Path) -> None:
        """Put the file at `path` in force, and keep the version that it replaces."""
        self._store.require_safe_commits()
        self._keep_copied(receipt.key)
        self._keep(receipt, path.read_bytes())
        self._objects.put(f"{RAW}/{receipt.key}{RECEIPT_SUFFIX}", written(receipt))

    def _keep_copied(self, key: str) -> None:
        """Give a version that is still at the vendor's key a name of its own."""
        in_force = self.receipt(key)
        if in_force is not None and self._objects.size(_name(in_force)) is None:
            data = self._objects.read(f"{RAW}/{key}")
            if data is not None and _sha256(data) == in_force.sha256:
                self._keep(in_force, data)

    def _keep(self, receipt: Receipt, data: bytes) -> None:
        name = _name(receipt)
        # An object of that name has the same bytes, unless it was damaged: the name contains their hash.
        if not self._objects.put_new(name, data) and _sha256(self._objects.read(name)) != receipt.sha256:
            self._objects.put(name, data)
        self._objects.put(f"{name}{RECEIPT_SUFFIX}", written(receipt))

    def _receipt_at(self, name: str) -> Receipt | None:
        data = self._objects.read(name)
        return None if data is None else parse_receipt(data, f"{self._objects.place}/{name}")


def _name(receipt: Receipt) -> str:
    return f"{RAW}/{receipt.replaced_key}"


def _sha256(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()
