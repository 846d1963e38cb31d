"""Hints from the kernel: the inotify watches of one inbox.

Of watchdog, its inotify layer is used, without its observer on top. That one holds every event back
for half a second behind a file that is moved out, as the daemon itself does with each scan; it queues
without bound, where the kernel's queue ends in an overflow that a rescan makes good; and it says
nothing of a folder that leaves the inbox, nor of the watch limit.
"""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from digitd.intake.ignore import Rules
from digitd.intake.settle import HintKind

LIMITS = {
    errno.ENOSPC: "fs.inotify.max_user_watches",
    errno.EMFILE: "fs.inotify.max_user_instances",
}
"""The errors that say that one of inotify's limits is reached, and the sysctl that raises it."""

_STOP_SECONDS = 5.0
# Neither moved-from, nor deleted, nor opened, nor read: digitd itself does these all day, and a flood
# of them would push hints out of the kernel's queue.
_EVENTS = Mask(
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_DONT_FOLLOW
    | InotifyConstants.IN_EXCL_UNLINK
)
_APPEARED = InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
_HINTS = (
    (InotifyConstants.IN_MOVED_TO, HintKind.MOVED),
    (InotifyConstants.IN_CLOSE_WRITE, HintKind.CLOSED),
    (InotifyConstants.IN_CREATE, HintKind.CREATED),
)


class _Watched(NamedTuple):
    folder: str
    callback: CallbackId
    inode: int


class Inotify:
    """The inotify watches of one inbox; on_event, on_watch_deleted and on_queue_overflow are watchdog's to call.

    on_hint(path below the root, kind), on_folder() (a folder appeared, or events were lost: rescan),
    on_lost() (the kernel's queue overflowed), on_limit(error) (one of LIMITS, while it runs) and
    on_unreadable(folder, error) are called from watchdog's thread and must not raise.
    """

    def __init__(
        self,
        root: Path,
        rules: Rules,
        *,
        recursive: bool,
        on_hint: Callable[[str, HintKind], None],
        on_folder: Callable[[], None],
        on_lost: Callable[[], None],
        on_limit: Callable[[OSError], None],
        on_unreadable: Callable[[str, OSError], None],
    ) -> None:
        # Resolved once: the inbox may be a link, though nothing in it is followed.
        self._path, self._root = root, os.path.realpath(root)
        self._rules, self._recursive = rules, recursive
        self._on_hint, self._on_folder, self._on_lost = on_hint, on_folder, on_lost
        self._on_limit, self._on_unreadable = on_limit, on_unreadable
        self._watched: dict[WatchDescriptor, _Watched] = {}
        self._identity: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._serial = 0
        self._fd: InotifyFD | None = None

    def start(self) -> None:
        """Begin. Raises OSError, one of LIMITS or another, if the root cannot be watched; stop() then cleans up."""
        status = os.stat(self._root)
        self._identity = (status.st_dev, status.st_ino)
        self._fd = InotifyFD()
        self._fd.start()
        self._watch_tree("")

    def stop(self) -> None:
        """End; no callback comes after it."""
        fd, self._fd = self._fd, None
        self._identity = None
        if fd is not None and not fd.stopped_event.is_set():
            fd.stop()
            if fd is not threading.current_thread():
                fd.join(_STOP_SECONDS)

    def alive(self) -> bool:
        """Whether the thread runs, and the root is still the folder that it was at start()."""
        fd, identity = self._fd, self._identity
        if fd is None or identity is None or not fd.is_alive():
            return False
        try:
            status = os.stat(self._path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == identity

    def on_event(self, event: InotifyEvent) -> None:
        """Turn an event of the kernel into a hint, or follow a folder that appeared or moved."""
        watched = self._watched.get(event.wd)
        if watched is None or self._fd is None:
            return
        if event.is_move_self:
            self._moved(watched)
        elif event.name:
            name = os.fsdecode(event.name)
            path = f"{watched.folder}/{name}" if watched.folder else name
            if not event.is_directory:
                for mask, kind in _HINTS:
                    if event.mask & mask:
                        self._on_hint(path, kind)
            elif event.mask & _APPEARED and self._recursive and self._rules.subfolder(path) is None:
                self._enter(path)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Forget a folder that is gone; without the root there is nothing to watch."""
        watched = self._watched.pop(wd, None)
        if watched is not None and not watched.folder:
            self._identity = None  # deleted, or unmounted

    def on_queue_overflow(self) -> None:
        """Say that events were lost, and watch the folders that were made meanwhile."""
        self._on_lost()
        self._rewatch()

    def _moved(self, watched: _Watched) -> None:
        """A watched folder was renamed: within the inbox its watch has its new path already, else it is let go."""
        if not watched.folder:
            self._identity = None
            return
        try:
            status = os.lstat(os.path.join(self._root, watched.folder))
        except OSError:
            self._rewatch()
        else:
            if status.st_ino != watched.inode:
                self._rewatch()

    def _rewatch(self) -> None:
        """Watch every folder that is there now, and none else."""
        before, self._watched = self._watched, {}
        self._enter("")
        fd = self._fd
        if fd is not None:
            fd.remove_callbacks([(wd, each.callback) for wd, each in before.items()])

    def _enter(self, folder: str) -> None:
        """Watch a folder that appeared and those in it, then have looked what came before the watch."""
        try:
            self._watch_tree(folder)
        except OSError as error:
            if error.errno in LIMITS:
                self._on_limit(error)
            elif not folder:
                self._identity = None
        self._on_folder()

    def _watch_tree(self, top: str) -> None:
        """Watch a folder and, if recursive, those below it, each before it is listed: no subfolder slips through.

        Raises OSError for a reached limit, and for the root; a subfolder that cannot be watched is passed over.
        """
        pending = [top]
        while pending:
            folder = pending.pop()
            path = os.path.join(self._root, folder)
            try:
                self._watch(folder, path)
                if self._recursive:
                    with os.scandir(path) as listing:
                        for item in listing:
                            below = f"{folder}/{item.name}" if folder else item.name
                            if item.is_dir(follow_symlinks=False) and self._rules.subfolder(below) is None:
                                pending.append(below)
            except OSError as error:
                if not folder or error.errno in LIMITS:
                    raise
                if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                    self._on_unreadable(folder, error)

    def _watch(self, folder: str, path: str) -> None:
        fd = self._fd
        if fd is None:
            return
        inode = os.lstat(path).st_ino
        # start() and watchdog's thread may both come upon a folder that is new.
        with self._lock:
            # A folder that is watched already keeps its descriptor: the new callback takes the old one's place.
            self._serial += 1
            callback = CallbackId(self._serial)
            wd = fd.add_callback(os.fsencode(path), _EVENTS, self, callback)
            if wd < 0:  # how watchdog 7.1 says EACCES
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            known = self._watched.get(wd)
            self._watched[wd] = _Watched(folder, callback, inode)
            if known is not None:
                fd.remove_callbacks([(wd, known.callback)])
