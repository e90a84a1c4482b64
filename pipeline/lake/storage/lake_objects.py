"""The files of a lake by name, wherever it lies: what holding them against their hashes, and mending them, asks for."""

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
        """Return what tells a file from one written later under its name; it is not read.

        None when there is none, or when `following`, a name after it in its folder, is there too.
        """

    def digest(self, name: str) -> Digest | None:
        """Return what the bytes of a file are known by, None when there is none."""

    def names(self, beginning: str) -> Iterator[str]:
        """Yield the names of the files in the folder `beginning` (with its slash) and below, in alphabetical order."""

    def put(self, name: str, body: bytes) -> None:
        """Write a file, in place of the one there is."""

    def move(self, name: str, to: str) -> None:
        """Give a file another name; nothing happens when there is none."""

    def make_folder(self, name: str) -> None:
        """Make a folder, where there are such things."""


class BucketObjects(S3Objects):
    """The objects under a prefix on S3."""

    def digest(self, name: str) -> Digest | None:
        """Return what the bytes of an object are known by, None when there is none; it is read for it."""
        data = self.read(name)
        return None if data is None else Digest.of(data)

    def move(self, name: str, to: str) -> None:
        """Give an object another name; nothing happens when there is none."""
        data = self.read(name)
        if data is not None:
            self.put(to, data)
            self.delete(name)

    def make_folder(self, name: str) -> None:
        """Return: there are no folders."""


def objects_at(store: Store) -> Objects:
    """Return the files of the lake that `store` holds."""
    return BucketObjects(store.place) if isinstance(store, S3Store) else FolderObjects(store.root)
