"""The receipt of a vendor file: which version was stored, and its place under `raw/`."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime

from pipeline.contracts.foreign_json import from_json
from pipeline.errors import FileRefused

RECEIPT_SUFFIX = ".receipt.json"
REST = "rest/"
"""Prefix of the datasets that are responses of the vendor's REST API."""

CHECKSUM = "checksum"

REPLACED = ".replaced"
"""Folder beside the datasets with the versions that the vendor replaced."""


@dataclass(frozen=True)
class Receipt:
    """Which version of a vendor file was stored."""

    session: date
    key: str
    """The vendor's key, such as `<dataset>/YYYY/MM/YYYY-MM-DD.csv.gz`; also the file's place under `raw/`."""
    etag: str
    size: int
    last_modified: datetime
    """UTC, aware. For a response of the REST API: when it was fetched."""
    sha256: str

    @property
    def replaced_key(self) -> str:
        """Return the place of this version under `raw/` once the vendor has replaced it."""
        version = hashlib.sha256(f"{self.etag}\n{self.sha256}".encode()).hexdigest()[:12]
        folder, name = self.key.rsplit("/", 1)
        stem, suffix = name.split(".", 1)
        return f"{REPLACED}/{folder}/{stem}.{version}.{suffix}"


def key_of(dataset: str, session: date) -> str:
    """Return the place of a session's file under `raw/`: a response of the REST API is JSON, a flat file CSV."""
    suffix = "json.gz" if dataset.startswith(REST) else "csv.gz"
    return f"{dataset}/{session:%Y/%m}/{session.isoformat()}.{suffix}"


def replaced_prefix(dataset: str, session: date) -> str:
    """Return the prefix of the keys of a session's replaced versions and of their receipts."""
    return f"{REPLACED}/{dataset}/{session:%Y/%m}/{session.isoformat()}."


def written(receipt: Receipt) -> bytes:
    """Return the stored form of a receipt, with a checksum of its content."""
    return json.dumps(asdict(receipt) | {CHECKSUM: _checksum(receipt)}, indent=1, default=_as_text).encode()


def parse_receipt(data: bytes, place: object) -> Receipt:
    """Return the receipt stored at `place`. Raises FileRefused when it is damaged."""
    try:
        values = from_json(data)
        checksum = values.pop(CHECKSUM, None)
        values["session"] = date.fromisoformat(values["session"])
        values["last_modified"] = datetime.fromisoformat(values["last_modified"])
        receipt = Receipt(**values)
        if checksum not in {None, _checksum(receipt)}:
            raise ValueError("its own checksum does not match")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as damaged:
        raise FileRefused(
            f"The receipt {place} is damaged: {damaged}",
            remedy="`candlelake verify --repair` mends it.",
        ) from damaged
    return receipt


def has_checksum(data: bytes) -> bool:
    """Return whether a readable receipt has a checksum; receipts of earlier versions have none."""
    return CHECKSUM in json.loads(data)


def _checksum(receipt: Receipt) -> str:
    text = json.dumps(asdict(receipt), sort_keys=True, default=_as_text)
    return hashlib.sha256(text.encode()).hexdigest()


def _as_text(value: date | datetime) -> str:
    return value.isoformat()
