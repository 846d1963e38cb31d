"""The journal's tables, and its rows as records. Pure."""

import os
from dataclasses import dataclass
from typing import Any

UNCERTAIN, SYNCING, RECORDED, PUBLISHED, SETTLED = -2, -1, 0, 1, 2
"""A row's way: RECORDED in the journal; PUBLISHED and filed; SYNCING, published before a sync that has begun; SETTLED,
that sync has ended. UNCERTAIN: the machine was started anew before it was settled, so any of it may be undone."""

TABLES_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE scans (
    seq INTEGER PRIMARY KEY,      -- in the order of recording
    id TEXT NOT NULL,
    path BLOB NOT NULL,           -- below the inbox; with the next three: the scan's identity
    inode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    recognised REAL NOT NULL,     -- seconds since 1970
    published_as BLOB,            -- below the outbox; NULL: no file of its own
    filed_as BLOB,                -- planned target of a move to another file system
    kept INTEGER NOT NULL,        -- 1: the source stays in the inbox, and is known by its identity
    part INTEGER,                 -- the rolled file that has it; NULL: it waits for one; 0: it needs none
    state INTEGER NOT NULL,
    result BLOB NOT NULL
);
CREATE INDEX scans_open ON scans (state) WHERE state < 2;
CREATE INDEX scans_unrolled ON scans (seq) WHERE part IS NULL;
CREATE INDEX scans_kept ON scans (path) WHERE kept = 1;
CREATE TABLE parts (
    part INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    state INTEGER NOT NULL
);
CREATE INDEX parts_open ON parts (state) WHERE state < 2;
CREATE INDEX scans_part ON scans (part) WHERE part > 0;
CREATE TABLE names (name BLOB PRIMARY KEY, last INTEGER NOT NULL, used REAL NOT NULL) WITHOUT ROWID;
"""
"""The tables of version 1 of the journal. They stay as they are: migrate.STEPS adds what came since."""


@dataclass(frozen=True)
class Identity:
    """Path below the inbox, inode, size in bytes and mtime in nanoseconds: which scan it is."""

    path: str
    inode: int
    size: int
    mtime_ns: int


@dataclass
class Row:
    """A recorded scan."""

    seq: int
    id: str
    identity: Identity
    status: str
    reason: str | None
    recognised: float
    published_as: str | None
    kept: bool
    rolled: bool
    result: bytes
    filed_as: str | None = None
    uncertain: bool = False
    """Recorded before this start of the machine: whether it was published only the file itself tells."""


@dataclass(frozen=True)
class Part:
    """A rolled file: NAME without its ending; UNCERTAIN as a row."""

    part: int
    name: str
    uncertain: bool = False


# SQLite takes a partial index only where the query repeats its condition to the letter.
OPEN = f"state < {SETTLED}"
SELECT = (
    "SELECT seq, id, path, inode, size, mtime_ns, status, reason, recognised, published_as, filed_as, kept, part,"
    " state, result FROM scans"
)


def row_of(found: tuple[Any, ...]) -> Row:
    """A record of what SELECT gives."""
    seq, id_, path, inode, size, mtime_ns, status, reason, recognised, published_as, filed_as, kept = found[:12]
    part, state, data = found[12:]
    return Row(
        seq=seq,
        id=id_,
        identity=Identity(os.fsdecode(path), inode, size, mtime_ns),
        status=status,
        reason=reason,
        recognised=recognised,
        published_as=None if published_as is None else os.fsdecode(published_as),
        kept=bool(kept),
        rolled=part != 0,
        result=data,
        filed_as=None if filed_as is None else os.fsdecode(filed_as),
        uncertain=state == UNCERTAIN,
    )
