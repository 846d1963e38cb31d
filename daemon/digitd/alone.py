"""Delivering what people said while no daemon runs: for a moment this process holds the state folder itself."""

import os
import sqlite3
import time
from collections.abc import Callable

from digitd import log
from digitd.archive import Archive
from digitd.delivery import delivery_of
from digitd.errors import AlreadyRunningError, DigitdError
from digitd.journal import Journal
from digitd.lock import Lock, holder_of
from digitd.marks import Marks
from digitd.preflight import check_folders
from digitd.settings import Settings
from digitd.verifying import Verifier

GATHER_MOST = 10.0
"""Seconds that verdicts gather at most, so that not each of them is a CSV file of its own: as long as `outbox.every` if
that is less."""
RETRY_SECONDS = 10.0


class Alone:
    """Looks after verdicts for a review page: `tick` it about once a second, and `close` it at the end."""

    def __init__(self, settings: Settings, next_due: Callable[[], float | None]) -> None:
        """NEXT_DUE as Desk.next_due."""
        self._settings, self._next_due = settings, next_due
        self._gather = min(settings.outbox.every, GATHER_MOST)
        self._not_before = 0.0
        self.troubled: str | None = None
        """What keeps verdicts from being delivered; None while all goes well."""

    def tick(self) -> int:
        """Deliver what has been due for long enough, if no daemon does that; gives how many verdicts."""
        due = self._next_due()
        if due is None or time.time() < due + self._gather or time.monotonic() < self._not_before:
            return 0
        return self._deliver()

    def close(self) -> int:
        """Deliver whatever is due now."""
        due = self._next_due()
        return self._deliver() if due is not None and due <= time.time() else 0

    def _deliver(self) -> int:
        if holder_of(self._settings.state.path) is not None:
            return 0
        try:
            delivered = deliver(self._settings)
        except AlreadyRunningError:
            # A daemon was quicker.
            return 0
        except (DigitdError, OSError, sqlite3.Error) as error:
            self._not_before = time.monotonic() + RETRY_SECONDS
            if self.troubled is None:
                self.troubled = str(error)
                remedy = "mend it, or start the daemon; what people said is kept, and it is tried again"
                log.get().error("verdicts_not_delivered", error=self.troubled, remedy=remedy)
            return 0
        self.troubled = None
        return delivered


def deliver(settings: Settings) -> int:
    """Deliver all verdicts that are due, and what a daemon that died left half done; gives how many verdicts.

    AlreadyRunningError where a daemon runs: it does it. Any other DigitdError, OSError and sqlite3.Error where `run`
    could not start, too.
    """
    marks = Marks(settings)
    check_folders(settings, make=True, before_making=marks.refuse_others)
    with Lock(settings.state.path, reachable=False, passing=True):
        marks.claim()
        with Journal(settings.state.path) as journal:
            archive = Archive(os.fspath(settings.inbox.path), settings.sources.model_dump())
            delivery = delivery_of(settings, journal, archive, lambda *_: None)
            delivery.recover()
            verifier = Verifier(journal, delivery)
            verifier.deliver_all()
            delivery.close()
            if delivery.finished:
                marks.release()
            if delivery.troubled is not None:
                raise OSError(delivery.troubled)
            return verifier.delivered
