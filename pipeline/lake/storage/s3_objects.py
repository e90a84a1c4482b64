"""The objects under a prefix on S3: list, read and put, with errors that say what to do.

Delta's log and data files are read and written by delta-rs, Polars and DuckDB; this module has the operations they
lack. boto3 is loaded on first use: a lake in a folder never waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from pipeline.errors import CandlelakeError, LakeRefused, LakeUnreachable
from pipeline.lake.storage.s3_prefix import S3Prefix

Answer = TypeVar("Answer")

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 10, 60, 5

NEIGHBOURS = 8
"""Objects to list to find an object and the next entry: a few others, such as a checkpoint, may come between."""

PRECONDITION_FAILED = 412


class S3Objects:
    """The objects under `place`. Names are relative to it.

    Every method raises LakeUnreachable when the server does not respond, and LakeRefused when it refuses the request.
    """

    def __init__(self, place: S3Prefix) -> None:
        self.place = place

    def read(self, name: str) -> bytes | None:
        """Return the bytes of an object, None when there is none."""

        def get() -> bytes:
            return self._client.get_object(Bucket=self.place.bucket, Key=self.place.key(name))["Body"].read()

        return self._unless_missing(get)

    def size(self, name: str) -> int | None:
        """Return how many bytes an object has, None when there is none."""
        return self._unless_missing(
            lambda: self._client.head_object(Bucket=self.place.bucket, Key=self.place.key(name))["ContentLength"]
        )

    def mark_of_last(self, name: str, following: str) -> str | None:
        """Return the ETag of an object; None when there is none, or when `following`, a later name, exists, too.

        One listing that starts just before `name` shows both.
        """
        key, folder = self.place.key(name), self.place.key(name.rpartition("/")[0] + "/")
        page = self._request(
            lambda: self._client.list_objects_v2(
                Bucket=self.place.bucket, Prefix=folder, StartAfter=key[:-1], MaxKeys=NEIGHBOURS
            )
        )
        etags = {entry["Key"]: entry["ETag"] for entry in page.get("Contents", ())}
        return None if self.place.key(following) in etags else etags.get(key)

    def put(self, name: str, body: bytes) -> None:
        """Write an object, replacing an existing one."""
        self._request(lambda: self._client.put_object(Bucket=self.place.bucket, Key=self.place.key(name), Body=body))

    def put_new(self, name: str, body: bytes) -> bool:
        """Write an object unless there is one of that name; return whether it was written."""
        try:
            self._client.put_object(Bucket=self.place.bucket, Key=self.place.key(name), Body=body, IfNoneMatch="*")
        except Exception as error:
            if _status(error) == PRECONDITION_FAILED:
                return False
            raise self._explained(error) from error
        return True

    def delete(self, name: str) -> None:
        """Remove an object, if there is one."""
        self._request(lambda: self._client.delete_object(Bucket=self.place.bucket, Key=self.place.key(name)))

    def names(self, beginning: str) -> Iterator[str]:
        """Yield the names with this prefix, in alphabetical order."""
        for page in self._pages("list_objects_v2", Prefix=self.place.key(beginning)):
            for entry in page.get("Contents", ()):
                yield self._name(entry["Key"])

    def names_older(self, beginning: str, before: datetime) -> list[str]:
        """Return the names with this prefix, of objects that were written before a moment."""
        pages = self._pages("list_objects_v2", Prefix=self.place.key(beginning))
        entries = [entry for page in pages for entry in page.get("Contents", ())]
        return [self._name(entry["Key"]) for entry in entries if entry["LastModified"] < before]

    def folders(self, folder: str) -> list[str]:
        """Return the names one level below `folder` (empty, or ending in a slash) that have objects below them."""
        prefix = self.place.key(folder) if folder or not self.place.prefix else f"{self.place.prefix}/"
        pages = self._pages("list_objects_v2", Prefix=prefix, Delimiter="/")
        prefixes = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ())]
        return [name.removeprefix(prefix).rstrip("/") for name in prefixes]

    def unfinished_uploads(self, folder: str, before: datetime) -> list[tuple[str, str]]:
        """Return names and upload ids of multipart uploads under `folder` begun before a moment and never ended."""
        pages = self._pages("list_multipart_uploads", Prefix=self.place.key(folder))
        uploads = [upload for page in pages for upload in page.get("Uploads", ())]
        return [(self._name(upload["Key"]), upload["UploadId"]) for upload in uploads if upload["Initiated"] < before]

    def abort_upload(self, name: str, upload: str) -> None:
        """Abort a multipart upload, and remove its parts."""
        parameters = {"Bucket": self.place.bucket, "Key": self.place.key(name), "UploadId": upload}
        self._request(lambda: self._client.abort_multipart_upload(**parameters))

    @property
    def _client(self) -> Any:
        return _client_of(self.place)

    def _name(self, key: str) -> str:
        return key.removeprefix(f"{self.place.prefix}/") if self.place.prefix else key

    def _pages(self, operation: str, **parameters: str) -> Iterator[dict[str, Any]]:
        pages = iter(self._client.get_paginator(operation).paginate(Bucket=self.place.bucket, **parameters))
        while (page := self._request(lambda: next(pages, None))) is not None:
            yield page

    def _unless_missing(self, ask: Callable[[], Answer]) -> Answer | None:
        try:
            return ask()
        except Exception as error:
            if _status(error) == 404 and _code(error) != "NoSuchBucket":
                return None
            raise self._explained(error) from error

    def _request(self, ask: Callable[[], Answer]) -> Answer:
        try:
            return ask()
        except Exception as error:
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> Exception:
        """Return the meaning of an error of botocore; any other error as it is."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        if isinstance(error, ClientError):
            return refusal(self.place, _status(error), _code(error))
        if isinstance(error, BotoCoreError):
            return unreachable(self.place, type(error).__name__)
        return error


def refusal(place: S3Prefix, status: int, code: str) -> CandlelakeError:
    """Return the meaning of a response of the lake's server other than 2xx."""
    if code == "NoSuchBucket":
        return LakeRefused(
            f"There is no bucket {place.bucket} at {place.endpoint}.", remedy="Make it, or correct CANDLELAKE_LAKE."
        )
    if status in (429, *range(500, 600)) and code != "NotImplemented":
        return LakeUnreachable(f"{place.endpoint} answered {status} {code}.", remedy="Try again in a few minutes.")
    if status in (401, 403):
        return LakeRefused(
            f"{place.endpoint} refuses access to {place} ({code or status}).",
            remedy="Check CANDLELAKE_LAKE_KEY_ID and CANDLELAKE_LAKE_SECRET, that they may list, read, write and "
            "delete there, and this computer's clock.",
        )
    return LakeRefused(
        f"{place.endpoint} refuses a request for {place} ({status} {code}).",
        remedy="Check CANDLELAKE_LAKE, CANDLELAKE_LAKE_ENDPOINT and CANDLELAKE_LAKE_REGION.",
    )


def unreachable(place: S3Prefix, reason: str) -> LakeUnreachable:
    """Return the error that the lake's server did not respond as it should."""
    return LakeUnreachable(
        f"{place.endpoint}, the server of the lake {place}, did not do what was requested: {reason}.",
        remedy="Check the network, CANDLELAKE_LAKE_ENDPOINT and the key's rights, then try again.",
    )


@cache
def _client_of(place: S3Prefix) -> Any:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    return boto3.session.Session().client(
        "s3",
        endpoint_url=place.endpoint,
        region_name=place.region,
        aws_access_key_id=place.key_id,
        aws_secret_access_key=place.secret.get_secret_value(),
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            # Not every S3 server knows the checksums that AWS introduced later.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        ),
    )


def _status(error: Exception) -> int:
    return int(_response(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _code(error: Exception) -> str:
    return str(_response(error).get("Error", {}).get("Code", ""))


def _response(error: Exception) -> dict[str, Any]:
    return getattr(error, "response", {}) or {}
