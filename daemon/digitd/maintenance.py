"""Forgetting what was published longer ago than `state.keep`, a little at a time."""

import os
import sqlite3
import time
from pathlib import Path

from digitd import fs, log
from digitd.journal import Journal
from digitd.tables import Identity

ROUND_SECONDS = 3600.0
CHUNK_SECONDS = 0.2


class Pruner:
    """Goes through the journal once an hour, in chunks, so that no scan waits for it."""

    def __init__(self, journal: Journal, inbox: Path, keep: float) -> None:
        """KEEP in seconds."""
        self._journal, self._inbox, self._keep = journal, inbox, keep
        self._after = 0
        self._next = time.monotonic() + CHUNK_SECONDS

    def next_due(self) -> float:
        """When `tick` has something to do (monotonic seconds)."""
        return self._next

    def tick(self, now: float) -> None:
        """Forget the next chunk, if it is time."""
        if now < self._next:
            return
        try:
            self._after, kept = self._journal.prune(time.time() - self._keep, self._after)
            self._journal.forget(seq for seq, identity in kept if not self._still_there(identity))
        except sqlite3.Error as error:
            # A full disk, for one: forgetting can wait, and the daemon goes on.
            self._after = 0
            log.get().warning("prune_failed", error=str(error), remedy="it is tried again in an hour")
        self._next = now + (CHUNK_SECONDS if self._after else ROUND_SECONDS)

    def _still_there(self, identity: Identity) -> bool:
        """Whether a kept scan would be read again if it were forgotten."""
        try:
            status = os.lstat(self._inbox / identity.path)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return fs.is_same_file(status, identity.inode, identity.size, identity.mtime_ns)
