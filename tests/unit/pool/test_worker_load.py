"""How a worker gets a scan's bytes: of regular files alone, whole, and no more than allowed."""

import errno
import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from ctypes import c_int64, c_uint64
from pathlib import Path
from typing import Any, cast

import pytest

from digitd.imaging.decode import Limits
from digitd.pool import fingerprint as fingerprints
from digitd.pool import worker
from digitd.pool.fingerprint import fingerprint
from digitd.pool.messages import NOWHERE, Finding, Findings, Identity, Job, Seen, encode
from digitd.recognition.reader import Reader, ScanInput
from digitd.results import Outcome, Status


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were opened."""
    paths: list[str] = []
    real = os.open

    def note(path: Any, *args: Any, **kwargs: Any) -> int:
        paths.append(os.fsdecode(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", note)
    return paths


def load(path: Path, most: int = 1000) -> tuple[bytes, Identity]:
    """The bytes of a file."""
    return worker.load(os.fsencode(path), most)


def seen(path: Path) -> Seen:
    """What a worker sees where there is nothing to read."""
    with pytest.raises(worker._NotReadyError) as caught:
        load(path)
    return caught.value.seen


def test_a_file_is_its_bytes_and_its_identity(tmp_path: Path) -> None:
    """Inode, size and mtime are those of the bytes that were read."""
    file = tmp_path / os.fsdecode(b"\xff\n.png")
    file.write_bytes(b"bytes")
    found = file.lstat()
    assert load(file) == (b"bytes", Identity(found.st_ino, 5, found.st_mtime_ns))


@pytest.mark.parametrize("kind", ["link", "dangling link", "fifo", "socket", "device", "folder", "nothing"])
def test_what_is_no_regular_file_is_never_opened(tmp_path: Path, opened: list[str], kind: str) -> None:
    """To open a FIFO wakes its writer, to open a device may do anything: none of them is touched."""
    path = tmp_path / "x.png"
    match kind:
        case "link":
            path.symlink_to(__file__)
        case "dangling link":
            path.symlink_to("nowhere")
        case "fifo":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(os.fspath(path))
        case "device":
            path = Path("/dev/zero")
        case "folder":
            path.mkdir()
    assert seen(path) is Seen.GONE
    assert os.fspath(path) not in opened


def test_a_link_put_there_at_the_last_moment_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one that appears after the look."""
    (tmp_path / "x.png").symlink_to(__file__)
    monkeypatch.setattr(os, "lstat", os.stat)
    assert seen(tmp_path / "x.png") is Seen.GONE


def test_an_empty_file_fails_with_its_identity(tmp_path: Path) -> None:
    """It has a reason and a remedy of its own."""
    (tmp_path / "x.png").touch()
    with pytest.raises(worker._UnreadScanError) as caught:
        load(tmp_path / "x.png")
    assert caught.value.cause.code == "empty"
    assert caught.value.identity is not None
    assert caught.value.identity.size == 0


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    """Its size alone tells; both numbers are in the sentence."""
    (tmp_path / "x.png").write_bytes(bytes(1001))
    with pytest.raises(worker._UnreadScanError) as caught:
        load(tmp_path / "x.png")
    assert caught.value.cause.code == "too_many_bytes"
    assert "1,001 bytes" in str(caught.value)
    assert "(1,000)" in str(caught.value)
    assert len(load(tmp_path / "x.png", 1001)[0]) == 1001


@pytest.mark.parametrize("change", ["grows", "shrinks", "is rewritten"])
def test_a_file_that_changes_while_it_is_read_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Longer, shorter, or the same size at another time: its writer is still at it."""
    file = tmp_path / "x.png"
    file.write_bytes(b"0123456789")
    real = os.fstat
    looks = []

    def fstat(descriptor: int) -> os.stat_result:
        looks.append(descriptor)
        if len(looks) == 1:
            before = real(descriptor)
            if change == "grows":
                file.write_bytes(b"0123456789" * 100_000)
            elif change == "shrinks":
                os.truncate(file, 4)
            else:
                os.utime(file, ns=(1, 1))
            return before
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", fstat)
    assert seen(file) is Seen.CHANGING


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (errno.ENOENT, Seen.GONE),
        (errno.ELOOP, Seen.GONE),
        (errno.EIO, Seen.BUSY),
        (errno.EMFILE, Seen.BUSY),
        (errno.ESTALE, Seen.BUSY),
        (errno.EACCES, "unreadable"),
    ],
)
def test_faults_that_pass_are_tried_again_and_others_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, what: object
) -> None:
    """A busy disk is no reason to fail a scan; a missing right is, and says so."""
    (tmp_path / "x.png").write_bytes(b"x")

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", refuse)
    if isinstance(what, Seen):
        assert seen(tmp_path / "x.png") is what
    else:
        with pytest.raises(worker._UnreadScanError) as caught:
            load(tmp_path / "x.png")
        assert caught.value.cause.code == what
        assert "Let the user that digitd runs as read it" in str(caught.value)


class _Echo:
    """A reader that accepts everything, with its bytes as text."""

    def read(self, scans: Iterator[ScanInput], on_page: Callable[[], None]) -> list[Outcome]:
        """One outcome a scan, in order."""
        return [Outcome(Status.ACCEPTED, text=scan.data.decode()) for scan in scans]


def test_a_batch_has_one_finding_a_job_in_order(tmp_path: Path) -> None:
    """Missing, empty and good ones among each other; progress counts each as it begins."""
    for name, data in (("a", b"1"), ("c", b""), ("d", b"4")):
        (tmp_path / name).write_bytes(data)
    jobs = tuple(Job(os.fsencode(tmp_path / name), name, "auto", None, 0.9, 0.5) for name in "abcd")
    progress, place = c_uint64(0), c_int64(0)
    findings = worker.read(jobs, cast(Reader, _Echo()), Limits(100, 100, 100), progress, place)
    assert [finding.seen for finding in findings] == [Seen.READ, Seen.GONE, Seen.READ, Seen.READ]
    outcomes = [finding.outcome for finding in findings]
    assert [outcome.text if outcome else None for outcome in outcomes] == ["1", None, "", "4"]
    assert outcomes[2] is not None
    assert outcomes[2].reason is not None
    assert outcomes[2].reason.message.startswith("c: the file is empty")
    assert findings[0].sha256 == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert progress.value == 4
    assert place.value == NOWHERE


def test_too_many_bytes_are_named_by_their_hash(tmp_path: Path) -> None:
    """A scan that no decoder gets to see is known by its identity and its SHA-256 all the same."""
    file = tmp_path / "large.png"
    file.write_bytes(b"x" * 2000)
    found = file.lstat()
    identity = Identity(found.st_ino, 2000, found.st_mtime_ns)
    assert fingerprint(os.fsencode(file)) == (identity, hashlib.sha256(b"x" * 2000).hexdigest())


def test_what_cannot_be_read_has_no_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link or nothing at all has no identity either; a file of terabytes is not hashed."""
    (tmp_path / "link.png").symlink_to(__file__)
    assert fingerprint(os.fsencode(tmp_path / "link.png")) is None
    assert fingerprint(os.fsencode(tmp_path / "none.png")) is None
    (tmp_path / "huge.png").write_bytes(b"xx")
    monkeypatch.setattr(fingerprints, "MOST_HASHED", 1)
    known = fingerprint(os.fsencode(tmp_path / "huge.png"))
    assert known is not None
    assert known[1] is None


def test_pages_count_as_progress(tmp_path: Path) -> None:
    """A scan of many pages may take longer than workers.timeout, as long as no page does."""

    class Pages(_Echo):
        def read(self, scans: Iterator[ScanInput], on_page: Callable[[], None]) -> list[Outcome]:
            read = super().read(scans, on_page)
            for _ in range(5):
                on_page()
            return read

    (tmp_path / "a").write_bytes(b"1")
    job = Job(os.fsencode(tmp_path / "a"), "a", "auto", None, 0.9, 0.5)
    progress = c_uint64(0)
    worker.read((job,), cast(Reader, Pages()), Limits(100, 100, 100), progress, c_int64(0))
    assert progress.value == 6


WORKER = """
import cv2, sys
from ctypes import c_int64, c_uint64
from multiprocessing import Pipe
from digitd.pool import worker
from digitd.pool.messages import Setup
from digitd.recognition.bundle import shipped
cv2.setNumThreads(4)
daemon, channel = Pipe()
_, output = Pipe(duplex=False)
daemon.close()
worker.main(Setup(str(shipped()), "litert", 1000, 1000, 10, 5000), channel, output, c_uint64(0), c_int64(0))
sys.exit(100 + cv2.getNumThreads())
"""


def test_a_worker_uses_one_processor() -> None:
    """OpenCV has threads of its own, which no variable of the environment governs: a worker has none of them."""
    assert subprocess.run([sys.executable, "-c", WORKER], timeout=60, check=False).returncode == 101


def test_times_that_no_calendar_has_cross_to_the_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system may give times beyond 64 bits of nanoseconds: they are folded, and the scan is read."""
    file = tmp_path / "future.png"
    file.write_bytes(b"bytes")
    real = os.fstat

    class Far:
        def __init__(self, found: os.stat_result) -> None:
            self.st_mode, self.st_size, self.st_ino = found.st_mode, found.st_size, 2**64 - 1
            self.st_mtime_ns = 10**20

    monkeypatch.setattr(os, "fstat", lambda descriptor: Far(real(descriptor)))
    _, identity = load(file)
    encode(Findings((Finding(Seen.READ, Outcome(Status.BLANK), identity),), 0.0))
