"""Making durable what was published: one syncfs a round and file system, off the daemon's own thread."""

import math
import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable
from concurrent.futures import Future, wait

from digitd import failpoints, fs, log
from digitd.database import is_damage
from digitd.failpoints import Point
from digitd.journal import Journal

SYNC_SECONDS = 2.0
"""A publishing round: what was published in it becomes durable together."""


class Syncer:
    """Syncs the file systems of FOLDERS when asked to, and settles in the journal what that covered."""

    def __init__(self, journal: Journal, folders: Collection[str]) -> None:
        self._journal, self._folders = journal, sorted(folders)
        self._round: Future[None] | None = None
        self._next = float("inf")
        self._failed = False
        self._log = log.get()

    def add(self, folders: Iterable[str]) -> None:
        """Sync these too from now on."""
        self._folders = sorted({*self._folders, *folders})

    def ask(self, at: float) -> None:
        """Sync at this moment (monotonic seconds), or earlier if that was asked for."""
        self._next = min(self._next, at)

    def next_due(self) -> float:
        """When `tick` begins a round (monotonic seconds)."""
        return self._next

    def tick(self, now: float) -> None:
        """Take note of a round that has ended, and begin one that is due."""
        if self._round is not None and self._round.done():
            self._note(self._round, now)
            self._round = None
        if self._round is None and now >= self._next:
            self._next = float("inf")
            try:
                self._begin()
            except sqlite3.Error as error:
                self._fail(error, now)
            else:
                self._round = self._start()

    def close(self, until: float = math.inf) -> None:
        """Sync once more, now, and wait for it until this moment (monotonic seconds).

        What is not known to be durable by then stays so in the journal, and is synced by the next start.
        """
        try:
            if self._round is not None and self._await(self._round, until).exception() is None:
                self._settle()
            self._begin()
            self._round = self._start()
            self._await(self._round, until).result()
            self._settle()
        except (OSError, sqlite3.Error) as error:
            self._log.warning("not_durable_yet", error=str(error), remedy="the next start makes it durable")

    def _await(self, begun: "Future[None]", until: float) -> "Future[None]":
        left = until - time.monotonic()
        if not wait([begun], None if left == math.inf else max(0.0, left)).done:
            raise TimeoutError("the disk has not written in time what was published")
        return begun

    def _start(self) -> "Future[None]":
        """Sync in a thread that nobody has to wait for: it may hang in a dead disk, and digitd is to end all the same.

        Not all the same where the kernel cannot break that call off (a local disk): the process then ends with it.
        """
        begun: Future[None] = Future()
        threading.Thread(target=self._run, args=(begun,), name="digitd-sync", daemon=True).start()
        return begun

    def _run(self, begun: "Future[None]") -> None:
        try:
            self._sync()
        except BaseException as error:  # noqa: BLE001 - whatever it is, who waits for the round gets it
            begun.set_exception(error)
        else:
            begun.set_result(None)

    def _begin(self) -> None:
        self._journal.begin_sync()
        failpoints.reached(Point.SYNC_BEGUN)

    def _settle(self) -> None:
        self._journal.settle()
        failpoints.reached(Point.SETTLED)

    def _sync(self) -> None:
        seen: set[int] = set()
        for folder in self._folders:
            try:
                device = os.stat(folder).st_dev
            except FileNotFoundError:
                continue
            if device not in seen:
                seen.add(device)
                fs.syncfs(folder)
                failpoints.reached(Point.SYNCED)

    def _note(self, done: "Future[None]", now: float) -> None:
        try:
            done.result()
            self._settle()
        except (OSError, sqlite3.Error) as error:
            self._fail(error, now)
        else:
            self._failed = False

    def _fail(self, error: Exception, now: float) -> None:
        """Say it once, and try again: what the round was to cover the next one covers. Damage is an error."""
        if is_damage(error):
            raise error
        self.ask(now + SYNC_SECONDS)
        if not self._failed:
            self._log.warning("sync_failed", error=str(error), remedy="it is tried again")
        self._failed = True
