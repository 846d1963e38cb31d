"""Which files `digitd read --output` found, and how far it has read them: an index in the folder of results.

So an archive of any size takes no more memory than a small one, and a run goes on where another was cut off.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

from digitd import names
from digitd.bulk import Target
from digitd.errors import AlreadyRunningError, FolderError, UsageError

FILE_NAME = ".digitd-read.sqlite3"
PAGE = 10_000
"""Files that are asked for, or noted, at once."""
CACHE_KB = 64_000
"""Of the index in memory: which files are new is asked of it for each one that is found."""
_FORM = (
    "CREATE TABLE IF NOT EXISTS run (terms TEXT NOT NULL, last INTEGER NOT NULL, parts INTEGER NOT NULL)",
    # A number is never given twice: what could not be opened is forgotten, and found again as a new file.
    "CREATE TABLE IF NOT EXISTS files"
    " (id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE, name BLOB NOT NULL)",
)


class Waiting(NamedTuple):
    """A file that is not read yet, and its number: they are read in the order of these."""

    id: int
    target: Target


class Catalogue:
    """The files of an archive. One process has it at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.last, self.parts = db.execute("SELECT last, parts FROM run").fetchone()
        """The number of the last file whose result is in a part; and how many parts there are."""

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, terms: str) -> Iterator[Self]:
        """The catalogue in FOLDER, which is made if it is missing.

        TERMS is what all its results have in common: UsageError where they were others. AlreadyRunningError where
        another process has it, FolderError where it cannot be used.
        """
        path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(
                f"the folder {folder} cannot be made ({error})", "Name one that can be written"
            ) from error
        try:
            with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as db:
                _prepare(db, path, terms)
                yield cls(db)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise AlreadyRunningError(f"another digitd reads into {folder}", "Wait until it has ended") from error
            raise FolderError(
                f"the index {path} cannot be used ({error})", "Make room there, or name another folder"
            ) from error

    def add(self, targets: Iterable[Target]) -> None:
        """Note what was found; what is known already stays as it is."""
        found = iter(targets)
        while page := list(islice(found, PAGE)):
            with self._db:
                self._db.execute("BEGIN")
                self._db.executemany(
                    "INSERT OR IGNORE INTO files (path, name) VALUES (?, ?)",
                    [(os.fsencode(os.path.abspath(each.path)), os.fsencode(each.name)) for each in page],
                )

    @property
    def left(self) -> int:
        """How many files are not read yet."""
        return int(self._db.execute("SELECT count(*) FROM files WHERE id > ?", (self.last,)).fetchone()[0])

    def waiting(self) -> Iterator[Waiting]:
        """The files that are not read yet, in order."""
        after = self.last
        while page := self._db.execute(
            "SELECT id, path, name FROM files WHERE id > ? ORDER BY id LIMIT ?", (after, PAGE)
        ).fetchall():
            for after, path, name in page:
                yield Waiting(after, Target(os.fsdecode(path), os.fsdecode(name)))

    def done(self, last: int, unopened: Iterable[int], *, part: bool) -> None:
        """All up to LAST are read, durably; PART: their results are in one more part.

        Those that could not be opened are forgotten, so that the next run tries them again.
        """
        with self._db:
            self._db.execute("BEGIN")
            self._db.executemany("DELETE FROM files WHERE id = ?", [(each,) for each in unopened])
            self._db.execute("UPDATE run SET last = ?, parts = parts + ?", (last, int(part)))
        self.last, self.parts = last, self.parts + part


def _prepare(db: sqlite3.Connection, path: Path, terms: str) -> None:
    # Nobody else gets at it until it is closed; a process that is killed lets go of it, too.
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    db.execute("BEGIN EXCLUSIVE")
    for statement in _FORM:
        db.execute(statement)
    found = db.execute("SELECT terms FROM run").fetchone()
    if found is None:
        db.execute("INSERT INTO run VALUES (?, 0, 0)", (terms,))
    db.execute("COMMIT")
    if found is not None and found[0] != terms:
        raise UsageError(
            f"{names.printable(str(path.parent))} has results that were read otherwise ({found[0]}; now {terms})",
            "Name another folder, or go on with what those were read with",
        )
