"""Filing sources: a scan's file moves to where its status sends it, is deleted, or stays. Nothing is overwritten."""

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from digitd import fs, names
from digitd.settings import DELETE, KEEP


class Filed(StrEnum):
    """What became of a source."""

    MOVED = "moved"
    DELETED = "deleted"
    KEPT = "kept"
    GONE = "gone"
    REPLACED = "replaced"


@dataclass(frozen=True)
class Source:
    """A scan's file: its path below the inbox, and the identity of the bytes that were read."""

    path: str
    inode: int
    size: int
    mtime_ns: int


class Archive:
    """Where sources go, by status: TARGETS has an absolute folder, `delete` or `keep` for each."""

    def __init__(self, inbox: str, targets: Mapping[str, str]) -> None:
        self._inbox = inbox
        self._targets = dict(targets)

    def keeps(self, status: str) -> bool:
        """Whether sources of this status stay in the inbox."""
        return self._targets[status] == KEEP

    @property
    def folders(self) -> set[str]:
        """Every folder in which filing changes something: where sources move to, and where they leave."""
        changing = {target for target in self._targets.values() if target != KEEP}
        return (changing - {DELETE}) | ({self._inbox} if changing else set())

    def file(
        self,
        source: Source,
        status: str,
        key: str,
        planned: str | None,
        plan: Callable[[str], None],
        ticket: bytes | None,
    ) -> Filed:
        """Send a source where its status sends it; safe to repeat after a crash at any point.

        PLAN is called with the target before a copy to another file system begins; PLANNED is what it was called with
        before a crash. TICKET, where there is one, is written beside the moved file. OSError where it fails.
        """
        path = os.path.join(self._inbox, source.path)
        target = self._targets[status]
        here = self._is(path, source)
        if target == KEEP or here is not Filed.KEPT:
            return here
        if target == DELETE:
            os.unlink(path)
            return Filed.DELETED
        folder = os.path.join(target, fs.free_folder(target, os.path.dirname(source.path)))
        return self._move(path, source, folder, key, planned, plan, ticket)

    def _move(
        self,
        path: str,
        source: Source,
        folder: str,
        key: str,
        planned: str | None,
        plan: Callable[[str], None],
        ticket: bytes | None,
    ) -> Filed:
        os.makedirs(folder, exist_ok=True)
        if planned is not None and self._copied(planned, key, source):
            fs.sync_folder(os.path.dirname(planned))
            os.unlink(path)
            return Filed.MOVED
        name = os.path.basename(source.path)
        while True:
            target = _free_target(folder, name, ticket)
            if ticket is not None:
                _write_ticket(target, key, ticket)
            try:
                fs.rename_noreplace(path, target)
            except FileExistsError:
                continue
            except FileNotFoundError:
                if os.path.lexists(path):
                    # It is the folder that is gone.
                    raise
                return Filed.GONE
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                return self._copy(path, source, target, key, plan)
            if self._is(target, source, moved=True) is Filed.REPLACED:
                # Its name was taken between the look and the move: that file is a new scan, and goes back.
                _put_back(target, path)
                return Filed.REPLACED
            return Filed.MOVED

    def _copy(self, path: str, source: Source, target: str, key: str, plan: Callable[[str], None]) -> Filed:
        plan(target)
        temporary = os.path.join(os.path.dirname(target), names.temporary(key))
        fs.copy_durably(path, temporary)
        if self._is(path, source) is not Filed.KEPT:
            os.unlink(temporary)
            return Filed.REPLACED
        fs.rename_noreplace(temporary, target)
        fs.sync_folder(os.path.dirname(target))
        os.unlink(path)
        return Filed.MOVED

    def _copied(self, planned: str, key: str, source: Source) -> bool:
        """Whether the copy was whole and in place before the crash."""
        temporary = os.path.join(os.path.dirname(planned), names.temporary(key))
        if os.path.lexists(temporary):
            os.unlink(temporary)
            return False
        try:
            status = os.lstat(planned)
        except FileNotFoundError:
            return False
        return fs.is_same_file(status, status.st_ino, source.size, source.mtime_ns)

    @staticmethod
    def _is(path: str, source: Source, *, moved: bool = False) -> Filed:
        """KEPT if PATH is still the file that was read, else what it is instead."""
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return Filed.GONE
        # Some file systems (mergerfs, sshfs) make the inode of the name: a moved file has another one.
        inode = status.st_ino if moved else source.inode
        same = fs.is_same_file(status, inode, source.size, source.mtime_ns)
        return Filed.KEPT if same else Filed.REPLACED


def ticket_name(filed: str) -> str:
    """The name of the JSON beside a filed source that says why it failed."""
    return names.result_name(filed, 1)


def _free_target(folder: str, name: str, ticket: bytes | None) -> str:
    """Where a file of this name can go without overwriting anything, its ticket beside it."""

    def taken(number: int) -> bool:
        target = os.path.join(folder, names.numbered(name, number))
        return os.path.lexists(target) or not _ticket_is_free(target, ticket)

    return os.path.join(folder, names.numbered(name, names.first_free(taken)))


def _put_back(moved: str, path: str) -> None:
    """Return a file that was moved by mistake to its name, or, if that was taken once more, to one beside it."""
    folder, name = os.path.split(path)
    number = 0
    while True:
        number += 1
        try:
            fs.rename_noreplace(moved, os.path.join(folder, names.numbered(name, number)))
        except FileExistsError:
            continue
        return


def _ticket_is_free(target: str, ticket: bytes | None) -> bool:
    """Whether no other scan's ticket lies beside the target; ours may, from before a crash."""
    if ticket is None:
        return True
    folder, name = os.path.split(target)
    try:
        with open(os.path.join(folder, ticket_name(name)), "rb") as file:
            return file.read() == ticket
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        return False


def _write_ticket(target: str, key: str, ticket: bytes) -> None:
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, names.temporary(key))
    fs.write_new(temporary, ticket)
    os.replace(temporary, os.path.join(folder, ticket_name(name)))
