"""Watching where the kernel hears nothing: the listing, again and again, remembered as one number.

watchdog's PollingObserver keeps every path with its stat twice (190 MB for 100,000 files); a sum of
hashes says as well that something changed, and what changed is the rescan's business.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from digitd.intake.ignore import Rules
from digitd.intake.rescan import walk

_MASK = (1 << 64) - 1
_SHARE = 4
"""A pass that took t seconds is followed by a pause of at least 4 t: polling a huge inbox leaves room to work."""


class Poller(threading.Thread):
    """A thread that calls `on_change` after its first look at `root`, and after each look that differs from the last.

    interval: seconds between looks.
    on_error: what could not be looked at; the next look tries again.
    """

    def __init__(
        self,
        root: Path,
        rules: Rules,
        *,
        recursive: bool,
        interval: float,
        on_change: Callable[[], None],
        on_error: Callable[[str, OSError], None],
    ) -> None:
        super().__init__(name="digitd-poller", daemon=True)
        self._root, self._rules, self._recursive = root, rules, recursive
        self._interval = interval
        self._on_change, self._on_error = on_change, on_error
        self._stopping = threading.Event()
        self.sees_root = True
        """False from a look that could not list the root until one that could."""

    def run(self) -> None:
        """Look, compare, rest."""
        last: int | None = None
        pause = 0.0
        while not self._stopping.wait(pause):
            started = time.monotonic()
            current = self._fingerprint()
            if current is not None and current != last:
                last = current
                self._on_change()
            pause = max(self._interval, _SHARE * (time.monotonic() - started))

    def stop(self) -> None:
        """Ask the thread to end; it does after the look that it is at."""
        self._stopping.set()

    def _fingerprint(self) -> int | None:
        """A number that changes with any candidate's path, inode, size or mtime; None while the root cannot be seen."""
        try:
            # The root itself counts: another folder put in its place is a change, though both be empty.
            status = os.stat(self._root)
            total = hash((status.st_dev, status.st_ino))
        except OSError as error:
            self.sees_root = False
            self._on_error("", error)
            return None
        failed = False

        def note(path: str, error: OSError) -> None:
            nonlocal failed
            failed = failed or not path
            self._on_error(path, error)

        for entry in walk(
            self._root, self._rules, recursive=self._recursive, on_ignored=lambda *_: None, on_error=note
        ):
            if self._stopping.is_set():
                return None
            total += hash((entry.path, *entry.stamp[:4]))
        self.sees_root = not failed
        return None if failed else total & _MASK
