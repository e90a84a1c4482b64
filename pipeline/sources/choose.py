"""The sources of the data, as the settings choose them. Only this module reads those settings."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydantic import SecretStr

from pipeline.errors import SettingsError
from pipeline.settings import Settings
from pipeline.sources.home_places import ADDRESS
from pipeline.sources.massive.reference import NoReference, ReferenceSource, RestReference
from pipeline.sources.massive.reference_folder import FolderReference
from pipeline.sources.massive.rest import Rest
from pipeline.sources.massive.rest_days import MarketDays, NoFlatFiles, RestDays, TickerDays
from pipeline.sources.port import PUBLICATION, FlatFiles
from pipeline.sources.transfer.folder import FolderFlatFiles
from pipeline.sources.transfer.s3 import Bucket, S3FlatFiles

KINDS = "s3://BUCKET (or s3://BUCKET/PREFIX), a folder in the vendor's layout, or `rest`"

NO_FLAT_FILES = "rest"
"""CANDLELAKE_FLAT_FILES for users without flat files: every session comes from the REST API."""

S3_ADDRESS = re.compile(r"s3://(?P<bucket>[A-Za-z0-9._-]{1,255})(?:/(?P<prefix>.*))?", re.DOTALL)
"""A key may have any character: a prefix is taken as it is typed, with its `#` and `?`."""

BESIDE_FLAT_FILES = "rest"
"""Folder of the vendor's REST answers beside the datasets of a folder of flat files."""


def flat_files_from(
    location: str, *, endpoint: str = "", key_id: str | None = None, secret: SecretStr | None = None
) -> FlatFiles:
    """Return the source at `location`: `s3://BUCKET[/PREFIX]`, a folder (`~` is expanded), a `file://` URL, or `rest`.

    `endpoint`, `key_id` and `secret` are for a bucket only. Nothing is read and no connection is made yet.
    Raises SettingsError when the location is of an unknown kind, or a bucket lacks its endpoint or credentials.
    """
    if not location.strip():
        raise SettingsError("CANDLELAKE_FLAT_FILES is empty.", remedy=f"Set it to {KINDS}.")
    if location == NO_FLAT_FILES:
        return NoFlatFiles()
    folder = _folder(location)
    if folder is not None:
        return FolderFlatFiles(folder)
    if bucket := S3_ADDRESS.fullmatch(location):
        return _bucket(bucket["bucket"], bucket["prefix"] or "", endpoint, key_id, secret)
    raise SettingsError(
        f"CANDLELAKE_FLAT_FILES is {location.split('://', maxsplit=1)[0]}://…, which is not a source of flat files.",
        remedy=f"Set it to {KINDS}.",
    )


def flat_files_of(settings: Settings) -> FlatFiles:
    """Return the flat files in `settings`, as documents of earlier versions showed it; warns with the new name."""
    warnings.warn("flat_files_of(settings) is now Sources(settings).flat_files().", DeprecationWarning, stacklevel=2)
    return Sources(settings).flat_files()


class Sources:
    """Where the data comes from, as the settings choose.

    Nothing is checked, read or requested before one of the sources is opened.
    """

    publication = PUBLICATION
    """When the files of a session are published."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def has_flat_files(self) -> bool:
        """Return whether there are flat files at all; without them, every session comes from the REST API."""
        return self._settings.flat_files != NO_FLAT_FILES

    def flat_files(self) -> FlatFiles:
        """Return the flat files. See `flat_files_from` for its errors; without any, there must be a REST key."""
        if not self.has_flat_files:
            self._required_key()
        return flat_files_from(
            self._settings.flat_files,
            endpoint=self._settings.flat_files_endpoint,
            key_id=self._settings.flat_files_key_id,
            secret=self._settings.flat_files_secret,
        )

    @contextmanager
    def rest_days(self) -> Iterator[RestDays | None]:
        """Yield the source for sessions without a flat file; None without a key, when there are only flat files.

        It covers the whole market, or CANDLELAKE_TICKERS if they are set and there are no flat files at all. Nothing is
        requested yet. Raises as `rest` does, also without a key when there are no flat files.
        """
        if self._settings.rest_key is None and self.has_flat_files:
            yield None
            return
        with self.rest() as rest:
            tickers = None if self.has_flat_files else self._settings.tickers
            yield TickerDays(rest, tickers) if tickers else MarketDays(rest)

    def rest(self) -> Rest:
        """Return the REST API, to be closed after use.

        Raises SettingsError when there is no key, or the key or the address cannot be used.
        """
        return Rest(
            self._settings.rest_url,
            self._required_key(),
            calls_per_minute=self._settings.rest_calls_per_minute,
            calls_file=self._settings.rest_calls,
        )

    @contextmanager
    def reference(self) -> Iterator[ReferenceSource]:
        """Yield the source of reference data: the first of these that exists.

        The folder CANDLELAKE_REFERENCE; the REST API, with a key; the folder `rest` beside the datasets of a folder of
        flat files, as in the samples; else NoReference. Nothing is read yet. Raises as `rest` does.
        """
        beside = _beside_flat_files(self._settings.flat_files)
        if self._settings.reference is not None:
            yield FolderReference(self._settings.reference)
        elif self._settings.rest_key is not None:
            with self.rest() as rest:
                yield RestReference(rest)
        elif beside is not None:
            yield FolderReference(beside)
        else:
            yield NoReference()

    def _required_key(self) -> SecretStr:
        if self._settings.rest_key is None:
            raise SettingsError(
                f"CANDLELAKE_REST_KEY must be set to query {self._settings.rest_url}.",
                remedy="Copy the REST API key from the vendor's dashboard into the environment or .env.",
            )
        return self._settings.rest_key


def _beside_flat_files(location: str) -> Path | None:
    """Return the folder of REST answers beside the datasets of the flat files at `location`, if there is one."""
    folder = _folder(location)
    beside = folder.expanduser() / BESIDE_FLAT_FILES if folder is not None else None
    return beside if beside is not None and beside.is_dir() else None


def _folder(location: str) -> Path | None:
    """Return the folder of `location`, a path or a `file://` URL; None for anything else.

    Raises SettingsError for a URL with characters that end its path, or that a parser of URLs drops.
    """
    if not ADDRESS.match(location):
        return Path(location)
    if not location.lower().startswith("file://"):
        return None
    if "#" in location or "?" in location or not location.isprintable():
        raise SettingsError(
            "CANDLELAKE_FLAT_FILES is a file:// address whose path ends early.",
            remedy="Write the path of the folder itself, or %23 for # and %3F for ? in the address.",
        )
    parts = urlsplit(location)
    return Path(url2pathname(parts.path)) if parts.netloc in ("", "localhost") else None


def _bucket(bucket: str, prefix: str, endpoint: str, key_id: str | None, secret: SecretStr | None) -> S3FlatFiles:
    credentials = {
        "CANDLELAKE_FLAT_FILES_KEY_ID": key_id,
        "CANDLELAKE_FLAT_FILES_SECRET": secret.get_secret_value() if secret else None,
    }
    missing = [name for name, value in credentials.items() if not value]
    if missing or key_id is None or secret is None:
        raise SettingsError(
            f"{' and '.join(missing)} must be set to read s3://{bucket}.",
            remedy="Copy the S3 credentials from the vendor's dashboard into the environment or .env, or set "
            "CANDLELAKE_FLAT_FILES to a folder of files you already have.",
        )
    address = urlsplit(endpoint)
    if address.scheme not in ("http", "https") or not address.hostname or address.username:
        raise SettingsError(
            "CANDLELAKE_FLAT_FILES_ENDPOINT is not the address of a server.",
            remedy="Set it to an address such as https://files.massive.com, with no credentials in it.",
        )
    folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    return S3FlatFiles(Bucket(bucket, endpoint, key_id, secret, folder))
