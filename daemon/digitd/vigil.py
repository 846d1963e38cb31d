"""Watching the watcher: one that died, or whose folder was taken away, is started again."""

import time

from digitd import log
from digitd.intake.watcher import Mode, Watcher

CHECK_SECONDS = 1.0


class Vigil:
    """Looks after a watcher, once a second."""

    def __init__(self, watcher: Watcher, inbox: str) -> None:
        self._watcher, self._inbox = watcher, inbox
        self._watching = False
        self._next = 0.0
        self._lost_at: float | None = None
        self._log = log.get()

    def start(self) -> None:
        """Start the watcher. OSError if the inbox cannot be listed."""
        self._watcher.start()
        self._watching = True
        self._log.info("watching", inbox=self._inbox, mode=self._watcher.mode, reason=self._watcher.reason)

    @property
    def lost_seconds(self) -> float:
        """For how long there has been no working watcher, though there is an inbox to watch."""
        return 0.0 if self._lost_at is None else time.monotonic() - self._lost_at

    @property
    def mode(self) -> Mode | None:
        """How the inbox is watched; None while it is not."""
        return self._watcher.mode if self._watching else None

    def next_due(self) -> float:
        """When `tick` looks again (monotonic seconds)."""
        return self._next

    def tick(self, now: float) -> bool:
        """Look, if it is time; True if the watcher was started again, so that what it missed must be looked for."""
        if now < self._next:
            return False
        self._next = now + CHECK_SECONDS
        if self._watching and self._watcher.alive():
            self._lost_at = None
            return False
        if self._watching:
            self._watching = False
            self._watcher.stop()
            self._log.warning("watcher_lost", inbox=self._inbox, remedy="it is started again as soon as it can be")
        try:
            self._watcher.start()
        except FileNotFoundError:
            # Unmounted or taken away: waiting is all there is to do, and no restart would help.
            return False
        except OSError as error:
            self._lost_at = now if self._lost_at is None else self._lost_at
            self._log.debug("watcher_not_restarted", error=str(error))
            return False
        self._watching = True
        self._lost_at = None
        self._log.info("watcher_restarted", mode=self._watcher.mode, reason=self._watcher.reason)
        return True
