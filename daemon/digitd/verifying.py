"""What people said becomes results: verdicts that are due are delivered like what was read."""

import sqlite3
import time
from collections.abc import Callable

import msgspec

from digitd import log, results, reviews
from digitd.database import is_damage
from digitd.delivery import Delivery, Read
from digitd.journal import Journal
from digitd.results import Answer, Outcome, Result, Status
from digitd.tables import Row, Verdict

LOOK_SECONDS = 1.0
"""So often is it looked whether anybody said something: a moment of a person's patience, and nothing to a machine."""
AT_ONCE = 64
"""Verdicts that one transaction records."""
RETRY_SECONDS = 5.0


class Verifier:
    """Looks into the journal now and then: whoever reviews writes there."""

    def __init__(self, journal: Journal, delivery: Delivery, clock: Callable[[], float] = time.time) -> None:
        self._journal, self._delivery, self._clock = journal, delivery, clock
        self._seen = -1
        self._due: float | None = None
        self._next = 0.0
        self.done = False
        """Whether the last look found nothing that is due."""
        self.delivered = 0
        """Verdicts that were handed to delivery in this life."""

    def next_due(self) -> float:
        """When `tick` has something to do (monotonic seconds)."""
        return self._next

    def tick(self, now: float) -> None:
        """Deliver what is due, if it is time to look (NOW in monotonic seconds)."""
        if now < self._next:
            return
        self._next = now + LOOK_SECONDS
        if self._delivery.held_up:
            return
        try:
            self.done = not self._deliver_due()
            if not self.done:
                # A few at a time: scans that are read meanwhile are delivered in between.
                self._next = now
        except sqlite3.Error as error:
            if is_damage(error):
                raise
            self.done, self._next = True, now + RETRY_SECONDS
            log.get().warning("verdicts_not_read", error=str(error), remedy="they are kept, and it is tried again")

    def deliver_all(self) -> None:
        """Deliver whatever is due now."""
        while not self._delivery.held_up and self._deliver_due():
            pass

    def _deliver_due(self) -> bool:
        """Deliver some; whether there may be more. As long as nobody wrote, no table is read."""
        db = self._journal.db
        written = int(db.execute("PRAGMA data_version").fetchone()[0])
        if written != self._seen:
            self._seen, self._due = written, reviews.next_due(db)
        now = self._clock()
        if self._due is None or self._due > now:
            return False
        found = reviews.due(db, now, AT_ONCE)
        reads = []
        for verdict in found:
            former = self._journal.row(verdict.seq)
            if former is None:
                reviews.drop(db, verdict)
                log.get().warning("verdict_without_scan", id=verdict.id, remedy="the scan was forgotten meanwhile")
            else:
                reads.append(read_of(former, verdict, now))
        if reads:
            self._delivery.deliver(reads)
            self.delivered += len(reads)
        self._due = reviews.next_due(db)
        return bool(found)


def read_of(former: Row, verdict: Verdict, now: float) -> Read:
    """What is to be delivered of a VERDICT on a FORMER row, at NOW (seconds since 1970)."""
    result = verified(results.from_json(former.result), verdict)
    outcome = Outcome(result.status, None, result.text, None, result.pages)
    return Read(
        identity=former.identity,
        sha256=result.source.sha256,
        outcome=outcome,
        received=verdict.given,
        # Rows are in the order of their times.
        recognised=now,
        model=result.model,
        verdict=verdict,
        result=result,
    )


def verified(former: Result, verdict: Verdict) -> Result:
    """The result that takes the place of FORMER: pages and glyphs as they were read, texts as they are right."""
    pages = former.pages
    if pages:
        pages = tuple(
            msgspec.structs.replace(page, text=text, confidence=None)
            for page, text in zip(pages, verdict.texts, strict=True)
        )
    return msgspec.structs.replace(
        former,
        schema=results.SCHEMA,
        id=verdict.id,
        status=Status.VERIFIED,
        reason=None,
        text=results.PAGE_BREAK.join(verdict.texts),
        confidence=None,
        pages=pages,
        supersedes=former.id,
        verified=results.Verified(verdict.name, results.timestamp(verdict.given), Answer(verdict.answer)),
    )
