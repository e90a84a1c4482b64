"""Where tests lay files: a folder, or a folder of a bucket, each with the source that reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.sources.port import FlatFiles
from pipeline.sources.transfer.folder import FolderFlatFiles


class Place(Protocol):
    """Where a test lays files, and the source that reads them."""

    source: FlatFiles

    def lay(self, key: str, body: bytes) -> None: ...

    def remove(self, key: str) -> None: ...


@dataclass
class FolderPlace:
    root: Path

    def __post_init__(self) -> None:
        self.source: FlatFiles = FolderFlatFiles(self.root)

    def lay(self, key: str, body: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def remove(self, key: str) -> None:
        (self.root / key).unlink()


@dataclass
class BucketPlace:
    client: Any
    bucket: str
    prefix: str
    source: FlatFiles

    def lay(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}", Body=body)

    def remove(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}")
