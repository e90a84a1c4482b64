"""Vendor files in a folder: each under the vendor's key, the replaced versions beside them."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.lake.raw.receipts import RECEIPT_SUFFIX, Receipt, parse_receipt, replaced_prefix, written
from pipeline.lake.storage.durable import flush, make_folder, make_name_durable, whole_file
from pipeline.lake.storage.leftovers import BEGINNING


class RawFolder:
    """The vendor files under one folder. The receipt of a file is always written last."""

    def __init__(self, folder: Path) -> None:
        self._raw = folder

    def __str__(self) -> str:
        return str(self._raw)

    def receipt(self, key: str) -> Receipt | None:
        """Return the receipt at a vendor's key, of the version in force. Raises FileRefused when it is damaged."""
        path = _receipt_path(self._raw / key)
        return parse_receipt(path.read_bytes(), path) if path.exists() else None

    def replaced(self, dataset: str, session: date) -> list[Receipt]:
        """Return the receipts of the versions that were replaced, by name."""
        beginning = self._raw / replaced_prefix(dataset, session)
        paths = sorted(beginning.parent.glob(f"{beginning.name}*{RECEIPT_SUFFIX}"))
        return [parse_receipt(path.read_bytes(), path) for path in paths]

    def place(self, receipt: Receipt) -> str:
        """Return the place of the bytes of this version."""
        return str(self._path(receipt))

    def read(self, receipt: Receipt) -> bytes | None:
        """Return the bytes at the place of this version, None when there are none."""
        path = self._path(receipt)
        return path.read_bytes() if path.exists() else None

    def is_whole(self, in_force: Receipt) -> bool:
        """Return whether the version in force has the size in its receipt."""
        path = self._raw / in_force.key
        return path.is_file() and path.stat().st_size == in_force.size

    def is_in_force(self, receipt: Receipt) -> bool:
        """Return whether exactly this version, byte for byte, is in force."""
        return self.receipt(receipt.key) == receipt and sha256_of(self._raw / receipt.key) == receipt.sha256

    @contextmanager
    def landing(self) -> Iterator[Path]:
        """Give a folder on the same disk, from which a file only needs renaming; it is removed at the end."""
        make_folder(self._raw)
        with TemporaryDirectory(prefix=BEGINNING, dir=self._raw) as folder:
            yield Path(folder)
        flush(self._raw)

    def take_in(self, receipt: Receipt, path: Path) -> None:
        """Put the file at `path` in force, and keep the version that it replaces."""
        in_force = self.receipt(receipt.key)
        if in_force is not None:
            self._keep(in_force)
        target = self._raw / receipt.key
        make_folder(target.parent)
        flush(path)
        path.replace(target)
        make_name_durable(target)
        self._note(receipt, receipt.key)

    def _path(self, receipt: Receipt) -> Path:
        current = self.receipt(receipt.key)
        return self._raw / (receipt.key if current == receipt else receipt.replaced_key)

    def _keep(self, replaced: Receipt) -> None:
        # Bytes that do not match the receipt are not a version: a crash left them; the right bytes were kept before.
        path = self._raw / replaced.key
        if sha256_of(path) == replaced.sha256:
            kept = self._raw / replaced.replaced_key
            make_folder(kept.parent)
            with path.open("rb") as source, whole_file(kept) as file:
                shutil.copyfileobj(source, file)
            self._note(replaced, replaced.replaced_key)

    def _note(self, receipt: Receipt, key: str) -> None:
        path = _receipt_path(self._raw / key)
        make_folder(path.parent)
        with whole_file(path) as file:
            file.write(written(receipt))


def sha256_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, None when there is none."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _receipt_path(file: Path) -> Path:
    return file.with_name(file.name + RECEIPT_SUFFIX)
