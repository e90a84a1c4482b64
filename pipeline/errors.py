"""The errors a user can meet. Each says what happened and what to do about it.

Permanent errors stay until somebody changes something; retryable ones may pass by themselves.
Nothing else of ours is raised across a module's border.
"""

import re

_TERMINAL_CODE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and movements
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles, links, anything with an end
    r"|\x1b[ -/]*[0-~]?"
)


def without_terminal_codes(text: str) -> str:
    """Return a text without what a terminal takes for orders: libraries colour their errors, servers may try worse."""
    return _TERMINAL_CODE.sub("", text)


def words_of(error: BaseException) -> str:
    """Return in one sentence what an error says: of the system's own, what was refused, and where."""
    if isinstance(error, OSError) and error.strerror is not None:
        return f"{error.strerror}: {error.filename}." if error.filename else f"{error.strerror}."
    said = str(error).strip() or type(error).__name__
    return f"{said.splitlines()[0].rstrip('.')}."


class CandlelakeError(Exception):
    """What went wrong, with the remedy a user can apply."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(without_terminal_codes(message))
        self.message = without_terminal_codes(message)
        self.remedy = without_terminal_codes(remedy)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


class PermanentError(CandlelakeError):
    """Trying again gives the same answer until something is changed."""


class RetryableError(CandlelakeError):
    """The same request may succeed later, unchanged."""


class SettingsError(PermanentError):
    """A setting is missing or makes no sense."""


class AccessDenied(PermanentError):
    """The vendor refuses: wrong credentials, or data outside the plan."""


class NotPublished(RetryableError):
    """The vendor has no file for a session (yet)."""


class TransferFailed(RetryableError):
    """A download broke off, stalled, or brought other bytes than announced."""


class AnswerRefused(RetryableError):
    """A vendor's answer cannot be trusted: it is not what was asked for, or a part of it is lost."""


class FileRefused(PermanentError):
    """A vendor file cannot be trusted as a whole; what the lake holds stays as it was."""


class ContractBroken(PermanentError):
    """Rows about to be written break their table's contract. Nothing was written."""


class LakeRefused(PermanentError):
    """The server where the lake lies refuses: credentials, a missing bucket, or it cannot keep commits apart."""


class LakeUnreachable(RetryableError):
    """The server where the lake lies does not answer."""


class PlaceFailed(PermanentError):
    """A folder on this computer cannot be written or read: it is full, read-only, or gone."""


class TableMissing(PermanentError):
    """A table was asked for that nothing has written yet."""


class VersionGone(TableMissing):
    """A past version of a table can no longer be read: its files, or what its commits said, were removed."""


class TableDamaged(PermanentError):
    """A table's files are there but cannot be read as a table."""


class QueryError(PermanentError):
    """A query cannot be answered: it is wrong, or it asks for what SQL here may not do."""


class WriteConflict(RetryableError):
    """Another writer changed the same rows at the same moment."""


class RunReplaced(PermanentError):
    """A run that was given up still lives. Another may have taken its place, so that it may not write any more."""


class ClockBehind(RetryableError):
    """This computer's clock is not past a moment that a table's history holds already."""


class PositionRefused(PermanentError):
    """A position cannot be recorded as asked. Nothing was written."""


class SampleError(PermanentError):
    """The sample market cannot be laid down here."""


class IndicatorError(PermanentError):
    """An indicator's declaration makes no sense, or lacks what must be said."""


class ModelError(PermanentError):
    """A model's declaration makes no sense, or asks for columns that are not there."""


class ReportsNotWritten(PermanentError):
    """The folder of the pages cannot be written."""
