"""Forgetting what was published longer ago than `state.keep`, a little at a time, and giving its room back."""

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from digitd import forgetting, fs, log, migrate
from digitd.database import is_damage
from digitd.forgetting import Waits
from digitd.journal import Journal
from digitd.tables import Identity

ROUND_SECONDS_LEAST, ROUND_SECONDS = 1.0, 3600.0
ROUNDS_A_KEEP = 10
"""Where little is kept, rounds come often enough that a tenth more than that is remembered at most."""
CHUNK_SECONDS = 0.2


class Pruner:
    """Goes through the journal once in a while, in chunks, so that no scan waits for it."""

    def __init__(
        self, journal: Journal, inbox: Path, keep: float, waiting: float = 0.0, kinds: tuple[str, ...] = ()
    ) -> None:
        """KEEP in seconds; what of these KINDS people are still to verify is kept for WAITING seconds, if more."""
        self._journal, self._inbox, self._keep = journal, inbox, keep
        self._waiting, self._kinds = waiting, kinds
        self._pause = max(ROUND_SECONDS_LEAST, min(ROUND_SECONDS, keep / ROUNDS_A_KEEP))
        self._round: Iterator[None] | None = None
        self._next = time.monotonic() + CHUNK_SECONDS

    @property
    def resting(self) -> bool:
        """Whether it is between two rounds."""
        return self._round is None

    def next_due(self) -> float:
        """When `tick` has something to do (monotonic seconds)."""
        return self._next

    def tick(self, now: float) -> None:
        """Forget the next chunk, if it is time."""
        if now < self._next:
            return
        if self._round is None:
            self._round = self._forget()
        try:
            next(self._round)
        except StopIteration:
            self._round = None
        except (sqlite3.Error, OSError) as error:
            if is_damage(error):
                raise
            # A full disk, for one: forgetting can wait, and the daemon goes on.
            self._round = None
            log.get().warning("prune_failed", error=str(error), remedy="it is tried again later")
        self._next = now + (self._pause if self._round is None else CHUNK_SECONDS)

    def _forget(self) -> Iterator[None]:
        """A round: scans, names, and then what they took of the disk; paused after each chunk."""
        db = self._journal.db
        before = time.time() - self._keep
        waits = Waits(self._kinds, time.time() - self._waiting)
        after = 0
        while True:
            after, kept = forgetting.prune(db, before, after, waits)
            forgetting.forget(db, (seq for seq, identity in kept if not self._still_there(identity)))
            if not after:
                break
            yield
        name = forgetting.prune_names(db, before, b"")
        while name is not None:
            yield
            name = forgetting.prune_names(db, before, name)
        migrate.forget_copies(self._journal.path, before)
        while forgetting.shrink(db):
            yield

    def _still_there(self, identity: Identity) -> bool:
        """Whether a kept scan would be read again if it were forgotten."""
        try:
            status = os.lstat(self._inbox / identity.path)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return fs.is_same_file(status, identity.inode, identity.size, identity.mtime_ns)
