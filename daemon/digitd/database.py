"""The journal's file: opened to write it, or to read it beside who writes; how durable a write is; what errors mean."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from digitd import migrate
from digitd.errors import FolderError

FILE_NAME = "journal.sqlite3"
SUSPECT = f"{FILE_NAME}.suspect"
"""An empty file that is there from when damage was seen until the whole journal was looked through."""
WAL_BYTES = 16 << 20
"""What the -wal file is cut back to after a burst, or after a reader kept it from being emptied."""
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def prepare(db: sqlite3.Connection, path: Path, alive: Callable[[], object]) -> None:
    """Have a connection write durably, in the version of this digitd; an older journal is brought up to date.

    ALIVE is called now and then while that takes long. FolderError as `Journal`, sqlite3.Error, OSError.
    """
    # Before anything else: what a newer digitd wrote is left as it is.
    migrate.version_of(db, path)
    # Before anything is in the file; a journal that was made without it keeps its free pages, and uses them.
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    _durable(db, True)
    db.execute("PRAGMA cache_size = -8000")
    migrate.bring_up(db, path, alive)


def _durable(db: sqlite3.Connection, durable: bool) -> None:
    db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")


@contextmanager
def soon_durable(db: sqlite3.Connection) -> Iterator[None]:
    """What is written survives a crash of digitd at once, and one of the machine after the next durable write."""
    _durable(db, False)
    try:
        yield
    finally:
        _durable(db, True)


def read_only(path: Path) -> str:
    """The URI by which SQLite opens a journal to read it."""
    return f"file:{quote(os.fsencode(path))}?mode=ro"


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection | None]:
    """The journal of FOLDER to read from, beside a digitd that writes it; None if there is none yet.

    One of an older digitd is read as it is, for readers use only what every version has. FolderError if it is damaged,
    or was written by a newer digitd.
    """
    path = folder / FILE_NAME
    try:
        os.stat(path)
    except FileNotFoundError:
        yield None
        return
    # Not by opening it: closing it again would take SQLite's locks from this process.
    if not os.access(path, os.R_OK, effective_ids=True):
        raise FolderError(
            f"the journal {path} cannot be read by this user",
            "Run it as the user that digitd runs as, or as one who may read all of state.path",
        )
    # Without a -wal all is in the file, and nobody writes it. SQLite would make one, which some readers may not.
    settled = "" if os.path.exists(f"{path}-wal") else "&immutable=1"
    try:
        with closing(sqlite3.connect(read_only(path) + settled, uri=True, timeout=5)) as journal:
            migrate.version_of(journal, path)
            journal.execute("SELECT max(seq) FROM scans").fetchone()
            yield journal
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def size(path: Path) -> int:
    """Bytes that the journal takes on the disk, with what is not yet merged into it."""
    total = 0
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            total += os.stat(f"{path}{ending}").st_size
    return total


def meta(db: sqlite3.Connection, key: str) -> str | None:
    """What the journal notes of itself under KEY."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def last_seq(db: sqlite3.Connection) -> int:
    """The highest number that a row ever had, be it forgotten; 0: there was none."""
    row = db.execute("SELECT max(seq) FROM scans").fetchone()
    return max(row[0] or 0, int(meta(db, "last") or 0))


def is_damage(error: BaseException) -> bool:
    """Whether it says that the file itself is at fault: no time mends that, and no room."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def unusable(path: Path, error: sqlite3.Error | OSError) -> FolderError:
    """Why the journal cannot be opened, and what helps."""
    # Operational: the disk is full, a right is missing. The file itself is not at fault.
    remedy = (
        "Make room, or give the user that digitd runs as the right to write it"
        if isinstance(error, sqlite3.OperationalError | OSError)
        else "Start digitd: it sets the file aside, and builds a new one from it and from the outbox"
    )
    return FolderError(f"the journal {path} cannot be used ({error})", remedy)
