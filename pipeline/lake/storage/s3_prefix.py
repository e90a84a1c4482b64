"""The place of a lake on S3 and the access to its server, for each library that reads or writes there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from pipeline.errors import SettingsError

ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[A-Za-z0-9._/-]*))?")
"""Other characters are allowed in a key, but not every library escapes them alike."""


@dataclass(frozen=True)
class S3Prefix:
    """All objects of a bucket whose keys start with a prefix. The secret shows neither in its text nor its repr."""

    bucket: str
    prefix: str
    """Empty for the whole bucket; without a slash at either end."""
    endpoint: str
    """Scheme, host and port of the server."""
    region: str
    key_id: str
    secret: SecretStr

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, name: str) -> str:
        """Return the key of the object called `name` in here."""
        return f"{self.prefix}/{name}" if self.prefix else name

    @property
    def host(self) -> str:
        """Return host and port of the server."""
        return urlsplit(self.endpoint).netloc

    @property
    def is_encrypted(self) -> bool:
        """Return whether the connection to the server uses https."""
        return self.endpoint.startswith("https://")

    @property
    def storage_options(self) -> dict[str, str]:
        """Return the options for delta-rs and Polars. They contain the secret in clear text.

        Commits are puts that fail when the version exists, whatever the environment says about conditional puts.
        """
        return {
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret.get_secret_value(),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_ALLOW_HTTP": "false" if self.is_encrypted else "true",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
            "AWS_CONDITIONAL_PUT": "etag",
        }


def s3_prefix(
    address: str, *, endpoint: str | None, region: str, key_id: str | None, secret: SecretStr | None
) -> S3Prefix:
    """Return the place in the settings; the default endpoint is that of AWS in the region.

    Raises SettingsError when the address or the endpoint makes no sense, or the credentials are missing.
    """
    match = ADDRESS.fullmatch(address)
    if match is None or ".." in address or "//" in (match["prefix"] or ""):
        raise SettingsError(
            "CANDLELAKE_LAKE is neither a folder nor s3://BUCKET or s3://BUCKET/PREFIX.",
            remedy="Use letters, digits, '.', '_', '-' and '/' only.",
        )
    if not key_id or secret is None:
        raise SettingsError(
            f"CANDLELAKE_LAKE_KEY_ID and CANDLELAKE_LAKE_SECRET must be set for the lake at {address}.",
            remedy="Put a key that may list, read, write and delete there into the environment or .env.",
        )
    server = endpoint or f"https://s3.{region}.amazonaws.com"
    return S3Prefix(
        match["bucket"], (match["prefix"] or "").strip("/"), _checked_endpoint(server), region, key_id, secret
    )


def _checked_endpoint(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    # An endpoint with a name or a password in it would show them in every error.
    if parts.scheme not in {"http", "https"} or not parts.netloc or "@" in parts.netloc or parts.path.strip("/"):
        raise SettingsError(
            "CANDLELAKE_LAKE_ENDPOINT is not the address of a server.",
            remedy="Write scheme, host and port only, such as https://s3.example.com:9000.",
        )
    return f"{parts.scheme}://{parts.netloc}"
