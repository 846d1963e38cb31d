"""The daemon's loop: what waits in the inbox is read and delivered, until it is to stop."""

import time

from digitd import log, names
from digitd.assembly import Assembly
from digitd.errors import FolderError
from digitd.reload import Renewal
from digitd.systemd import Notifier
from digitd.wake import Wake

# Well inside systemd's TimeoutStopSec: what is in hand then stays in the inbox, and what a slow disk has not written by
# then is synced by the next start.
STOP_SECONDS = 45.0
LOAD_LOOK_SECONDS = 5.0
RENEWAL_LOOK_SECONDS = 0.1
DRAIN_SECONDS = 0.5
# Names of scans that a warning lists.
UNFILED_TOLD = 5


class Daemon:
    """One thread that owns pool, journal and outbox; the watcher's threads and signals wake it through a pipe."""

    def __init__(self, parts: Assembly, notifier: Notifier, wake: Wake, *, once: bool) -> None:
        self._parts, self._notifier, self._wake, self._once = parts, notifier, wake, once
        self._log = log.get()
        # These are the same for as long as the daemon lives; the other parts a reload may exchange.
        self._delivery, self._dispatcher = parts.delivery, parts.dispatcher
        self._heartbeat, self._metrics, self._reloader = parts.heartbeat, parts.metrics, parts.reloader
        self._stop_asked: str | None = None

    def ask_to_stop(self, why: str) -> None:
        """Finish what is in hand, then end. Safe in a signal handler and from any thread."""
        self._stop_asked = why
        self._wake.wake()

    def ask_to_reload(self) -> None:
        """Take the configuration in anew. Safe in a signal handler and from any thread."""
        self._reloader.ask()
        self._wake.wake()

    def run(self) -> None:
        """The loop."""
        for path in self._delivery.recover():
            self._parts.supply.hold(path)
        self._parts.supply.start()
        whole = False
        try:
            self._load()
            while self._stop_asked is None and not (self._once and self._nothing_left()):
                self._reload()
                self._parts.supply.advance()
                self._dispatcher.feed()
                self._wait(self._patience())
                self._delivery.tick(time.monotonic())
                self._parts.verifier.tick(time.monotonic())
                self._parts.pruner.tick(time.monotonic())
                self._heartbeat.tick(self._dispatcher.read)
                self._metrics.tick(time.monotonic())
            whole = True
        finally:
            self._finish(whole=whole)

    def _load(self) -> None:
        begun = time.monotonic()
        pool, supply, settings = self._parts.pool, self._parts.supply, self._parts.settings
        while not pool.ready and self._stop_asked is None:
            supply.advance()
            self._wait(max(0.0, min(LOAD_LOOK_SECONDS, supply.next_due() - time.monotonic())))
        if not pool.ready:
            return
        self._notifier.ready()
        self._log.info(
            "ready",
            workers=pool.wanted,
            engine=settings.model.engine,
            pids=pool.pids,
            loading_ms=round((time.monotonic() - begun) * 1000),
        )

    def _reload(self) -> None:
        """Take a new configuration in, if it was asked for: all of it, or, where it cannot be used, nothing."""
        renewal = self._reloader.advance(self._parts.settings, self._parts.bundle)
        if renewal is not None and self._drained_for(renewal):
            self._reloader.take()
            self._parts.take_over(renewal)
            self._reloader.succeed()

    def _drained_for(self, renewal: Renewal) -> bool:
        """Let the workers finish what they have in hand, if others take their place; False if it is to stop instead."""
        if renewal.pool is None:
            return True
        deadline = time.monotonic() + STOP_SECONDS
        while self._busy and time.monotonic() < deadline and self._stop_asked is None:
            self._finish_in_hand()
        return self._stop_asked is None

    @property
    def _busy(self) -> bool:
        """Whether it is worth waiting for workers: while a cluster is away, what is in hand stays in the inbox."""
        return self._parts.pool.busy and self._parts.pool.troubled is None

    def _wait(self, seconds: float) -> None:
        for done in self._parts.pool.poll(seconds, [self._wake.sleep_end]):
            self._dispatcher.take_in(done)
        self._wake.clear()

    def _nothing_left(self) -> bool:
        if self._parts.pool.busy or not self._parts.pool.ready:
            return False
        stuck = self._delivery.stuck
        if self._delivery.held_up:
            # So many that nothing more is read: what waits behind them is the next run's.
            return bool(stuck)
        if not self._parts.verifier.done:
            return False
        if self._parts.supply.drained(stuck):
            return True
        self._parts.supply.look(stuck)
        return False

    def _patience(self) -> float:
        """Seconds until something is due that no event announces."""
        if self._once and not self._delivery.held_up and self._parts.supply.drained(self._delivery.stuck):
            return 0.0
        now = time.monotonic()
        due = self._delivery.next_due() - now
        if self._reloader.under_way:
            due = min(due, RENEWAL_LOOK_SECONDS)
        if not self._delivery.held_up:
            due = min(due, self._parts.supply.next_due() - now)
        due = min(due, self._parts.verifier.next_due() - now)
        due = min(due, self._parts.pruner.next_due() - now, self._heartbeat.next_due() - now)
        return max(0.0, min(due, self._metrics.next_due() - now))

    def _finish(self, *, whole: bool) -> None:
        """Put everything away. WHOLE: nothing broke, so what is in hand is worth waiting for."""
        why = (self._stop_asked or "nothing left") if whole else "an error"
        self._log.info("stopping", why=why, in_hand=self._parts.supply.in_hand)
        self._notifier.stopping()
        self._parts.supply.stop()
        self._reloader.drop()
        deadline = time.monotonic() + STOP_SECONDS
        try:
            while whole and self._busy and time.monotonic() < deadline:
                self._finish_in_hand()
        finally:
            self._delivery.close(deadline)
            self._metrics.close()
            if self._delivery.finished:
                self._parts.marks.release()
        self._log.info("stopped", why=why, read=dict(self._dispatcher.read))
        if whole and self._once and self._stop_asked is None:
            self._refuse_unfiled()

    def _finish_in_hand(self) -> None:
        """Wait a moment for the workers, and see to what they give."""
        self._wait(DRAIN_SECONDS)
        self._delivery.tick(time.monotonic())
        self._heartbeat.tick(self._dispatcher.read)

    def _refuse_unfiled(self) -> None:
        """What a drain leaves behind is worth a word and an exit code."""
        stuck = self._delivery.stuck
        if not stuck:
            return
        first = [names.printable(path) for path in sorted(stuck)[:UNFILED_TOLD]]
        self._log.warning("scans_unfiled", count=len(stuck), scans=first, error=self._delivery.troubled)
        more = f" and {len(stuck) - len(first)} more" if len(stuck) > len(first) else ""
        raise FolderError(
            f"{len(stuck)} scans were read, but could not be published or filed: {', '.join(first)}{more}"
            f" ({self._delivery.troubled})",
            "Give the user that digitd runs as the right to move them out of their folders, and start it again: it "
            "then files them without reading them again",
        )
