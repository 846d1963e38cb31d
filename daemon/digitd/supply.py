"""What is to be read next: watcher, rescan and settling joined into one queue, bounded however much waits."""

import heapq
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path

from digitd import log, names
from digitd.intake.backlog import Backlog
from digitd.intake.ignore import Once, Rules, Verdict, room_below
from digitd.intake.order import OrderKey, order_key
from digitd.intake.rescan import Entry, examine, stamps, steps
from digitd.intake.settle import HintKind, Ready, Settler, Stamp
from digitd.intake.watcher import Mode, Watcher
from digitd.settings import Inbox
from digitd.tables import Identity
from digitd.vigil import Vigil

WINDOW = 8_192
"""Scans that are looked at, or ready, at most: with stamps and sort keys, a kilobyte each."""
BACKLOG = 131_072
"""Paths that are remembered of a walk at least, if there are so many, and twice that at most; the inbox holds the rest.

A million waiting files are so walked five to eight times, by ever less: 3 % of the time that reading them takes."""
LOW = WINDOW // 8
EARLY_SECONDS = 2.0
"""A walk that lasts longer hands out the oldest of what it has found so far: nobody waits idle for its end."""
SLICE = 0.02
"""Seconds that one `advance` walks, and that it looks at what may have settled: workers and watchdog wait so long."""
LOOKS_AT_ONCE = 64
GATHER_SECONDS = 1.0
"""For so long nothing is handed out while what a walk found is looked at again: then the oldest of all comes first."""
HINTS_MOST = 10_000
RELEASED_MOST = 10_000
"""Scans that were filed lately: a late event for one of them does not mean that it was taken away unread."""
HINTS_AT_ONCE = 512
# A file server's clock may be so many seconds behind: its files look older than they are.
POLLED_CLOCK_SKEW = 60.0
RETRY_FIRST, RETRY_MOST = 0.25, 5.0
# Rescans take at most a tenth of the time.
RESCAN_REST = 9.0


class Supply:
    """The inbox as a queue. `wake` is called from the watcher's thread when something new may be there.

    knows_kept: whether a scan was read before and stays in the inbox; None where none does.
    mirrors: the folders below which the inbox's subfolders are made again.
    """

    def __init__(
        self,
        inbox: Inbox,
        *,
        once: bool,
        wake: Callable[[], None],
        knows_kept: Callable[[Identity], bool] | None,
        mirrors: Iterable[str] = (),
    ) -> None:
        self._inbox, self._once, self._wake, self._knows_kept = inbox, once, wake, knows_kept
        self._root = os.fspath(inbox.path)
        self._rules = Rules(inbox.include, inbox.ignore, room_below([os.fspath(inbox.path), *mirrors]))
        self._settler = Settler(
            inbox.settle,
            inbox.reopen,
            now=time.monotonic,
            wall=time.time,
            stat=stamps(self._root),
            capacity=HINTS_MOST,
            on_gone=self._say_gone,
        )
        self._ready: list[tuple[OrderKey, Ready, float]] = []
        self._queued: set[str] = set()
        self._in_hand: set[str] = set()
        self._released: dict[str, None] = {}
        self._again: set[str] = set()
        self._tries: dict[str, float] = {}
        self._hints: deque[tuple[str, HintKind]] = deque()
        self._rescan_wanted = True
        self._rescan_at = 0.0
        self._rescan_not_before = 0.0
        self._backlog = Backlog(BACKLOG)
        self._more = False
        self._found_none = False
        self._walk: Iterator[None] | None = None
        self._walk_seconds = 0.0
        self._gather_until = 0.0
        self._told = Once()
        self._log = log.get()
        self._watcher = Watcher(
            Path(self._root),
            mode=inbox.watch,
            recursive=inbox.recursive,
            rules=self._rules,
            on_hint=self._on_hint,
            on_folder=self._on_folder,
            on_trouble=self._on_trouble,
        )
        self._vigil = Vigil(self._watcher, self._root)

    def start(self) -> None:
        """Begin to watch; a drain needs none, for it looks until there is nothing."""
        if self._once:
            return
        self._vigil.start()
        self._allow_for_skew()

    def stop(self) -> None:
        """End watching."""
        self._watcher.stop()

    def _allow_for_skew(self) -> None:
        """The inbox may be another one than before: a share is mounted where an empty folder was at the start."""
        self._settler.skew = POLLED_CLOCK_SKEW if self._watcher.mode == "polling" else 0.0

    # From the watcher's thread: deque.append and attribute writes are atomic, and `wake` writes to a pipe.

    def _on_hint(self, path: str, kind: HintKind) -> None:
        if len(self._hints) >= HINTS_MOST:
            self._rescan_wanted = True
        else:
            self._hints.append((path, kind))
        self._wake()

    def _on_folder(self) -> None:
        self._rescan_wanted = True
        self._wake()

    def _on_trouble(self, code: str, sentence: str) -> None:
        self._log.warning("watcher_trouble", trouble=code, message=names.printable(sentence))

    # From the daemon's thread.

    def advance(self) -> None:
        """Take in hints, look after the watcher, see what has settled, and rescan if it is time: a piece at a time."""
        now = time.monotonic()
        if not self._once and self._vigil.tick(now):
            self._allow_for_skew()
            self._rescan_wanted = True
        for _ in range(min(len(self._hints), HINTS_AT_ONCE)):
            self._take_hint(*self._hints.popleft())
        self._settle()
        wanted = self._rescan_wanted and now >= self._rescan_not_before
        # While there is a backlog, nothing that a walk could find would be its turn.
        if self._walk is None and not self._backlog and (wanted or self._running_low or now >= self._rescan_at):
            self._walk = self._rescan()
        if self._walk is not None and self._walked(self._walk):
            self._walk = None
        if self._has_room:
            self._take_up_backlog()

    def take(self, most: int) -> list[tuple[Ready, float]]:
        """The next scans, oldest first, and since when they were ready; they are in hand until `release`."""
        taken: list[tuple[Ready, float]] = []
        while self.waiting and len(taken) < most:
            _, ready, since = heapq.heappop(self._ready)
            self._queued.discard(ready.path)
            self._in_hand.add(ready.path)
            taken.append((ready, since))
        return taken

    def hold(self, path: str) -> None:
        """This path is in hand already: from before a crash."""
        self._in_hand.add(path)

    def release(self, path: str, *, look_again: bool = False) -> None:
        """This path is no longer in hand; LOOK_AGAIN if another file may be there now."""
        self._in_hand.discard(path)
        self._released[path] = None
        if len(self._released) > RELEASED_MOST:
            del self._released[next(iter(self._released))]
        self._found_none = False
        self._tries.pop(path, None)
        if path in self._again or look_again:
            self._again.discard(path)
            if not self._settler.hint(path, HintKind.FOUND):
                self._rescan_wanted = True

    def retry(self, path: str) -> None:
        """This path could not be read now; offer it again after a growing pause."""
        self._in_hand.discard(path)
        self._found_none = False
        self._again.discard(path)
        pause = self._tries[path] = min(RETRY_MOST, self._tries.get(path, RETRY_FIRST / 2) * 2)
        if not self._settler.retry(path, pause):
            self._rescan_wanted = True
        elif path not in self._settler:
            # It is gone; another file of this name begins anew.
            del self._tries[path]

    def young(self, ready: Ready) -> bool:
        """Whether a scan that was found cut short may still be growing."""
        return self._settler.young(ready.path, ready.stamp)

    @property
    def waiting(self) -> int:
        """How many scans are ready; none while it is still being seen which of them is the oldest."""
        return 0 if self._gathering else len(self._ready)

    @property
    def known(self) -> int:
        """How many scans are known to wait, ready or not yet looked at again."""
        return len(self._ready) + len(self._backlog)

    @property
    def oldest(self) -> float | None:
        """When the scan that is read next came, by its file's times (seconds since 1970); None where none is ready."""
        if not self._ready:
            return None
        stamp = self._ready[0][1].stamp
        return max(stamp.mtime_ns, stamp.ctime_ns) / 1e9

    @property
    def in_hand(self) -> int:
        """How many scans are being read or delivered."""
        return len(self._in_hand)

    @property
    def held(self) -> frozenset[str]:
        """The scans in hand."""
        return frozenset(self._in_hand)

    @property
    def more(self) -> bool:
        """Whether more wait in the inbox than are known here."""
        return self._more

    def drained(self, stuck: Set[str] = frozenset()) -> bool:
        """Whether the last look at the inbox found nothing to read, and nothing came since. STUCK: in hand for good."""
        return self._found_none and not self._rescan_wanted and self._at_rest and self._in_hand <= stuck

    def look(self, stuck: Set[str] = frozenset()) -> None:
        """Rescan at the next `advance`, if nothing else is left: a drain asks for a last look. STUCK as above."""
        if self._at_rest and self._in_hand <= stuck and not self._found_none:
            self._rescan_wanted = True
            self._rescan_not_before = 0.0

    @property
    def _at_rest(self) -> bool:
        return not (self._ready or self._hints or len(self._settler) or self._walk or self._backlog)

    @property
    def lost_seconds(self) -> float:
        """For how long there has been no working watcher, though there is an inbox to watch."""
        return self._vigil.lost_seconds

    @property
    def mode(self) -> Mode | None:
        """How the inbox is watched; None while it is not."""
        return self._vigil.mode

    def next_due(self) -> float:
        """When `advance` has something to do (monotonic seconds; 0.0: at once)."""
        if self._walk is not None or self._hints or self._running_low or self._has_room:
            return 0.0
        due = [float("inf") if self._backlog else self._rescan_at]
        if not self._once:
            due.append(self._vigil.next_due())
        if self._rescan_wanted and not self._backlog:
            due.append(self._rescan_not_before)
        if len(self._ready) < WINDOW:
            due.append(self._settler.next_due())
        return min(due)

    @property
    def _running_low(self) -> bool:
        return self._more and not self._backlog and len(self._ready) + len(self._settler) < LOW

    @property
    def _has_room(self) -> bool:
        """Whether some of the backlog can be taken up."""
        most = WINDOW
        if self._walk is not None:
            # It may yet find something older, so as few as will do.
            most = LOW if self._walk_seconds >= EARLY_SECONDS else 0
        return len(self._backlog) > 0 and len(self._ready) + len(self._settler) < most

    @property
    def _gathering(self) -> bool:
        if self._gather_until and (
            time.monotonic() >= self._gather_until
            or len(self._ready) >= WINDOW
            or self._settler.next_due() > time.monotonic()
        ):
            self._gather_until = 0.0
        return self._gather_until > 0.0

    def _take_hint(self, path: str, kind: HintKind) -> None:
        if (verdict := self._rules.verdict(path)) is not None:
            # As the rescan has it: that something is a link is worth more of a word than its name.
            if verdict is Verdict.NOT_INCLUDED and isinstance(found := self._examined(path), Verdict):
                verdict = found
            self._say_ignored(path, verdict)
        elif path in self._in_hand:
            self._again.add(path)
        elif not self._settler.hint(path, kind):
            self._rescan_wanted = True
        elif path not in self._settler and isinstance(found := self._examined(path), Verdict):
            self._say_ignored(path, found)
        self._found_none = False

    def _examined(self, path: str) -> "Stamp | Verdict | None":
        try:
            return examine(self._root, path)
        except OSError:
            # The rescan reports it, with its path.
            self._rescan_wanted = True
            return None

    def _settle(self) -> None:
        until = time.monotonic() + SLICE
        while (room := WINDOW - len(self._ready)) > 0:
            for ready in self._settler.due(min(room, LOOKS_AT_ONCE)):
                self._queue(ready)
            now = time.monotonic()
            if now >= until or self._settler.next_due() > now:
                return

    def _queue(self, ready: Ready) -> None:
        if ready.path in self._in_hand:
            self._again.add(ready.path)
        elif ready.path not in self._queued and not self._known(ready.path, ready.stamp):
            self._queued.add(ready.path)
            heapq.heappush(self._ready, (order_key(ready.path, ready.stamp.mtime_ns), ready, time.time()))

    def _known(self, path: str, stamp: Stamp) -> bool:
        if self._knows_kept is None:
            return False
        return self._knows_kept(Identity(path, stamp.inode, stamp.size, stamp.mtime_ns))

    def _walked(self, walk: Iterator[None]) -> bool:
        """Go on with a walk for a moment; whether it has ended."""
        begun = time.monotonic()
        for _ in walk:
            if time.monotonic() - begun >= SLICE:
                self._walk_seconds += time.monotonic() - begun
                return False
        self._walk_seconds += time.monotonic() - begun
        self._rescan_not_before = time.monotonic() + self._walk_seconds * RESCAN_REST
        return True

    def _rescan(self) -> Iterator[None]:
        """A walk over the inbox, paused after each entry. Nothing of it settles before: the oldest comes first."""
        begun = time.monotonic()
        self._walk_seconds = 0.0
        self._rescan_wanted = False
        self._found_none = False
        found, more = 0, False
        for entry in steps(
            self._root,
            self._rules,
            recursive=self._inbox.recursive,
            on_ignored=self._say_ignored,
            on_error=self._say_unreadable,
        ):
            if entry is not None:
                mtime_ns = entry.stamp.mtime_ns
                if not self._backlog.wants(entry.path, mtime_ns):
                    more = more or not self._skips(entry)
                elif not self._skips(entry):
                    found += 1
                    self._backlog.add(entry.path, mtime_ns)
                    if self._backlog.overfull:
                        more = True
                        yield from self._backlog.cut()
            yield
        self._more = more
        if not self._ready:
            self._gather_until = time.monotonic() + GATHER_SECONDS
        self._found_none = not found and not more
        self._told.rescanned()
        self._forget_tries()
        ended = time.monotonic()
        self._rescan_at = ended + max(self._inbox.rescan, self._walk_seconds * RESCAN_REST)
        self._log.debug("rescanned", found=found, more=more, ms=round((ended - begun) * 1000, 1))

    def _take_up_backlog(self) -> None:
        """See to the first of the backlog while there is room, for a moment."""
        until = time.monotonic() + SLICE
        while self._has_room and (path := self._backlog.pop()) is not None:
            if path not in self._queued and path not in self._in_hand and path not in self._settler:
                stamp = self._examined(path)
                # Else it was read meanwhile, by way of an event, or taken away.
                if isinstance(stamp, Stamp) and not self._settler.found(path, stamp):
                    self._more = True
            if time.monotonic() >= until:
                break
        self._settle()

    def _forget_tries(self) -> None:
        """Of scans that were deleted while they waited for another try."""
        for path in [*self._tries]:
            if path not in self._settler and path not in self._queued and path not in self._in_hand:
                del self._tries[path]

    def _skips(self, entry: Entry) -> bool:
        return (
            entry.path in self._queued
            or entry.path in self._in_hand
            or entry.path in self._settler
            or self._known(entry.path, entry.stamp)
        )

    def _say_gone(self, path: str) -> None:
        if path not in self._released:
            self._log.info("scan_gone", scan=names.printable(path), reason="it was removed before it could be read")

    def _say_ignored(self, path: str, verdict: Verdict) -> None:
        # Noise is not even remembered where it is not told.
        if log.says(verdict.level) and self._told.first(verdict, path):
            getattr(self._log, verdict.level)("scan_ignored", scan=names.printable(path), reason=str(verdict))

    def _say_unreadable(self, path: str, error: OSError) -> None:
        if self._told.first("unreadable", path):
            self._log.warning(
                "folder_unreadable",
                folder=names.printable(path) or self._root,
                error=str(error),
                remedy="let the user that digitd runs as list it",
            )
