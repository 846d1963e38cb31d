"""A house whose disk is cut off: one life is recorded, states that a power cut may leave are laid out, and checked."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from delivery_rig import Rig
from digitd import fs
from digitd.delivery import Read
from digitd.journal import Journal
from digitd.results import Glyph, Outcome, Reading, Status
from powercut.cuts import State
from powercut.disk import Disk, Tree
from powercut.operations import File
from powercut.recorder import Deaf, Recorder, Snapshot
from ways import Json

_LONG = Outcome(
    Status.ACCEPTED,
    None,
    "4" * 20,
    0.97,
    (Reading(1, 900, 30, "4" * 20, 0.97, tuple(Glyph("4", 0.99, (x, 2, 10, 20)) for x in range(20))),),
)
"""A result of several blocks."""
LATER = 4000.0
"""Seconds until everything is due that waits: rows for their file, what is published for its sync."""


@dataclass(frozen=True)
class Scan:
    """A file for the inbox: those whose names begin with `b` fail, and those with `l` have long results."""

    path: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def fails(self) -> bool:
        return os.path.basename(self.path).startswith("b")


class House(Rig):
    """A rig below PLACE, with the scans kept beside it under other names: a scan has the same inode in every state."""

    def __init__(self, place: Path, elsewhere: Path, sources: str, json: Json, csv: bool) -> None:
        self.place, self.across = place, sources == "across"
        self.given = place / "given"
        self.given.mkdir()
        self.elsewhere = elsewhere
        super().__init__(
            place / "house",
            json=json,
            csv=csv,
            sources="move" if self.across else sources,
            archive_at=elsewhere / "archive" if self.across else None,
        )
        with started(1), Journal(self.state):
            pass
        self.scans: dict[str, Scan] = {}

    @property
    def roots(self) -> list[str]:
        """The file systems that change."""
        return [os.fspath(self.base), *([os.fspath(self.elsewhere)] if self.across else [])]

    def give(self, scan: Scan) -> str:
        """Put a scan into the inbox; gives its other name."""
        self.drop(scan.path, scan.data)
        kept_as = os.fspath(self.given / str(len(self.scans)))
        os.link(self.inbox / scan.path, kept_as)
        self.scans[kept_as] = scan
        return kept_as

    def read(self, path: str, status: Status = Status.ACCEPTED) -> Read:
        """As a worker; some results are long."""
        read = super().read(path, status)
        return replace(read, outcome=_LONG) if os.path.basename(path).startswith("l") else read

    def work(self, deaf: frozenset[Deaf] = frozenset()) -> Recorder:
        """A life with three batches, a sync that ends while the second is delivered, and a consumer; recorded."""
        again = "" if self.sources != "keep" else "more-"
        first = [Scan("a.png", b"good"), Scan("sub/b.png", b"bad, the first")]
        second = [Scan("long.png", b"long"), Scan("deep/er/b.png", b"bad too"), Scan(f"{again}a.png", b"good as well")]
        third = [Scan(f"sub/b{again}.png", b"bad once more"), Scan("last/c.png", b"good, the last")]
        start = Tree({os.fspath(folder) for folder in (self.inbox, self.outbox)})
        files: dict[int, File] = {}
        for scan in [*first, *second[:2]]:
            kept_as = self.give(scan)
            files[len(files) + 1] = File(given=kept_as)
            start.names[os.fspath(self.inbox / scan.path)] = len(files)
            start.folders.update(map(os.fspath, (self.inbox / scan.path).parents))
        start.folders = {folder for folder in start.folders if folder.startswith(f"{self.base}/")}
        recorder = Recorder(Disk(start, files), self.roots, self.state, deaf)
        with started(1), recorder.recording(), self.open() as delivery:
            delivery.recover()
            for number, batch in enumerate((first, second, third)):
                for scan in batch:
                    if scan not in self.scans.values():
                        kept_as = self.give(scan)
                        recorder.given(os.fspath(self.inbox / scan.path), kept_as)
                delivery.deliver([self.read(scan.path, _status(scan)) for scan in batch])
                recorder.check()
                if number < 2:
                    delivery.tick(time.monotonic() + LATER)
                    assert delivery._syncer._round is not None
                    delivery._syncer._round.result()
                    recorder.check()
                if number == 1:
                    for name, data in self.files().items():
                        recorder.taken(name, data)
                        os.unlink(self.outbox / name)
            delivery.close()
            recorder.check()
        return recorder

    def lay_out(self, state: State, journal: Snapshot) -> None:
        """Make the folders and files of a state, and none else."""
        for folder in (self.base, self.elsewhere):
            for entry in os.scandir(folder):
                shutil.rmtree(entry)
        for folder in (self.inbox, self.outbox, self.state):
            folder.mkdir()
        for name in sorted(state.tree.folders):
            os.makedirs(name, exist_ok=True)
        for path, number in state.tree.names.items():
            file = state.files[number]
            if file.given is not None:
                os.link(file.given, path)
                continue
            Path(path).write_bytes(file.data)
            if file.mtime_ns is not None:
                os.utime(path, ns=(file.mtime_ns, file.mtime_ns))
        for name, data in journal.items():
            (self.state / name).write_bytes(data)
        self.taken = [(taken.name, taken.data) for taken in state.taken]

    def start_again(self, number: int, state: State) -> Recorder:
        """The NUMBERth start of the machine, on a state that was laid out: recover, read what waits, end; recorded."""
        recorder = Recorder(Disk(state.tree, state.files), self.roots, self.state, frozenset())
        with started(number), recorder.recording():
            self.live()
        return recorder


def _status(scan: Scan) -> Status:
    return Status.FAILED if scan.fails else Status.ACCEPTED


@contextmanager
def started(number: int) -> Iterator[None]:
    """The machine was started for the NUMBERth time, after all that lies there was written."""
    with (
        patch.object(fs, "boot_id", lambda: f"start {number}"),
        patch.object(fs, "booted_at", lambda: time.time() + 60),
    ):
        yield
