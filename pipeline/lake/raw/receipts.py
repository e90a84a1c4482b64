"""The receipt of a vendor file: which version was taken in, and where it lies under `raw/`."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime

from pipeline.contracts.foreign_json import from_json
from pipeline.errors import FileRefused

RECEIPT_SUFFIX = ".receipt.json"
REST = "rest/"
"""What the datasets begin with that are answers of the vendor's REST API."""

CHECKSUM = "checksum"

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


def key_of(dataset: str, session: date) -> str:
    """Return where the file of a session lies under `raw/`: an answer of the REST API is JSON, a flat file CSV."""
    suffix = "json.gz" if dataset.startswith(REST) else "csv.gz"
    return f"{dataset}/{session:%Y/%m}/{session.isoformat()}.{suffix}"


def replaced_beginning(dataset: str, session: date) -> str:
    """Return what the keys of a session's replaced versions, and of their receipts, begin with."""
    return f"{REPLACED}/{dataset}/{session:%Y/%m}/{session.isoformat()}."


def written(receipt: Receipt) -> bytes:
    """Return a receipt as it is kept, with a checksum of what it says."""
    return json.dumps(asdict(receipt) | {CHECKSUM: _checksum(receipt)}, indent=1, default=_as_text).encode()


def parsed(kept: bytes, place: object) -> Receipt:
    """Return the receipt kept at `place`. Raises FileRefused when it is damaged."""
    try:
        values = from_json(kept)
        checksum = values.pop(CHECKSUM, None)
        values["session"] = date.fromisoformat(values["session"])
        values["last_modified"] = datetime.fromisoformat(values["last_modified"])
        receipt = Receipt(**values)
        if checksum not in {None, _checksum(receipt)}:
            raise ValueError("its own checksum does not fit")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as damaged:
        raise FileRefused(
            f"The receipt {place} is damaged: {damaged}",
            remedy="`candlelake verify --repair` mends it.",
        ) from damaged
    return receipt


def has_checksum(kept: bytes) -> bool:
    """Return whether a receipt, which can be parsed, has a checksum; those of earlier versions have none."""
    return CHECKSUM in json.loads(kept)


def _checksum(receipt: Receipt) -> str:
    said = json.dumps(asdict(receipt), sort_keys=True, default=_as_text)
    return hashlib.sha256(said.encode()).hexdigest()


def _as_text(value: date | datetime) -> str:
    return value.isoformat()
