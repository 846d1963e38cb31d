"""Forgetting what the journal need not remember any more, a chunk at a time, and giving its pages back to the disk."""

import math
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from digitd import reviews
from digitd.database import last_seq, soon_durable
from digitd.migrate import transaction
from digitd.tables import SETTLED, Identity

PRUNE_CHUNK = 1000
NAMES_CHUNK = 5000
SPARE_PAGES = 4096
"""Free pages (of 4 KiB) that stay in the file: what is recorded next needs no growing."""
VACUUM_PAGES = 512
"""Free pages beyond those that are given back at once, in a few milliseconds."""


@dataclass(frozen=True)
class Waits:
    """What people are still to verify is remembered for longer: rows of these KINDS, recognised since SINCE (seconds
    since 1970)."""

    kinds: tuple[str, ...] = ()
    since: float = math.inf


def prune(
    db: sqlite3.Connection, before: float, after_seq: int, waits: Waits | None = None
) -> tuple[int, list[tuple[int, Identity]]]:
    """Forget settled rows recognised before BEFORE (seconds since 1970), a chunk from AFTER_SEQ on, but for WAITS.

    Gives the last row looked at (0: none is left) and the kept ones among them: whether those can be forgotten
    depends on whether their file is still there, which the caller knows.
    """
    # Not the results: a thousand of them may be a gigabyte.
    found = db.execute(
        "SELECT seq, recognised, kept, path, inode, size, mtime_ns FROM scans WHERE seq > ?"
        f" ORDER BY seq LIMIT {PRUNE_CHUNK}",
        (after_seq,),
    )
    chunk = [row for row in found if row[1] < before]
    if not chunk:
        with transaction(db):
            db.execute(
                f"DELETE FROM parts WHERE state = {SETTLED}"
                " AND part < coalesce((SELECT min(part) FROM scans WHERE part > 0), part)"
            )
        return 0, []
    last = chunk[-1][0]
    with transaction(db):
        db.execute("INSERT OR REPLACE INTO meta VALUES ('last', ?)", (str(last_seq(db)),))
        condition, values = _forgotten(after_seq, last, before, waits or Waits())
        reviews.forget(db, condition, values)
    return last, [(seq, Identity(os.fsdecode(path), *rest)) for seq, _, kept, path, *rest in chunk if kept]


def _forgotten(after_seq: int, last: int, before: float, waits: Waits) -> tuple[str, tuple[Any, ...]]:
    """Which rows of a chunk are forgotten: a condition in SQL, and its values."""
    kinds = ", ".join("?" * len(waits.kinds))
    condition = (
        f"seq > ? AND seq <= ? AND recognised < ? AND state = {SETTLED} AND kept = 0 AND part IS NOT NULL"
        f" AND NOT (status IN ({kinds}) AND recognised >= ?"
        "  AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.of = scans.seq))"
        # Somebody has spoken of it a moment ago.
        " AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.seq = scans.seq)"
    )
    return condition, (after_seq, last, before, *waits.kinds, waits.since)


def prune_names(db: sqlite3.Connection, before: float, after: bytes) -> bytes | None:
    """Forget names that no result got since BEFORE (seconds since 1970), a chunk from AFTER on; None: none is left.

    Such a name is free again, if nothing in the outbox has it.
    """
    found = db.execute(
        f"SELECT name, used FROM names WHERE name > ? ORDER BY name LIMIT {NAMES_CHUNK}", (after,)
    ).fetchall()
    if stale := [(name,) for name, used in found if used < before]:
        with transaction(db):
            db.executemany("DELETE FROM names WHERE name = ?", stale)
    # Not until nothing is found: names that come in rising order meanwhile would keep it going for ever.
    return found[-1][0] if len(found) == NAMES_CHUNK else None


def shrink(db: sqlite3.Connection) -> bool:
    """Give some of the pages that forgetting has left free back to the disk; whether there are more."""
    if not db.execute("PRAGMA auto_vacuum").fetchone()[0] or _free_pages(db) <= SPARE_PAGES:
        return False
    with soon_durable(db):
        db.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
    return _free_pages(db) > SPARE_PAGES


def _free_pages(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA freelist_count").fetchone()[0])


def forget(db: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Forget these settled rows."""
    condition = f"seq = ? AND state = {SETTLED} AND part IS NOT NULL"
    with transaction(db):
        for seq in seqs:
            reviews.forget(db, condition, (seq,))
