"""Whose an inbox and an outbox are: each is marked with the state folder of its digitd, and refused to any other.

Two that publish into one outbox would take each other's stages for their own, and two that file from one inbox each
other's sources. A mark is a file and no lock: an open folder could not be unmounted, and a digitd that was killed still
owns what it has staged. Scans that all stay (`keep`) may be read by several: then the inbox is not written to.
"""

import errno
import os
import secrets
import stat
from pathlib import Path
from typing import Literal, NamedTuple

from digitd import fs, log, names
from digitd.errors import AlreadyRunningError, FolderError
from digitd.lock import LOCK_NAME
from digitd.settings import Settings

MARK_NAME = ".digitd-in-use"
MARK_BYTES = 8192
"""More than any mark has: a kind, and a path of at most 4,096 bytes."""
_NO_FILE = frozenset({errno.ELOOP, errno.ENXIO})
"""What opening a link, or a socket, says here."""

Kind = Literal["inbox", "flat inbox", "outbox"]
_KINDS: tuple[Kind, ...] = ("inbox", "flat inbox", "outbox")


class Mark(NamedTuple):
    """What the folder is to the digitd with this state folder; a `flat inbox` is one without its subfolders."""

    kind: Kind
    state: str


class Marks:
    """The marks of one digitd."""

    def __init__(self, settings: Settings) -> None:
        self._state = os.fspath(settings.state.path)
        self._inbox, self._outbox = os.fspath(settings.inbox.path), os.fspath(settings.outbox.path)
        self._archives = {f"sources.{status}": folder for status, folder in settings.sources.folders.items()}
        self._owned: dict[str, tuple[str, Kind]] = {"outbox.path": (self._outbox, "outbox")}
        if not settings.sources.stay:
            kind: Kind = "inbox" if settings.inbox.recursive else "flat inbox"
            self._owned["inbox.path"] = (self._inbox, kind)

    def refuse_others(self) -> None:
        """AlreadyRunningError where another digitd works with one of these folders, or with one that they lie in."""
        for key, (folder, _) in self._owned.items():
            if (mark := _mark_of(key, folder)) is not None:
                self._refuse(key, folder, folder, mark)
            self._refuse_below(key, folder, {"inbox"} if key == "inbox.path" else {"inbox", "outbox"})
        for key, folder in self._archives.items():
            self._refuse_below(key, folder, {"inbox"})

    def _refuse_below(self, key: str, folder: str, kinds: set[Kind]) -> None:
        """What is dropped, filed or staged there another digitd would read, or sweep away."""
        for above in Path(os.path.realpath(folder)).parents:
            try:
                mark = _read(os.fspath(above))
            except OSError:
                # A folder that digitd's user may pass through and not look into is nobody's inbox that it could know.
                continue
            if mark is not None and mark.kind in kinds:
                self._refuse(key, folder, os.fspath(above), mark)

    def _refuse(self, key: str, folder: str, marked: str, mark: Mark) -> None:
        if self._is_ours(mark) or _is_gone(mark.state):
            return
        where = "" if folder == marked else f", in which {folder} lies"
        raise AlreadyRunningError(
            f"{key}: another digitd, with the state folder {mark.state}, works with the {mark.kind} {marked}{where}",
            "Give each digitd an inbox and an outbox of its own; if that one is no more, remove "
            f"{os.path.join(marked, MARK_NAME)}",
        )

    def _is_ours(self, mark: Mark) -> bool:
        if os.path.realpath(mark.state) == os.path.realpath(self._state):
            return True
        try:
            return os.path.samefile(mark.state, self._state)
        except OSError:
            return False

    def claim(self) -> None:
        """Mark the folders as this digitd's own, be it anew. AlreadyRunningError as `refuse_others`."""
        self.refuse_others()
        if "inbox.path" not in self._owned:
            # Under another configuration it moved scans, and was killed.
            self._take_back(self._inbox)
        for key, (folder, kind) in self._owned.items():
            try:
                self._write(key, folder, Mark(kind, self._state))
            except OSError as error:
                # A full disk is no reason not to start: scans wait, and go on when there is room.
                log.get().warning(
                    "not_marked",
                    folder=folder,
                    error=str(error),
                    remedy="no other digitd is kept from it until a restart",
                )

    def _write(self, key: str, folder: str, mark: Mark) -> None:
        path = os.path.join(folder, MARK_NAME)
        temporary = f"{path}-{secrets.token_hex(8)}{names.TEMPORARY_SUFFIX}"
        while True:
            there = _mark_of(key, folder)
            if there == mark:
                return
            try:
                fs.write_new(temporary, f"{mark.kind}\n".encode() + os.fsencode(mark.state))
                if there is None and not os.path.lexists(path):
                    fs.rename_noreplace(temporary, path)
                else:
                    # Of a digitd that is no more, of this one under another configuration, or no mark at all.
                    self.refuse_others()
                    os.replace(temporary, path)
                return
            except FileExistsError:
                # Another digitd was quicker: it is refused, or this one is.
                self.refuse_others()
            finally:
                fs.unlink_if_there(temporary)

    def release(self) -> None:
        """Take the marks back: nothing that is recorded is left to be published or filed."""
        for folder in (self._inbox, self._outbox):
            self._take_back(folder)

    def _take_back(self, folder: str) -> None:
        try:
            mark = _read(folder)
            if mark is not None and mark.state == self._state:
                os.unlink(os.path.join(folder, MARK_NAME))
        except OSError:
            # Unmounted, or without the right by now. It names this digitd's state folder, which may come back.
            return


def _mark_of(key: str, folder: str) -> Mark | None:
    try:
        return _read(folder)
    except OSError as error:
        raise FolderError(
            f"{key}: {os.path.join(folder, MARK_NAME)} cannot be read ({error.strerror}), so it is not known whose the "
            "folder is",
            "Let the user that digitd runs as read it, or remove it if no other digitd works there",
        ) from error


def _read(folder: str) -> Mark | None:
    """The folder's mark; None where there is none, or something that is no mark. OSError where it cannot be told."""
    try:
        # Whatever has the name: it is not waited for, as for a pipe, and no link is followed.
        descriptor = os.open(
            os.path.join(folder, MARK_NAME), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    try:
        data = os.read(descriptor, MARK_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)
    first, _, state = data.partition(b"\n")
    kind = next((kind for kind in _KINDS if kind.encode() == first), None)
    return (
        Mark(kind, os.fsdecode(state)) if kind is not None and state.startswith(b"/") and b"\0" not in state else None
    )


def _is_gone(state: str) -> bool:
    """Whether a state folder is no more: the lock in it stays for as long as it does."""
    try:
        os.stat(os.path.join(state, LOCK_NAME))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        # Another user's, perhaps: it counts as there.
        return False
    return False
