"""The desk: who has which scan before them, and what they say of it. Safe beside the daemon, and beside other desks."""

import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

from digitd import lying, results, reviews
from digitd.database import soon_durable
from digitd.migrate import transaction
from digitd.review import found, opening
from digitd.review.items import (
    Answer,
    AnswerError,
    Counts,
    Filter,
    Found,
    Item,
    Kind,
    LeaseLostError,
    cleaned,
    texts_of,
)
from digitd.settings import MOVE_NOWHERE, Settings
from digitd.tables import Verdict

__all__ = ["Answer", "AnswerError", "Counts", "Desk", "Filter", "Found", "Item", "Kind", "LeaseLostError"]


LOST_SECONDS = 60.0
"""For so long a scan is passed over whose source lies nowhere: it may be on a share that comes back."""


class Desk:
    """One for a process: its methods may be called from any thread. WHO is a secret of one page in one browser.

    All raise sqlite3.Error where the disk fails, or the journal is busy for longer than a few seconds; those that look
    for a source OSError, where the archive cannot be looked into.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        """Open the journal, or make it. FolderError as Journal, AlreadyRunningError beside an older daemon."""
        self._settings, self._review, self._clock = settings, settings.review, clock
        self._mutex = threading.RLock()
        self._opened = opening.Opened(settings.state.path)
        self._skipped: dict[str, dict[int, None]] = {}
        self._lost: dict[int, float] = {}

    def close(self) -> None:
        """Let go of the journal; leases end by themselves."""
        with self._mutex:
            self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _db(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            yield self._opened.connection()

    def next(self, who: str, *, after: tuple[str, ...] = (), count: int = 1) -> list[Item]:
        """Up to COUNT items that nobody else has, leased to WHO: what is to be reviewed, the oldest first, then what
        failed, then the sample. Not those of AFTER (keys that the page has already); what it skipped comes last.
        """
        with self._db() as db:
            passed = {seq for key in after if (seq := found.seq_of(key)) is not None}
            skipped = self._skipped.get(who, {})
            items = self._taken(db, who, passed | skipped.keys(), count)
            if len(items) < count and skipped:
                items += self._taken(db, who, passed | {item.seq for item in items}, count - len(items))
                for item in items:
                    skipped.pop(item.seq, None)
        return items

    def _taken(self, db: sqlite3.Connection, who: str, passed: set[int], count: int) -> list[Item]:
        """Up to COUNT items that are leased to WHO now, but for those PASSED."""
        taken: list[Item] = []
        seen = set(passed)
        while len(taken) < count:
            # Sources are looked for before the journal is written to: meanwhile nobody waits for it.
            free = self._free(db, who, seen, count - len(taken))
            if not free:
                break
            seen |= {item.seq for item in free}
            with soon_durable(db), transaction(db):
                db.execute("DELETE FROM leases WHERE until <= ?", (self._clock(),))
                # Another desk may have been quicker.
                ours = [item for item in free if found.is_free(db, item.seq, who)]
                self._lease(db, who, [item.seq for item in ours])
            taken += ours
        return taken

    def _free(self, db: sqlite3.Connection, who: str, passed: set[int], count: int) -> list[Item]:
        items: list[Item] = []
        for seq in found.waiting(db, self._review, who, self._clock()):
            if len(items) == count:
                break
            if seq not in passed and self._lost.get(seq, 0.0) <= self._clock():
                item = found.of_seq(db, seq)
                if item is None or self._lies(item) is None:
                    self._lost[seq] = self._clock() + LOST_SECONDS
                else:
                    self._lost.pop(seq, None)
                    items.append(item)
        return items

    def _lease(self, db: sqlite3.Connection, who: str, seqs: list[int]) -> None:
        until = self._clock() + self._review.lease
        db.executemany("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", [(seq, who, until) for seq in seqs])

    def renew(self, who: str) -> None:
        """WHO still has its items before it."""
        with self._db() as db, soon_durable(db):
            db.execute("UPDATE leases SET until = ? WHERE who = ?", (self._clock() + self._review.lease, who))

    def release(self, who: str, key: str | None = None) -> None:
        """WHO lets go of an item, or of all that it has."""
        with self._db() as db, soon_durable(db):
            if key is None:
                db.execute("DELETE FROM leases WHERE who = ?", (who,))
            else:
                db.execute("DELETE FROM leases WHERE who = ? AND seq = ?", (who, found.seq_of(key)))

    def skip(self, who: str, key: str) -> None:
        """WHO leaves an item to others, and to itself for when nothing else is left."""
        self.release(who, key)
        if (seq := found.seq_of(key)) is not None:
            self._skipped.setdefault(who, {})[seq] = None

    def item(self, key: str) -> Item | None:
        """The item with this key, whoever has it; None where there is none, or it was forgotten."""
        with self._db() as db:
            return found.item_of(db, key)

    def take(self, who: str, key: str) -> Item:
        """Lease one item of WHO's choice: any that stands, of any status. LeaseLostError where that cannot be."""
        with self._db() as db, soon_durable(db), transaction(db):
            item = self._mine(db, who, key)
            self._lease(db, who, [item.seq])
            return item

    def _mine(self, db: sqlite3.Connection, who: str, key: str) -> Item:
        """The item, if nothing but WHO stands in the way of deciding it."""
        item = found.item_of(db, key)
        if item is None:
            raise LeaseLostError("the item is not remembered any more", "Go on with the next one")
        if item.superseded_by is not None or item.pending:
            raise LeaseLostError("the item has been verified already", "Go on with the next one")
        holder = db.execute(
            "SELECT 1 FROM leases WHERE seq = ? AND who != ? AND until > ?", (item.seq, who, self._clock())
        ).fetchone()
        if holder is not None:
            raise LeaseLostError("somebody else has the item before them now", "Go on with the next one")
        return item

    def decide(self, who: str, key: str, answer: Answer) -> str:
        """Note what WHO says of an item, durably; gives the id that the result will have.

        Said once more, the same is the same verdict, also once it is published. LeaseLostError if somebody else has the
        item or has verified it, AnswerError if the answer cannot be a result.
        """
        with self._db() as db, transaction(db):
            again = found.item_of(db, key)
            said = None if again is None else reviews.pending(db, again.seq)
            if said is not None and again is not None and said.who == who:
                given = cleaned(answer, again.result)
                if (said.answer, said.texts) == (self._said(db, again, given), given.texts):
                    return said.id
            if again is not None and (published := self._published(db, again, who, answer)) is not None:
                return published
            item = self._mine(db, who, key)
            given = cleaned(answer, item.result)
            now = self._clock()
            verdict = Verdict(str(uuid.uuid4()), item.seq, who, given.by, self._said(db, item, given), given.texts, now)
            reviews.give(db, verdict, now + self._review.undo)
            return verdict.id

    def _published(self, db: sqlite3.Connection, item: Item, who: str, answer: Answer) -> str | None:
        """The id of the result that WHO has made of the item already, by the same answer."""
        after = reviews.superseded_by(db, item.seq)
        its = (
            None if after is None else db.execute("SELECT who, answer FROM reviews WHERE seq = ?", (after,)).fetchone()
        )
        result = None if after is None else found.of_seq(db, after)
        if its is None or result is None or its[0] != who:
            return None
        given = cleaned(answer, item.result)
        return result.id if (its[1], texts_of(result.result)) == (self._said(db, item, given), given.texts) else None

    @staticmethod
    def _said(db: sqlite3.Connection, item: Item, given: Answer) -> str:
        """As the result says it: a text is confirmed if it is what digitd itself read."""
        if given.kind is not Kind.TEXT:
            return str(results.Answer(given.kind))
        first = found.of_seq(db, reviews.first_of(db, item.seq)) or item
        return str(results.Answer.CONFIRMED if texts_of(first.result) == given.texts else results.Answer.CORRECTED)

    def undo(self, who: str) -> Item | None:
        """What WHO decided last, leased to it again; None if there is nothing more, or it is being published now.

        As long as the verdict is not due, it is taken back. After that the verified result is given: what is decided of
        it supersedes that in its turn.
        """
        with self._db() as db, transaction(db):
            now = self._clock()
            last = db.execute(
                "SELECT id, seq, due FROM verdicts WHERE who = ? ORDER BY given DESC LIMIT 1", (who,)
            ).fetchone()
            if last is not None:
                if last[2] <= now:
                    return None
                db.execute("DELETE FROM verdicts WHERE id = ?", (last[0],))
                self._lease(db, who, [last[1]])
                return found.of_seq(db, last[1])
            published = db.execute(
                "SELECT seq FROM reviews r WHERE who = ? AND NOT EXISTS (SELECT 1 FROM reviews n WHERE n.of = r.seq)"
                " AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.seq = r.seq AND l.until > ?)"
                " AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.seq = r.seq) ORDER BY seq DESC LIMIT 1",
                (who, now),
            ).fetchone()
            if published is None:
                return None
            self._lease(db, who, [published[0]])
            return found.of_seq(db, published[0])

    def next_due(self) -> float | None:
        """When the next verdict is due (seconds since 1970); None: none is given that is not published."""
        with self._db() as db:
            return reviews.next_due(db)

    def counts(self) -> Counts:
        """How much waits, and how much was done."""
        midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        with self._db() as db:
            return found.counts(db, self._review, self._clock(), midnight, len(self._lost))

    def search(self, wanted: Filter, before: int | None = None, limit: int = 50) -> Found:
        """Results of any status, the newest first, from before the row BEFORE on; at most LIMIT (1 to 500)."""
        with self._db() as db:
            return found.search(db, wanted, before, min(max(limit, 1), found.PAGE_MOST))

    def source(self, item: Item) -> Path | None:
        """Where an item's file lies now, its bytes compared; None where it lies nowhere. OSError."""
        path = self._lies(item)
        return None if path is None else Path(path)

    def _lies(self, item: Item) -> str | None:
        """In the archive's folder of its status most likely, in another one, or in the inbox."""
        targets = self._settings.sources.model_dump()
        order = dict.fromkeys((targets[str(item.result.status)], *targets.values()))
        folders = [folder for folder in order if folder not in MOVE_NOWHERE]
        sha256 = item.result.source.sha256
        return lying.found(folders, item.identity, sha256, item.filed_as) or lying.in_inbox(
            os.fspath(self._settings.inbox.path), item.identity, sha256
        )
