"""What the daemon consists of: put together from a configuration at the start, and changed to another at a reload."""

import os
from collections.abc import Callable
from contextlib import ExitStack

from digitd import log, rebuild
from digitd.archive import Archive, Filed
from digitd.delivery import delivery_of
from digitd.dispatch import Dispatcher
from digitd.heartbeat import Heartbeat
from digitd.lock import Lock
from digitd.maintenance import Pruner
from digitd.marks import Marks
from digitd.metrics import Metrics
from digitd.observer import Observer
from digitd.pool.halving import Loss
from digitd.recognition.bundle import Bundle
from digitd.reload import Renewal
from digitd.reloader import Load, Reloader
from digitd.results import READ_STATUSES
from digitd.settings import Settings
from digitd.supply import Supply
from digitd.systemd import Notifier
from digitd.tally import Tally
from digitd.verifying import Verifier
from digitd.workers import pool_of, say_loss


class Assembly:
    """The parts, joined. Those that a reload exchanges are looked up here each time; the others are told."""

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle,
        notifier: Notifier,
        lock: Lock,
        marks: Marks,
        stack: ExitStack,
        *,
        once: bool,
        wake: Callable[[], None],
        load: Load | None,
    ) -> None:
        """LOAD as the reloader has it. WAKE is called from any thread when there is something to do.

        STACK closes what is to be closed.
        """
        self.settings, self.bundle, self.marks = settings, bundle, marks
        self._once, self._wake = once, wake
        self.tally = Tally()
        # First of all: the libraries load in other processes while this one opens the journal.
        self.pool = pool_of(settings, bundle.sha256, self._note_loss)
        stack.callback(lambda: self.pool.stop())
        self.pool.start()
        archive = self._archive = Archive(os.fspath(settings.inbox.path), settings.sources.model_dump())
        journal = self._journal = stack.enter_context(
            rebuild.opened(
                settings.state.path,
                settings.inbox.path,
                settings.outbox.path,
                archive,
                alive=lambda: notifier.starting("bringing the journal of an older digitd up to date"),
            )
        )
        self.supply = self._supply_of(settings)
        self.delivery = delivery_of(settings, journal, archive, self._note_filed, self.tally)
        self.verifier = Verifier(journal, self.delivery)
        self.pruner = self._pruner_of(settings)
        self.dispatcher = Dispatcher(settings, bundle.model, self.pool, self.supply, self.delivery, archive, self.tally)
        self.heartbeat = Heartbeat(notifier, lock, self.pool, self.supply, self.delivery)
        self.reloader = Reloader(notifier, lock, load, self._note_loss)
        self._observer = Observer(settings, bundle.model, journal, self.pool, self.supply, self.delivery, self.reloader)
        self.metrics = Metrics(settings, self.tally, self._observer.look)

    def take_over(self, renewal: Renewal) -> None:
        """Use the new configuration; what is in hand stays so, and nothing that waits is forgotten.

        What workers still have that are exchanged is begun anew.
        """
        if renewal.pool is not None:
            self.dispatcher.give_up()
            self.pool.stop()
            self.pool = renewal.pool
        change, settings = renewal.change, renewal.change.settings
        self.settings, self.bundle, self.marks = settings, renewal.bundle, renewal.marks
        log.configure(settings.log.level, settings.log.format, clock=settings.log.time)
        if change.touches("state", "review"):
            self.pruner = self._pruner_of(settings)
        if change.touches("outbox", "sources"):
            self.delivery.change(
                settings.sources.model_dump(),
                json=settings.outbox.json_,
                csv=settings.outbox.csv,
                every=settings.outbox.every,
                rows=settings.outbox.rows,
            )
        if change.touches("inbox", "sources"):
            self._change_supply(settings)
        model = self.bundle.model
        self.dispatcher.configure(settings, model, self.pool, self.supply)
        self.heartbeat.watch(self.pool, self.supply)
        self._observer.watch(settings, model, self.pool, self.supply)
        self.metrics.configure(settings)
        log.get().info("reloaded", changed=change.values, model=model.sha256, pids=self.pool.pids)
        if change.restart:
            remedy = "restart digitd: until then the values it was started with hold"
            log.get().warning("restart_needed", keys=change.restart, remedy=remedy)

    def _note_loss(self, pid: int, loss: Loss, scans: int, node: str | None = None) -> None:
        """Count and tell of a lost worker."""
        self.tally.lost[loss] += 1
        say_loss(pid, loss, scans, node)

    def _note_filed(self, path: str, filed: Filed) -> None:
        self.supply.release(path, look_again=filed is Filed.REPLACED)

    def _pruner_of(self, settings: Settings) -> Pruner:
        review = settings.review
        return Pruner(self._journal, settings.inbox.path, settings.state.keep, review.keep, review.kinds)

    def _supply_of(self, settings: Settings) -> Supply:
        """The inbox as these settings have it; kept scans are known where there are any."""
        kept = any(self._archive.keeps(status) for status in READ_STATUSES) or self._journal.has_kept
        return Supply(
            settings.inbox,
            once=self._once,
            wake=self._wake,
            knows_kept=self._journal.knows_kept if kept else None,
            mirrors=settings.mirrors,
        )

    def _change_supply(self, settings: Settings) -> None:
        """Look at the inbox anew. The new watcher begins with a rescan, so nothing falls between the two."""
        held = self.supply.held
        self.supply.stop()
        self.supply = self._supply_of(settings)
        for path in held:
            self.supply.hold(path)
        self.supply.start()
