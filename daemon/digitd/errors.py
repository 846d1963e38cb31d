"""Every error digitd can name: a reason code, an exit code, the cause and the remedy."""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the `digitd` process exits with; documented in docs/errors.md."""

    DONE = 0
    BUG = 1
    USAGE = 2
    CONFIG = 3
    FOLDERS = 4
    BUNDLE = 5
    ALREADY_RUNNING = 6
    NOT_RUNNING = 7
    UNHEALTHY = 8


def sentence(cause: str, remedy: str) -> str:
    """Both in one line, as a person reads them on a terminal and in systemd's status."""
    stop = "" if remedy.endswith(("?", ".", "!")) else "."
    return f"{cause}. {remedy}{stop}"


class DigitdError(Exception):
    """An error with a stable code, a cause, and what the reader can do about it."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return sentence(self.cause, self.remedy)


class ConfigError(DigitdError):
    """The configuration has a key or value that digitd cannot use."""

    code = "config"
    exit_code = ExitCode.CONFIG


class UsageError(DigitdError):
    """The command line names something that does not exist or cannot be opened."""

    code = "usage"
    exit_code = ExitCode.USAGE


class FolderError(DigitdError):
    """A folder is missing, not writable, or would feed on itself; or the journal in it cannot be used."""

    code = "folders"
    exit_code = ExitCode.FOLDERS


class JournalDamagedError(DigitdError):
    """The journal was found to be damaged while digitd ran: the next start looks through it, and builds it anew."""

    code = "journal_damaged"


class BundleError(DigitdError):
    """The model's bundle is missing, damaged, or made for another version."""

    code = "bundle"
    exit_code = ExitCode.BUNDLE


class AlreadyRunningError(DigitdError):
    """Another digitd works with the same state folder, inbox or outbox."""

    code = "already_running"
    exit_code = ExitCode.ALREADY_RUNNING


class ScanError(DigitdError):
    """A scan cannot be read. The code becomes the result's reason; the daemon goes on."""

    code = "unreadable"


class EmptyScanError(ScanError):
    """The file has no bytes."""

    code = "empty"


class NotAnImageError(ScanError):
    """The content is of no format that digitd reads."""

    code = "not_an_image"


class TruncatedScanError(ScanError):
    """The file ends before its image does; while it is young, it may still be growing."""

    code = "truncated"


class DamagedScanError(ScanError):
    """The format is known, but its content contradicts itself."""

    code = "damaged"


class EncryptedScanError(ScanError):
    """The file asks for a password."""

    code = "encrypted"


class TooManyBytesError(ScanError):
    """The file is larger than `limits.bytes`."""

    code = "too_many_bytes"


class TooManyPixelsError(ScanError):
    """A page is larger than `limits.pixels`."""

    code = "too_many_pixels"


class TooManyPagesError(ScanError):
    """The scan has more pages than `limits.pages`."""

    code = "too_many_pages"


class TooManyMarksError(ScanError):
    """A page has more marks than `limits.marks`."""

    code = "too_many_marks"


class WorkerDiedError(ScanError):
    """The process that read the scan died of it, twice."""

    code = "worker_died"


class WorkerTimeoutError(ScanError):
    """Reading a page of the scan took longer than `workers.timeout`, twice."""

    code = "worker_timeout"


class WorkerMemoryError(ScanError):
    """Reading the scan took more memory than `workers.memory`, twice."""

    code = "worker_memory"
