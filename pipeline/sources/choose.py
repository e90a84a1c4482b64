"""Which source the flat files come from: the one place that reads CANDLELAKE_FLAT_FILES."""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydantic import SecretStr

from pipeline.errors import SettingsError
from pipeline.settings import Settings
from pipeline.sources.flat_files import FlatFiles
from pipeline.sources.folder import FolderFlatFiles
from pipeline.sources.s3 import Bucket, S3FlatFiles

KINDS = "s3://BUCKET (or s3://BUCKET/PREFIX), or a folder in the vendor's layout"


def flat_files_from(
    location: str, *, endpoint: str = "", key_id: str | None = None, secret: SecretStr | None = None
) -> FlatFiles:
    """Return the source at `location`: `s3://BUCKET[/PREFIX]`, a folder (`~` is expanded), or a `file://` URL.

    `endpoint`, `key_id` and `secret` serve a bucket only. Nothing is read and no connection made yet.
    Raises SettingsError when the location is of no known kind, or a bucket lacks its endpoint or credentials.
    """
    if not location.strip():
        raise SettingsError("CANDLELAKE_FLAT_FILES is empty.", remedy=f"Set it to {KINDS}.")
    if "://" not in location:
        return FolderFlatFiles(Path(location))
    parts = urlsplit(location)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return FolderFlatFiles(Path(url2pathname(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return _bucket(parts.netloc, parts.path, endpoint, key_id, secret)
    raise SettingsError(
        f"CANDLELAKE_FLAT_FILES is {parts.scheme}://…, which is no source of flat files.", remedy=f"Set it to {KINDS}."
    )


def flat_files_of(settings: Settings) -> FlatFiles:
    """Return the source that `settings` name. See `flat_files_from` for its errors."""
    return flat_files_from(
        settings.flat_files,
        endpoint=settings.flat_files_endpoint,
        key_id=settings.flat_files_key_id,
        secret=settings.flat_files_secret,
    )


def _bucket(bucket: str, prefix: str, endpoint: str, key_id: str | None, secret: SecretStr | None) -> S3FlatFiles:
    given = {
        "CANDLELAKE_FLAT_FILES_KEY_ID": key_id,
        "CANDLELAKE_FLAT_FILES_SECRET": secret.get_secret_value() if secret else None,
    }
    missing = [name for name, value in given.items() if not value]
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
