"""What came of every scan: an SQLite file, one durable transaction a batch. It knows no folders but its own."""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from digitd import database, fs, kept, reviews
from digitd.database import FILE_NAME, last_seq, meta, prepare, soon_durable, unusable
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

PART_BYTES = 64 << 20
"""Results that go into one rolled file at most, whatever `outbox.rows` allows: they are in memory together."""
NAMES_AT_ONCE = 256
"""Names that are looked up in one query; SQLite takes 32,766 values, and not less than 999 in its oldest versions."""
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
            self.db = sqlite3.connect(self.path, isolation_level=None)
            """For `forgetting`; of the thread that owns the journal."""
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error
        try:
            prepare(self.db, self.path, alive)
            self._last = last_seq(self.db)
            before, boot = meta(self.db, "boot"), fs.boot_id()
            # Where it cannot be told, a reboot is assumed: then results are looked at, not trusted to be there.
            self.rebooted = before is not None and (before != boot or not boot)
            """Whether the machine was started since, and `note_boot` was not called yet."""
            self._last_before = self._last
            if before is None:
                self.note_boot()
        except (sqlite3.Error, OSError) as error:
            self.db.close()
            raise unusable(self.path, error) from error
        except FolderError:
            self.db.close()
            raise

    def close(self) -> None:
        """Close it; what was committed stays."""
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def note_boot(self) -> None:
        """The machine was started anew: what was open before may not have lasted, until it is done again."""
        with transaction(self.db):
            if self.rebooted:
                self.db.execute(
                    f"UPDATE scans SET state = {UNCERTAIN} WHERE state IN ({_ALL_OPEN}) AND {OPEN} AND seq <= ?",
                    (self._last_before,),
                )
                self.db.execute(f"UPDATE parts SET state = {UNCERTAIN} WHERE state IN ({_ALL_OPEN}) AND {OPEN}")
            self.db.execute("INSERT OR REPLACE INTO meta VALUES ('boot', ?)", (fs.boot_id(),))
        self.rebooted = False

    def assume_reboot(self) -> None:
        """It is not known that the machine ran since what is open was published: whoever opens this journal next
        compares it, as after a start of the machine."""
        with transaction(self.db):
            self.db.execute("INSERT OR REPLACE INTO meta VALUES ('boot', '')")

    @property
    def size(self) -> int:
        """Bytes that it takes on the disk, with what is not yet merged into it."""
        return database.size(self.path)

    def next_seq(self) -> int:
        """The number of the next row."""
        return self._last + 1

    def last_number(self, name: str) -> int:
        """How often a result has been named NAME; 0: never."""
        row = self.db.execute("SELECT last FROM names WHERE name = ?", (os.fsencode(name),)).fetchone()
        return 0 if row is None else int(row[0])

    def last_numbers(self, names: Sequence[str]) -> dict[str, int]:
        """How often a result has been named each of NAMES, but for those that none has been."""
        found: dict[str, int] = {}
        for start in range(0, len(names), NAMES_AT_ONCE):
            some = [os.fsencode(name) for name in names[start : start + NAMES_AT_ONCE]]
            places = ", ".join("?" * len(some))
            select = f"SELECT name, last FROM names WHERE name IN ({places})"
            found |= {os.fsdecode(name): int(last) for name, last in self.db.execute(select, some)}
        return found

    def record(self, rows: Sequence[Row], numbers: dict[str, int]) -> None:
        """Write a batch's rows, and NUMBERS (name -> how often it is used now), durably.

        sqlite3.Error where that fails; then nothing of it is written.
        """
        with transaction(self.db):
            self.db.executemany(
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
            reviews.place(self.db, rows)
            now = time.time()
            self.db.executemany(
                "INSERT OR REPLACE INTO names VALUES (?, ?, ?)",
                [(os.fsencode(name), number, now) for name, number in numbers.items()],
            )
        if rows:
            self._last = rows[-1].seq

    def rename(self, row: Row, published_as: str, number: int) -> None:
        """Give a result that is not yet published another name, the NUMBERth of its scan's, durably."""
        with transaction(self.db):
            self.db.execute("UPDATE scans SET published_as = ? WHERE seq = ?", (os.fsencode(published_as), row.seq))
            name = os.fsencode(row.identity.path)
            self.db.execute("INSERT OR REPLACE INTO names VALUES (?, ?, ?)", (name, number, time.time()))
        row.published_as = published_as

    def plan_filing(self, row: Row, target: str) -> None:
        """Note where a source is about to be copied to."""
        self.db.execute("UPDATE scans SET filed_as = ? WHERE seq = ?", (os.fsencode(target), row.seq))
        row.filed_as = target

    def keep(self, row: Row) -> None:
        """Note that its source stays in the inbox, though it was to leave when the row was recorded."""
        self.db.execute("UPDATE scans SET kept = 1 WHERE seq = ?", (row.seq,))
        row.kept = True

    def published(self, seqs: Iterable[int]) -> None:
        """These are published and filed. Survives a crash of digitd at once, one of the machine after `settle`."""
        with soon_durable(self.db), transaction(self.db):
            self.db.executemany(f"UPDATE scans SET state = {PUBLISHED} WHERE seq = ?", [(seq,) for seq in seqs])

    def certain(self, row: Row) -> None:
        """Its result is in the outbox again; from here on it is like one recorded since the machine was started."""
        with soon_durable(self.db):
            self.db.execute(f"UPDATE scans SET state = {RECORDED} WHERE seq = ?", (row.seq,))
        row.uncertain = False

    def unsynced(self) -> bool:
        """Whether something is published that may not have reached the disk."""
        found = self.db.execute(
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
        with soon_durable(self.db), transaction(self.db):
            for table in ("scans", "parts"):
                self.db.execute(f"UPDATE {table} SET state = {after} WHERE state = {before} AND {OPEN}")

    def _last_part(self) -> int:
        return int(self.db.execute("SELECT max(part) FROM parts").fetchone()[0] or 0)

    def unfinished(self) -> list[Row]:
        """Rows that are recorded and not done, and those of which a start of the machine has left it uncertain."""
        # The index by name: without statistics SQLite would rather go through all rows in order.
        select = f"{SELECT} INDEXED BY scans_open WHERE state IN ({self._undone}) AND {OPEN} ORDER BY seq"
        rows = [row_of(found) for found in self.db.execute(select)]
        return [replace(row, uncertain=True) for row in rows] if self.rebooted else rows

    @property
    def _undone(self) -> str:
        return _ALL_OPEN if self.rebooted else f"{UNCERTAIN}, {RECORDED}"

    def row(self, seq: int) -> Row | None:
        """The row with this number; None where it was forgotten."""
        found = self.db.execute(f"{SELECT} WHERE seq = ?", (seq,)).fetchone()
        return None if found is None else row_of(found)

    def identities(self, ids: Iterable[str]) -> dict[str, Identity]:
        """The identities of the scans whose results have these ids, as far as they are remembered.

        Goes through all rows: for what a crash left behind, once at a start.
        """
        found = self.db.execute(
            "SELECT id, path, inode, size, mtime_ns FROM scans WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return {id_: Identity(os.fsdecode(path), *rest) for id_, path, *rest in found}

    @property
    def has_kept(self) -> bool:
        """Whether any source stayed in the inbox, under this configuration or an earlier one."""
        return kept.has_kept(self.db)

    def knows_kept(self, identity: Identity) -> bool:
        """Whether this very scan was read before, and stays in the inbox."""
        return kept.knows_kept(self.db, identity)

    def unrolled(self, limit: int) -> list[Row]:
        """Rows that are in no rolled file yet, in order: at most LIMIT, and no more than memory is meant for."""
        rows: list[Row] = []
        total = 0
        for found in self.db.execute(f"{SELECT} WHERE part IS NULL ORDER BY seq LIMIT ?", (limit,)):
            rows.append(row_of(found))
            total += len(rows[-1].result)
            if total >= PART_BYTES:
                break
        return rows

    def count_unrolled(self) -> int:
        """How many rows are in no rolled file yet."""
        return int(self.db.execute("SELECT count(*) FROM scans WHERE part IS NULL").fetchone()[0])

    def next_part(self) -> int:
        """The number of the next rolled file; never used twice, whatever was pruned."""
        return max(self._last_part(), int(meta(self.db, "part") or 0)) + 1

    def open_part(self, part: Part, last_seq: int) -> None:
        """The unrolled rows up to LAST_SEQ belong to this part, durably."""
        with transaction(self.db):
            self.db.execute(f"INSERT INTO parts VALUES (?, ?, {RECORDED})", (part.part, part.name))
            self.db.execute("INSERT OR REPLACE INTO meta VALUES ('part', ?)", (str(part.part),))
            self.db.execute("UPDATE scans SET part = ? WHERE part IS NULL AND seq <= ?", (part.part, last_seq))

    def rename_part(self, part: Part, name: str) -> Part:
        """Give a rolled file that is not yet published another name, durably."""
        self.db.execute("UPDATE parts SET name = ? WHERE part = ?", (name, part.part))
        return replace(part, name=name)

    def part_published(self, part: Part) -> None:
        """The rolled file is in the outbox."""
        self.db.execute(f"UPDATE parts SET state = {PUBLISHED} WHERE part = ?", (part.part,))

    def unfinished_parts(self) -> list[Part]:
        """Rolled files that may not be in the outbox."""
        found = self.db.execute(
            "SELECT part, name, state FROM parts INDEXED BY parts_open"
            f" WHERE state IN ({self._undone}) AND {OPEN} ORDER BY part"
        )
        return [Part(part, name, self.rebooted or state == UNCERTAIN) for part, name, state in found]

    def rows_of(self, part: Part) -> list[Row]:
        """The rows of a rolled file, in order."""
        select = f"{SELECT} WHERE part = ? AND part > 0 ORDER BY seq"
        return [row_of(found) for found in self.db.execute(select, (part.part,))]
