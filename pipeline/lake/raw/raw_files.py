"""The vendor's files, byte for byte, each with a receipt, and every version that was ever replaced."""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Protocol

from pipeline.errors import FileRefused
from pipeline.lake.raw.raw_bucket import RawBucket
from pipeline.lake.raw.raw_folder import RawFolder, sha256_of
from pipeline.lake.raw.receipts import RECEIPT_SUFFIX, REST, Receipt, key_of
from pipeline.lake.storage.s3_prefix import S3Prefix
from pipeline.lake.storage.store import RAW

__all__ = ["RECEIPT_SUFFIX", "REST", "RawFiles", "Receipt", "key_of"]


class Versions(Protocol):
    """The storage of vendor files. The receipt of a file is always written last."""

    def receipt(self, key: str) -> Receipt | None:
        """Return the receipt at a vendor's key, of the version in force. Raises FileRefused when it is damaged."""

    def replaced(self, dataset: str, session: date) -> list[Receipt]:
        """Return the receipts of the kept versions, by name; the one in force may be among them."""

    def place(self, receipt: Receipt) -> str:
        """Return the place of the bytes of this version."""

    def read(self, receipt: Receipt) -> bytes | None:
        """Return the bytes at the place of this version, None when there are none."""

    def is_whole(self, in_force: Receipt) -> bool:
        """Return whether the version in force has the size in its receipt."""

    def is_in_force(self, receipt: Receipt) -> bool:
        """Return whether exactly this version, byte for byte, is in force."""

    def landing(self) -> AbstractContextManager[Path]:
        """Give a folder for files to be stored; it is removed at the end."""

    def take_in(self, receipt: Receipt, path: Path) -> None:
        """Put the file at `path` in force, and keep the version that it replaces."""


class RawFiles:
    """The files under `<lake>/raw`, in a folder or on S3. A file counts only together with its receipt."""

    def __init__(self, lake: Path | S3Prefix) -> None:
        self._versions: Versions = RawBucket(lake) if isinstance(lake, S3Prefix) else RawFolder(Path(lake) / RAW)

    def current(self, dataset: str, session: date) -> Receipt | None:
        """Return the receipt of the version in force; None when there is none, or its file is gone or cut short.

        Raises FileRefused when the receipt itself is damaged.
        """
        receipt = self._versions.receipt(key_of(dataset, session))
        return receipt if receipt is not None and self._versions.is_whole(receipt) else None

    def required(self, dataset: str, session: date) -> Receipt:
        """Return the receipt of the version in force. Raises FileRefused when there is none."""
        receipt = self.current(dataset, session)
        if receipt is None:
            raise self._missing(dataset, session)
        return receipt

    def in_force(self, editions: Sequence[str], session: date) -> Receipt:
        """Return the receipt of a session's edition in force: the first of the datasets `editions` that has a file.

        Raises FileRefused when none has, or its file is gone: no other edition silently takes its place.
        """
        for dataset in editions:
            receipt = self._versions.receipt(key_of(dataset, session))
            if receipt is not None and self._versions.is_whole(receipt):
                return receipt
            if receipt is not None:
                raise self._missing(dataset, session)
        raise self._missing(editions[0], session)

    def versions(self, dataset: str, session: date) -> list[Receipt]:
        """Return every stored version of a session, by the vendor's time, the one in force last."""
        replaced = self._versions.replaced(dataset, session)
        current = self.current(dataset, session)
        earlier = sorted(
            (receipt for receipt in replaced if receipt != current), key=lambda receipt: receipt.last_modified
        )
        return [*earlier, current] if current else earlier

    def read(self, receipt: Receipt) -> bytes:
        """Return the bytes of this version. Raises FileRefused unless they are exactly those that were stored."""
        data = self._versions.read(receipt)
        if data is None or hashlib.sha256(data).hexdigest() != receipt.sha256:
            raise FileRefused(
                f"{self._versions.place(receipt)} does not hold the {receipt.size} bytes of its receipt: it was "
                "changed, or a write was cut off.",
                remedy="`candlelake verify --repair` fetches it again.",
            )
        return data

    def landing(self) -> AbstractContextManager[Path]:
        """Give a folder for files to be stored; it is removed at the end, with anything left in it."""
        return self._versions.landing()

    def store(self, receipt: Receipt, path: Path) -> Receipt:
        """Store the file at `path` as the version in force, keep the one it replaces, and return the receipt.

        A version that is already in force changes nothing. `path` lies in a folder of `landing`, and may be gone
        afterwards. Raises FileRefused when its bytes are not those of the receipt.
        """
        if self._versions.is_in_force(receipt):
            return receipt
        if sha256_of(path) != receipt.sha256 or path.stat().st_size != receipt.size:
            raise FileRefused(
                f"{path} does not hold the bytes announced for {receipt.key}.", remedy="Download the file again."
            )
        self._versions.take_in(receipt, path)
        return receipt

    def _missing(self, dataset: str, session: date) -> FileRefused:
        return FileRefused(
            f"No {dataset} file of {session} is in {self._versions}.",
            remedy=f"Materialize the raw files of {session} first: `candlelake run --date {session}`.",
        )
