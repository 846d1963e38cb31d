"""What a worker's finding says of a scan: read, or to be tried again."""

import pytest

from delivery_rig import MODEL, OUTCOMES
from digitd import results
from digitd.delivery import Read
from digitd.errors import EmptyScanError, TruncatedScanError, WorkerDiedError, WorkerMemoryError, WorkerTimeoutError
from digitd.findings import Taken, Unread, judge
from digitd.intake.settle import Ready, Stamp
from digitd.pool.messages import Finding, Identity, Seen
from digitd.results import Outcome, Reason, Status
from digitd.tables import Identity as ScanIdentity

SHA256 = "0" * 64
SAME, CHANGED = Identity(7, 5, 10), Identity(7, 6, 11)
ACCEPTED = OUTCOMES[Status.ACCEPTED]


def judged(finding: Finding, *, certain: bool = False, young: bool = False) -> Read | Unread:
    """What becomes of a scan with this finding."""
    ready = Ready("sub/a.png", Stamp(size=5, mtime_ns=10, inode=7, device=1, ctime_ns=10, nlink=1), certain)
    return judge(Taken(ready, 1000.0, 3), finding, 1001.0, MODEL, lambda _: young)


def failed(code: str) -> Outcome:
    """What is said of a scan that could not be read."""
    return results.failed(Reason(code, "a.png: no."))


def test_a_scan_that_was_read_is_recorded_as_the_worker_saw_it() -> None:
    """Its identity is that of the bytes that were read, even if the file was another one when it was handed out."""
    for seen in (SAME, CHANGED):
        identity = ScanIdentity("sub/a.png", seen.inode, seen.size, seen.mtime_ns)
        read = Read(identity, SHA256, ACCEPTED, 1000.0, 1001.0, MODEL, 3)
        assert judged(Finding(Seen.READ, ACCEPTED, seen, SHA256), young=True) == read


def test_a_scan_that_was_not_read_is_not_recorded() -> None:
    """It is gone, or its writer is at it."""
    assert judged(Finding(Seen.GONE)) == Unread("it was removed before it could be read", gone=True)
    for seen in (Seen.BUSY, Seen.CHANGING):
        assert judged(Finding(seen)) == Unread(str(seen))


@pytest.mark.parametrize("code", [TruncatedScanError.code, EmptyScanError.code])
def test_a_scan_cut_short_fails_once_it_cannot_be_growing(code: str) -> None:
    """While it is young, or changed since it was handed out, it is looked at again."""
    assert isinstance(judged(Finding(Seen.READ, failed(code), SAME, SHA256)), Read)
    assert judged(Finding(Seen.READ, failed(code), SAME, SHA256), young=True) == Unread(code)
    assert judged(Finding(Seen.READ, failed(code), CHANGED, SHA256)) == Unread(code)


def test_a_scan_that_ends_in_zeros_waits_unless_its_writer_is_known_to_be_done() -> None:
    """Their place may only be reserved."""
    hollow = Finding(Seen.READ, ACCEPTED, SAME, SHA256, hollow=True)
    assert judged(hollow, young=True) == Unread("it ends in zeros")
    assert isinstance(judged(hollow, young=True, certain=True), Read)
    assert isinstance(judged(hollow), Read)


@pytest.mark.parametrize("code", [WorkerDiedError.code, WorkerTimeoutError.code, WorkerMemoryError.code])
def test_a_lost_worker_is_not_held_against_bytes_that_came_later(code: str) -> None:
    """The same file fails; one that changed meanwhile is read."""
    assert isinstance(judged(Finding(Seen.READ, failed(code), None)), Read)
    assert judged(Finding(Seen.READ, failed(code), CHANGED)) == Unread(code)
