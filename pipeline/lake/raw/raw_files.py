"""What the vendor delivered, byte for byte, each with a receipt, and every version that was ever replaced."""

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
    """Where vendor files are kept. The receipt of a file is always written last."""

    def receipt(self, key: str) -> Receipt | None:
        """Return the receipt at a vendor's key, of the version in force. Raises FileRefused when it is damaged."""

    def replaced(self, dataset: str, session: date) -> list[Receipt]:
        """Return the receipts of the versions kept, by name; the one in force may be among them."""

    def place(self, receipt: Receipt) -> str:
        """Return where the bytes of this version lie."""

    def read(self, receipt: Receipt) -> bytes | None:
        """Return the bytes that lie where this version should, None when there are none."""

    def is_whole(self, in_force: Receipt) -> bool:
        """Return whether the version in force has the size that its receipt tells of."""

    def is_in_force(self, receipt: Receipt) -> bool:
        """Return whether exactly this version, byte for byte, is the one in force."""

    def landing(self) -> AbstractContextManager[Path]:
        """Give a folder for files that are to be taken in; gone at the end."""

    def take_in(self, receipt: Receipt, path: Path) -> None:
        """Put the file at `path` in force, and keep the version that it replaces."""


class RawFiles:
    """The files under `<lake>/raw`, in a folder or on S3. A file counts only together with its receipt."""

    def __init__(self, lake: Path | S3Prefix) -> None:
        self._kept: Versions = RawBucket(lake) if isinstance(lake, S3Prefix) else RawFolder(Path(lake) / RAW)

    def current(self, dataset: str, session: date) -> Receipt | None:
        """Return the receipt of the version in force; None when there is none, or its file is gone or cut short.

        Raises FileRefused when the receipt itself is damaged.
        """
        receipt = self._kept.receipt(key_of(dataset, session))
        return receipt if receipt is not None and self._kept.is_whole(receipt) else None

    def required(self, dataset: str, session: date) -> Receipt:
        """Return the receipt of the version in force. Raises FileRefused when there is none."""
        receipt = self.current(dataset, session)
        if receipt is None:
            raise self._missing(dataset, session)
        return receipt

    def in_force(self, editions: Sequence[str], session: date) -> Receipt:
        """Return the receipt of a session's edition in force: the first of the datasets `editions` that came in.

        Raises FileRefused when none did, or its file is gone: no other edition takes its place unseen.
        """
        for dataset in editions:
            receipt = self._kept.receipt(key_of(dataset, session))
            if receipt is not None and self._kept.is_whole(receipt):
                return receipt
            if receipt is not None:
                raise self._missing(dataset, session)
        raise self._missing(editions[0], session)

    def versions(self, dataset: str, session: date) -> list[Receipt]:
        """Return every version taken in for a session, by the vendor's time, the one in force last."""
        replaced = self._kept.replaced(dataset, session)
        current = self.current(dataset, session)
        earlier = sorted((one for one in replaced if one != current), key=lambda one: one.last_modified)
        return [*earlier, current] if current else earlier

    def read(self, receipt: Receipt) -> bytes:
        """Return the bytes of this version. Raises FileRefused unless they are exactly those that were taken in."""
        data = self._kept.read(receipt)
        if data is None or hashlib.sha256(data).hexdigest() != receipt.sha256:
            raise FileRefused(
                f"{self._kept.place(receipt)} does not hold the {receipt.size} bytes that its receipt tells of: it was "
                "changed, or a write was cut off.",
                remedy="`candlelake verify --repair` fetches it again.",
            )
        return data

    def landing(self) -> AbstractContextManager[Path]:
        """Give a folder for files that are to be stored; it goes at the end, with what is left in it."""
        return self._kept.landing()

    def store(self, receipt: Receipt, path: Path) -> Receipt:
        """Take in the file at `path` as the version in force, keep the one it replaces, and return the receipt.

        A version that is already in force changes nothing. `path` lies in a folder of `landing`, and may be gone
        afterwards. Raises FileRefused when its bytes are not those of the receipt.
        """
        if self._kept.is_in_force(receipt):
            return receipt
        if sha256_of(path) != receipt.sha256 or path.stat().st_size != receipt.size:
            raise FileRefused(
                f"{path} does not hold the bytes announced for {receipt.key}.", remedy="Download the file again."
            )
        self._kept.take_in(receipt, path)
        return receipt

    def _missing(self, dataset: str, session: date) -> FileRefused:
        return FileRefused(
            f"No {dataset} file of {session} is in {self._kept}.",
            remedy=f"Materialize the raw files of {session} first: `candlelake run --date {session}`.",
        )
