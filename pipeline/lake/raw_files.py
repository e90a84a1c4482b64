"""What the vendor delivered, byte for byte, each with a receipt, and every version that was ever replaced."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from secrets import token_hex
from typing import IO

from pipeline.errors import FileRefused
from pipeline.lake.durable import make_durable

RECEIPT_SUFFIX = ".receipt.json"
REST = "rest/"
"""What the datasets begin with that are answers of the vendor's REST API."""

REPLACED = ".replaced"
"""Folder beside the datasets that keeps the versions the vendor replaced."""


@dataclass(frozen=True)
class Receipt:
    """Which version of a vendor file was taken in."""

    session: date
    key: str
    """The vendor's key, such as `<dataset>/YYYY/MM/YYYY-MM-DD.csv.gz`; also where the file lies under `raw/`."""
    etag: str
    size: int
    last_modified: datetime
    """UTC, aware. Of an answer of the REST API: when it was fetched."""
    sha256: str

    @property
    def replaced_key(self) -> str:
        """Return where this version lies under `raw/` once the vendor has replaced it."""
        version = hashlib.sha256(f"{self.etag}\n{self.sha256}".encode()).hexdigest()[:12]
        folder, name = self.key.rsplit("/", 1)
        stem, suffix = name.split(".", 1)
        return f"{REPLACED}/{folder}/{stem}.{version}.{suffix}"


class RawFiles:
    """The files under `<lake>/raw`. A file counts only together with its receipt, which is always written last."""

    def __init__(self, lake: Path) -> None:
        self._raw = Path(lake) / "raw"

    def path(self, receipt: Receipt) -> Path:
        """Return where the bytes of this version lie."""
        current = self._receipt_at(receipt.key)
        return self._raw / (receipt.key if current == receipt else receipt.replaced_key)

    def current(self, dataset: str, session: date) -> Receipt | None:
        """Return the receipt of the version in force; None when there is none, or its file is gone or cut short.

        Raises FileRefused when the receipt itself is damaged.
        """
        receipt = self._receipt_at(key_of(dataset, session))
        if receipt is None or not _has_size(self._raw / receipt.key, receipt.size):
            return None
        return receipt

    def required(self, dataset: str, session: date) -> Receipt:
        """Return the receipt of the version in force. Raises FileRefused when there is none."""
        receipt = self.current(dataset, session)
        if receipt is None:
            raise FileRefused(
                f"No {dataset} file of {session} is in {self._raw}.",
                remedy=f"Materialize the raw files of {session} first: `candlelake run --date {session}`.",
            )
        return receipt

    def in_force(self, editions: Sequence[str], session: date) -> Receipt:
        """Return the receipt of a session's edition in force: the first of the datasets `editions` that came in.

        Raises FileRefused when none did, or its file is gone: no other edition takes its place unseen.
        """
        came = (dataset for dataset in editions if self._receipt_at(key_of(dataset, session)))
        return self.required(next(came, editions[0]), session)

    def versions(self, dataset: str, session: date) -> list[Receipt]:
        """Return every version taken in for a session, by the vendor's time, the one in force last."""
        folder = self._raw / REPLACED / dataset / f"{session:%Y/%m}"
        replaced = [_parsed(path) for path in sorted(folder.glob(f"{session.isoformat()}.*{RECEIPT_SUFFIX}"))]
        current = self.current(dataset, session)
        earlier = sorted((one for one in replaced if one != current), key=lambda one: one.last_modified)
        return [*earlier, current] if current else earlier

    def read(self, receipt: Receipt) -> bytes:
        """Return the bytes of this version. Raises FileRefused unless they are exactly those that were taken in."""
        path = self.path(receipt)
        data = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(data).hexdigest() != receipt.sha256:
            raise FileRefused(
                f"{path} does not hold the {receipt.size} bytes that its receipt tells of: it was changed, or a "
                "write was cut off.",
                remedy=f"Delete that file and materialize the raw files of {receipt.session} again.",
            )
        return data

    def store(self, receipt: Receipt, path: Path) -> Receipt:
        """Take in the file at `path` as the version in force, keep the one it replaces, and return the receipt.

        A version that is already in force changes nothing. `path` stays where it is. Raises FileRefused when its
        bytes are not those of the receipt.
        """
        in_force = self._receipt_at(receipt.key)
        if in_force == receipt and _sha256(self._raw / receipt.key) == receipt.sha256:
            return receipt
        if _sha256(path) != receipt.sha256 or not _has_size(path, receipt.size):
            raise FileRefused(
                f"{path} does not hold the bytes announced for {receipt.key}.", remedy="Download the file again."
            )
        if in_force is not None:
            self._keep(in_force)
        self._put(receipt, path, receipt.key)
        return receipt

    def _keep(self, replaced: Receipt) -> None:
        # Bytes that are not the receipt's are no version: a crash left them, and the true ones were kept before it.
        path = self._raw / replaced.key
        if _sha256(path) == replaced.sha256:
            self._put(replaced, path, replaced.replaced_key)

    def _put(self, receipt: Receipt, path: Path, key: str) -> None:
        with path.open("rb") as source, _atomic(self._raw / key) as file:
            shutil.copyfileobj(source, file)
        with _atomic(_receipt_path(self._raw / key)) as file:
            file.write(json.dumps(asdict(receipt), indent=1, default=_as_text).encode())

    def _receipt_at(self, key: str) -> Receipt | None:
        path = _receipt_path(self._raw / key)
        return _parsed(path) if path.exists() else None


def key_of(dataset: str, session: date) -> str:
    """Return where the file of a session lies under `raw/`: an answer of the REST API is JSON, a flat file CSV."""
    suffix = "json.gz" if dataset.startswith(REST) else "csv.gz"
    return f"{dataset}/{session:%Y/%m}/{session.isoformat()}.{suffix}"


def _receipt_path(file: Path) -> Path:
    return file.with_name(file.name + RECEIPT_SUFFIX)


def _parsed(path: Path) -> Receipt:
    try:
        values = json.loads(path.read_bytes())
        values["session"] = date.fromisoformat(values["session"])
        values["last_modified"] = datetime.fromisoformat(values["last_modified"])
        return Receipt(**values)
    except (ValueError, KeyError, TypeError) as damaged:
        raise FileRefused(
            f"The receipt {path} is damaged: {damaged}",
            remedy="Delete it and materialize the raw files of its session again.",
        ) from damaged


def _as_text(value: date | datetime) -> str:
    return value.isoformat()


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _atomic(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write that appears at `path` whole and durable, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = path.with_name(f".incoming-{token_hex(8)}")
    try:
        with incoming.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        incoming.replace(path)
    finally:
        incoming.unlink(missing_ok=True)
    make_durable([path])
