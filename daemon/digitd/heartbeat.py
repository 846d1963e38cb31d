"""Telling how it goes: pings for the watchdog while all makes progress, a line for systemd and `digitd status`."""

import time
from collections.abc import Mapping

from digitd import log
from digitd.delivery import Delivery
from digitd.lock import UNREAD, UNWATCHED, Lock
from digitd.pool.interface import Pool
from digitd.supply import Supply
from digitd.systemd import Notifier

STATUS_SECONDS = 5.0
# A watcher that cannot be started again for so long is a case for a restart of the whole daemon.
WATCHER_LOST_SECONDS = 60.0


class Heartbeat:
    """Beats as long as the daemon's loop turns, no worker is overdue, and the inbox is watched."""

    def __init__(self, notifier: Notifier, lock: Lock, pool: Pool, supply: Supply, delivery: Delivery) -> None:
        self._notifier, self._lock, self._pool, self._supply, self._delivery = notifier, lock, pool, supply, delivery
        self._trouble: str | None = None
        self._next_ping = 0.0 if notifier.watchdog_seconds is not None else float("inf")
        self._next_status = 0.0

    def watch(self, pool: Pool, supply: Supply) -> None:
        """Listen to these from now on."""
        self._pool, self._supply = pool, supply

    def next_due(self) -> float:
        """When `tick` has something to do (monotonic seconds)."""
        return min(self._next_ping, self._next_status)

    def tick(self, read: Mapping[str, int]) -> None:
        """Ping and tell, if it is time; READ has how many scans were read since the start, by status."""
        now = time.monotonic()
        if self._notifier.watchdog_seconds is not None and now >= self._next_ping:
            self._next_ping = now + self._notifier.watchdog_seconds
            if self._pool.responsive and self._supply.lost_seconds < WATCHER_LOST_SECONDS:
                self._notifier.alive()
        trouble = self._troubled()
        if now >= self._next_status or trouble != self._trouble:
            self._trouble = trouble
            self._next_status = now + STATUS_SECONDS
            self._notifier.status(self._sentence(read))
            try:
                self._lock.tell(trouble, self._pool.loaded, self._pool.wanted)
            except OSError as error:
                # The log and systemd have been told; `digitd status` is at the next change or turn.
                log.get().debug("status_not_told", error=str(error))

    def _troubled(self) -> str | None:
        """The gravest thing that is wrong."""
        if self._delivery.troubled is not None:
            return self._delivery.troubled
        if self._pool.troubled is not None:
            return f"{UNREAD}{self._pool.troubled}"
        return UNWATCHED if self._supply.lost_seconds else None

    def _sentence(self, read: Mapping[str, int]) -> str:
        more = "+" if self._supply.more else ""
        by_status = ", ".join(f"{count} {status}" for status, count in sorted(read.items())) or "-"
        trouble = f"; waits: {self._trouble}" if self._trouble else ""
        return (
            f"{self._supply.known}{more} waiting, {self._supply.in_hand} in hand, {sum(read.values())} read since the"
            f" start ({by_status}){trouble}"
        )
