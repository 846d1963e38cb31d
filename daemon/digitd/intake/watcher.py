"""The watcher of an inbox: natively by inotify, or by polling where the kernel hears nothing."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from digitd.intake.ignore import Rules
from digitd.intake.mounts import Mount, polled_mount, read_mounts
from digitd.intake.poll import Poller
from digitd.intake.settle import HintKind
from digitd.intake.watch import LIMITS, Inotify

Mode = Literal["native", "polling"]
Trouble = Literal["handler_failed", "events_lost", "watch_limit", "unreadable"]

POLL_INTERVAL = 1.0
"""Seconds between two looks at an inbox that is polled."""
_STOP_SECONDS = 5.0


class Watcher:
    """Watches one inbox until stop(); start() may be called again after it.

    root: the inbox. mode: native, polling, or auto: polling on network and FUSE mounts.
    on_hint(path below the root, kind) and on_folder() (something appeared of which no hint tells: rescan)
    are called from a thread of the watcher; they should be quick, and an exception in them ends nothing.
    on_trouble(code, sentence) hears of each kind of trouble once a start, of lost events each time.
    rules: folders that they ignore are not entered. interval: seconds between two looks when polling.

    Start it before the first rescan: then nothing falls between the two.
    """

    def __init__(
        self,
        root: Path,
        *,
        mode: Literal["auto", "native", "polling"],
        recursive: bool,
        rules: Rules,
        on_hint: Callable[[str, HintKind], None],
        on_folder: Callable[[], None],
        on_trouble: Callable[[Trouble, str], None],
        interval: float = POLL_INTERVAL,
        mounts: Callable[[], list[Mount]] = read_mounts,
    ) -> None:
        self._root, self._wanted, self._recursive, self._rules = root, mode, recursive, rules
        self._on_hint, self._on_folder, self._on_trouble = on_hint, on_folder, on_trouble
        self._interval, self._mounts = interval, mounts
        self._inotify: Inotify | None = None
        self._poller: Poller | None = None
        self._told: set[Trouble] = set()
        self.mode: Mode = "polling" if mode == "polling" else "native"
        """The mode in use; it may go from native to polling while it runs, when the watch limit is reached."""
        self.reason = "as configured"
        """Why this mode, in words for the log."""
        self.errors = 0
        """How many exceptions on_hint and on_folder have raised."""

    def start(self) -> None:
        """Begin to watch. Falls back to polling by itself where inotify's limits are reached.

        Raises OSError if the root is no folder that can be listed.
        """
        os.scandir(self._root).close()
        self._told.clear()
        self.mode, self.reason = self._choose()
        if self.mode == "native":
            inotify = Inotify(
                self._root,
                self._rules,
                recursive=self._recursive,
                on_hint=self._hint,
                on_folder=self._folder,
                on_lost=self._lost,
                on_limit=self._fall_back,
                on_unreadable=self._unreadable,
            )
            try:
                inotify.start()
            except OSError as error:
                inotify.stop()
                if error.errno not in LIMITS:
                    raise
                self._fall_back(error)
            else:
                self._inotify = inotify
        else:
            self._poll()

    def stop(self) -> None:
        """End watching; no callback comes after it. Does nothing if it is not started."""
        inotify, self._inotify = self._inotify, None
        poller, self._poller = self._poller, None
        if inotify is not None:
            inotify.stop()
        if poller is not None:
            poller.stop()
            if poller is not threading.current_thread() and poller.is_alive():
                poller.join(_STOP_SECONDS)  # it may hang in a dead mount

    def alive(self) -> bool:
        """Whether changes are seen: its threads run, and the root is still the folder that it was at start()."""
        if self._poller is not None:
            return self._poller.is_alive() and self._poller.sees_root
        return self._inotify is not None and self._inotify.alive()

    def _choose(self) -> tuple[Mode, str]:
        if self._wanted != "auto":
            return self._wanted, "as configured"
        mount = polled_mount(os.path.realpath(self._root), self._mounts(), recursive=self._recursive)
        if mount is None:
            return "native", "a local file system"
        return "polling", f"{mount.point} is a {mount.fstype} mount, where changes made elsewhere give no event"

    def _fall_back(self, error: OSError) -> None:
        limit = LIMITS[error.errno or 0]
        self.mode = "polling"
        self.reason = f"{error.strerror}: raise it with `sysctl {limit}=...` and restart to watch natively"
        self._trouble("watch_limit", f"Polling the inbox, because the {self.reason}")
        if self._poller is None:
            self._poll()

    def _poll(self) -> None:
        self._poller = Poller(
            self._root,
            self._rules,
            recursive=self._recursive,
            interval=self._interval,
            on_change=self._folder,
            on_error=self._unreadable,
        )
        self._poller.start()

    def _hint(self, path: str, kind: HintKind) -> None:
        try:
            self._on_hint(path, kind)
        except Exception as error:  # noqa: BLE001 - whatever it is, the watcher's thread must live on
            self._failed(error)

    def _folder(self) -> None:
        try:
            self._on_folder()
        except Exception as error:  # noqa: BLE001 - whatever it is, the watcher's thread must live on
            self._failed(error)

    def _lost(self) -> None:
        self._trouble("events_lost", "The kernel's event queue overflowed: the inbox is rescanned")

    def _unreadable(self, path: str, error: OSError) -> None:
        self._trouble("unreadable", f"{path or 'The inbox'} cannot be looked into: {error.strerror}")

    def _failed(self, error: Exception) -> None:
        self.errors += 1
        self._trouble("handler_failed", f"A handler of the watcher failed: {error!r}")

    def _trouble(self, code: Trouble, sentence: str) -> None:
        if code not in self._told or code == "events_lost":
            self._told.add(code)
            try:
                self._on_trouble(code, sentence)
            except Exception:  # noqa: BLE001 - the reporter itself failed: counted, and the thread lives on
                self.errors += 1
