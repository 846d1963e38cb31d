"""What runs inside a worker process: load the bundle once, then read batch after batch."""

import ctypes
import errno
import hashlib
import os
import signal
import stat
import time
from collections.abc import Iterator
from ctypes import c_int64, c_uint64
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

from digitd import failpoints
from digitd.errors import DigitdError, EmptyScanError, ScanError, TooManyBytesError
from digitd.failpoints import Point
from digitd.fs import folded
from digitd.imaging.decode import Limits
from digitd.imaging.pipeline import single_threaded
from digitd.pool import box
from digitd.pool.fingerprint import fingerprint
from digitd.pool.listener import Listener
from digitd.pool.messages import (
    NOWHERE,
    Finding,
    Findings,
    Hello,
    Identity,
    Job,
    Refusal,
    Seen,
    Setup,
    decode_jobs,
    encode,
)
from digitd.recognition.bundle import Bundle
from digitd.recognition.reader import Options, Reader, ScanInput, open_reader
from digitd.results import Reason, failed

PR_SET_PDEATHSIG = 1
# Faults that pass: the scan is tried again as long as the cause lasts.
PASSING = frozenset(
    {errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EBUSY, errno.ETXTBSY, errno.EAGAIN}
)
# A block of zeros at the end: compressed images have none.
HOLLOW = bytes(4096)
NO_REGULAR_FILE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR})
_libc = ctypes.CDLL(None, use_errno=True)


def main(setup: Setup, channel: Connection, output: Connection, progress: c_uint64, place: c_int64) -> None:
    """Serve batches until the channel closes."""
    die_with_the_daemon()
    box.leave_no_core()
    # They go to a whole group (Ctrl-C, `timeout`, a closed terminal): the daemon is who ends its workers.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Native libraries print to these; the daemon turns it into events.
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    output.close()
    single_threaded()
    limits = Limits(setup.limit_bytes, setup.limit_pixels, setup.limit_pages, setup.limit_marks)
    try:
        bundle = Bundle.load(Path(setup.bundle))
        reader = open_reader(bundle, setup.engine, limits, Listener().listen)
    except DigitdError as error:
        _send(channel, Refusal(error.cause, error.remedy))
        return
    # From here on there are bytes that nobody vouches for.
    wanted = _send(channel, Hello(bundle.sha256, box.enter()))
    while wanted:
        try:
            jobs = decode_jobs(channel.recv_bytes())
        except (EOFError, ConnectionError):
            return
        begun = time.monotonic()
        findings = read(jobs, reader, limits, progress, place)
        failpoints.reached(Point.RECOGNISED)
        wanted = _send(channel, Findings(findings, time.monotonic() - begun))


def _send(channel: Connection, answer: Hello | Refusal | Findings) -> bool:
    """Answer the daemon; False if it no longer listens."""
    try:
        channel.send_bytes(encode(answer))
    except ConnectionError:
        return False
    return True


def die_with_the_daemon() -> None:
    """Let no worker outlive the daemon, not even one that hangs or is stopped.

    A worker's parent is the fork server, which ends when nobody holds the other end of a pipe any more. Every worker
    inherits that end: once each has let go of it, the daemon's death alone ends the server, and that ends the workers.
    """
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    descriptor = forkserver._forkserver._forkserver_alive_fd  # type: ignore[attr-defined]
    if descriptor is not None:
        os.close(descriptor)
        forkserver._forkserver._forkserver_alive_fd = None  # type: ignore[attr-defined]


def read(jobs: tuple[Job, ...], reader: Reader, limits: Limits, progress: c_uint64, at: c_int64) -> tuple[Finding, ...]:
    """One finding a job. Only one scan's bytes are held at a time.

    PROGRESS counts the scans begun and the pages cut; AT is the place of the job in hand, or NOWHERE.
    """
    findings: list[Finding | None] = [None] * len(jobs)
    opened: list[tuple[int, Identity, str, bool]] = []

    def advance() -> None:
        progress.value += 1

    def inputs() -> Iterator[ScanInput]:
        for place, job in enumerate(jobs):
            at.value = place
            advance()
            loaded = look(job, limits.bytes)
            if isinstance(loaded, Finding):
                findings[place] = loaded
            else:
                data, identity = loaded
                failpoints.reached(Point.LOADED)
                opened.append((place, identity, hashlib.sha256(data).hexdigest(), data.endswith(HOLLOW)))
                yield ScanInput(job.name, data, Options(job.layout, job.digits, job.accept, job.margin))

        # What follows, the network's call, is for all of them.
        at.value = NOWHERE

    outcomes = reader.read(inputs(), advance)
    for (place, identity, sha256, hollow), outcome in zip(opened, outcomes, strict=True):
        findings[place] = Finding(Seen.READ, outcome, identity, sha256, hollow)
    return tuple(finding for finding in findings if finding is not None)


def look(job: Job, most: int) -> tuple[bytes, Identity] | Finding:
    """The bytes of a scan, and which those are; a finding where there is nothing to decode."""
    if job.data is not None and job.identity is not None:
        return job.data, job.identity
    try:
        return load(job.path, most)
    except _NotReadyError as reason:
        return Finding(reason.seen)
    except _UnreadScanError as error:
        outcome = failed(Reason(error.cause.code, f"{job.name}: {error.cause}"))
        known = fingerprint(job.path)
        sha256 = known[1] if known is not None and known[0] == error.identity else None
        return Finding(Seen.READ, outcome, error.identity, sha256)


class _NotReadyError(Exception):
    """There is nothing to read here now."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(seen)
        self.seen = seen


class _UnreadScanError(Exception):
    """A scan that fails before it is decoded, with the identity it has."""

    def __init__(self, cause: ScanError, identity: Identity | None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.identity = identity


def load(path: bytes, most: int) -> tuple[bytes, Identity]:
    """The bytes of a regular file of at most MOST bytes, and which bytes they are.

    Never follows a link, and never opens what is no regular file: to open a FIFO or a tape is to do something to it.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise _NotReadyError(Seen.GONE)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _fault(error, None) from error
    with open(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise _NotReadyError(Seen.GONE)
        identity = Identity(folded(before.st_ino), before.st_size, folded(before.st_mtime_ns))
        if before.st_size == 0:
            raise _UnreadScanError(EmptyScanError("the file is empty", "Scan it again"), identity)
        if before.st_size > most:
            cause = TooManyBytesError(
                f"it has {before.st_size:,} bytes, more than limits.bytes ({most:,})",
                "Reduce the scan, or raise limits.bytes",
            )
            raise _UnreadScanError(cause, identity)
        try:
            # One byte more than there should be: a file that grows is noticed, and does not fill the memory.
            data = file.read(before.st_size + 1)
        except OSError as error:
            raise _fault(error, identity) from error
        after = os.fstat(descriptor)
    if len(data) != before.st_size or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise _NotReadyError(Seen.CHANGING)
    return data, identity


def _fault(error: OSError, identity: Identity | None) -> Exception:
    if error.errno in NO_REGULAR_FILE:
        return _NotReadyError(Seen.GONE)
    if error.errno in PASSING:
        return _NotReadyError(Seen.BUSY)
    why = os.strerror(error.errno or 0)
    cause = ScanError(f"it cannot be read ({why})", "Let the user that digitd runs as read it")
    return _UnreadScanError(cause, identity)
