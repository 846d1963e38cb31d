"""What becomes of findings: recorded in the journal, published in the outbox, sources filed; again after a crash."""

import math
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from digitd import failpoints, fs, log, names, refiling, results
from digitd.archive import Archive, Filed
from digitd.database import is_damage
from digitd.failpoints import Point
from digitd.journal import Journal
from digitd.outbox import Outbox
from digitd.results import Model, Outcome, Result
from digitd.rolling import PAUSE_FIRST, PAUSE_MOST, Roller
from digitd.settings import Settings
from digitd.syncing import SYNC_SECONDS, Syncer
from digitd.tables import Identity, Row, Verdict
from digitd.tally import Tally

UNFINISHED_MOST = 256
"""Recorded scans that may wait to be published and filed before nothing more is read: one folder without the right to
move files out of it must not stop all others."""

Json = Literal["scan", "lines", "off"]
OnFiled = Callable[[str, Filed], None]


@dataclass(frozen=True)
class Read:
    """A scan that MODEL read: RECEIVED and RECOGNISED in seconds since 1970, DEVICE as `Archive.device_of` had it.

    One that a person verified has a VERDICT, and its RESULT is whole already.
    """

    identity: Identity
    sha256: str | None
    outcome: Outcome
    received: float
    recognised: float
    model: Model
    device: int | None = None
    verdict: Verdict | None = None
    result: Result | None = None


class Delivery:
    """Takes what was read, and sees it through; what fails is tried again for as long as the cause lasts."""

    def __init__(
        self,
        journal: Journal,
        outbox: Outbox,
        archive: Archive,
        roller: Roller,
        *,
        json: Json,
        on_filed: OnFiled,
        tally: Tally | None = None,
    ) -> None:
        self._journal, self._outbox, self._archive, self._roller = journal, outbox, archive, roller
        self._tally = Tally() if tally is None else tally
        self._file_a_scan = json == "scan"
        self._on_filed = on_filed
        self._log = log.get()
        self._unrecorded: list[list[Read]] = []
        # Of the first of those, if its results are staged. They stay until it is recorded: a commit whose sync failed
        # may be found to be one after a kill, and then a stage that is gone would be taken for a result that is out.
        self._staged: tuple[list[Row], dict[str, int]] | None = None
        self._unfinished: dict[int, Row] = {}
        # Of an earlier life, and not tried yet: a stage of theirs that is gone was published by it.
        self._inherited: set[int] = set()
        # In the outbox already, though their sources are not filed yet.
        self._out: set[int] = set()
        self._unmarked: list[int] = []
        self._reads: dict[int, Read] = {}
        self._pause = 0.0
        self._next_try = float("inf")
        self._troubled: str | None = None
        self._syncer = Syncer(journal, {outbox.root, *archive.folders})

    @property
    def troubled(self) -> str | None:
        """What keeps results from being delivered; None while all goes well."""
        return self._troubled or self._roller.troubled

    @property
    def undelivered(self) -> int:
        """How many scans that were read wait to be recorded, published or filed."""
        return sum(map(len, self._unrecorded)) + len(self._unfinished)

    @property
    def held_up(self) -> bool:
        """Whether so much waits for a cause to pass that nothing more should be read meanwhile."""
        return bool(self._unrecorded or self._unmarked or len(self._unfinished) >= UNFINISHED_MOST)

    @property
    def stuck(self) -> frozenset[str]:
        """The paths of what could not be published or filed, tried again in vain; none while anything else waits."""
        if self._unrecorded or self._unmarked or self._pause <= PAUSE_FIRST:
            return frozenset()
        return frozenset(row.identity.path for row in self._unfinished.values())

    @property
    def finished(self) -> bool:
        """Whether all that is recorded is published and filed, and nothing in the outbox is half done."""
        return not self._waits and not self._roller.staged

    @property
    def _waits(self) -> bool:
        return bool(self._unrecorded or self._unmarked or self._unfinished)

    def recover(self) -> list[str]:
        """Finish what a crash left half done; gives the paths whose sources could not be filed yet."""
        rebooted = self._journal.rebooted
        if rebooted:
            self._note_boot()
        rows = self._journal.unfinished()
        self._inherited.update(row.seq for row in rows)
        self._finish(rows)
        self._roller.recover()
        self._reclaim()
        wanted = {row.id for row in self._unfinished.values()} | self._roller.staged
        swept = self._outbox.sweep(wanted.__contains__)
        if rebooted or self._journal.unsynced():
            self._syncer.ask(time.monotonic())
        if rows or swept:
            self._log.info("recovered", scans=len(rows), swept=len(swept), after_reboot=rebooted)
        return [row.identity.path for row in self._unfinished.values() if row.status != results.Status.VERIFIED]

    def deliver(self, reads: list[Read]) -> None:
        """Record, publish and file a batch."""
        if self._unrecorded or not self._try_to_deliver(reads):
            self._unrecorded.append(reads)

    def change(self, targets: Mapping[str, str], *, json: Json, csv: bool, every: float, rows: int) -> None:
        """File and publish so from now on; TARGETS as those of the archive."""
        self._archive.retarget(targets)
        self._syncer.add(self._archive.folders)
        self._file_a_scan = json == "scan"
        self._roller.change(csv=csv, lines=json == "lines", every=every, rows=rows)

    def tick(self, now: float) -> None:
        """Do what is due at NOW (monotonic seconds)."""
        if now >= self._next_try:
            self._try_again()
        self._roller.tick(now)
        if self._roller.unsynced:
            self._roller.unsynced = False
            self._syncer.ask(now + SYNC_SECONDS)
        self._syncer.tick(now)

    def next_due(self) -> float:
        """When `tick` has something to do (monotonic seconds)."""
        return min(self._next_try, self._syncer.next_due(), self._roller.next_due())

    def close(self, until: float = math.inf) -> None:
        """Publish what has gathered, and make everything durable. What cannot be done now is done at the next start.

        A disk is waited for until UNTIL (monotonic seconds).
        """
        if self._waits:
            self._try_again()
        self._roller.roll_all()
        self._syncer.close(until)

    def _note_boot(self) -> None:
        try:
            self._journal.note_boot()
        except sqlite3.Error as error:
            # A full disk. All that is open counts as uncertain until it can be noted, before the next sync.
            self._log.warning("boot_not_noted", error=str(error), remedy="it is tried again")

    def _reclaim(self) -> None:
        """See to the hidden sources that a crash left behind, and that no unfinished scan will see to."""
        unfinished = {row.id for row in self._unfinished.values()}
        try:
            back = self._archive.reclaim(unfinished.__contains__, self._journal.identities)
        except (OSError, sqlite3.Error) as error:
            self._log.warning("reclaim_failed", error=str(error), remedy="the next start tries again")
        else:
            for path in back:
                self._log.warning("source_given_back", scan=names.printable(path))

    def _try_to_deliver(self, reads: list[Read]) -> bool:
        rows: list[Row] = []
        try:
            rows = self._rows(reads)
        except (OSError, sqlite3.Error) as error:
            self._hold_up("record", error)
            return False
        self._finish(rows, first=True)
        return True

    def _rows(self, reads: list[Read]) -> list[Row]:
        """Stage and record a batch: all of it, or nothing."""
        if self._staged is None:
            self._staged = self._stage(reads)
        rows, numbers = self._staged
        self._journal.record(rows, numbers)
        failpoints.reached(Point.RECORDED)
        self._staged = None
        self._reads.update(zip((row.seq for row in rows), reads, strict=True))
        self._roller.gathered(len(rows) if self._roller.rolls else 0)
        return rows

    def _stage(self, reads: list[Read]) -> tuple[list[Row], dict[str, int]]:
        """Rows of a batch, whose results are staged, and how often their names are used then."""
        rows: list[Row] = []
        numbers: dict[str, int] = {}
        try:
            used_before = self._journal.last_numbers(
                [read.identity.path for read in reads] if self._file_a_scan else []
            )
            for seq, read in enumerate(reads, self._journal.next_seq()):
                row = self._row(seq, read)
                if self._file_a_scan:
                    path = read.identity.path
                    used = numbers.get(path) or used_before.get(path, 0)
                    row.published_as, numbers[path] = self._outbox.free_name(path, used)
                    rows.append(row)
                    self._outbox.stage(row.published_as, row.id, row.result)
                    failpoints.reached(Point.STAGED)
                else:
                    rows.append(row)
        except BaseException:
            for row in rows:
                if row.published_as is not None:
                    self._outbox.unstage(row.published_as, row.id)
            raise
        return rows, numbers

    def _row(self, seq: int, read: Read) -> Row:
        identity, outcome = read.identity, read.outcome
        result = read.result or Result(
            schema=results.SCHEMA,
            id=str(uuid.uuid4()),
            source=results.source_of(identity.path, read.sha256, identity.size, fs.seconds_of(identity.mtime_ns)),
            received=results.timestamp(read.received),
            recognised=results.timestamp(read.recognised),
            status=outcome.status,
            reason=outcome.reason,
            text=outcome.text,
            confidence=outcome.confidence,
            pages=outcome.pages,
            model=read.model,
        )
        return Row(
            seq=seq,
            id=result.id,
            identity=identity,
            status=str(outcome.status),
            reason=outcome.reason.code if outcome.reason else None,
            recognised=read.recognised,
            published_as=None,
            # What people verify stays known by the row of what digitd read.
            kept=read.verdict is None and self._archive.keeps(outcome.status),
            rolled=self._roller.rolls,
            result=results.to_json(result),
            verdict=read.verdict,
        )

    def _finish(self, rows: Iterable[Row], *, first: bool = False) -> None:
        """Publish and file them, and mark those done. FIRST: nothing of it was tried before."""
        with log.together():
            for row in rows:
                try:
                    self._publish(row)
                    filed = self._file(row, first=first)
                    if filed is Filed.KEPT and not row.kept and row.status != results.Status.VERIFIED:
                        # Another configuration has come since it was recorded.
                        self._journal.keep(row)
                    failpoints.reached(Point.FILED)
                except (OSError, sqlite3.Error) as error:
                    self._unfinished[row.seq] = row
                    self._hold_up("publish", error, row.identity.path)
                else:
                    self._unfinished.pop(row.seq, None)
                    self._out.discard(row.seq)
                    self._inherited.discard(row.seq)
                    self._unmarked.append(row.seq)
                    if row.status != results.Status.VERIFIED:
                        # Else whatever has its path in the inbox now is another scan.
                        self._on_filed(row.identity.path, filed)
                    self._say_published(row)
        self._mark()

    def _say_published(self, row: Row) -> None:
        """The one line that tells of this scan."""
        read, now = self._reads.pop(row.seq, None), time.time()
        scanned = None if read is None or read.verdict is not None else read.received
        self._tally.publish(row.status, row.reason, scanned, now)
        told = {} if read is None else {
            "text": read.outcome.text,
            "confidence": read.outcome.confidence,
            "ms": round((now - read.received) * 1000, 1),
        }  # fmt: skip
        self._log.info(
            "scan_published",
            scan=names.printable(row.identity.path),
            status=row.status,
            reason=row.reason,
            **told,
            result=None if row.published_as is None else names.printable(row.published_as),
            id=row.id,
        )

    def _publish(self, row: Row) -> None:
        if row.published_as is None or row.seq in self._out:
            return
        if row.seq in self._inherited:
            if not row.uncertain and self._outbox.stage_is_gone(row.published_as, row.id):
                self._out.add(row.seq)
                return
            # From here on a stage that is missing was not published: somebody took it away, or the folder with it.
            self._inherited.discard(row.seq)
        self._put_out(row, row.published_as)
        failpoints.reached(Point.PUBLISHED)
        self._out.add(row.seq)
        if row.uncertain:
            self._journal.certain(row)

    def _put_out(self, row: Row, name: str) -> None:
        while True:
            try:
                if row.uncertain:
                    self._outbox.restore(name, row.id, row.result)
                else:
                    self._outbox.publish(name, row.id)
                return
            except FileExistsError:
                # Somebody else put a file there since the name was chosen.
                name = self._rename(row, name)
            except FileNotFoundError:
                self._outbox.restage(name, row.id, row.result)

    def _rename(self, row: Row, old: str) -> str:
        """Give a result the next free name."""
        name, number = self._outbox.free_name(row.identity.path, self._journal.last_number(row.identity.path))
        elsewhere = os.path.dirname(name) != os.path.dirname(old)
        if elsewhere:
            # First: a restart takes a stage that is not beside the name for one that was published.
            self._outbox.restage(name, row.id, row.result)
        self._journal.rename(row, name, number)
        if elsewhere:
            self._outbox.unstage(old, row.id)
        return name

    def _file(self, row: Row, *, first: bool) -> Filed:
        if row.status == results.Status.VERIFIED:
            return refiling.refile(self._archive, row, lambda target: self._journal.plan_filing(row, target))
        ticket = row.result if row.status == results.Status.FAILED else None
        read = self._reads.get(row.seq)
        return self._archive.file(
            row.identity,
            row.status,
            row.id,
            row.filed_as,
            lambda target: self._journal.plan_filing(row, target),
            ticket,
            None if read is None else read.device,
            first=first,
        )

    def _mark(self) -> None:
        if not self._unmarked:
            return
        try:
            self._journal.published(self._unmarked)
            failpoints.reached(Point.MARKED)
        except sqlite3.Error as error:
            self._hold_up("record", error)
            return
        self._unmarked.clear()
        self._syncer.ask(time.monotonic() + SYNC_SECONDS)

    def _try_again(self) -> None:
        self._next_try = float("inf")
        self._mark()
        self._finish(list(self._unfinished.values()))
        while self._unrecorded and self._try_to_deliver(self._unrecorded[0]):
            del self._unrecorded[0]
        if self._troubled is not None and not self._waits:
            self._log.info("delivery_resumed", after=self._troubled)
            self._troubled, self._pause = None, 0.0

    def _hold_up(self, step: str, error: Exception, path: str | None = None) -> None:
        """Say once what is wrong, and try again after a growing pause. The error itself where that would not help."""
        if is_damage(error):
            raise error
        if self._next_try == float("inf"):
            self._pause = min(PAUSE_MOST, max(PAUSE_FIRST, self._pause * 2))
            self._next_try = time.monotonic() + self._pause
        if self._troubled is None:
            self._troubled = str(error)
            self._tally.pauses += 1
            self._log.error(
                "delivery_paused",
                step=step,
                error=str(error),
                scan=None if path is None else names.printable(path),
                remedy="make room or give the rights; digitd goes on by itself, and nothing is lost",
            )


def delivery_of(
    settings: Settings, journal: Journal, archive: Archive, on_filed: OnFiled, tally: Tally | None = None
) -> Delivery:
    """The delivery that the settings ask for."""
    outbox, form = Outbox(settings.outbox.path), settings.outbox.json_
    roller = Roller(
        journal,
        outbox,
        csv=settings.outbox.csv,
        lines=form == "lines",
        every=settings.outbox.every,
        rows=settings.outbox.rows,
    )
    return Delivery(journal, outbox, archive, roller, json=form, on_filed=on_filed, tally=tally)
