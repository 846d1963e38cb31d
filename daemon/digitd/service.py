"""The daemon: what waits in the inbox goes to the workers, and what they find to the journal and the outbox."""

import math
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from digitd import __version__, failpoints, fs, log, names, rebuild
from digitd.archive import Archive, Filed
from digitd.delivery import Delivery, Read
from digitd.errors import (
    DigitdError,
    EmptyScanError,
    FolderError,
    TruncatedScanError,
    WorkerDiedError,
    WorkerMemoryError,
    WorkerTimeoutError,
)
from digitd.failpoints import Point
from digitd.heartbeat import Heartbeat
from digitd.intake.settle import Ready
from digitd.journal import is_damage
from digitd.lock import Answer, Lock
from digitd.maintenance import Pruner
from digitd.marks import Marks
from digitd.metrics import Metrics
from digitd.observer import Observer
from digitd.outbox import Outbox
from digitd.pool.halving import Loss
from digitd.pool.local import Done
from digitd.pool.messages import Finding, Job, Seen
from digitd.preflight import check_folders
from digitd.profiles import chooser
from digitd.recognition.bundle import Bundle, shipped
from digitd.reload import Renewal
from digitd.results import Status
from digitd.rolling import Roller
from digitd.settings import Settings
from digitd.signals import StopSignals
from digitd.supply import Supply
from digitd.systemd import Notifier
from digitd.tables import Identity
from digitd.tally import Tally
from digitd.workers import pool_of, say_loss

# Well inside systemd's TimeoutStopSec: what is in hand then stays in the inbox, and what a slow disk has not written by
# then is synced by the next start.
STOP_SECONDS = 45.0
LOAD_LOOK_SECONDS = 5.0
RENEWAL_LOOK_SECONDS = 0.1
DRAIN_SECONDS = 0.5
WAKE_BYTES = 4096
# Names of scans that a warning lists.
UNFILED_TOLD = 5
# A writer may still be at these.
_MAY_GROW = frozenset({TruncatedScanError.code, EmptyScanError.code})
# Said of bytes that nobody can name any more once the file has changed.
_LETHAL = frozenset({WorkerDiedError.code, WorkerTimeoutError.code, WorkerMemoryError.code})


Load = Callable[[], Settings]


def run(settings: Settings, *, once: bool, load: Load | None = None) -> None:
    """Read the inbox until a signal asks to stop, or, ONCE, until nothing waits.

    LOAD reads the configuration anew, for a reload; without it SIGHUP asks to stop. DigitdError where it cannot start.
    """
    asked: list[str] = []
    reload_asked: list[bool] = []
    daemon: Daemon | None = None

    def ask_to_stop(why: str) -> None:
        asked.append(why)
        if daemon is not None:
            daemon.ask_to_stop(why)

    def ask_to_reload() -> None:
        reload_asked.append(True)
        if daemon is not None:
            daemon.ask_to_reload()

    with ExitStack() as stack:
        # First in, last out: a signal finds it whatever is being set up or put away.
        stack.enter_context(StopSignals(ask_to_stop, None if load is None else ask_to_reload))
        check_folders(settings, make=False)
        # Nothing is made in the folders of another digitd.
        Marks(settings).refuse_others()
        check_folders(settings, make=True)
        lock = stack.enter_context(Lock(settings.state.path, reachable=load is not None))
        notifier = Notifier()
        stack.callback(notifier.close)
        bundle = Bundle.load(settings.model.bundle or shipped())
        # Last of what may be refused: a start that fails leaves no mark.
        marks = Marks(settings)
        marks.claim()
        try:
            daemon = Daemon(settings, bundle, notifier, lock, marks, stack, once=once, load=load)
            if asked:
                daemon.ask_to_stop(asked[0])
            if reload_asked:
                daemon.ask_to_reload()
            daemon.run()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            raise rebuild.suspect(settings.state.path, error) from error


class Daemon:
    """One thread that owns pool, journal and outbox; the watcher's threads and signals wake it through a pipe."""

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
        load: Load | None = None,
    ) -> None:
        self._settings, self._once, self._notifier, self._lock = settings, once, notifier, lock
        self._bundle, self._marks, self._load_settings = bundle, marks, load
        self._log = log.get()
        self._log.info("starting", version=__version__, once=once, config=settings.effective())
        self._wake_end, self._sleep_end = _pipe(stack)
        self._tally = Tally()
        # First of all: the libraries load in other processes while this one opens the journal.
        self._pool = pool_of(settings, bundle.sha256, self._note_loss)
        stack.callback(lambda: self._pool.stop())
        self._pool.start()
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
        outbox = Outbox(settings.outbox.path)
        json = settings.outbox.json_
        self._supply = self._supply_of(settings)
        self._delivery = Delivery(
            journal,
            outbox,
            archive,
            Roller(
                journal,
                outbox,
                csv=settings.outbox.csv,
                lines=json == "lines",
                every=settings.outbox.every,
                rows=settings.outbox.rows,
            ),
            json=json,
            on_filed=self._note_filed,
            tally=self._tally,
        )
        self._pruner = Pruner(journal, settings.inbox.path, settings.state.keep)
        self._recognition = chooser(settings.recognition, settings.profiles)
        self._in_hand: dict[int, list[tuple[Ready, float, int | None]]] = {}
        self._batches = 0
        self._read: Counter[str] = Counter()
        self._stop_asked: str | None = None
        self._reload_asked = False
        self._renewal: Renewal | None = None
        self._answer = Answer()
        self._heartbeat = Heartbeat(notifier, lock, self._pool, self._supply, self._delivery)
        self._observer = Observer(settings, bundle.model, journal, self._pool, self._supply, self._delivery)
        self._metrics = Metrics(settings, self._tally, self._observer.look)

    def ask_to_stop(self, why: str) -> None:
        """Finish what is in hand, then end. Safe in a signal handler and from any thread."""
        self._stop_asked = why
        self._wake()

    def ask_to_reload(self) -> None:
        """Take the configuration in anew. Safe in a signal handler and from any thread."""
        self._reload_asked = True
        self._wake()

    def _supply_of(self, settings: Settings) -> Supply:
        """The inbox as these settings have it; kept scans are known where there are any."""
        kept = _keeps_any(self._archive) or self._journal.has_kept
        return Supply(
            settings.inbox,
            once=self._once,
            wake=self._wake,
            knows_kept=self._journal.knows_kept if kept else _never,
            mirrors=settings.mirrors,
        )

    def run(self) -> None:
        """The loop."""
        for path in self._delivery.recover():
            self._supply.hold(path)
        self._supply.start()
        whole = False
        try:
            self._load()
            while self._stop_asked is None and not (self._once and self._nothing_left()):
                self._reload()
                self._supply.advance()
                self._feed()
                self._wait(self._patience())
                self._delivery.tick(time.monotonic())
                self._pruner.tick(time.monotonic())
                self._heartbeat.tick(self._read)
                self._metrics.tick(time.monotonic())
            whole = True
        finally:
            self._finish(whole=whole)

    def _load(self) -> None:
        begun = time.monotonic()
        while not self._pool.ready and self._stop_asked is None:
            self._supply.advance()
            self._wait(max(0.0, min(LOAD_LOOK_SECONDS, self._supply.next_due() - time.monotonic())))
        if not self._pool.ready:
            return
        self._notifier.ready()
        self._log.info(
            "ready",
            workers=self._settings.workers.number,
            engine=self._settings.model.engine,
            pids=self._pool.pids,
            loading_ms=round((time.monotonic() - begun) * 1000),
        )

    def _reload(self) -> None:
        """Take a new configuration in, if it was asked for: all of it, or, where it cannot be used, nothing."""
        try:
            if self._renewal is None:
                if not self._reload_asked or self._load_settings is None:
                    return
                self._reload_asked = False
                self._notifier.reloading()
                self._tell(Answer(self._answer.begun + 1, self._answer.ended))
                self._renewal = Renewal(self._settings, self._bundle, self._load_settings(), self._note_loss)
            if not self._renewal.ready():
                return
            self._renewal.marks.claim()
        except DigitdError as error:
            self._drop_renewal()
            code = int(error.exit_code)
            self._log.error("reload_refused", code=error.code, cause=error.cause, remedy=error.remedy, exit_code=code)
            self._end_reload(Answer(cause=error.cause, remedy=error.remedy, exit_code=code))
            return
        if self._drain_for(self._renewal):
            self._take_over(self._renewal)
            self._renewal = None
            self._end_reload(Answer())

    def _drain_for(self, renewal: Renewal) -> bool:
        """Let the workers finish what they have in hand, if others take their place; False if it is to stop instead."""
        if renewal.pool is None:
            return True
        deadline = time.monotonic() + STOP_SECONDS
        while self._pool.busy and time.monotonic() < deadline and self._stop_asked is None:
            self._finish_in_hand()
        if self._stop_asked is not None:
            return False
        for taken in self._in_hand.values():
            # It hangs, and the next workers begin it anew.
            for ready, _, _ in taken:
                self._supply.retry(ready.path)
        self._in_hand.clear()
        self._pool.stop()
        self._pool = renewal.pool
        return True

    def _take_over(self, renewal: Renewal) -> None:
        """Use the new configuration; what is in hand stays so, and nothing that waits is forgotten."""
        change, settings = renewal.change, renewal.change.settings
        self._settings, self._bundle, self._marks = settings, renewal.bundle, renewal.marks
        log.configure(settings.log.level, settings.log.format, clock=settings.log.time)
        self._recognition = chooser(settings.recognition, settings.profiles)
        if change.touches("state"):
            self._pruner = Pruner(self._journal, settings.inbox.path, settings.state.keep)
        if change.touches("outbox", "sources"):
            self._delivery.change(
                settings.sources.model_dump(),
                json=settings.outbox.json_,
                csv=settings.outbox.csv,
                every=settings.outbox.every,
                rows=settings.outbox.rows,
            )
        if change.touches("inbox", "sources"):
            self._change_supply(settings)
        self._heartbeat.watch(self._pool, self._supply)
        self._observer.watch(settings, self._bundle.model, self._pool, self._supply)
        self._metrics.configure(settings)
        pids = self._pool.pids
        self._log.info("reloaded", changed=change.values, model=self._bundle.model.sha256, pids=pids)
        if change.restart:
            remedy = "restart digitd: until then the values it was started with hold"
            self._log.warning("restart_needed", keys=change.restart, remedy=remedy)

    def _change_supply(self, settings: Settings) -> None:
        """Look at the inbox anew. The new watcher begins with a rescan, so nothing falls between the two."""
        held = self._supply.held
        self._supply.stop()
        self._supply = self._supply_of(settings)
        for path in held:
            self._supply.hold(path)
        self._supply.start()

    def _end_reload(self, how: Answer) -> None:
        self._notifier.ready()
        self._observer.reloaded = how.cause is None
        begun = self._answer.begun
        self._tell(Answer(begun, begun, how.cause, how.remedy, how.exit_code))

    def _tell(self, answer: Answer) -> None:
        self._answer = answer
        try:
            self._lock.answer(answer)
        except OSError as error:
            # The log and systemd have been told; who asked gives up waiting.
            self._log.debug("status_not_told", error=str(error))

    def _drop_renewal(self) -> None:
        if self._renewal is not None and self._renewal.pool is not self._pool:
            self._renewal.drop()
        self._renewal = None

    def _feed(self) -> None:
        """An idle worker gets whatever is ready; while all are busy, only whole batches queue up for them."""
        if self._delivery.held_up:
            return
        most = self._settings.batch.max_scans
        while self._supply.waiting and (idle := self._pool.idle):
            self._submit(min(most, math.ceil(self._supply.waiting / idle)))
        while self._supply.waiting >= most and self._pool.queued < self._settings.workers.number:
            self._submit(most)

    def _submit(self, most: int) -> None:
        self._batches += 1
        taken = self._supply.take(most)
        devices = {folder: self._device_of(folder) for folder in {os.path.dirname(ready.path) for ready, _ in taken}}
        self._in_hand[self._batches] = [(ready, since, devices[os.path.dirname(ready.path)]) for ready, since in taken]
        self._pool.submit(self._batches, [self._job(ready.path) for ready, _ in taken])
        failpoints.reached(Point.HANDED_OUT)

    def _device_of(self, folder: str) -> int | None:
        try:
            return self._archive.device_of(folder)
        except OSError:
            # A server that does not answer: the worker finds that out, too.
            return None

    def _job(self, path: str) -> Job:
        chosen = self._recognition(os.path.dirname(path))
        return Job(
            os.fsencode(os.path.join(self._settings.inbox.path, path)),
            names.printable(path),
            chosen.layout,
            chosen.digits,
            chosen.accept,
            chosen.margin,
        )

    def _wait(self, seconds: float) -> None:
        for done in self._pool.poll(seconds, [self._sleep_end]):
            self._take_in(done)
        try:
            os.read(self._sleep_end, WAKE_BYTES)
        except BlockingIOError:
            pass

    def _take_in(self, done: Done) -> None:
        taken = self._in_hand.pop(done.key)
        failpoints.reached(Point.TAKEN_IN)
        now = time.time()
        reads = []
        for (ready, since, device), finding in zip(taken, done.findings, strict=True):
            read = self._understand(ready, since, device, finding, now)
            if read is not None:
                reads.append(read)
        self._log.info("batch_read", scans=len(taken), results=len(reads), ms=round(done.seconds * 1000, 1))
        self._tally.batches.observe(done.seconds)
        if reads:
            self._read.update(str(read.outcome.status) for read in reads)
            self._delivery.deliver(reads)

    def _understand(self, ready: Ready, since: float, device: int | None, finding: Finding, now: float) -> Read | None:
        """The scan as it was read; None if there is nothing to record."""
        path, stamp, outcome = ready.path, ready.stamp, finding.outcome
        if finding.seen is Seen.GONE:
            self._log.info("scan_gone", scan=names.printable(path), reason="it was removed before it could be read")
            self._supply.retry(path)
            return None
        if finding.seen is not Seen.READ or outcome is None:
            self._log.debug("scan_not_ready", scan=names.printable(path), reason=str(finding.seen))
            self._supply.retry(path)
            return None
        stamp = stamp._replace(inode=fs.folded(stamp.inode), mtime_ns=fs.folded(stamp.mtime_ns))
        identity = Identity(path, stamp.inode, stamp.size, stamp.mtime_ns)
        if finding.identity is not None:
            identity = Identity(path, finding.identity.inode, finding.identity.size, finding.identity.mtime_ns)
        same = (identity.inode, identity.size, identity.mtime_ns) == (stamp.inode, stamp.size, stamp.mtime_ns)
        code = None if outcome.reason is None else outcome.reason.code
        growing = code in _MAY_GROW or (finding.hollow and not ready.certain)
        if (growing and (not same or self._supply.young(ready))) or (code in _LETHAL and not same):
            self._log.debug("scan_not_ready", scan=names.printable(path), reason=code or "it ends in zeros")
            self._supply.retry(path)
            return None
        return Read(identity, finding.sha256, outcome, since, now, self._bundle.model, device)

    def _note_loss(self, pid: int, loss: Loss, scans: int) -> None:
        self._tally.lost[loss] += 1
        say_loss(pid, loss, scans)

    def _note_filed(self, path: str, filed: Filed) -> None:
        self._supply.release(path, look_again=filed is Filed.REPLACED)

    def _nothing_left(self) -> bool:
        if self._pool.busy or not self._pool.ready:
            return False
        stuck = self._delivery.stuck
        if self._delivery.held_up:
            # So many that nothing more is read: what waits behind them is the next run's.
            return bool(stuck)
        if self._supply.drained(stuck):
            return True
        self._supply.look(stuck)
        return False

    def _patience(self) -> float:
        """Seconds until something is due that no event announces."""
        if self._once and not self._delivery.held_up and self._supply.drained(self._delivery.stuck):
            return 0.0
        now = time.monotonic()
        due = self._delivery.next_due() - now
        if self._reload_asked or self._renewal is not None:
            due = min(due, RENEWAL_LOOK_SECONDS)
        if not self._delivery.held_up:
            due = min(due, self._supply.next_due() - now)
        due = min(due, self._pruner.next_due() - now, self._heartbeat.next_due() - now)
        return max(0.0, min(due, self._metrics.next_due() - now))

    def _finish(self, *, whole: bool) -> None:
        """Put everything away. WHOLE: nothing broke, so what is in hand is worth waiting for."""
        why = (self._stop_asked or "nothing left") if whole else "an error"
        self._log.info("stopping", why=why, in_hand=self._supply.in_hand)
        self._notifier.stopping()
        self._supply.stop()
        self._drop_renewal()
        deadline = time.monotonic() + STOP_SECONDS
        try:
            while whole and self._pool.busy and time.monotonic() < deadline:
                self._finish_in_hand()
        finally:
            self._delivery.close(deadline)
            self._metrics.close()
            if self._delivery.finished:
                self._marks.release()
        self._log.info("stopped", why=why, read=dict(self._read))
        if whole and self._once and self._stop_asked is None:
            self._refuse_unfiled()

    def _finish_in_hand(self) -> None:
        """Wait a moment for the workers, and see to what they give."""
        self._wait(DRAIN_SECONDS)
        self._delivery.tick(time.monotonic())
        self._heartbeat.tick(self._read)

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

    def _wake(self) -> None:
        try:
            os.write(self._wake_end, b"\0")
        except BlockingIOError:
            # The pipe is full of wakes already.
            return


def _keeps_any(archive: Archive) -> bool:
    return any(archive.keeps(status) for status in Status)


def _never(_: Identity) -> bool:
    return False


def _pipe(stack: ExitStack) -> tuple[int, int]:
    sleep_end, wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    stack.callback(os.close, sleep_end)
    stack.callback(os.close, wake_end)
    return wake_end, sleep_end
