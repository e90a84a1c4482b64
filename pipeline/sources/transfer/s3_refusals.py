"""Refusals and failures of an S3 server, as errors that say what to do."""

from typing import Any

from pipeline.errors import AccessDenied, CandlelakeError, NotPublished, SettingsError, TransferFailed
from pipeline.sources.massive.rest_refusals import seconds_of
from pipeline.sources.transfer.landing import Interrupted

CREDENTIAL_CODES = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "ExpiredToken",
    "InvalidSecurity",
    "CredentialsNotSupported",
}
PASSING_CODES = {"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "InternalError"}

CHECK_CREDENTIALS = (
    "Check CANDLELAKE_FLAT_FILES_KEY_ID and CANDLELAKE_FLAT_FILES_SECRET: they are the S3 credentials on the vendor's "
    "dashboard, not the REST API key."
)
CHECK_ENDPOINT = "Check the network, CANDLELAKE_FLAT_FILES_ENDPOINT and the proxy settings, then try again."


def refusal(response: dict[str, Any], place: str) -> CandlelakeError:
    """Return the error for a refusing `response` (of botocore's ClientError) about `place`, a file or bucket.

    Interrupted, with the server's time to wait if there is one, for temporary failures (5xx, 429, SlowDown, a request
    that timed out); AccessDenied for 403;
    NotPublished for a missing object; TransferFailed for 412, a file that was replaced since it was listed;
    SettingsError for a missing bucket and any other request that the server does not accept.
    """
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(response.get("Error", {}).get("Code", ""))
    if status in (429, *range(500, 600)) or code in PASSING_CODES:
        after = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after")
        wait = 0.0 if after is None else seconds_of(after)
        return Interrupted(
            f"{place}: the server answered {status} {code}.", remedy="Try again in a few minutes.", wait=wait
        )
    if status in (401, 403) or code in CREDENTIAL_CODES:
        return _denial(code, place)
    if code == "NoSuchBucket":
        return SettingsError(f"{place}: there is no such bucket.", remedy="Check CANDLELAKE_FLAT_FILES.")
    if status == 404:
        return NotPublished(f"{place} is gone since it was listed.", remedy="List again.")
    if status == 412:
        return replaced(place)
    return SettingsError(f"{place}: the server refuses the request ({status} {code}).", remedy=CHECK_ENDPOINT)


def _denial(code: str, place: str) -> AccessDenied:
    if code == "RequestTimeTooSkewed":
        return AccessDenied(f"{place}: this computer's clock is wrong.", remedy="Set the clock, then try again.")
    if code in CREDENTIAL_CODES:
        return AccessDenied(f"{place}: the credentials are not accepted ({code}).", remedy=CHECK_CREDENTIALS)
    return AccessDenied(f"{place}: access is denied ({code}), even to the listing.", remedy=CHECK_CREDENTIALS)


def replaced(place: str) -> TransferFailed:
    """Return the error for a version that is no longer there."""
    return TransferFailed(f"{place} was replaced since it was listed.", remedy="List it again, then download.")


def too_slow(place: str) -> TransferFailed:
    """Return the error for a transfer that is too slow for the time allowed."""
    return TransferFailed(f"{place} comes too slowly and was given up.", remedy="Try again on a faster connection.")


def outside_the_plan(place: str) -> AccessDenied:
    """Return the error for credentials that may list this file but not read it."""
    return AccessDenied(
        f"{place}: the credentials are accepted and list the file, but may not read it: its dataset or date lies "
        "outside the plan.",
        remedy="Choose a dataset and dates that the plan includes (CANDLELAKE_START is the first), or change the plan.",
    )


def unreachable(endpoint: str, cause: Exception) -> Interrupted:
    """Return the error for an `endpoint` that does not answer, or broke off, with the kind of failure."""
    return Interrupted(f"{endpoint} does not answer as it should ({type(cause).__name__}).", remedy=CHECK_ENDPOINT)


def redirected(status: int, endpoint: str) -> SettingsError:
    """Return the error for a server that redirects the signed request to another place."""
    return SettingsError(
        f"{endpoint} sends the request to another place ({status}), which is not followed.", remedy=CHECK_ENDPOINT
    )


def not_s3(endpoint: str) -> Interrupted:
    """Return the error for an answer that does not come from an S3 server."""
    return Interrupted(
        f"{endpoint} answers, but not as an S3 server: a login page of the network, perhaps.", remedy=CHECK_ENDPOINT
    )
