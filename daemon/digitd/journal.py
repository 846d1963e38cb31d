"""What came of every scan: an SQLite file, one durable transaction a batch. It knows no folders but its own."""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import quote

from digitd import fs, migrate
from digitd.errors import FolderError
from digitd.migrate import transaction
from digitd.tables import (
    OPEN,
    PUBLISHED,
    RECORDED,
    SELECT,
    SETTLED,
    SYNCING,
    UNCERTAIN,
    Identity,
    Part,
    Row,
    row_of,
)

FILE_NAME = "journal.sqlite3"
SUSPECT = f"{FILE_NAME}.suspect"
"""An empty file that is there from when damage was seen until the whole journal was looked through."""
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
PRUNE_CHUNK = 1000
NAMES_CHUNK = 5000
SPARE_PAGES = 4096
"""Free pages (of 4 KiB) that stay in the file: what is recorded next needs no growing."""
VACUUM_PAGES = 512
"""Free pages beyond those that are given back at once, in a few milliseconds."""
WAL_BYTES = 16 << 20
"""What the -wal file is cut back to after a burst, or after a reader kept it from being emptied."""
PART_BYTES = 64 << 20
"""Results that go into one rolled file at most, whatever `outbox.rows` allows: they are in memory together."""
_ALL_OPEN = f"{UNCERTAIN}, {SYNCING}, {RECORDED}, {PUBLISHED}"


class Journal:
    """The journal, open for writing. One at a time: the state folder's lock sees to that."""

    def __init__(self, folder: Path, alive: Callable[[], object] = lambda: None) -> None:
        """Open, or make, the journal in FOLDER; one of an older digitd is brought up to date, a copy is kept.

        ALIVE is called now and then while that takes long. FolderError if it is damaged, was written by a newer
        digitd, or there is no room for the copy.
        """
        self.path = folder / FILE_NAME
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None)
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error
        try:
            # Before anything else: what a newer digitd wrote is left as it is.
            migrate.version_of(self._db, self.path)
            # Before anything is in the file; a journal that was made without it keeps its free pages, and uses them.
            self._db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
            self._durable(True)
            self._db.execute("PRAGMA cache_size = -8000")
            migrate.bring_up(self._db, self.path, alive)
            self._shrinks = self._db.execute("PRAGMA auto_vacuum").fetchone()[0] != 0
            row = self._db.execute("SELECT max(seq) FROM scans").fetchone()
            self._last = max(row[0] or 0, int(self._meta("last") or 0))
            before, boot = self._meta("boot"), fs.boot_id()
            # Where it cannot be told, a reboot is assumed: then results are looked at, not trusted to be there.
            self.rebooted = before is not None and (before != boot or not boot)
            """Whether the machine was started since, and `note_boot` was not called yet."""
            self._last_before = self._last
            if before is None:
                self.note_boot()
        except (sqlite3.Error, OSError) as error:
            self._db.close()
            raise _unusable(self.path, error) from error
        except FolderError:
            self._db.close()
            raise

    def close(self) -> None:
        """Close it; what was committed stays."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def note_boot(self) -> None:
        """The machine was started anew: what was open before may not have lasted, until it is done again."""
        with transaction(self._db):
            if self.rebooted:
                self._db.execute(
                    f"UPDATE scans SET state = {UNCERTAIN} WHERE state IN ({_ALL_OPEN}) AND {OPEN} AND seq <= ?",
                    (self._last_before,),
                )
                self._db.execute(f"UPDATE parts SET state = {UNCERTAIN} WHERE state IN ({_ALL_OPEN}) AND {OPEN}")
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('boot', ?)", (fs.boot_id(),))
        self.rebooted = False

    def assume_reboot(self) -> None:
        """It is not known that the machine ran since what is open was published: whoever opens this journal next
        compares it, as after a start of the machine."""
        with transaction(self._db):
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('boot', '')")

    def _meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _durable(self, durable: bool) -> None:
        self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")

    @contextmanager
    def _soon_durable(self) -> Iterator[None]:
        """What is written survives a crash of digitd at once, and one of the machine after the next durable write."""
        self._durable(False)
        try:
            yield
        finally:
            self._durable(True)

    @property
    def size(self) -> int:
        """Bytes that it takes on the disk, with what is not yet merged into it."""
        total = 0
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                total += os.stat(f"{self.path}{ending}").st_size
        return total

    def next_seq(self) -> int:
        """The number of the next row."""
        return self._last + 1

    def last_number(self, name: str) -> int:
        """How often a result has been named NAME; 0: never."""
        row = self._db.execute("SELECT last FROM names WHERE name = ?", (os.fsencode(name),)).fetchone()
        return 0 if row is None else int(row[0])

    def record(self, rows: Sequence[Row], numbers: dict[str, int]) -> None:
        """Write a batch's rows, and NUMBERS (name -> how often it is used now), durably.

        sqlite3.Error where that fails; then nothing of it is written.
        """
        with transaction(self._db):
            self._db.executemany(
                "INSERT INTO scans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)",
                [
                    (
                        row.seq,
                        row.id,
                        os.fsencode(row.identity.path),
                        fs.folded(row.identity.inode),
                        row.identity.size,
                        fs.folded(row.identity.mtime_ns),
                        row.status,
                        row.reason,
                        row.recognised,
                        None if row.published_as is None else os.fsencode(row.published_as),
                        row.kept,
                        None if row.rolled else 0,
                        RECORDED,
                        row.result,
                    )
                    for row in rows
                ],
            )
            now = time.time()
            self._db.executemany(
                "INSERT OR REPLACE INTO names VALUES (?, ?, ?)",
                [(os.fsencode(name), number, now) for name, number in numbers.items()],
            )
        if rows:
            self._last = rows[-1].seq

    def rename(self, row: Row, published_as: str, number: int) -> None:
        """Give a result that is not yet published another name, the NUMBERth of its scan's, durably."""
        with transaction(self._db):
            self._db.execute("UPDATE scans SET published_as = ? WHERE seq = ?", (os.fsencode(published_as), row.seq))
            name = os.fsencode(row.identity.path)
            self._db.execute("INSERT OR REPLACE INTO names VALUES (?, ?, ?)", (name, number, time.time()))
        row.published_as = published_as

    def plan_filing(self, row: Row, target: str) -> None:
        """Note where a source is about to be copied to."""
        self._db.execute("UPDATE scans SET filed_as = ? WHERE seq = ?", (os.fsencode(target), row.seq))
        row.filed_as = target

    def keep(self, row: Row) -> None:
        """Note that its source stays in the inbox, though it was to leave when the row was recorded."""
        self._db.execute("UPDATE scans SET kept = 1 WHERE seq = ?", (row.seq,))
        row.kept = True

    def published(self, seqs: Iterable[int]) -> None:
        """These are published and filed. Survives a crash of digitd at once, one of the machine after `settle`."""
        with self._soon_durable(), transaction(self._db):
            self._db.executemany(f"UPDATE scans SET state = {PUBLISHED} WHERE seq = ?", [(seq,) for seq in seqs])

    def certain(self, row: Row) -> None:
        """Its result is in the outbox again; from here on it is like one recorded since the machine was started."""
        with self._soon_durable():
            self._db.execute(f"UPDATE scans SET state = {RECORDED} WHERE seq = ?", (row.seq,))
        row.uncertain = False

    def unsynced(self) -> bool:
        """Whether something is published that may not have reached the disk."""
        found = self._db.execute(
            f"SELECT 1 FROM scans WHERE state IN ({SYNCING}, {PUBLISHED}) AND {OPEN}"
            f" UNION ALL SELECT 1 FROM parts WHERE state IN ({SYNCING}, {PUBLISHED}) AND {OPEN} LIMIT 1"
        )
        return found.fetchone() is not None

    def begin_sync(self) -> None:
        """A sync begins: it covers what is published now, and nothing that is published while it lasts."""
        if self.rebooted:
            # It could not be noted at the start (a full disk); before that nothing may be settled.
            self.note_boot()
        self._move_on(PUBLISHED, SYNCING)

    def settle(self) -> None:
        """What the last `begin_sync` covered, and those before that came to nothing, has reached the disk."""
        self._move_on(SYNCING, SETTLED)

    def _move_on(self, before: int, after: int) -> None:
        with self._soon_durable(), transaction(self._db):
            for table in ("scans", "parts"):
                self._db.execute(f"UPDATE {table} SET state = {after} WHERE state = {before} AND {OPEN}")

    def _last_part(self) -> int:
        return int(self._db.execute("SELECT max(part) FROM parts").fetchone()[0] or 0)

    def unfinished(self) -> list[Row]:
        """Rows that are recorded and not done, and those of which a start of the machine has left it uncertain."""
        # The index by name: without statistics SQLite would rather go through all rows in order.
        select = f"{SELECT} INDEXED BY scans_open WHERE state IN ({self._undone}) AND {OPEN} ORDER BY seq"
        rows = [row_of(found) for found in self._db.execute(select)]
        return [replace(row, uncertain=True) for row in rows] if self.rebooted else rows

    @property
    def _undone(self) -> str:
        return _ALL_OPEN if self.rebooted else f"{UNCERTAIN}, {RECORDED}"

    def identities(self, ids: Iterable[str]) -> dict[str, Identity]:
        """The identities of the scans whose results have these ids, as far as they are remembered.

        Goes through all rows: for what a crash left behind, once at a start.
        """
        found = self._db.execute(
            "SELECT id, path, inode, size, mtime_ns FROM scans WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return {id_: Identity(os.fsdecode(path), *rest) for id_, path, *rest in found}

    @property
    def has_kept(self) -> bool:
        """Whether any source stayed in the inbox, under this configuration or an earlier one."""
        return has_kept(self._db)

    def knows_kept(self, identity: Identity) -> bool:
        """Whether this very scan was read before, and stays in the inbox."""
        return knows_kept(self._db, identity)

    def unrolled(self, limit: int) -> list[Row]:
        """Rows that are in no rolled file yet, in order: at most LIMIT, and no more than memory is meant for."""
        rows: list[Row] = []
        total = 0
        for found in self._db.execute(f"{SELECT} WHERE part IS NULL ORDER BY seq LIMIT ?", (limit,)):
            rows.append(row_of(found))
            total += len(rows[-1].result)
            if total >= PART_BYTES:
                break
        return rows

    def count_unrolled(self) -> int:
        """How many rows are in no rolled file yet."""
        return int(self._db.execute("SELECT count(*) FROM scans WHERE part IS NULL").fetchone()[0])

    def next_part(self) -> int:
        """The number of the next rolled file; never used twice, whatever was pruned."""
        return max(self._last_part(), int(self._meta("part") or 0)) + 1

    def open_part(self, part: Part, last_seq: int) -> None:
        """The unrolled rows up to LAST_SEQ belong to this part, durably."""
        with transaction(self._db):
            self._db.execute(f"INSERT INTO parts VALUES (?, ?, {RECORDED})", (part.part, part.name))
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('part', ?)", (str(part.part),))
            self._db.execute("UPDATE scans SET part = ? WHERE part IS NULL AND seq <= ?", (part.part, last_seq))

    def rename_part(self, part: Part, name: str) -> Part:
        """Give a rolled file that is not yet published another name, durably."""
        self._db.execute("UPDATE parts SET name = ? WHERE part = ?", (name, part.part))
        return replace(part, name=name)

    def part_published(self, part: Part) -> None:
        """The rolled file is in the outbox."""
        self._db.execute(f"UPDATE parts SET state = {PUBLISHED} WHERE part = ?", (part.part,))

    def unfinished_parts(self) -> list[Part]:
        """Rolled files that may not be in the outbox."""
        found = self._db.execute(
            "SELECT part, name, state FROM parts INDEXED BY parts_open"
            f" WHERE state IN ({self._undone}) AND {OPEN} ORDER BY part"
        )
        return [Part(part, name, self.rebooted or state == UNCERTAIN) for part, name, state in found]

    def rows_of(self, part: Part) -> list[Row]:
        """The rows of a rolled file, in order."""
        select = f"{SELECT} WHERE part = ? AND part > 0 ORDER BY seq"
        return [row_of(found) for found in self._db.execute(select, (part.part,))]

    def prune(self, before: float, after_seq: int) -> tuple[int, list[tuple[int, Identity]]]:
        """Forget settled rows recognised before BEFORE (seconds since 1970), a chunk from AFTER_SEQ on.

        Gives the last row looked at (0: none is left) and the kept ones among them: whether those can be forgotten
        depends on whether their file is still there, which the caller knows.
        """
        # Not the results: a thousand of them may be a gigabyte.
        found = self._db.execute(
            "SELECT seq, recognised, kept, path, inode, size, mtime_ns FROM scans WHERE seq > ?"
            f" ORDER BY seq LIMIT {PRUNE_CHUNK}",
            (after_seq,),
        )
        chunk = [row for row in found if row[1] < before]
        if not chunk:
            with transaction(self._db):
                self._db.execute(
                    f"DELETE FROM parts WHERE state = {SETTLED}"
                    " AND part < coalesce((SELECT min(part) FROM scans WHERE part > 0), part)"
                )
            return 0, []
        last = chunk[-1][0]
        with transaction(self._db):
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('last', ?)", (str(self._last),))
            self._db.execute(
                f"DELETE FROM scans WHERE seq > ? AND seq <= ? AND recognised < ? AND state = {SETTLED}"
                " AND kept = 0 AND part IS NOT NULL",
                (after_seq, last, before),
            )
        return last, [(seq, Identity(os.fsdecode(path), *rest)) for seq, _, kept, path, *rest in chunk if kept]

    def prune_names(self, before: float, after: bytes) -> bytes | None:
        """Forget names that no result got since BEFORE (seconds since 1970), a chunk from AFTER on; None: none is left.

        Such a name is free again, if nothing in the outbox has it.
        """
        found = self._db.execute(
            f"SELECT name, used FROM names WHERE name > ? ORDER BY name LIMIT {NAMES_CHUNK}", (after,)
        ).fetchall()
        if stale := [(name,) for name, used in found if used < before]:
            with transaction(self._db):
                self._db.executemany("DELETE FROM names WHERE name = ?", stale)
        # Not until nothing is found: names that come in rising order meanwhile would keep it going for ever.
        return found[-1][0] if len(found) == NAMES_CHUNK else None

    def shrink(self) -> bool:
        """Give some of the pages that forgetting has left free back to the disk; whether there are more."""
        if not self._shrinks or self._free_pages() <= SPARE_PAGES:
            return False
        with self._soon_durable():
            self._db.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
        return self._free_pages() > SPARE_PAGES

    def _free_pages(self) -> int:
        return int(self._db.execute("PRAGMA freelist_count").fetchone()[0])

    def forget(self, seqs: Iterable[int]) -> None:
        """Forget these settled rows."""
        with transaction(self._db):
            self._db.executemany(
                f"DELETE FROM scans WHERE seq = ? AND state = {SETTLED} AND part IS NOT NULL", [(seq,) for seq in seqs]
            )


def is_damage(error: BaseException) -> bool:
    """Whether it says that the file itself is at fault: no time mends that, and no room."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


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
        uri = f"file:{quote(os.fsencode(path))}?mode=ro{settled}"
        with closing(sqlite3.connect(uri, uri=True, timeout=5)) as journal:
            migrate.version_of(journal, path)
            journal.execute("SELECT max(seq) FROM scans").fetchone()
            yield journal
    except sqlite3.Error as error:
        raise _unusable(path, error) from error


def has_kept(journal: sqlite3.Connection) -> bool:
    """Whether any source stayed in the inbox, under this configuration or an earlier one."""
    return journal.execute("SELECT 1 FROM scans WHERE kept = 1 LIMIT 1").fetchone() is not None


def knows_kept(journal: sqlite3.Connection, identity: Identity) -> bool:
    """Whether this very scan was read before, and stays in the inbox."""
    found = journal.execute(
        "SELECT 1 FROM scans WHERE kept = 1 AND path = ? AND inode = ? AND size = ? AND mtime_ns = ? LIMIT 1",
        (os.fsencode(identity.path), fs.folded(identity.inode), identity.size, fs.folded(identity.mtime_ns)),
    )
    return found.fetchone() is not None


def _unusable(path: Path, error: sqlite3.Error | OSError) -> FolderError:
    # Operational: the disk is full, a right is missing. The file itself is not at fault.
    remedy = (
        "Make room, or give the user that digitd runs as the right to write it"
        if isinstance(error, sqlite3.OperationalError | OSError)
        else "Start digitd: it sets the file aside, and builds a new one from it and from the outbox"
    )
    return FolderError(f"the journal {path} cannot be used ({error})", remedy)
