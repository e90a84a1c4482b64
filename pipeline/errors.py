"""The errors a user can meet. Each says what happened and what to do about it.

Permanent errors stay until somebody changes something; retryable ones may pass by themselves.
No other errors of our own leave a module.
"""

import re

_TERMINAL_CODE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and movements
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles, links, anything with an end
    r"|\x1b[ -/]*[0-~]?"
)


def without_terminal_codes(text: str) -> str:
    """Return a text without terminal control codes: libraries colour their errors, and servers may send worse."""
    return _TERMINAL_CODE.sub("", text)


def error_text(error: BaseException) -> str:
    """Return an error's message as one sentence; for an OSError, the fault and the file."""
    if isinstance(error, OSError) and error.strerror is not None:
        return f"{error.strerror}: {error.filename}." if error.filename else f"{error.strerror}."
    message = str(error).strip() or type(error).__name__
    return f"{message.splitlines()[0].rstrip('.')}."


class CandlelakeError(Exception):
    """An error message, with the remedy for the user."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(without_terminal_codes(message))
        self.message = without_terminal_codes(message)
        self.remedy = without_terminal_codes(remedy)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


class PermanentError(CandlelakeError):
    """A retry fails again until something is changed."""


class RetryableError(CandlelakeError):
    """The same request may succeed later, unchanged."""


class SettingsError(PermanentError):
    """A setting is missing or invalid."""


class AccessDenied(PermanentError):
    """The vendor refuses: wrong credentials, or data outside the plan."""


class NotPublished(RetryableError):
    """The vendor has no file for a session (yet)."""


class TransferFailed(RetryableError):
    """A download broke off, stalled, or had other bytes than announced."""


class AnswerRefused(RetryableError):
    """A vendor's answer cannot be trusted: it is not what was requested, or a part of it is lost."""


class FileRefused(PermanentError):
    """A vendor file cannot be trusted as a whole; the lake is unchanged."""


class ContractBroken(PermanentError):
    """Rows about to be written break their table's contract. Nothing was written."""


class LakeRefused(PermanentError):
    """The lake's server refuses: credentials, a missing bucket, or no support for safe commits."""


class LakeUnreachable(RetryableError):
    """The lake's server does not answer."""


class PlaceFailed(PermanentError):
    """A folder on this computer cannot be written or read: it is full, read-only, or gone."""


class TableMissing(PermanentError):
    """A table was requested that nothing has written yet."""


class VersionGone(TableMissing):
    """A past version of a table can no longer be read: its files or its commit metadata were removed."""


class TableDamaged(PermanentError):
    """A table's files are there but cannot be read as a table."""


class QueryError(PermanentError):
    """A query cannot be answered: it is wrong, or it does what SQL may not do here."""


class WriteConflict(RetryableError):
    """Another writer changed the same rows at the same moment."""


class RunReplaced(PermanentError):
    """An abandoned run is still alive. Another run may have replaced it, so it may not write any more."""


class ClockBehind(RetryableError):
    """This computer's clock is behind the newest moment in a table's history."""


class PositionRefused(PermanentError):
    """A position cannot be recorded as requested. Nothing was written."""


class RulingRefused(PermanentError):
    """A ruling on a split cannot be recorded as requested. Nothing was written."""


class SampleError(PermanentError):
    """The sample market cannot be written here."""


class IndicatorError(PermanentError):
    """An indicator's declaration is invalid or incomplete."""


class ModelError(PermanentError):
    """A model's declaration is invalid, or uses columns that do not exist."""


class MineError(PermanentError):
    """A file of the user's own declarations fails, or declares what cannot be."""


class ReportsNotWritten(PermanentError):
    """The folder of the pages cannot be written."""
