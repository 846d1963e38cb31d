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


REVIEW_TABLES_3 = """
CREATE TABLE waiting (            -- what nobody has verified yet, in the order in which it is shown
    kind TEXT NOT NULL,           -- the status: review, failed, or accepted
    lot TEXT NOT NULL,            -- what chance drew for an accepted scan: the first eight digits of its id
    seq INTEGER NOT NULL,
    PRIMARY KEY (kind, lot, seq)
) WITHOUT ROWID;
CREATE TABLE leases (             -- who has what on the screen
    seq INTEGER PRIMARY KEY,
    who TEXT NOT NULL,
    until REAL NOT NULL           -- seconds since 1970
);
CREATE TABLE verdicts (           -- what people said, and is not recorded as a result yet
    id TEXT PRIMARY KEY,          -- that the result will have
    seq INTEGER NOT NULL UNIQUE,  -- the row that it supersedes
    who TEXT NOT NULL,            -- the page that it came from
    name TEXT,                    -- the person, where one was given
    answer TEXT NOT NULL,
    texts TEXT NOT NULL,          -- JSON: one text a page
    given REAL NOT NULL,          -- seconds since 1970
    due REAL NOT NULL             -- until then it can be taken back
) WITHOUT ROWID;
CREATE INDEX verdicts_due ON verdicts (due);
CREATE TABLE reviews (            -- what came of verdicts: one a verified row
    seq INTEGER PRIMARY KEY,      -- the verified row
    of INTEGER NOT NULL,          -- the row that it supersedes
    first INTEGER NOT NULL,       -- the row of what digitd read
    was TEXT NOT NULL,            -- the status of that
    lot TEXT NOT NULL,            -- as in waiting
    answer TEXT NOT NULL,
    who TEXT NOT NULL,
    given REAL NOT NULL
);
CREATE INDEX reviews_of ON reviews (of);
CREATE INDEX reviews_who ON reviews (who, seq)
"""
"""The tables that version 3 of the journal has besides. They stay as they are, as those of version 1."""
LOTS = 0.25
"""The share of the accepted that are told apart by their lot: those that begin with 0, 1, 2 or 3 of 16 digits. More is
never sampled, and each row of the table costs a little at every scan."""
LOT_DIGITS = 8


@dataclass(frozen=True)
class Identity:
    """Path below the inbox, inode, size in bytes and mtime in nanoseconds: which scan it is."""

    path: str
    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Verdict:
    """What a person said of the row SEQ: ANSWER and a text a page; ID names the result that comes of it.

    GIVEN in seconds since 1970. WHO is the page that it came from, NAME the person, where one was given.
    """

    id: str
    seq: int
    who: str
    name: str | None
    answer: str
    texts: tuple[str, ...]
    given: float


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
    verdict: Verdict | None = None
    """What made it, if a person did; known until it is recorded."""


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
