"""Refusals, failures and unexpected answers of the REST API, as errors that say what to do."""

from typing import Any

from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from pipeline.contracts.foreign_json import NotJson, from_json
from pipeline.errors import AccessDenied, AnswerRefused, CandlelakeError, NotPublished, SettingsError, TransferFailed
from pipeline.sources.transfer.landing import Interrupted

GOOD = ("OK", "DELAYED")
"""`status` of a good answer; plans without real-time data answer DELAYED."""

CHECK_KEY = (
    "Check CANDLELAKE_REST_KEY: it is the REST API key on the vendor's dashboard, not the S3 credentials of the flat "
    "files."
)
CHECK_URL = "Check the network, CANDLELAKE_REST_URL and the proxy settings, then try again."
TRY_LATER = "Try again later; if it happens again, report it to the vendor."
FEWER_CALLS = "Set CANDLELAKE_REST_CALLS_PER_MINUTE to what the plan allows (5 on the free one), then try again later."

A_MINUTE = 60.0
"""Seconds after which the count of calls starts again; the wait after a 429 without Retry-After."""

LONGEST_WORDS = 300


def refusal(status: int, words: str, retry_after: str | None, place: str) -> CandlelakeError:
    """Return the error for an answer of `status` with the vendor's `words`, for a request at `place`.

    Interrupted, with the time to wait, for temporary failures (429, 408, 5xx); AccessDenied for 401 and 403;
    NotPublished for 404; SettingsError for a redirect and any other request that the server does not accept.
    """
    reply = f"{status}: {words}" if words else str(status)
    if status == 429:
        wait = A_MINUTE if retry_after is None else seconds_of(retry_after)
        return Interrupted(f"{place}: too many calls ({reply}).", remedy=FEWER_CALLS, wait=wait)
    if status == 408 or status >= 500:
        wait = 0.0 if retry_after is None else seconds_of(retry_after)
        return Interrupted(f"{place}: the server answered {reply}.", remedy="Try again in a few minutes.", wait=wait)
    if status == 401:
        return AccessDenied(f"{place}: the key is not accepted ({reply}).", remedy=CHECK_KEY)
    if status == 403:
        return AccessDenied(
            f"{place}: access is denied ({reply}).",
            remedy=f"The plan may not include it: request less, or change the plan. {CHECK_KEY}",
        )
    if status == 404:
        return NotPublished(f"{place} does not exist ({reply}).", remedy="Check the request and the address.")
    return SettingsError(f"{place}: the server does not accept the request ({reply}).", remedy=CHECK_URL)


def seconds_of(retry_after: str) -> float:
    """Return the seconds to wait for a Retry-After header, which is in seconds or a date; a minute if neither."""
    try:
        return Retry().parse_retry_after(retry_after)
    except InvalidHeader:
        return A_MINUTE
    except (ValueError, OverflowError):  # a number or a year that is too large
        return float(Retry.DEFAULT_RETRY_AFTER_MAX)


def message_of(body: bytes) -> str:
    """Return the vendor's error text, from `error` or `message`; empty when there is none."""
    try:
        answer = from_json(body)
    except NotJson:
        return ""
    return message_in(answer) if isinstance(answer, dict) else ""


def message_in(answer: dict[str, Any]) -> str:
    """Return the text under `error` or `message` on one line."""
    texts = (answer.get(name) for name in ("error", "message"))
    first = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return " ".join(first.split())[:LONGEST_WORDS]


def bad_status(status: object, words: str, place: str) -> CandlelakeError:
    """Return the error for an answer with HTTP 200 whose own `status` is not a good one."""
    reply = f"{status}: {words}" if words else f"{status}"
    if status == "NOT_AUTHORIZED":
        return refusal(403, reply, None, place)
    return AnswerRefused(f"{place}: the answer's status is {reply} instead of {' or '.join(GOOD)}.", remedy=TRY_LATER)


def unexpected_answer(place: str, fault: str) -> AnswerRefused:
    """Return the error for an answer that is not what was requested."""
    return AnswerRefused(f"{place}: {fault}.", remedy=TRY_LATER)


def not_json(place: str) -> AnswerRefused:
    """Return the error for an answer that does not come from the vendor's API."""
    return AnswerRefused(
        f"{place}: the answer is not JSON: a login page of the network or a proxy's, perhaps.", remedy=CHECK_URL
    )


def too_slow(place: str) -> TransferFailed:
    """Return the error for a transfer that is too slow for the time allowed."""
    return TransferFailed(f"{place} comes too slowly and was given up.", remedy="Try again on a faster connection.")


def unreachable(place: str, cause: str) -> Interrupted:
    """Return the error for a server that does not answer, or broke off; `cause` names the kind of failure."""
    return Interrupted(f"{place} does not answer as it should ({cause}).", remedy=CHECK_URL)


def crowded(place: str) -> TransferFailed:
    """Return the error for a call that found no room, because other runs use up the calls of the plan."""
    return TransferFailed(
        f"{place} was not requested: other runs use up CANDLELAKE_REST_CALLS_PER_MINUTE.",
        remedy="Wait until they are done, then try again.",
    )
