"""The versions of the journal: an older one is brought up to date in one transaction, and a copy of it is kept."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from digitd import __version__, fs, log
from digitd.errors import FolderError
from digitd.tables import REVIEW_TABLES_3, TABLES_1

VERSION = 3
"""Of the journal that this digitd writes. One more for each change that an older digitd would not understand."""
COPY_PAGES = 4096
"""Pages (of 4 KiB) that are copied between two signs of life: a small part of a second."""
SPARE_BYTES = 1 << 20
"""Room beyond the copy that must be left: the steps write a little too."""

Step = Callable[[sqlite3.Connection], None]


def _to_2(db: sqlite3.Connection) -> None:
    """The journal says which digitd made which version of it.

    While version 1 lasted, states below RECORDED came without a number of their own: a digitd that does not know them
    would never end such rows. With this number it refuses them.
    """
    db.execute(
        "CREATE TABLE versions ("
        " version INTEGER PRIMARY KEY,"
        " digitd TEXT NOT NULL,"  # that made it so
        " made REAL NOT NULL)"  # seconds since 1970
    )


def _to_3(db: sqlite3.Connection) -> None:
    """People review: what waits for them, who has what before them, what they said, and what came of it."""
    for statement in REVIEW_TABLES_3.split(";\n"):
        db.execute(statement)
    db.execute(
        "INSERT INTO waiting SELECT status, iif(status = 'accepted', substr(id, 1, 8), ''), seq FROM scans"
        " WHERE status IN ('review', 'failed') OR (status = 'accepted' AND id < '4')"
    )


STEPS: dict[int, Step] = {1: _to_2, 2: _to_3}
"""What leads from a version to the next one. Once released a step stays as it is; a new journal takes them all, too."""


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # A commit that failed (disk full) may have rolled back by itself.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def version_of(db: sqlite3.Connection, path: Path) -> int:
    """The version of a journal; 0: there is nothing in it yet. FolderError for one of a newer digitd."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        maker = _maker(db, version)
        copy = _copy_of(path, VERSION)
        raise FolderError(
            f"the journal {path} has version {version}{f', made by digitd {maker}' if maker else ''};"
            f" this digitd {__version__} knows {VERSION}",
            f"Install digitd {maker or 'in the version that wrote it'}, or a newer one"
            + (f"; or go back to {copy.name} beside it, as docs/operations.md says" if copy.exists() else ""),
        )
    return version


def _maker(db: sqlite3.Connection, version: int) -> str | None:
    """Which digitd made this version, as far as a newer one says that where this one does."""
    columns = {name for (name,) in db.execute("SELECT name FROM pragma_table_info('versions')")}
    if not {"version", "digitd"} <= columns:
        return None
    found = db.execute("SELECT digitd FROM versions WHERE version = ?", (version,)).fetchone()
    return None if found is None else str(found[0])


def outlook(db: sqlite3.Connection, path: Path) -> str:
    """The journal's version in words, and what `run` would do to it. FolderError where `run` would refuse it."""
    version = version_of(db, path)
    if version in (0, VERSION):
        return f"version {version or VERSION}"
    _refuse_without_room(db, path, version)
    return f"version {version}; `run` brings it up to {VERSION}, and keeps a copy ({_bytes(db):,} bytes)"


def bring_up(db: sqlite3.Connection, path: Path, alive: Callable[[], object]) -> None:
    """Bring the journal DB at PATH, that nobody else writes, to VERSION; ALIVE is called now and then meanwhile.

    A new one is made. FolderError where there is no room for the copy of an older one; sqlite3.Error and OSError where
    the disk fails. Whatever happens, killed at any instant too, the journal is the old one or the new one.
    """
    version = version_of(db, path)
    if version == VERSION:
        return
    begun = time.monotonic()
    copy = _keep_copy(db, path, version, alive) if version else None
    with transaction(db):
        if not version:
            for statement in TABLES_1.split(";\n"):
                db.execute(statement)
        for number in range(version or 1, VERSION):
            if copy is not None:
                alive()
            STEPS[number](db)
        db.execute("INSERT INTO versions VALUES (?, ?, ?)", (VERSION, __version__, time.time()))
        db.execute(f"PRAGMA user_version = {VERSION}")
    if copy is not None:
        took = round((time.monotonic() - begun) * 1000)
        log.get().info("journal_brought_up", version=VERSION, before=version, copy=os.fspath(copy), ms=took)


def _keep_copy(db: sqlite3.Connection, path: Path, version: int, alive: Callable[[], object]) -> Path:
    """A whole and durable copy, or none: it has another name until it is. One of the same version is replaced."""
    _refuse_without_room(db, path, version)
    copy = _copy_of(path, version)
    part = copy.with_name(f".{copy.name}.part")
    traces = [f"{part}{ending}" for ending in ("", "-journal", "-wal", "-shm")]
    _remove(traces)
    try:
        with closing(sqlite3.connect(part)) as target:
            db.backup(target, pages=COPY_PAGES, progress=lambda *_: alive())
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, copy)
    except BaseException as error:
        _remove(traces)
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
            raise _no_room(db, path, version) from error
        raise
    fs.sync_folder(os.fspath(path.parent))
    return copy


def _remove(paths: Iterable[str]) -> None:
    for each in paths:
        fs.unlink_if_there(each)


def _copy_of(path: Path, version: int) -> Path:
    return path.with_name(f"{path.name}.v{version}")


def forget_copies(path: Path, before: float) -> None:
    """Remove the copies beside the journal at PATH that were made before BEFORE (seconds since 1970). OSError."""
    for copy in [_copy_of(path, version) for version in STEPS]:
        if copy.exists() and copy.stat().st_mtime < before:
            copy.unlink()
            log.get().info("journal_copy_removed", copy=os.fspath(copy))


def _refuse_without_room(db: sqlite3.Connection, path: Path, version: int) -> None:
    if shutil.disk_usage(path.parent).free < _bytes(db) + SPARE_BYTES:
        raise _no_room(db, path, version)


def _bytes(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0])


def _no_room(db: sqlite3.Connection, path: Path, version: int) -> FolderError:
    return FolderError(
        f"the journal {path} has version {version} and must be brought up to {VERSION}, and there is no room beside it"
        f" for the copy that is kept ({_bytes(db) + SPARE_BYTES:,} bytes)",
        f"Make room on the disk of {path.parent}, and start digitd again; until then nothing is changed",
    )
