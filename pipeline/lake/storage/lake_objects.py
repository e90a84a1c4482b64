"""The files of a lake by name, in a folder or on S3: the operations that integrity checks and repairs need."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Protocol

from pipeline.lake.storage.folder_objects import Digest, FolderObjects
from pipeline.lake.storage.s3_objects import S3Objects
from pipeline.lake.storage.store import S3Store, Store


class Objects(Protocol):
    """Files, or objects, by their names relative to the lake."""

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file, None when there is none."""

    def size(self, name: str) -> int | None:
        """Return how many bytes a file has, None when there is none."""

    def mark_of_last(self, name: str, following: str) -> Hashable | None:
        """Return a mark that changes when the file is written again; the file is not read.

        None when there is none, or when `following`, a later name in its folder, exists, too.
        """

    def digest(self, name: str) -> Digest | None:
        """Return the digest of a file, None when there is none."""

    def names(self, beginning: str) -> Iterator[str]:
        """Yield the names of the files in the folder `beginning` (with its slash) and below, in alphabetical order."""

    def put(self, name: str, body: bytes) -> None:
        """Write a file, replacing an existing one."""

    def move(self, name: str, new_name: str) -> None:
        """Rename a file, if there is one."""

    def make_folder(self, name: str) -> None:
        """Make a folder, where the storage has folders."""


class BucketObjects(S3Objects):
    """The objects under a prefix on S3."""

    def digest(self, name: str) -> Digest | None:
        """Return the digest of an object, None when there is none; this reads the object."""
        data = self.read(name)
        return None if data is None else Digest.of(data)

    def move(self, name: str, new_name: str) -> None:
        """Rename an object, if there is one."""
        data = self.read(name)
        if data is not None:
            self.put(new_name, data)
            self.delete(name)

    def make_folder(self, name: str) -> None:
        """Do nothing: there are no folders."""


def objects_at(store: Store) -> Objects:
    """Return the files of the lake in `store`."""
    return BucketObjects(store.place) if isinstance(store, S3Store) else FolderObjects(store.root)
