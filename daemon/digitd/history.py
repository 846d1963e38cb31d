"""What the journal tells of the scans that were read: queries that stay cheap with millions of rows."""

import math
import sqlite3
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from digitd import reviews
from digitd.results import Status, from_json
from digitd.tables import OPEN, RECORDED, UNCERTAIN

UNPUBLISHED = f"state IN ({UNCERTAIN}, {RECORDED}) AND {OPEN}"
LOOKED_AT_MOST = 20_000
"""Rows that are told apart by status: reading them means reading their results' pages, too."""
TIMED_MOST = 1_000
TIMED_BYTES = 16 << 20
"""Results that latencies are taken from: so many, and no more than so many bytes of them."""
REVIEWED_SINCE = 3
"""The version of the journal from which on it knows of reviews."""
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


class Failure(Struct, frozen=True):
    """A scan that failed."""

    scan: str
    when: str
    code: str
    message: str


class Rates(Struct, frozen=True):
    """Scans a second, on average over the last minute, hour and day."""

    minute: float
    hour: float
    day: float


class Latency(Struct, frozen=True):
    """Seconds from when a scan was whole until its result was recorded (and so published), of the last SCANS."""

    scans: int
    p50: float
    p95: float
    p99: float


class _Times(Struct, frozen=True):
    received: str
    recognised: str


def first_since(journal: sqlite3.Connection, moment: float) -> int:
    """The first row recognised at MOMENT or later: by halving, for rows are in the order of their times."""
    low, high = _ends(journal)
    while low < high:
        middle = (low + high) // 2
        found = journal.execute(
            "SELECT recognised FROM scans WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)
        ).fetchone()
        if found is not None and found[0] < moment:
            low = middle + 1
        else:
            high = middle
    # Before it there may be rows that were forgotten, with older ones before those that are kept.
    found = journal.execute("SELECT seq FROM scans WHERE seq >= ? ORDER BY seq LIMIT 1", (low,)).fetchone()
    return low if found is None else int(found[0])


def verified_since(journal: sqlite3.Connection, seq: int) -> int:
    """How many of the rows from SEQ on came of people; a journal of an older digitd knows none."""
    return reviews.verified_since(journal, seq) if version(journal) >= REVIEWED_SINCE else 0


def count_since(journal: sqlite3.Connection, moment: float) -> int:
    """How many scans were read at MOMENT or later, as far as they are remembered; what people verified was read before.

    Rows are numbered without a gap, and only old ones are forgotten: no row needs to be looked at.
    """
    first = first_since(journal, moment)
    return _ends(journal)[1] - first - verified_since(journal, first)


def _ends(journal: sqlite3.Connection) -> tuple[int, int]:
    """The first row, and the one after the last."""
    # Two queries: for both at once SQLite would go through all rows.
    low = journal.execute("SELECT min(seq) FROM scans").fetchone()[0]
    high = journal.execute("SELECT max(seq) FROM scans").fetchone()[0]
    return (1, 1) if high is None else (int(low), int(high) + 1)


def by_status(journal: sqlite3.Connection, since: int) -> dict[str, int]:
    """How many of the rows from SINCE on have each status; of the last 20,000 of them at most."""
    found = journal.execute(
        "SELECT status, count(*) FROM scans WHERE seq >= ? GROUP BY status", (_recent(journal, since),)
    )
    return dict.fromkeys((str(status) for status in Status), 0) | dict(found.fetchall())


def failures(journal: sqlite3.Connection, since: int, most: int) -> tuple[Failure, ...]:
    """The last failures from the row SINCE on, of the last 20,000 of them at most."""
    rows = journal.execute(
        "SELECT result FROM scans WHERE seq >= ? AND status = 'failed' ORDER BY seq DESC LIMIT ?",
        (_recent(journal, since), most),
    )
    return tuple(
        Failure(result.source.path, result.recognised, result.reason.code, result.reason.message)
        for result in (from_json(row[0]) for row in rows)
        if result.reason is not None
    )


def _recent(journal: sqlite3.Connection, since: int) -> int:
    return max(since, _ends(journal)[1] - LOOKED_AT_MOST)


def rates(journal: sqlite3.Connection, now: float, keep: float) -> Rates:
    """How fast scans were read. What is remembered for KEEP seconds only cannot tell of more than those."""
    minute, hour, day = (
        round(count_since(journal, now - min(span, keep)) / min(span, keep), 4) for span in (MINUTE, HOUR, DAY)
    )
    return Rates(minute, hour, day)


def latency(journal: sqlite3.Connection, since: int) -> Latency | None:
    """Percentiles of the last scans, from the row SINCE on; None where there are none."""
    found: list[float] = []
    size = 0
    for (data,) in journal.execute(
        "SELECT result FROM scans WHERE seq >= ? AND status != 'verified' ORDER BY seq DESC LIMIT ?",
        (since, TIMED_MOST),
    ):
        times = msgspec.json.decode(data, type=_Times)
        taken = datetime.fromisoformat(times.recognised) - datetime.fromisoformat(times.received)
        found.append(max(0.0, taken.total_seconds()))
        size += len(data)
        if size >= TIMED_BYTES:
            break
    if not found:
        return None
    found.sort()
    return Latency(len(found), *(round(percentile(found, share), 3) for share in (0.5, 0.95, 0.99)))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that SHARE of them do not exceed (nearest rank; ORDERED is not empty)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def last_read(journal: sqlite3.Connection) -> float | None:
    """When a scan was last recognised (seconds since 1970)."""
    row = journal.execute(
        "SELECT recognised FROM scans WHERE status != 'verified' ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return None if row is None else float(row[0])


def unpublished(journal: sqlite3.Connection) -> int:
    """How many scans are recorded and not yet published."""
    # The index by name: without statistics SQLite might rather go through all rows.
    query = f"SELECT count(*) FROM scans INDEXED BY scans_open WHERE {UNPUBLISHED}"
    return int(journal.execute(query).fetchone()[0])


def version(journal: sqlite3.Connection) -> int:
    """Of the journal's tables."""
    return int(journal.execute("PRAGMA user_version").fetchone()[0])
