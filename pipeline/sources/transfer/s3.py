"""Flat files in a bucket: the vendor's own, or a mirror of it on any S3-compatible server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from pydantic import SecretStr

from pipeline.errors import AccessDenied, CandlelakeError, SettingsError, TransferFailed
from pipeline.sources.port import Download, FlatFile, key_of, not_published, require_order, session_of
from pipeline.sources.transfer import s3_refusals
from pipeline.sources.transfer.landing import CHUNK, land
from pipeline.sources.transfer.patience import Patience

Answer = TypeVar("Answer")
Page = dict[str, Any]

PAGE = 1000
"""Keys per page of a listing: as many as the vendor gives."""

MOST_PAGES = 1000
"""Pages of one listing; the vendor's whole history of a dataset takes six."""

CLIENT_LOCK = Lock()
"""Clients may be shared between threads, but not created by two at once."""


@dataclass(frozen=True)
class Bucket:
    """A bucket and its access. The secret appears neither in its text nor in its representation."""

    name: str
    endpoint: str
    key_id: str
    secret: SecretStr
    prefix: str = ""
    """Where the vendor's keys begin: empty, or a folder ending in a slash."""

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix} at {self.endpoint}"


class S3FlatFiles:
    """Flat files in a bucket.

    Requests are path-style with Signature V4. Every key may list, so a file outside the plan shows only when it is
    read. boto3 is loaded and the client created on first use.
    """

    def __init__(self, bucket: Bucket, patience: Patience | None = None) -> None:
        self.bucket = bucket
        self._patience = patience or Patience()

    def __repr__(self) -> str:
        return str(self.bucket)

    def years(self, dataset: str) -> list[int]:
        """Return the years that have a file, oldest first. One request.

        Raises SettingsError when the bucket has none.
        """
        prefix = f"{self.bucket.prefix}{dataset}/"
        folders = [entry["Prefix"] for page in self._pages(prefix, "/") for entry in page.get("CommonPrefixes", ())]
        names = {folder.removeprefix(prefix).rstrip("/") for folder in folders}
        years = sorted(int(name) for name in names if len(name) == 4 and name.isdecimal())
        if not years:
            raise self._nothing_of(dataset)
        return years

    def sessions(self, dataset: str, year: int) -> list[date]:
        """Return the dates with a published file in `year`, oldest first. One request for each 1,000 files."""
        return [file.session for file in self._listed(dataset, f"{dataset}/{year:04}/")]

    def files(self, dataset: str, start: date | None = None, end: date | None = None) -> list[FlatFile]:
        """Return the published files dated `start` … `end` (both included, open when None), oldest first.

        Lists only the years (or the one month) that the range touches. Raises SettingsError when the bucket has
        nothing of the dataset or the range runs backwards, AccessDenied when the credentials are not accepted,
        TransferFailed when the server does not answer or its listing never ends.
        """
        require_order(start, end)
        first, last = start or date.min, end or date.max
        files = [file for prefix in self._prefixes(dataset, start, end) for file in self._listed(dataset, prefix)]
        if not files and start is None and end is None:
            raise self._nothing_of(dataset)
        return [file for file in files if first <= file.session <= last]

    def file(self, dataset: str, session: date) -> FlatFile:
        """Return the published file of one session. One request.

        It is a listing of one key, not a HEAD: a HEAD returns the time without milliseconds, so that one version would
        look like two. Raises NotPublished when there is none.
        """
        files = self._listed(dataset, key_of(dataset, session))
        if not files:
            raise not_published(dataset, session, repr(self))
        return files[0]

    def require_readable(self, file: FlatFile) -> None:
        """Return if the bytes of `file` may be read (one HEAD). Raises AccessDenied or NotPublished when not."""
        key = self.bucket.prefix + file.key

        def head() -> None:
            self._require_s3(self._client.head_object(Bucket=self.bucket.name, Key=key))

        self._insist(head, file)

    def download(self, file: FlatFile, path: Path) -> Download:
        """Download exactly this version of `file` to `path`, verified by size and MD5, or leave `path` as it was.

        Resets, stalls, short or damaged bodies, 5xx, 429 and SlowDown are retried from the first byte, within
        the bounds of `patience`. A file replaced since it was listed raises TransferFailed at once: list it again.
        Raises AccessDenied and NotPublished at once, too.
        """
        deadline = self._patience.deadline(file.size)
        return self._insist(lambda: land(self._body(file, deadline), file, path), file, deadline)

    @cached_property
    def _client(self) -> Any:
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            # Attempts are counted here only: botocore's own would multiply them.
            retries={"total_max_attempts": 1, "mode": "standard"},
            response_checksum_validation="when_required",
            connect_timeout=self._patience.connect_timeout,
            read_timeout=self._patience.read_timeout,
        )
        try:
            with CLIENT_LOCK:
                client = _session().client(
                    "s3",
                    endpoint_url=self.bucket.endpoint,
                    aws_access_key_id=self.bucket.key_id,
                    aws_secret_access_key=self.bucket.secret.get_secret_value(),
                    region_name="us-east-1",
                    config=config,
                )
            # Before botocore looks for the bucket's region, which never ends while the answer stays the same.
            client.meta.events.register_first("needs-retry.s3", self._require_no_redirect)
            return client
        except (BotoCoreError, ValueError) as invalid:
            raise SettingsError(
                f"No S3 client can be created for {self.bucket.endpoint}: {invalid}.",
                remedy="Check CANDLELAKE_FLAT_FILES_ENDPOINT, such as https://files.massive.com, and AWS_PROFILE.",
            ) from None

    def _prefixes(self, dataset: str, start: date | None, end: date | None) -> list[str]:
        if start is None and end is None:
            return [f"{dataset}/"]
        if start and end and (start.year, start.month) == (end.year, end.month):
            return [f"{dataset}/{start:%Y/%m}/"]
        first, last = start or date.min, end or date.max
        years = [first.year] if first.year == last.year else self.years(dataset)
        return [f"{dataset}/{year:04}/" for year in years if first.year <= year <= last.year]

    def _listed(self, dataset: str, prefix: str) -> list[FlatFile]:
        newest: dict[str, FlatFile] = {}
        for page in self._pages(self.bucket.prefix + prefix):
            for entry in page.get("Contents", ()):
                file = self._flat_file(dataset, entry)
                # A key that comes twice is a file replaced between two pages.
                if file and (file.key not in newest or file.last_modified >= newest[file.key].last_modified):
                    newest[file.key] = file
        return sorted(newest.values(), key=lambda file: file.session)

    def _flat_file(self, dataset: str, entry: Page) -> FlatFile | None:
        key = entry["Key"].removeprefix(self.bucket.prefix)
        session = session_of(dataset, key)
        if session is None:
            return None
        modified = entry["LastModified"].astimezone(UTC)
        return FlatFile(dataset, session, key, entry["Size"], entry["ETag"].strip('"'), modified)

    def _pages(self, prefix: str, delimiter: str = "") -> Iterator[Page]:
        request: dict[str, Any] = {"Bucket": self.bucket.name, "Prefix": prefix, "MaxKeys": PAGE}
        if delimiter:
            request["Delimiter"] = delimiter
        listed_keys: set[str] = set()

        def list_page() -> Page:
            page = self._client.list_objects_v2(**request)
            self._require_s3(page)
            return page

        while True:
            page = self._insist(list_page)
            yield page
            if not page.get("IsTruncated"):
                return
            page_keys = {entry["Key"] for entry in page.get("Contents", ())}
            page_keys |= {entry["Prefix"] for entry in page.get("CommonPrefixes", ())}
            token = page.get("NextContinuationToken")
            # After a page without a new key, the same page would come for ever.
            is_stuck = not token or token == request.get("ContinuationToken") or page_keys <= listed_keys
            if is_stuck or len(listed_keys) > MOST_PAGES * PAGE:
                raise TransferFailed(
                    f"The listing of {prefix} in {self!r} breaks off after {len(listed_keys | page_keys)} keys: "
                    "it announces more keys, but has none.",
                    remedy="Try again later; if it happens again, report it to the operator of the server.",
                )
            listed_keys |= page_keys
            request["ContinuationToken"] = token

    def _body(self, file: FlatFile, deadline: float) -> Iterator[bytes]:
        # Translated here as well, before `land` sees them: some of botocore's errors look like disk errors.
        with self._translated(file):
            key = self.bucket.prefix + file.key
            answer = self._client.get_object(Bucket=self.bucket.name, Key=key, IfMatch=f'"{file.etag}"')
            with answer["Body"] as body:
                self._require_s3(answer)
                if answer["ETag"].strip('"') != file.etag:
                    raise s3_refusals.replaced(self._place(file))
                # Take what has arrived so far, so that a trickle is noticed.
                while chunk := body.read1(CHUNK):
                    yield chunk
                    if self._patience.clock() > deadline:
                        raise s3_refusals.too_slow(self._place(file))

    def _insist(
        self, request: Callable[[], Answer], file: FlatFile | None = None, deadline: float | None = None
    ) -> Answer:
        def attempt() -> Answer:
            with self._translated(file):
                return request()

        by = self._patience.deadline() if deadline is None else deadline
        return self._patience.insist(attempt, by, self._place(file))

    @contextmanager
    def _translated(self, file: FlatFile | None) -> Iterator[None]:
        """Raise our own error for a failure of botocore, about `file` or the bucket."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from botocore.parsers import ResponseParserError  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            yield
        except ClientError as refused:
            raise self._precise(s3_refusals.refusal(refused.response, self._place(file)), file) from None
        except (BotoCoreError, ResponseParserError, HTTPError) as broken:
            raise s3_refusals.unreachable(self.bucket.endpoint, broken) from broken

    def _require_no_redirect(self, response: Any = None, **_: Any) -> None:
        """Raise if the server answers with a redirect."""
        if response is not None and response[0].status_code in range(300, 400) and response[0].status_code != 304:
            raise s3_refusals.redirected(response[0].status_code, self.bucket.endpoint)

    def _require_s3(self, answer: Page) -> None:
        """Raise if `answer` is not from S3, but, say, the login page of a network."""
        if not answer.keys() & {"ETag", "IsTruncated", "KeyCount", "Name"}:
            raise s3_refusals.not_s3(self.bucket.endpoint)

    def _precise(self, error: CandlelakeError, file: FlatFile | None) -> CandlelakeError:
        """Return `error`, made precise: a file that can be listed but not read lies outside the plan."""
        if not isinstance(error, AccessDenied) or file is None:
            return error
        try:
            listed = self._listed(file.dataset, file.key)
        except AccessDenied as listing:
            return listing
        if not listed:
            return not_published(file.dataset, file.session, repr(self))
        return s3_refusals.outside_the_plan(self._place(file))

    def _place(self, file: FlatFile | None) -> str:
        return f"{file.key} in {self!r}" if file else f"{self!r}"

    def _nothing_of(self, dataset: str) -> SettingsError:
        return SettingsError(
            f"There is nothing of {dataset} in {self!r}.",
            remedy="Check CANDLELAKE_FLAT_FILES and CANDLELAKE_FLAT_FILES_ENDPOINT.",
        )


@cache
def _session() -> Any:
    import boto3  # noqa: PLC0415 (half a second)

    return boto3.session.Session()
