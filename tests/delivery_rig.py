"""A delivery on real folders that can be killed at any step and started again."""

import csv
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from unittest.mock import patch

from digitd import fs, results
from digitd.archive import Archive, Filed
from digitd.delivery import Delivery, Read
from digitd.journal import Journal
from digitd.outbox import Outbox
from digitd.results import Glyph, Model, Outcome, Reading, Reason, Result, Status
from digitd.rolling import Roller
from digitd.tables import Identity
from ways import Json

MODEL = Model("tiny", "1", "0" * 64)
RECEIVED, RECOGNISED = 1_790_000_000.0, 1_790_000_000.25
OUTCOMES = {
    Status.ACCEPTED: Outcome(
        Status.ACCEPTED, None, "42", 0.97, (Reading(1, 60, 30, "42", 0.97, (Glyph("4", 0.99, (1, 2, 10, 20)),)),)
    ),
    Status.REVIEW: Outcome(Status.REVIEW, Reason("unsure", "not sure"), "7", 0.5, (Reading(1, 9, 9, "7", 0.5),)),
    Status.BLANK: Outcome(Status.BLANK, None, "", None, (Reading(1, 9, 9, "", None),)),
    Status.FAILED: results.failed(Reason("not_an_image", "b.png: it is no image. Convert it.")),
}


class Killed(BaseException):
    """The process ends here."""


def shared_memory() -> Path | None:
    """A folder on another file system than the temporary ones, that is fast; None where there is none."""
    folder = Path("/dev/shm")
    if not os.access(folder, os.W_OK):
        return None
    return folder if folder.stat().st_dev != Path(tempfile.gettempdir()).stat().st_dev else None


@contextmanager
def workplace(kind: Literal["fast", "other"] = "fast") -> Iterator[Path]:
    """A folder of its own, in memory if there is one; `other` is on another file system."""
    fast = shared_memory()
    folder = Path(tempfile.mkdtemp(prefix="digitd-test-", dir=fast if kind == "fast" else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@dataclass
class Rig:
    """Inbox, outbox, archive and state below BASE; TARGETS says what becomes of sources, by status."""

    base: Path
    json: Json = "scan"
    csv: bool = True
    sources: str = "move"
    archive_at: Path | None = None
    rows: int = 1000
    filed: list[tuple[str, Filed]] = field(default_factory=list)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inbox, self.outbox, self.state = self.base / "inbox", self.base / "outbox", self.base / "state"
        self.archive = self.archive_at or self.base / "archive"
        for folder in (self.inbox, self.outbox, self.state):
            folder.mkdir(parents=True, exist_ok=True)

    def targets(self) -> dict[str, str]:
        """What the configuration would say."""
        if self.sources in {"delete", "keep"}:
            return {str(status): self.sources for status in Status}
        return {str(status): str(self.archive / status) for status in Status}

    def files_into(self) -> Archive:
        """The archive of this configuration."""
        return Archive(os.fspath(self.inbox), self.targets())

    @contextmanager
    def open(self, every: float = 3600.0) -> Iterator[Delivery]:
        """A new delivery, as after a start; it ends without a word, as after a kill."""
        with Journal(self.state) as self.journal:
            outbox = Outbox(self.outbox)
            roller = Roller(self.journal, outbox, csv=self.csv, lines=self.json == "lines", every=every, rows=self.rows)
            delivery = Delivery(
                self.journal,
                outbox,
                self.files_into(),
                roller,
                json=self.json,
                on_filed=lambda path, filed: self.filed.append((path, filed)),
            )
            try:
                yield delivery
            finally:
                if delivery._syncer._round is not None:
                    futures.wait([delivery._syncer._round])

    def drop(self, path: str, data: bytes = b"scan") -> None:
        """Put a file into the inbox."""
        file = self.inbox / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        self.contents[path] = data

    def read(self, path: str, status: Status = Status.ACCEPTED) -> Read:
        """What a worker makes of a file."""
        found = (self.inbox / path).lstat()
        identity = Identity(path, found.st_ino, found.st_size, found.st_mtime_ns)
        sha256 = hashlib.sha256((self.inbox / path).read_bytes()).hexdigest()
        return Read(identity, sha256, OUTCOMES[status], RECEIVED, RECOGNISED, MODEL)

    def waiting(self) -> list[Read]:
        """What a look at the inbox finds that is not known: names beginning with `b` fail."""
        reads = []
        for file in sorted(self.inbox.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                status = Status.FAILED if file.name.startswith("b") else Status.ACCEPTED
                read = self.read(os.fspath(file.relative_to(self.inbox)), status)
                if not self.journal.knows_kept(read.identity):
                    reads.append(read)
        return reads

    def live(self) -> None:
        """One life of the daemon: recover, read what waits, close."""
        with self.open() as delivery:
            held = set(delivery.recover())
            reads = [read for read in self.waiting() if read.identity.path not in held]
            if reads:
                delivery.deliver(reads)
            delivery.close()

    def files(self, pattern: str = "*") -> dict[str, bytes]:
        """What is visible in the outbox."""
        return {
            os.fspath(file.relative_to(self.outbox)): file.read_bytes()
            for file in sorted(self.outbox.rglob(pattern))
            if file.is_file() and not file.name.startswith(".")
        }

    def take(self) -> None:
        """A consumer takes everything that is visible."""
        for name, data in self.files().items():
            self.taken.append((name, data))
            (self.outbox / name).unlink()

    def published(self) -> list[tuple[str, bytes]]:
        """Every file that ever was in the outbox."""
        return self.taken + list(self.files().items())

    def json_results(self) -> list[Result]:
        """The results of every JSON and JSON Lines file; an error if one is torn."""
        return [
            results.from_json(line)
            for name, data in self.published()
            if name.endswith((".json", ".jsonl"))
            for line in data.splitlines(keepends=True)
        ]

    def csv_rows(self) -> list[dict[str, str]]:
        """The rows of every CSV file, header checked."""
        rows = []
        for name, data in self.published():
            if name.endswith(".csv"):
                assert data.endswith(b"\r\n")
                reader = csv.DictReader(io.StringIO(data.decode(), newline=""))
                rows += list(reader)
                assert tuple(reader.fieldnames or ()) == results.CSV_COLUMNS
        return rows

    def leftovers(self) -> list[str]:
        """Hidden files anywhere."""
        roots = {self.base, self.archive}
        return [os.fspath(file) for root in roots for file in root.rglob(".*")]

    def check_exactly_once(self) -> None:
        """Each scan has one whole result in each output, its source is filed once, and nothing else lies about."""
        scans = sorted(self.contents)
        found = self.json_results()
        assert sorted(result.source.path for result in found) == (scans if self.json != "off" else [])
        rows = self.csv_rows()
        assert sorted(row["source_path"] for row in rows) == (scans if self.csv else [])
        if self.csv and self.json != "off":
            assert {row["id"] for row in rows} == {result.id for result in found}
        in_inbox = {os.fspath(file.relative_to(self.inbox)) for file in self.inbox.rglob("*") if file.is_file()}
        assert in_inbox == (set(scans) if self.sources == "keep" else set())
        archived = {
            os.fspath(file.relative_to(self.archive)): file.read_bytes()
            for file in self.archive.rglob("*")
            if file.is_file()
        }
        if self.sources == "move":
            tickets = {name for name in archived if name.endswith(".json")}
            wanted = {
                f"{'failed' if os.path.basename(path).startswith('b') else 'accepted'}/{path}": data
                for path, data in self.contents.items()
            }
            assert {name: data for name, data in archived.items() if name not in tickets} == wanted
            assert tickets == {f"{name}.json" for name in wanted if name.startswith("failed/")}
            for name in tickets:
                assert results.from_json(archived[name]).status is Status.FAILED
        assert self.leftovers() == []


def on_way(base: Path, elsewhere: Path, sources: str, json: Json, csv: bool) -> Rig:
    """A rig below BASE with the sources and outputs of ways.py; ELSEWHERE is a folder on another file system."""
    across = sources == "across"
    return Rig(
        base,
        json=json,
        csv=csv,
        sources="move" if across else sources,
        archive_at=elsewhere / "archive" if across else None,
    )


def two_scans_on_way(base: Path, elsewhere: Path, sources: str, json: Json, csv: bool) -> Rig:
    """The same with two scans waiting, one of which fails."""
    rig = on_way(base, elsewhere, sources, json, csv)
    rig.drop("a.png", b"a good scan")
    rig.drop("sub/b.png", b"a bad one")
    return rig


FILE_STEPS: list[tuple[object, str]] = [
    (fs, "rename_noreplace"),
    (fs, "write_new"),
    (fs, "copy_durably"),
    (fs, "sync_folder"),
    (fs, "syncfs"),
    (os, "unlink"),
    (os, "replace"),
    (os, "mkdir"),
]
"""The file operations by which a delivery changes something: owner and name."""
_STEPS: list[tuple[object, str]] = [
    *FILE_STEPS,
    (Journal, "record"),
    (Journal, "published"),
    (Journal, "plan_filing"),
    (Journal, "open_part"),
    (Journal, "part_published"),
    (Journal, "begin_sync"),
    (Journal, "settle"),
    (Journal, "certain"),
    (Journal, "note_boot"),
]


class Killer:
    """Ends the process before, after, or in the middle of the Nth step that changes something."""

    def __init__(self, number: int, when: Literal["before", "within", "after"]) -> None:
        self.number, self.when = number, when
        self.count = 0
        self.struck: str | None = None

    @contextmanager
    def armed(self) -> Iterator[None]:
        """While this is entered, steps are counted, and the fatal one kills; after it nothing works any more."""
        with ExitStack() as stack:
            for owner, name in _STEPS:
                stack.enter_context(patch.object(owner, name, self._wrapped(getattr(owner, name), name)))
            try:
                yield
            except Killed:
                assert self.struck

    def _wrapped(self, step: Callable[..., object], name: str) -> Callable[..., object]:
        def run(*args: object, **kwargs: object) -> object:
            if self.struck is not None:
                raise Killed
            self.count += 1
            if self.count != self.number:
                return step(*args, **kwargs)
            if self.when == "after":
                step(*args, **kwargs)
            elif self.when == "within":
                _half_done(name, *args)
            self.struck = name
            raise Killed

        return run


def _half_done(name: str, *args: object) -> None:
    if name == "write_new":
        path, data = args
        assert isinstance(data, bytes)
        fs.unlink_if_there(str(path))
        Path(str(path)).write_bytes(data[: len(data) // 2])
    elif name == "copy_durably":
        source, target = args
        data = Path(str(source)).read_bytes()
        Path(str(target)).write_bytes(data[: len(data) // 2])
