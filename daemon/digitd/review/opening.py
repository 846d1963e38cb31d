"""The desk's own connection to the journal: opened beside the daemon, made where there is none, and opened anew."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from digitd import migrate
from digitd.database import FILE_NAME, unusable
from digitd.journal import Journal
from digitd.lock import Lock

BUSY_SECONDS = 5.0
"""For so long the daemon may hold the journal: a batch takes milliseconds, a slow disk a second."""
CACHE_KIB = 2000


class Opened:
    """A connection that follows the journal where the daemon had to build it anew."""

    def __init__(self, state: Path) -> None:
        """FolderError as Journal; AlreadyRunningError if a daemon of another version holds the folder."""
        self._state, self._path = state, state / FILE_NAME
        self._db: sqlite3.Connection | None = None
        self._is: tuple[int, int] | None = None
        self.connection()

    def connection(self) -> sqlite3.Connection:
        """The journal that is there now."""
        is_now = _identity(self._path)
        if self._db is None or is_now != self._is:
            self.close()
            if is_now is None or _version(self._path) != migrate.VERSION:
                self._bring_up()
            self._db, self._is = self._open(), _identity(self._path)
        return self._db

    def close(self) -> None:
        """Let go of it."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _bring_up(self) -> None:
        self._state.mkdir(parents=True, exist_ok=True)
        with Lock(self._state, reachable=False, passing=True):
            Journal(self._state).close()

    def _open(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(self._path, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False)
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            migrate.version_of(db, self._path)
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error
        return db


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _version(path: Path) -> int:
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as db:
            return migrate.version_of(db, path)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
