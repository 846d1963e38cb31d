"""When is a file's writer done? Pure: the clocks and stat are injected.

A Settler is told hints and asked what is due. It is not thread-safe: one thread, or a lock around it.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

LINGER = 0.01
"""Seconds after a close in which its writer may still set the file's times (copy2, cp -p over SMB)."""
YOUNG = 30.0
"""Seconds without a change after which a scan that is cut short stays cut short."""
CAPACITY = 20_000
"""How many files are watched over at once; the rest waits in the inbox."""
ABSURD_AGE = 20 * 365 * 86_400.0
"""Seconds. Who finds a file older than this by ctime has a clock that was never set."""
JUMP = 0.1
"""Seconds by which the wall clock may move against the monotonic one before ages are mistrusted for a while."""
PAUSING = (".tif", ".tiff", ".pdf")
"""Scanners close and reopen these between pages."""

_LINKED_NS = 1_000_000_000
_SHORTEST = 0.001
_TROUBLE = 1.0
# A stamp this young tells what another look would.
_AT_ONCE = 0.05


class HintKind(StrEnum):
    """What gave the hint, and so how much is known of the writer."""

    MOVED = "moved"  # renamed in: the writer is done
    CLOSED = "closed"  # closed after writing
    CREATED = "created"  # appeared: its writer may have it open, or it was hard-linked
    FOUND = "found"  # a listing: nothing is known


class Stamp(NamedTuple):
    """What stat says of a file: size in bytes, times in nanoseconds since 1970."""

    size: int
    mtime_ns: int
    inode: int
    device: int
    ctime_ns: int
    nlink: int

    def same(self, other: "Stamp") -> bool:
        """Whether both are the same bytes of the same file, as far as stat can say: its identity without the path."""
        return self[:4] == other[:4]


class Ready(NamedTuple):
    """A file whose writer is done, and its stamp when that was found; CERTAIN if an event said that it is done."""

    path: str
    stamp: Stamp
    certain: bool = False


@dataclass(slots=True)
class _Wait:
    stamp: Stamp
    kind: HintKind
    check: float  # when, by the monotonic clock, it is ready if it has not changed since `stamp`
    looked: float = float("-inf")  # when, by the same clock, `stamp` was taken


class Settler:
    """Decides from hints and stat when files are ready.

    settle: seconds without a change that do where no event can say that the writer is done.
    reopen: the same for TIFF and PDF, for empty files, and for files whose close was not seen.
    now, wall: the monotonic clock and the time since 1970, in seconds.
    stat: the stamp of a path; None if it is gone or no regular file; OSError where it cannot say now.
    linger: seconds that a file which was closed must be unchanged.
    on_gone: hears of a file that was there and is no more.
    skew: seconds by which the file system's clock may be behind `wall` (a server's, on a network mount).
    """

    def __init__(
        self,
        settle: float,
        reopen: float,
        *,
        now: Callable[[], float],
        wall: Callable[[], float],
        stat: Callable[[str], Stamp | None],
        linger: float = LINGER,
        skew: float = 0.0,
        capacity: int = CAPACITY,
        on_gone: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settle = settle
        self._reopen = max(reopen, settle)
        self._linger = linger
        self.skew = skew
        self._capacity = capacity
        self._on_gone = on_gone
        self._now, self._wall, self._stat = now, wall, stat
        self._waiting: dict[str, _Wait] = {}
        self._checks: list[tuple[float, str]] = []
        self._cut_short: dict[str, tuple[Stamp, float]] = {}
        self._offset = wall() - now()
        self._mistrust_until = float("-inf")

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, path: object) -> bool:
        return path in self._waiting

    def found(self, path: str, stamp: Stamp) -> bool:
        """Take note of a file that was found, with the stamp that it has now; False if there is no room.

        It is not looked at again if it is ready by that, and asked for at once.
        """
        if path in self._waiting:
            return True
        if len(self._waiting) >= self._capacity:
            return False
        self._hint(path, HintKind.FOUND, stamp)
        self._waiting[path].looked = self._now()
        return True

    def hint(self, path: str, kind: HintKind) -> bool:
        """Take note of a hint. False if it could not be kept (no room, or stat failed): a rescan must find the file."""
        try:
            stamp = self._stat(path)
        except OSError:
            return False
        wait = self._waiting.get(path)
        if stamp is None:
            if wait is not None or kind is not HintKind.FOUND:
                self._on_gone(path)
            self.forget(path)
            return True
        if wait is not None and wait.stamp.same(stamp):
            if kind is HintKind.FOUND:
                return True
            if kind is HintKind.CREATED and wait.kind is not HintKind.FOUND:
                kind = wait.kind  # a late or repeated event for the same bytes tells nothing new
        if wait is None and len(self._waiting) >= self._capacity:
            return False
        self._hint(path, kind, stamp)
        return True

    def due(self, limit: int | None = None) -> list[Ready]:
        """The files that are ready now, `limit` at most, in no order; each was looked at this moment."""
        ready: list[Ready] = []
        now = self._now()
        while self._checks and self._checks[0][0] <= now and (limit is None or len(ready) < limit):
            check, path = heapq.heappop(self._checks)
            wait = self._waiting.get(path)
            if wait is not None and wait.check == check and self._look(path, wait, now):
                del self._waiting[path]
                ready.append(Ready(path, wait.stamp, wait.kind in (HintKind.MOVED, HintKind.CLOSED)))
        return ready

    def next_due(self) -> float:
        """When something may be due (by `now`'s clock); inf while nothing waits."""
        while self._checks:
            check, path = self._checks[0]
            wait = self._waiting.get(path)
            if wait is not None and wait.check == check:
                return check
            heapq.heappop(self._checks)
        return float("inf")

    def retry(self, path: str, after: float) -> bool:
        """Offer again in `after` seconds a scan that was cut short; sooner if its writer is seen to finish it.

        False as with hint().
        """
        try:
            stamp = self._stat(path)
        except OSError:
            return False
        if stamp is None or path in self._waiting:
            return True  # gone, or its writer was heard of meanwhile
        if len(self._waiting) >= self._capacity:
            return False
        self._wait(path, stamp, HintKind.FOUND, self._now() + after)
        return True

    def young(self, path: str, stamp: Stamp) -> bool:
        """Whether a file was not yet unchanged for 30 s, so that one that is cut short may still be completed.

        By its times where they can be trusted, else from the first time that this was asked about `stamp`.
        """
        now = self._now()
        age = self._age(stamp, now)
        if age is not None:
            self._cut_short.pop(path, None)
            return age < YOUNG
        known = self._cut_short.get(path)
        if known is None or not known[0].same(stamp):
            while len(self._cut_short) >= self._capacity:
                del self._cut_short[next(iter(self._cut_short))]
            self._cut_short[path] = (stamp, now)
            return True
        if now - known[1] < YOUNG:
            return True
        del self._cut_short[path]
        return False

    def forget(self, path: str) -> None:
        """Wait for this path no longer."""
        self._waiting.pop(path, None)
        self._cut_short.pop(path, None)

    def _hint(self, path: str, kind: HintKind, stamp: Stamp) -> None:
        since = now = self._now()
        if kind is HintKind.FOUND and (age := self._age(stamp, now)) is not None:
            since -= age
        self._wait(path, stamp, kind, since + self._need(path, kind, stamp))

    def _need(self, path: str, kind: HintKind, stamp: Stamp) -> float:
        """Seconds without a change that a file needs to be ready."""
        if kind is HintKind.MOVED:
            return 0.0
        pausing = path.lower().endswith(PAUSING)
        if kind is HintKind.CLOSED:
            # An empty file was touched by a writer that has yet to come.
            return self._reopen if pausing or stamp.size == 0 else self._linger
        # Linked in: other names, or content older than its place in this folder.
        linked = stamp.nlink > 1 or stamp.ctime_ns - stamp.mtime_ns > _LINKED_NS
        if pausing or (kind is HintKind.CREATED and not linked):
            return self._reopen
        return self._settle

    def _look(self, path: str, wait: _Wait, now: float) -> bool:
        """Whether the file is ready; if not, it waits on or is forgotten."""
        # Ready by that very look, and not by the time that has passed since.
        if wait.check <= wait.looked and now - wait.looked <= _AT_ONCE:
            return True
        try:
            stamp = self._stat(path)
        except OSError:
            self._schedule(path, wait, now + max(self._settle, _TROUBLE))
            return False
        if stamp is None:
            self._on_gone(path)
            self.forget(path)
            return False
        if stamp.same(wait.stamp):
            wait.stamp = stamp
            return True
        other_bytes = (stamp.size, stamp.inode, stamp.device) != (wait.stamp.size, wait.stamp.inode, wait.stamp.device)
        if other_bytes and wait.kind in (HintKind.MOVED, HintKind.CLOSED):
            wait.kind = HintKind.CREATED  # a new writer is at work, and its own event will follow
        wait.stamp = stamp
        self._schedule(path, wait, now + max(self._need(path, wait.kind, stamp), _SHORTEST))
        return False

    def _wait(self, path: str, stamp: Stamp, kind: HintKind, check: float) -> None:
        wait = self._waiting[path] = _Wait(stamp, kind, check)
        self._schedule(path, wait, check)

    def _schedule(self, path: str, wait: _Wait, check: float) -> None:
        wait.check = check
        heapq.heappush(self._checks, (check, path))
        if len(self._checks) > 2 * len(self._waiting) + 64:
            self._checks = [(each.check, name) for name, each in self._waiting.items()]
            heapq.heapify(self._checks)

    def _age(self, stamp: Stamp, now: float) -> float | None:
        """Seconds since the last change by the wall clock; None where that cannot be trusted."""
        wall = self._wall()
        offset = wall - self._now()
        if abs(offset - self._offset) > JUMP:
            # Whoever is still writing shows a time after the jump once `reopen` has passed.
            self._offset = offset
            self._mistrust_until = now + self._reopen
        age = wall - max(stamp.mtime_ns, stamp.ctime_ns) / 1e9 - self.skew
        return age if now >= self._mistrust_until and 0.0 <= age <= ABSURD_AGE else None
