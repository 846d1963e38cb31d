"""What a walk found and nobody has taken up yet: the oldest of it, in order; few bytes each, and bounded."""

import heapq
from collections.abc import Iterator

from digitd.intake.order import OrderKey, name_key, order_key

RUN = 4096
"""Entries that are sorted at once: some 15 ms."""

_SECOND_NS = 1_000_000_000


class Backlog:
    """A priority queue of paths by `order_key`, which keeps the first `limit` to 2 * `limit` of what it is given.

    Entries are in sorted runs that are merged as they are taken, so no operation takes long; `cut` can be paused. One
    costs about 160 bytes: sort keys, several times as large, exist for the first of each run alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._clear()

    def _clear(self) -> None:
        self._tail: list[tuple[str, int]] = []
        self._runs: list[list[tuple[str, int]]] = []  # each in falling order: the first is its last
        self._heads: list[tuple[OrderKey, int]] = []
        self._count = 0
        self._cutoff: OrderKey | None = None
        self._cutting = False

    def __len__(self) -> int:
        return self._count

    def wants(self, path: str, mtime_ns: int) -> bool:
        """Whether this would not come after all that is kept, where some were let go already."""
        if self._cutoff is None:
            return True
        # The cheap half of the order key first: most of a million entries end here.
        second = mtime_ns // _SECOND_NS
        return second < self._cutoff[0] or (second == self._cutoff[0] and name_key(path) <= self._cutoff[1])

    def add(self, path: str, mtime_ns: int) -> None:
        """Keep this one; if that makes it `overfull`, it is time to `cut`."""
        self._tail.append((path, mtime_ns))
        self._count += 1
        if len(self._tail) >= RUN:
            self._close_run()

    @property
    def overfull(self) -> bool:
        """Whether twice the limit is kept."""
        return self._count >= 2 * self._limit

    def cut(self) -> Iterator[None]:
        """Let go of all but the first `limit`, paused now and then; meanwhile nothing can be added or taken."""
        self._cutting = True
        kept: list[list[tuple[str, int]]] = []
        left = self._limit
        while left:
            run = []
            for _ in range(min(RUN, left)):
                run.append(self._first())
                if len(run) % 512 == 0:
                    yield
            left -= len(run)
            kept.append(run)
        cutoff = order_key(*kept[-1][-1]) if kept else None
        self._clear()
        self._cutoff = cutoff
        for run in kept:
            run.reverse()
            self._add_run(run)

    def pop(self) -> str | None:
        """The first of all, which is no longer kept then; None if there is none, or none can be told now."""
        if self._cutting or not self._count:
            return None
        path, _ = self._first()
        if not self._count:
            # What was let go is for the next walk to find.
            self._clear()
        return path

    def _first(self) -> tuple[str, int]:
        if self._tail:
            self._close_run()
        _, number = self._heads[0]
        run = self._runs[number]
        first = run.pop()
        self._count -= 1
        if run:
            heapq.heapreplace(self._heads, (order_key(*run[-1]), number))
        else:
            heapq.heappop(self._heads)
        return first

    def _close_run(self) -> None:
        run, self._tail = self._tail, []
        run.sort(key=lambda entry: order_key(*entry), reverse=True)
        self._count -= len(run)
        self._add_run(run)

    def _add_run(self, run: list[tuple[str, int]]) -> None:
        self._count += len(run)
        self._runs.append(run)
        heapq.heappush(self._heads, (order_key(*run[-1]), len(self._runs) - 1))
