"""Notes every file operation that a delivery makes, in order, in the model of a disk. The operations are made for real,
but for syncs: what is durable the model says."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any
from unittest.mock import patch

from digitd import fs
from digitd.database import FILE_NAME
from powercut.disk import Disk
from powercut.operations import Committed, File, Synced, Taken, Timed, Torn, Written

NORMAL = 1
"""PRAGMA synchronous: above it a commit is durable when it returns (the journal is in WAL mode), else it is not."""

Snapshot = dict[str, bytes]
"""The journal's files, by name."""


class Deaf(StrEnum):
    """What a disk is told to do, says that it did, and does not."""

    SYNCFS = "syncfs"
    FSYNC = "fsync of a file"
    FSYNC_FOLDER = "fsync of a folder"
    COMMIT = "commit"


class Recorder:
    """Records what happens on the file systems ROOTS, but for the journal's folder STATE, whose commits are noted."""

    def __init__(self, disk: Disk, roots: Sequence[str], state: Path, deaf: frozenset[Deaf]) -> None:
        self.disk, self._roots, self._state, self._deaf = disk, roots, state, deaf
        self.journals = [snapshot(state)]
        self.disk.log.append(Committed(0, durable=True))
        self._opened: dict[int, str] = {}

    @contextmanager
    def recording(self) -> Iterator[None]:
        """While this is entered, operations are noted."""
        with ExitStack() as stack:
            patches: list[tuple[object, str, Any]] = [
                (os, "open", self._open(os.open)),
                (os, "write", self._write(os.write)),
                (os, "fsync", self._fsync),
                (os, "utime", self._utime(os.utime)),
                (os, "mkdir", self._mkdir(os.mkdir)),
                (os, "unlink", self._unlink(os.unlink)),
                (os, "rename", self._rename(os.rename)),
                (os, "replace", self._rename(os.replace)),
                (fs, "_libc", _Libc(self, fs._libc)),
                (sqlite3, "connect", self._connect(sqlite3.connect)),
            ]
            for owner, name, function in patches:
                stack.enter_context(patch.object(owner, name, function))
            yield

    def given(self, path: str, kept_as: str) -> None:
        """A scan that somebody put there and made durable; KEPT_AS is another name of that very file."""
        for folder in reversed(Path(path).parents):
            if self._root(f"{folder}/") and str(folder) not in self.disk.now.folders:
                self.disk.name("mkdir", str(folder))
        self.disk.new_file(path, self._root(path), File(given=kept_as))

    def taken(self, name: str, data: bytes) -> None:
        """A consumer has read this file."""
        self.disk.log.append(Taken(name, data))

    def check(self) -> None:
        """Nothing has escaped: the model's folders and files are those that are there."""
        folders: set[str] = set()
        files: dict[str, bytes] = {}
        for root in self._roots:
            for folder, _, names in os.walk(root):
                if Path(folder) != self._state:
                    folders.add(folder)
                    files.update({os.path.join(folder, name): Path(folder, name).read_bytes() for name in names})
        now, end = self.disk.now, len(self.disk.log)
        assert folders - {*self._roots} == now.folders - {*self._roots}, folders ^ now.folders
        assert sorted(files) == sorted(now.names)
        for path, number in now.names.items():
            file = self.disk.content(number, end, frozenset(), Torn.NOT)
            assert files[path] == (Path(file.given).read_bytes() if file.given else file.data), path

    def note_rename(self, old: str, new: str) -> None:
        """A rename was done."""
        if self._root(old):
            self.disk.name("rename", os.path.normpath(old), os.path.normpath(new))

    def note_sync(self, descriptor: int) -> None:
        """The file system of an open folder is synced."""
        if Deaf.SYNCFS not in self._deaf:
            self.disk.log.append(Synced(len(self.disk.log), root=self._root(f"{self._opened[descriptor]}/")))

    def _root(self, path: str) -> str:
        """The file system that a path is on; "" if it is none of ours."""
        if path.startswith(f"{self._state}/"):
            return ""
        return next((root for root in self._roots if path.startswith(f"{root}/")), "")

    def _open(self, real: Callable[..., int]) -> Callable[..., int]:
        def run(path: str | os.PathLike[str], flags: int, *args: Any, **kwargs: Any) -> int:
            descriptor = real(path, flags, *args, **kwargs)
            place = os.path.normpath(path)
            self._opened[descriptor] = place
            if flags & os.O_CREAT and self._root(place):
                assert flags & os.O_EXCL, "the model knows of no file that is written again"
                self.disk.new_file(place, self._root(place))
            return descriptor

        return run

    def _file(self, descriptor: int) -> int | None:
        return self.disk.now.names.get(self._opened.get(descriptor, ""))

    def _write(self, real: Callable[..., int]) -> Callable[..., int]:
        def run(descriptor: int, data: bytes | memoryview) -> int:
            count = real(descriptor, data)
            file = self._file(descriptor)
            if file is not None:
                self.disk.log.append(Written(file, bytes(data[:count])))
            return count

        return run

    def _fsync(self, descriptor: int) -> None:
        place, before = self._opened[descriptor], len(self.disk.log)
        file = self._file(descriptor)
        if file is None and Deaf.FSYNC_FOLDER not in self._deaf:
            assert place in {*self.disk.now.folders, *self._roots}
            self.disk.log.append(Synced(before, folder=place))
        elif file is not None and Deaf.FSYNC not in self._deaf:
            self.disk.log.append(Synced(before, file=file))

    def _utime(self, real: Callable[..., None]) -> Callable[..., None]:
        def run(descriptor: int, *, ns: tuple[int, int]) -> None:
            real(descriptor, ns=ns)
            file = self._file(descriptor)
            assert file is not None
            self.disk.log.append(Timed(file, ns[1]))

        return run

    def _mkdir(self, real: Callable[..., None]) -> Callable[..., None]:
        def run(path: str | os.PathLike[str], *args: Any) -> None:
            real(path, *args)
            if self._root(os.path.normpath(path)):
                self.disk.name("mkdir", os.path.normpath(path))

        return run

    def _unlink(self, real: Callable[..., None]) -> Callable[..., None]:
        def run(path: str | os.PathLike[str]) -> None:
            real(path)
            if self._root(os.path.normpath(path)):
                self.disk.name("unlink", os.path.normpath(path))

        return run

    def _rename(self, real: Callable[..., None]) -> Callable[..., None]:
        def run(old: str, new: str) -> None:
            real(old, new)
            self.note_rename(old, new)

        return run

    def _connect(self, real: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
        recorder = self

        class Connection(sqlite3.Connection):
            noted = 0

            def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
                found = super().execute(sql, parameters)
                if not self.in_transaction and self.total_changes != self.noted:
                    self.noted = self.total_changes
                    level = super().execute("PRAGMA synchronous").fetchone()[0]
                    recorder._note_commit(level > NORMAL and Deaf.COMMIT not in recorder._deaf)
                return found

        def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
            return real(*args, factory=Connection, **kwargs)

        return connect

    def _note_commit(self, durable: bool) -> None:
        self.disk.log.append(Committed(len(self.journals), durable))
        self.journals.append(snapshot(self._state))


class _Libc:
    """The C library's renameat2, noted, and its syncfs, noted and not made."""

    def __init__(self, recorder: Recorder, real: Any) -> None:
        self._recorder, self._real = recorder, real

    def renameat2(self, from_folder: int, old: bytes, to_folder: int, new: bytes, flags: int) -> int:
        code = int(self._real.renameat2(from_folder, old, to_folder, new, flags))
        if code == 0:
            self._recorder.note_rename(os.fsdecode(old), os.fsdecode(new))
        return code

    def syncfs(self, descriptor: int) -> int:
        self._recorder.note_sync(descriptor)
        return 0


def snapshot(state: Path) -> Snapshot:
    """The journal as it is between two transactions."""
    return {name: (state / name).read_bytes() for name in (FILE_NAME, f"{FILE_NAME}-wal") if (state / name).exists()}
