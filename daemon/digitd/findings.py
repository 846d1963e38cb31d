"""What a worker's finding says of a scan: that it was read, or that it is to be tried again. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from digitd import fs
from digitd.delivery import Read
from digitd.errors import EmptyScanError, TruncatedScanError, WorkerDiedError, WorkerMemoryError, WorkerTimeoutError
from digitd.intake.settle import Ready
from digitd.pool.messages import Finding, Seen
from digitd.results import Model
from digitd.tables import Identity

# A writer may still be at these.
_MAY_GROW = frozenset({TruncatedScanError.code, EmptyScanError.code})
# Said of bytes that nobody can name any more once the file has changed.
_LETHAL = frozenset({WorkerDiedError.code, WorkerTimeoutError.code, WorkerMemoryError.code})


@dataclass(frozen=True)
class Taken:
    """A scan that was handed out: ready SINCE then (seconds since 1970), DEVICE as `Archive.device_of` had it."""

    ready: Ready
    since: float
    device: int | None


@dataclass(frozen=True)
class Unread:
    """There is nothing to record, for this REASON; GONE: no file is there any more."""

    reason: str
    gone: bool = False


def judge(taken: Taken, finding: Finding, now: float, model: Model, young: Callable[[Ready], bool]) -> Read | Unread:
    """The scan as MODEL read it by NOW (seconds since 1970), if it was. YOUNG: whether it may still be growing."""
    ready, outcome = taken.ready, finding.outcome
    if finding.seen is Seen.GONE:
        return Unread("it was removed before it could be read", gone=True)
    if finding.seen is not Seen.READ or outcome is None:
        return Unread(str(finding.seen))
    inode, mtime_ns = fs.folded(ready.stamp.inode), fs.folded(ready.stamp.mtime_ns)
    offered = identity = Identity(ready.path, inode, ready.stamp.size, mtime_ns)
    if finding.identity is not None:
        identity = Identity(ready.path, finding.identity.inode, finding.identity.size, finding.identity.mtime_ns)
    same = identity == offered
    code = None if outcome.reason is None else outcome.reason.code
    growing = code in _MAY_GROW or (finding.hollow and not ready.certain)
    if (growing and (not same or young(ready))) or (code in _LETHAL and not same):
        return Unread(code or "it ends in zeros")
    return Read(identity, finding.sha256, outcome, taken.since, now, model, taken.device)
